"""Noise moves SGD along a valley of minima: x(τ) in L = ½(1 + x²)y², with the noise of labels and with constant noise.

Every point of y = 0 is a minimum. Label noise, F = σ²H there, goes down Tr H by −(Tσ²/4) dTr H/dx (Li, Wang & Arora,
arXiv 2110.06914), constant F = f across by −(Tf/4) d ln h/dx.   python examples/valley_of_minima.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

import sgdsde as sg
from sgdsde.plotting import Series, against_theory, png

CONFIG, STRENGTH, EVERY, X0 = sg.SGDConfig(0.2, 1, 512), 0.01, 100, 1.5
TAU = STRENGTH * CONFIG.mean_loss_time_per_update * EVERY * np.arange(11)  # T σ² s
NOISES = {"label noise": (None, 1), "constant noise": ([["0"], ["sigma"]], 0)}  # and which power of h it has across


def drift(_: float, x: np.ndarray, power: int) -> np.ndarray:
    h = 1 + x**2
    return sg.theory.valley_drift(h, 2 * x, h**power / CONFIG.temperature, CONFIG, "sgd")


def main(picture: Path) -> None:
    series = []
    for label, (factor, power) in NOISES.items():
        valley = sg.landscapes.valley_of_minima(sigma=(STRENGTH / CONFIG.temperature) ** 0.5, noise_factor=factor)
        x = sg.simulate_sgd(valley, CONFIG, [X0, 0.1], EVERY * 10, 4000, save_every=EVERY).snapshots[:, :, 0]
        law = solve_ivp(drift, (0, TAU[-1]), [X0], t_eval=TAU, rtol=1e-8, args=(power,)).y[0]
        mean, error = x.mean(axis=1), x.std(axis=1) / x.shape[1] ** 0.5
        print(f"{label:14} moves to x = {mean[-1]:.4f} ± {error[-1]:.4f}, theory {law[-1]:.4f}")
        series.append(Series(label, TAU, mean, error, law, TAU, law))
    picture.write_bytes(png(against_theory(series, "τ = Tσ²s", "x", (), "linear", "linear"), dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("valley_of_minima.png"))
