"""Plans whose state is the noise itself, so that a run's snapshots are what an engine drew."""

from collections.abc import Callable

import numpy as np
import pytest

from sgdsde import engines
from sgdsde.codegen import Block
from sgdsde.engines.noise import Noise
from sgdsde.engines.registry import Plan


def draw_noise(engine: str, noise: Noise, updates: int, paths: int, seed: int = 0) -> np.ndarray:
    """(updates, k, paths)."""
    k = noise.numbers
    names = [f"n_w{i}" for i in range(k)]
    lines = tuple((name, f"z{i}") for i, name in enumerate(names))
    arrays = (*(f"w{i}" for i in range(k)), *(f"z{i}" for i in range(k)))
    block = Block((), arrays, (), lines, tuple(names))
    plan = Plan(block, (), (noise,), np.zeros((k, paths)), k, updates, save_every=1, seed=seed)
    return engines.run(engine, plan).saved[1:].transpose(0, 2, 1)


@pytest.fixture
def drawn() -> Callable[..., np.ndarray]:
    """Draw the noise of a run on an engine."""
    return draw_noise
