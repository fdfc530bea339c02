"""Adam, its SDE, and what goes with the batch: four times B wants twice the learning rate, not four times.

Adam at (4B, 2ε, 4(1 − β)) in a quarter of the updates does what Adam does at (B, ε, 1 − β), and so does its SDE; the
linear rule of SGD, (4B, 4ε), does not (Malladi et al., arXiv 2205.10287).   python examples/adam.py [picture.png]
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

BOWL, N, PATHS = sg.Landscape("x**2/2", variables="x", noise_covariance=400.0), 100_000, 4000


def spread(simulate: Callable[..., sg.Ensemble], dynamics: str, rate: float, kappa: int) -> NDArray[np.float64]:
    numbers = {"beta1": 1 - 0.04 * kappa, "beta2": 1 - 0.01 * kappa, "eps": 1e-6 / kappa**0.5}
    config = sg.SGDConfig(rate, 2 * kappa, N, sampling="with_replacement", hyperparameters=numbers)
    run = simulate(BOWL, config, 1.0, 800 // kappa, PATHS, dynamics=dynamics, save_every=100 // kappa)
    return np.asarray(run.snapshots[1:, :, 0].std(axis=1))


def main(picture: Path) -> None:
    time, expected, series = np.arange(100, 801, 100), spread(sg.simulate_sde, "adam_sde", 0.004, 1), []
    for label, rate, kappa in (("(B, ε)", 0.004, 1), ("(4B, 2ε)", 0.008, 4), ("(4B, 4ε)", 0.016, 4)):
        found = spread(sg.simulate_sgd, "adam", rate, kappa)  # the error is that of both, with as many paths
        series.append(Series(f"Adam at {label}", time, found, found / PATHS**0.5, expected))
        print(f"{label:10} standard deviation at the end {found[-1]:.4f}, its SDE {expected[-1]:.4f}")
    axes, lines = ("updates of (B, ε)", "standard deviation of ω"), [Line("SDE of Adam at (B, ε)", time, expected)]
    figure = against_theory(series, *axes, lines, "linear", "linear", "measured / SDE's")
    picture.write_bytes(png(figure, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("adam.png"))
