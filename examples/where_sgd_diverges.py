"""SGD diverges where gradient descent is still far from it, if the curvatures of examples differ.

Half of the examples have the curvature 1.7, half 0.3: with batches of one and momentum 0.9 the mean square of ω grows
from a tenth of 2(1 + m)/h on (Mulayoff & Michaeli, arXiv 2306.07850, for m = 0).

    python examples/where_sgd_diverges.py [picture.png]
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Series, against_theory, png
from sgdsde.studies import growth_limit, second_moment_growth
from sgdsde.theory import mean_square_stability_limit

WELL, SIGNS = sg.Landscape("x**2/2", "x", noise_factor=[["0.7*x"]]), np.tile([1.0, -1.0], 32) * (63 / 64) ** 0.5
BATCHES = (1, 4, 16)


def growth(config: sg.SGDConfig, learning_rate: float) -> NDArray[np.float64]:
    now = replace(config, learning_rate=learning_rate)
    return second_moment_growth(WELL, now, 0, examples=SIGNS[:, None], updates=4)


def main(picture: Path) -> None:
    series = []
    for momentum in (0.0, 0.9):
        configs = [sg.SGDConfig(0.1, batch, 64, momentum) for batch in BATCHES]
        exact = [mean_square_stability_limit(1 + 0.7 * SIGNS, config) for config in configs]
        found = [growth_limit(partial(growth, config), 2 + 2 * momentum) for config in configs]
        values, errors = ([getattr(each, name) for each in found] for name in ("value", "standard_error"))
        series.append(Series(f"m = {momentum}", BATCHES, values, errors, exact, BATCHES, exact))
        for batch, value, error, theory in zip(BATCHES, values, errors, exact, strict=True):
            print(f"m = {momentum}, B = {batch:2}: diverges at {value:.3f} ± {error:.3f}, theory {theory:.3f}")
    picture.write_bytes(png(against_theory(series, "B", "ε at which E ω² diverges"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "where_sgd_diverges.png"))
