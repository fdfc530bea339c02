"""Devices and dtypes may be those of torch, and what torch cannot use is refused before anything runs."""

import numpy as np
import pytest
import torch
from tables import every

from sgdsde import Landscape, SGDConfig, simulate_sde, simulate_sgd

pytestmark = pytest.mark.networks

GOOD = {"landscape": Landscape("x**2/2", "x"), "config": SGDConfig(0.1, 4, 64), "w0": 0.0, "updates": 10, "paths": 3}
BAD = [
    ({"engine": "torch", "dtype": "int64"}, "dtype must be one of float64, float32, got 'int64'"),
    ({"dtype": torch.device("cpu")}, r"dtype must be a name.* got device\(type='cpu'\)"),
    ({"device": torch.float32}, "device must be a name such as 'cpu' or 'cuda', or a torch.device, got torch.float32"),
    ({"engine": "torch", "dtype": ["float32"]}, "dtype must be a name"),
    ({"engine": "torch", "device": "quantum"}, "device must be one that this torch can use, got 'quantum'"),
]


@every("changes, message", BAD)
def test_what_torch_cannot_use_is_refused(changes: dict, message: str) -> None:
    for simulate in (simulate_sde, simulate_sgd):
        with pytest.raises(ValueError, match=message):
            simulate(**{**GOOD, **changes})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"device": torch.device("cpu"), "dtype": torch.float32}, {"device": "cpu", "dtype": "float32"}),
        ({"device": torch.device("cpu", 0), "dtype": np.float32}, {"device": "cpu", "dtype": "float32"}),
        ({"dtype": np.dtype("float32")}, {"dtype": "float32"}),
        ({"dtype": float}, {"dtype": "float64"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("simulate", [simulate_sde, simulate_sgd])
def test_devices_and_dtypes_may_be_those_of_torch_and_numpy(simulate, given: dict, named: dict) -> None:
    runs = [simulate(**GOOD, engine="torch", **options) for options in (given, named)]
    np.testing.assert_array_equal(runs[0].final, runs[1].final)
    assert runs[0].provenance == runs[1].provenance
    assert simulate(**GOOD, engine="numpy", device=torch.device("cpu"), dtype=np.float64).provenance["device"] == "cpu"
