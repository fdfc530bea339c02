"""A probability density flows over two barriers: the Fokker–Planck equation, and paths of SGD, at the same times.

Müller and Brown's surface has three wells. Every path starts at the bottom of the one on the right.

    python examples/density_over_the_barrier.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.landscapes.catalog import minima, named
from sgdsde.plotting import density_beside_paths, png

UPDATES = (50, 200, 1000, 5000)


def main(picture: Path) -> None:
    surface = named("mueller_brown", scale=0.03)
    landscape = sg.Landscape(surface.text, surface.variables, surface.parameters, noise_covariance=220.0)
    config = sg.SGDConfig(learning_rate=0.004, batch_size=1, n_examples=64)
    start = minima("mueller_brown")[2]

    sgd = sg.simulate_sgd(landscape, config, start, updates=UPDATES[-1], paths=10_000, save_every=50)
    equation = sg.theory.FokkerPlanck(landscape, config.temperature, box=((-1.9, 1.4), (-0.9, 2.3)), cells=112)
    times = np.array(UPDATES) * config.mean_loss_time_per_update
    densities = equation.evolve(start, times, tolerance=1e-4)

    upper = equation.axes[1] > 0.9  # a line between the wells; the last of them is above it
    for update, density in zip(UPDATES, densities, strict=True):
        predicted = density[:, upper].sum() / density.sum()
        states = sgd.snapshots[update // 50]
        print(f"after {update:4} updates in the upper well: {(states[:, 1] > 0.9).mean():.3f} of SGD's paths, "
              f"{predicted:.3f} by the Fokker–Planck equation")  # fmt: skip
    picture.write_bytes(png(density_beside_paths(equation, densities, {"SGD": sgd}, UPDATES), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("density_over_the_barrier.png"))
