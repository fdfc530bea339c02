"""SGD diverges where gradient descent is still far from it, if the curvatures of examples differ.

Half of the examples have the curvature 1.7, half 0.3: with B = 1 and momentum 0.9 E ω² grows from a tenth of 2(1 + m)/h
on (for m = 0 Mulayoff & Michaeli, arXiv 2306.07850).   python examples/where_sgd_diverges.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Series, against_theory, png
from sgdsde.studies import growth_limit, second_moment_growth

WELL, SIGNS = sg.Landscape("x**2/2", "x", noise_factor=[["0.7*x"]]), np.tile([1.0, -1.0], 32) * (63 / 64) ** 0.5


def limit(batch: int, m: float) -> np.ndarray:
    def growth(rate: float) -> np.ndarray:
        return second_moment_growth(WELL, sg.SGDConfig(rate, batch, 64, m), 0, examples=SIGNS[:, None], updates=4)

    found, theory = growth_limit(growth, 2 + 2 * m), sg.theory.mean_square_stability_limit
    return np.array([found.value, found.standard_error, theory(1 + 0.7 * SIGNS, sg.SGDConfig(0.1, batch, 64, m))])


def main(picture: Path) -> None:
    batches, series = (1, 4, 16), []
    for m in (0.0, 0.9):
        value, error, exact = np.transpose([limit(batch, m) for batch in batches])
        for row in zip(batches, value, error, exact, strict=True):
            print("m = {}, B = {}: diverges at {:.3f} ± {:.3f}, theory {:.3f}".format(m, *row))
        series.append(Series(f"m = {m}", batches, value, error, exact, batches, exact))
    picture.write_bytes(png(against_theory(series, "B", "ε at which E ω² diverges"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "where_sgd_diverges.png"))
