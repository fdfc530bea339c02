"""Noise that follows the loss, F = 2L∇∇L: the stationary law is a power of L, and so is the time of escape.

With F as at the minimum it would be exponential.    python examples/loss_noise.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

POWER, EDGES = 2.0, np.array([2.0, 6.0, 14.0, 30.0]) ** 0.5  # 1/(T h) = B/(εh); where L is 2, 4, 8, 16 times the least
BOWL = sg.Landscape("1 + x**2/2", variables="x", noise_covariance="loss")
SAME = sg.Landscape("1 + x**2/2", variables="x", noise_covariance=2.0)  # as at the minimum, everywhere


def exact(landscape: sg.Landscape, edge: float) -> float:
    return sg.theory.mean_exit_time(landscape, 1 / POWER, 0.0, left=-edge, right=edge)


def main(picture: Path) -> None:
    found, fine = [], np.geomspace(EDGES[0], EDGES[-1], 30)
    for edge in EDGES:
        steps, stop = int(2000 * exact(BOWL, edge)), f"x > {edge} or x < -{edge}"
        run = sg.integrate(BOWL, 0.0, 0.02 * steps, steps, 1000, temperature=1 / POWER, scheme="taylor_15", stop=stop)
        assert run.exits is not None
        seen = run.exits.mean_time()
        found.append((0.02 * seen.mean, 0.02 * seen.standard_error, exact(BOWL, edge)))
        print("L_s/L₀ = {:4g}: {:8.3f} ± {:.3f} measured, {:8.3f} exact".format(1 + edge**2 / 2, *found[-1]))
    mean, error, theory = np.transpose(found)
    points = Series("F = 2L∇∇L", 1 + EDGES**2 / 2, mean, error, theory, 1 + fine**2 / 2, [exact(BOWL, x) for x in fine])
    line = Line("F as at the minimum: Arrhenius", 1 + fine[:18] ** 2 / 2, [exact(SAME, x) for x in fine[:18]])
    picture.write_bytes(png(against_theory([points], "L at the edge / L₀", "mean time of escape × h", [line]), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("loss_noise.png"))
