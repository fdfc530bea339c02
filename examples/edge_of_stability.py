"""A loss that sharpens: without noise it stays at 2/ε, under SGD below, and the SDE knows of no edge.

L = ½ y x² − α y has the sharpness y along x, which grows by α per unit of time until oscillations of x stop it; the
noise of batches oscillates too (Liao, Kolomvaki & Kyrillidis, arXiv 2604.21016).

    python examples/edge_of_stability.py [picture.png]
"""

import sys
from functools import partial
from pathlib import Path

import sgdsde as sg
from sgdsde.plotting import Curve, CurvePanel, curve_panels, png

ALPHA, NOISE, RATE, UPDATES = 0.01, 1.5, 0.1, 20_000
LOSS = sg.Landscape("y*x**2/2 - a*y", "x y", {"a": ALPHA, "s": NOISE**0.5}, noise_factor=[["s"], ["0"]])


def main(picture: Path) -> None:
    curves = []
    for label, batch, simulate in (
        ("SGD, B = 255 of 256", 255, sg.simulate_sgd),
        ("SGD, B = 4", 4, sg.simulate_sgd),
        ("SGD, B = 1", 1, sg.simulate_sgd),
        ("SDE, B = 1", 1, partial(sg.simulate_sde, substeps=64)),
    ):
        config = sg.SGDConfig(RATE, batch, 256)
        run = simulate(LOSS, config, [0.14, 10.0], UPDATES, 32, save_every=UPDATES // 20)
        sharpness, law = run.snapshots[:, :, 1], sg.theory.edge_sharpness(ALPHA, 1.0, NOISE, config)
        mean, error = sharpness.mean(axis=1), sharpness.std(axis=1) / run.paths**0.5
        curves.append(Curve(label, run.saved_updates, mean, error))
        print(f"{label}: S = {mean[-5:].mean():.2f} ± {error[-1]:.2f} at the end; law of SGD {law:.2f}")
    picture.write_bytes(png(curve_panels([CurvePanel("updates", "sharpness S", curves, level=2 / RATE)])))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "edge_of_stability.png"))
