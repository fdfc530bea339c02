"""The SDE of reshuffled SGD: the variance in a bowl by SGD, and by SDEs of epoched and of plain Brownian motion.

An epoch is εhN/B long on the scale of the curvature. Where that is short, the noise of an epoch cancels, and so it does
in a Brownian bridge over every epoch.    python examples/reshuffled.py [picture.png]
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Series, against_theory, png

LENGTHS, BATCHES = np.geomspace(0.1, 10, 7), 32  # εhN/B, N/B
BOWL = sg.Landscape("x**2/2", variables="x")


def main(picture: Path) -> None:
    series = []
    for label, driver in (("SGD, reshuffled", None), ("SDE, epoched", "epoched"), ("SDE, Brownian", "brownian")):
        law, found, error = [], [], []
        for length in LENGTHS:
            config = sg.SGDConfig(length / BATCHES, batch_size=4, n_examples=4 * BATCHES, sampling="reshuffle")
            updates = BATCHES * int(8 + 8 / length)
            size: dict[str, Any] = {"updates": updates, "paths": 2048, "burn_in": updates // 2 // BATCHES * BATCHES}
            more: dict[str, Any] = {"scheme": "heun", "driver": driver} if driver else {}
            run = (sg.simulate_sde if driver else sg.simulate_sgd)(BOWL, config, 0.0, **size, **more)
            dynamics = "sde" if driver else "sgd"
            law.append(sg.theory.stationary_variance(1.0, 1.0, config, dynamics, driver=driver) / config.temperature)
            found.append(run.covariance[0, 0] / config.temperature)
            error.append(run.standard_error.covariance[0, 0] / config.temperature)
        series.append(Series(label, LENGTHS, found, error, law, LENGTHS, law))
    picture.write_bytes(png(against_theory(series, "εhN/B", "Var ω / T,  T = ε(1/B − 1/N)"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("reshuffled.png"))
