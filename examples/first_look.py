"""First look: is SGD the stochastic differential equation that theory says it is? Yes, and then no.

On a parabola, in seconds: the stochastic differential equation (SDE), SGD whose batches are drawn afresh, and SGD that
goes through a shuffled training set, as everybody runs it. The variance of fresh batches is 5 % above the SDE's, as the
theory of finite steps says. Reshuffled batches cancel within an epoch, and the SDE over-predicts by a factor of 2.3.

    python examples/first_look.py [picture.png]
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import sgdsde as sg
from sgdsde.plotting import Shown, png, side_by_side

# 37 has no factor in common with the 16 updates of an epoch, so that snapshots are taken at all positions in it.
SIZE: dict[str, Any] = {"updates": 2000, "paths": 8192, "burn_in": 200, "save_every": 37}
#: Path 0 of the long runs again, every update of it.
SHORT: dict[str, Any] = {"updates": 200, "paths": 1, "save_every": 1}


def main(picture: Path) -> None:
    bowl = sg.Landscape("x**2/2", variables="x")  # curvature H = 1, noise of one example F = 1
    fresh = sg.SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    shuffled = replace(fresh, sampling="reshuffle")
    law = sg.theory.stationary_covariance

    shown = [
        Shown(
            "SDE",
            sg.simulate_sde(bowl, fresh, 0.0, substeps=50, **SIZE),
            mean=0.0,
            covariance=law(1.0, 1.0, fresh, dynamics="sde"),
            path=sg.simulate_sde(bowl, fresh, 0.0, substeps=50, **SHORT),
        )
    ]
    for label, config in (("SGD, fresh batches", fresh), ("SGD, reshuffled", shuffled)):
        shown.append(
            Shown(
                label,
                sg.simulate_sgd(bowl, config, 0.0, **SIZE),
                mean=0.0,
                covariance=law(1.0, 1.0, config, dynamics="sgd"),
                path=sg.simulate_sgd(bowl, config, 0.0, **SHORT),
            )
        )

    print("Each against its own law:")
    tables = [sg.compare(item.ensemble, predicted=item.covariance, names=[item.label]) for item in shown]
    print(tables[0] + tables[1] + tables[2])
    print("\nSGD against the SDE:")
    print(sg.compare(*(item.ensemble for item in shown), names=[item.label for item in shown]))

    picture.write_bytes(png(side_by_side(shown), dpi=110))
    print(f"\nPicture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("first_look.png"))
