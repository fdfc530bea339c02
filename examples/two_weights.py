"""Two weights in series, ŷ = u w x: SGD makes them equal, and where T > E xy/Var xy it shrinks both to 0.

Fresh and reshuffled batches balance alike, though reshuffled ones leave v = u w much less variance.

    python examples/two_weights.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Curve, CurvePanel, Line, curve_panels, png

SIGNS = np.array([(one, other) for one in (-1, 1) for other in (-1, 1)] * 16)
X = np.sqrt(1 + 0.2 * SIGNS[:, 0])
Y = X + 4 * SIGNS[:, 1]


def main(picture: Path) -> None:
    network, examples = sg.landscapes.two_weights(X, Y)
    law, curves = sg.theory.balance_law(X, Y), []
    for label, sampling in (("fresh batches", "without_replacement"), ("reshuffled", "reshuffle")):
        config = sg.SGDConfig(0.01, batch_size=4, n_examples=64, sampling=sampling)
        run = sg.simulate_sgd(network, config, [1.5, 0.7], 800, 2048, examples=examples, save_every=80)
        u, w = np.moveaxis(run.snapshots, -1, 0)
        left, s = (u**2 - w**2) / (1.5**2 - 0.7**2), config.mean_loss_time_per_update * run.saved_updates
        falls = np.exp(-4 * config.temperature * law.noise(1.0) * s)
        print(f"{label}: of u² − w² {left[-1].mean():.4f} ± {left[-1].std() / len(u[0]) ** 0.5:.4f} is left, "
              f"by theory {falls[-1]:.4f}; variance of v {np.var((u * w)[-1]):.5f}")  # fmt: skip
        curves.append(Curve(label, s, left.mean(axis=1), joined=False))
    print(f"T = {config.temperature:.5f}; above T_c = {law.critical_temperature:.5f} both weights die out")
    panel = CurvePanel("time s", "E(u² − w²), of its start", curves, [Line("law of balance", s, falls)])
    picture.write_bytes(png(curve_panels([panel], columns=3), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("two_weights.png"))
