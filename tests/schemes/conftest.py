"""One step of a scheme as a function of NumPy arrays."""

from collections.abc import Callable

import numpy as np
import pytest

from sgdsde import Landscape, schemes
from sgdsde.codegen import NUMPY_FUNCTIONS


def one_step(name: str, landscape: Landscape, state, numbers: dict, **noise) -> np.ndarray:
    """State after a step; noise by the name of the draw (z, y, area, two, three, sign)."""
    program = schemes.build(schemes.declarations()[name], landscape)
    constants = program.constants(landscape, {"dt": 0.1, "temperature": 1.0, "friction": 1.0, **numbers})
    drawn = [row for key in program.draws for row in np.atleast_1d(noise[key])]
    with np.errstate(all="ignore"):
        found = program.block.function(NUMPY_FUNCTIONS)(*constants, *np.asarray(state, dtype=float), *drawn)
        return np.stack(np.broadcast_arrays(*found))


@pytest.fixture
def step() -> Callable[..., np.ndarray]:
    """Advance a state by one step of a scheme."""
    return one_step
