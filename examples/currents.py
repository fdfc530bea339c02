"""SGD does not come to rest: where F and H do not commute it goes round the minimum, at the rate HS − SH.

Its mean velocity where it is, measured and by theory, is drawn over the ellipses of its law.

python examples/currents.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import current_arrows, png
from sgdsde.statistics import circulation

CONFIG, SETTLED = sg.SGDConfig(learning_rate=0.2, batch_size=4, n_examples=64), 50


def main(picture: Path) -> None:
    states, laws, velocities = {}, {}, {}
    for title, angle in (("F commutes with H", 0.0), ("F turned by π/4 against H", np.pi / 4)):
        bowl = sg.landscapes.quadratic_2d(h1=1.0, h2=4.0, f1=2.0, f2=0.5, angle=angle)
        run = sg.simulate_sgd(bowl, CONFIG, [0.0, 0.0], updates=250, paths=4096, save_every=1)
        h, f = bowl.hessian([0, 0]), bowl.noise_covariance([0, 0])
        sde, sgd = (sg.theory.circulation(h, f, CONFIG, *which) for which in (("sde", 0), ("sgd", 1)))
        found = circulation(run.snapshots[SETTLED:], time=CONFIG.mean_loss_time_per_update)
        value, error = (np.asarray(each)[0, 1] for each in (found.value, found.standard_error))
        print(f"{title}: {value:.5f} ± {error:.5f} measured, {sgd[0, 1]:.5f} exact "
              f"for SGD, {sde[0, 1]:.5f} = (HS − SH)₁₂ for its SDE")  # fmt: skip
        states[title], laws[title] = run.snapshots[SETTLED:], sg.theory.stationary_covariance(h, f, CONFIG, "sgd")
        velocities[title] = -sgd @ np.linalg.inv(laws[title]) / 2
    figure = current_arrows(states, CONFIG.mean_loss_time_per_update, laws, velocities)
    picture.write_bytes(png(figure, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("currents.png"))
