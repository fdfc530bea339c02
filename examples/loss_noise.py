"""Noise that follows the loss, F = 2L∇∇L: the stationary law is a power of L, and so is the time of escape.

With F as at the minimum it would be exponential.    python examples/loss_noise.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

POWER, RATIOS = 2.0, np.array([2.0, 4.0, 8.0, 16.0])  # 1/(T h) = B/(εh), and L at the edge over L at the minimum
BOWL = sg.Landscape("1 + x**2/2", variables="x", noise_covariance="loss")
SAME = sg.Landscape("1 + x**2/2", variables="x", noise_covariance=2.0)  # as at the minimum, everywhere


def exact(landscape: sg.Landscape, ratio: float) -> float:
    edge = float(np.sqrt(2 * (ratio - 1)))
    return sg.theory.mean_exit_time(landscape, 1 / POWER, 0.0, left=-edge, right=edge)


def main(picture: Path) -> None:
    found = []
    for ratio in RATIOS:
        t, edge = exact(BOWL, ratio), float(np.sqrt(2 * (ratio - 1)))
        stop, steps = f"x > {edge} or x < {-edge}", int(2000 * t)
        run = sg.integrate(BOWL, 0.0, 0.02 * steps, steps, 1000, temperature=1 / POWER, scheme="taylor_15", stop=stop)
        assert run.exits is not None
        seen = run.exits.mean_time()
        found.append((0.02 * seen.mean, 0.02 * seen.standard_error, t))
        print(f"L_s/L₀ = {ratio:4g}: {found[-1][0]:8.3f} ± {found[-1][1]:.3f} measured, {t:8.3f} exact")
    fine = np.geomspace(2.0, 16.0, 30)
    mean, error, law = np.array(found).T
    points = Series("F = 2L∇∇L", RATIOS, mean, error, law, fine, [exact(BOWL, each) for each in fine])
    line = Line("F as at the minimum: Arrhenius", fine[:18], [exact(SAME, each) for each in fine[:18]])
    picture.write_bytes(png(against_theory([points], "L at the edge / L₀", "mean time of escape × h", [line]), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("loss_noise.png"))
