"""Where do SGD and its SDE spend their time? Histograms and shares of time, gathered while the runs go.

Two wells, of which the left is deeper. Nothing is saved but counts, so that memory is the same for any number of
updates; errors are from the spread over independent paths. The SDE is where its exact stationary density, the line, has
it. SGD, with steps this long and examples of heavy tails, is not: it has 8 % more time in the shallower well.

    python examples/where_time_is_spent.py [picture.png]
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Shown, png, side_by_side

WATCH = sg.Observe(moments=4, histogram={"x": (-2.5, 2.5, 50)}, occupancy={"left": "x < 0", "right": "x > 0"})
SIZE: dict[str, Any] = {"updates": 20_000, "paths": 1024, "burn_in": 2000, "observe": WATCH}
SHORT: dict[str, Any] = {"updates": 1000, "paths": 1, "save_every": 1}


def main(picture: Path) -> None:
    wells = sg.Landscape("x**4/4 - x**2/2 + x/10", "x", noise_covariance=2.0)
    config = sg.SGDConfig(learning_rate=0.2, batch_size=1, n_examples=64)

    sde = sg.simulate_sde(wells, config, 0.0, scheme="weak_taylor_2", **SIZE)
    sgd = sg.simulate_sgd(wells, config, 0.0, examples="student_t:3", **SIZE)

    density = sg.theory.stationary_density(wells, config, box=(-5.0, 5.0))
    left, right = density.masses([-np.inf, 0.0, np.inf])
    print("Against the stationary density of the SDE:")
    print(sg.compare(sde, sgd, predicted_occupancy={"left": left, "right": right}, names=["SDE", "SGD"]))
    print("\nSGD against the SDE:")
    print(sg.compare(sde, sgd, names=["SDE", "SGD"]))

    short = sg.simulate_sde(wells, config, 0.0, scheme="weak_taylor_2", **SHORT)
    shown = [
        Shown("SDE", sde, path=short, density=density),
        Shown("SGD", sgd, path=sg.simulate_sgd(wells, config, 0.0, examples="student_t:3", **SHORT)),
    ]
    picture.write_bytes(png(side_by_side(shown), dpi=110))
    print(f"\nPicture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("where_time_is_spent.png"))
