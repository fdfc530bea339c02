"""signSGD at rest: its spread is ∝ εσ/√B and not ∝ εσ²/B, and at large ε it is that of the lattice it moves on.

Steps are ±ε, so that a path stays on ω₀ + kε, where its law is known exactly; as ε → 0 it is √(π/8) εσ/(h√B).
                                                                      python examples/sign_descent.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, png

BOWL, WIDTHS = sg.Landscape("x**2/2", variables="x", noise_covariance="1"), np.array([0.1, 0.3, 1.0, 3.0])


def main(picture: Path) -> None:
    series = []
    for batch, off in ((4, 0.0), (4, 0.5), (64, 0.0)):
        law, found, error = [], [], []
        for width in WIDTHS:
            config = sg.SGDConfig(width / batch**0.5, batch, 10**6, sampling="with_replacement")
            updates = 2 * int(8 / width + 10)
            start, unit = off * config.learning_rate, sg.theory.signsgd_variance(1.0, 1.0, config)
            law.append(sg.theory.signsgd_stationary(1.0, 1.0, config, start).variance / unit)
            run = sg.simulate_sgd(
                BOWL, config, start, 2 * updates, 4000, dynamics="signsgd", noise="normal", burn_in=updates
            )
            found.append(run.covariance[0, 0] / unit)
            error.append(run.standard_error.covariance[0, 0] / unit)
        series.append(Series(f"B = {batch}, from {off:g} ε off the minimum", WIDTHS, found, error, law, WIDTHS, law))
        print(f"B = {batch:2}, {off:g} ε off, εh√B/σ = 3: {found[-1]:.3f} ± {error[-1]:.3f}, exact {law[-1]:.3f}")
    lines = [Line("ε → 0", WIDTHS, np.ones(4))]
    picture.write_bytes(png(against_theory(series, "εh√B/σ", "Var ω / law of ε → 0", lines, columns=2), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("sign_descent.png"))
