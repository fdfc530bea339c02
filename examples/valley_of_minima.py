"""Noise moves SGD along a valley of minima: x(τ) in L = ½(1 + x²)y², with the noise of labels and with constant noise.

Every point of y = 0 is a minimum. Label noise, F = σ²H there, goes down Tr H by −(Tσ²/4) dTr H/dx (Li, Wang & Arora,
arXiv 2110.06914), constant F = f across by −(Tf/4) d ln h/dx.   python examples/valley_of_minima.py [picture.png]
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import sgdsde as sg
from sgdsde.plotting import Series, against_theory, png

Array = NDArray[np.float64]
CONFIG, STRENGTH, EVERY, X0 = sg.SGDConfig(0.2, batch_size=1, n_examples=512), 0.01, 100, 1.5
TAU = STRENGTH * CONFIG.mean_loss_time_per_update * EVERY * np.arange(11)  # T σ² s
NOISES: dict[str, tuple[list[list[str]] | None, Callable[[Array], Array]]] = {
    "label noise": (None, lambda h: h), "constant noise": ([["0"], ["sigma"]], np.ones_like),
}  # fmt: skip


def main(picture: Path) -> None:
    series = []
    for label, (factor, across) in NOISES.items():
        valley = sg.landscapes.valley_of_minima(sigma=(STRENGTH / CONFIG.temperature) ** 0.5, noise_factor=factor)
        x = sg.simulate_sgd(valley, CONFIG, [X0, 0.1], EVERY * 10, 4000, save_every=EVERY).snapshots[:, :, 0]

        def drift(_: float, x: Array, across: Callable[[Array], Array] = across) -> Array:
            h = 1 + x**2
            return sg.theory.valley_drift(h, 2 * x, across(h) / CONFIG.temperature, CONFIG, "sgd")

        law = solve_ivp(drift, (0, TAU[-1]), [X0], t_eval=TAU, rtol=1e-8).y[0]
        error = x.std(axis=1) / x.shape[1] ** 0.5
        print(f"{label:14} moves to x = {x[-1].mean():.4f} ± {error[-1]:.4f}, theory {law[-1]:.4f}")
        series.append(Series(label, TAU, x.mean(axis=1), error, law, TAU, law))
    picture.write_bytes(png(against_theory(series, "τ = Tσ²s", "x", (), "linear", "linear"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("valley_of_minima.png"))
