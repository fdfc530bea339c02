"""Two wells of equal depth: reshuffled SGD stays in the wide one, its SDE too if a bridge drives every epoch.

Brownian motion of any T is nearly as often in the narrow one.     python examples/bridges_and_wells.py [picture.png]
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

U, TOP = "(x + 0.2*sqrt(1 + x**2))", -0.204  # minima at −4/3 (wide) and 3/4 (narrow), the barrier at TOP
WELLS = sg.Landscape(f"({U}**2 - 1)**2/4", "x", noise_covariance=1400.0)
CONFIG = sg.SGDConfig(0.005, batch_size=4, n_examples=640, sampling="reshuffle")


def main(picture: Path) -> None:
    observe = sg.Observe(histogram={"x": (-3.0, 2.0, 40)}, occupancy={"wide": f"x < {TOP}"})
    options: dict[str, Any] = {"updates": 160 * 100, "paths": 500, "burn_in": 160 * 25, "observe": observe}
    sgd = sg.simulate_sgd(WELLS, CONFIG, 0.75, **options)
    sde = sg.simulate_sde(WELLS, CONFIG, 0.75, scheme="heun", substeps=1, **options)  # a bridge in every epoch
    shown, own = [], np.asarray(sgd.histograms["x"].density.value)
    kept = own > 0.02
    for name, run in (("SGD, reshuffled", sgd), ("SDE, a bridge in every epoch", sde)):
        wide, found = run.occupancy["wide"], run.histograms["x"]
        print(f"{name}: {wide.value:.3f} ± {wide.standard_error:.3f} of the time in the wide well")
        density, at = found.density, found.centres[0][kept]
        value, error = (np.asarray(each)[kept] for each in (density.value, density.standard_error))
        shown.append(Series(name, at, value, error, own[kept]))
    law = sg.theory.stationary_density(WELLS, sg.drivers.temperature(CONFIG, "brownian"), box=(-8.0, 6.0))
    print(f"SDE, Brownian motion: {law.masses([-8.0, TOP])[0]:.3f}, exact")
    lines = [Line("SDE, Brownian motion, exact", x := np.linspace(-3.0, 2.0, 200), law(x))]
    picture.write_bytes(png(against_theory(shown, "ω", "density", lines, "linear", "linear", "over SGD's"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("bridges_and_wells.png"))
