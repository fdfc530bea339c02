"""Adam, its SDE, and what goes with the batch: four times B wants twice the learning rate, not four times.

Adam at (4B, 2ε, 4(1 − β)) in a quarter of the updates does what Adam does at (B, ε, 1 − β), and so does its SDE; the
linear rule of SGD, (4B, 4ε), does not (Malladi et al., arXiv 2205.10287).

    python examples/adam.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

BOWL, N = sg.Landscape("x**2/2", variables="x", noise_covariance=400.0), 100_000


def adam(rate: float, kappa: int) -> sg.SGDConfig:
    numbers = {"beta1": 1 - 0.04 * kappa, "beta2": 1 - 0.01 * kappa, "eps": 1e-6 / kappa**0.5}
    return sg.SGDConfig(rate, 2 * kappa, N, sampling="with_replacement", hyperparameters=numbers)


def main(picture: Path) -> None:
    runs = {
        "(B, ε)": sg.simulate_sgd(BOWL, adam(0.004, 1), 1.0, 800, 4000, dynamics="adam", save_every=100),
        "(4B, 2ε)": sg.simulate_sgd(BOWL, adam(0.008, 4), 1.0, 200, 4000, dynamics="adam", save_every=25),
        "(4B, 4ε)": sg.simulate_sgd(BOWL, adam(0.016, 4), 1.0, 200, 4000, dynamics="adam", save_every=25),
    }
    sde = sg.simulate_sde(BOWL, adam(0.004, 1), 1.0, 800, 4000, dynamics="adam_sde", save_every=100)
    time, expected = np.arange(100, 801, 100), sde.snapshots[1:, :, 0].std(axis=1)
    series = []
    for label, run in runs.items():
        spread = run.snapshots[1:, :, 0].std(axis=1)
        error = spread / run.paths**0.5  # of both, with as many paths
        series.append(Series(f"Adam at {label}", time, spread, error, expected))
        print(f"{label:10} standard deviation at the end {spread[-1]:.4f}, its SDE {expected[-1]:.4f}")
    y, ratio = "standard deviation of ω", "measured / SDE's"
    lines = [Line("SDE of Adam at (B, ε)", time, expected)]
    figure = against_theory(series, "updates of (B, ε)", y, lines, "linear", "linear", ratio)
    picture.write_bytes(png(figure, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("adam.png"))
