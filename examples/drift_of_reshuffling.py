"""A valley of equal loss: reshuffled SGD drifts along it to less gradient noise, SGD with fresh batches does not.

The loss of example i is y²/2 + z_i x y, whose mean is flat along x; Tr F = x² + y². A Brownian bridge in every epoch
drives the SDE that drifts too.    python examples/drift_of_reshuffling.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Curve, CurvePanel, Line, curve_panels, png

VALLEY = sg.Landscape("y**2/2", "x y", noise_factor=[["y"], ["x"]])
RATE, UPDATES, EVERY = 0.02, 16 * 150, 16 * 25


def main(picture: Path) -> None:
    s = RATE * np.arange(0, UPDATES + 1, EVERY)
    shuffled, fresh = (sg.SGDConfig(RATE, 4, 64, sampling=name) for name in ("reshuffle", "without_replacement"))
    runs = {
        "SGD, reshuffled": sg.simulate_sgd(VALLEY, shuffled, [1.0, 0.0], UPDATES, 1000, save_every=EVERY),
        "SGD, fresh batches": sg.simulate_sgd(VALLEY, fresh, [1.0, 0.0], UPDATES, 1000, save_every=EVERY),
        "SDE, bridges": sg.simulate_sde(VALLEY, shuffled, [1.0, 0.0], UPDATES, 1000, substeps=8, save_every=EVERY),
    }
    flow = np.exp(-RATE / 2 * shuffled.batch_noise * s)  # down (ε/4) c Tr F
    curves = []
    for name, run in runs.items():
        mean, error = run.snapshots[..., 0].mean(axis=1), run.snapshots[..., 0].std(axis=1) / 1000**0.5
        print(f"{name}: E x = {mean[-1]:.4f} ± {error[-1]:.4f}, flow of the modified loss {flow[-1]:.4f}")
        curves.append(Curve(name, s, mean, error))
    lines = [Line("flow of the modified loss", s, flow)]
    picture.write_bytes(png(curve_panels([CurvePanel("s", "E x along the valley", curves, lines)]), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("drift_of_reshuffling.png"))
