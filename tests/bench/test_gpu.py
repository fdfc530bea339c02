"""`python -m bench.gpu` in sizes that take no time, on the CPU."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import gpu

pytestmark = pytest.mark.networks

CPU = torch.device("cpu")


def test_the_table(tmp_path: Path, capsys) -> None:
    cases = (gpu.CASES[0], gpu.CASES[2])
    assert gpu.report(CPU, 64, 0.002, tmp_path / "new" / "gpu.txt", cases) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "new" / "gpu.txt").read_text() == printed
    assert ("no CUDA device: on the CPU" in printed) != torch.cuda.is_available()
    assert printed.count("same  ") == 4
    rows = [line for line in printed.splitlines() if " × " in line]
    assert [row.startswith(case.name) for row, case in zip(rows, (c for c in cases for _ in range(2)), strict=True)]
    assert all(float(row.split("float")[1].split()[1]) > 0 for row in rows)


def test_numbers_that_differ_are_not_timed(monkeypatch, capsys) -> None:
    monkeypatch.setattr(gpu, "TOLERANCE", {"float64": 1e-10, "float32": 1e-12})
    assert gpu.report(CPU, 64, 0.002, cases=gpu.CASES[:1]) == 1
    printed = capsys.readouterr().out
    assert "DIFFER SDE, double well, float32" in printed
    assert "path-steps/s" not in printed


@pytest.mark.parametrize("case", gpu.CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_loops_do_what_the_engine_does(case: gpu.Case, dtype: torch.dtype) -> None:
    """Standard deviations of the ends to 20 %, a dozen standard errors."""
    steps = 20
    loop = case.loop(2000, steps, CPU, dtype).reshape(-1, 2000).double().numpy()
    ours = case.ours(2000, steps, engine="torch").final.T
    assert loop.shape == ours.shape
    np.testing.assert_allclose(loop.std(axis=1), ours.std(axis=1), rtol=0.2)
    error = ours.std(axis=1) / np.sqrt(2000)
    assert (np.abs(loop.mean(axis=1) - ours.mean(axis=1)) < 6 * error).all()


def test_what_the_limit_counts() -> None:
    assert [case.bytes_a_step(8) for case in gpu.CASES[:3]] == [32, 64, 32 + 8 * 16]
    assert gpu.CASES[0].bytes_a_step(4) == 16


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(capsys) -> None:
    with pytest.raises(SystemExit) as found:
        gpu.main(["--device", "cuda"])
    assert found.value.code == 2
    assert "--device cuda: this torch finds no CUDA device" in capsys.readouterr().err


def test_it_needs_few_packages() -> None:
    code = "import sys, bench.gpu; print([n for n in ('pooch', 'dask', 'curvlinops', 'sklearn') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
