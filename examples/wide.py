"""A hundred weights at once: how far SGD strays along each direction, beside theory, where H and F do not commute.

Nothing is compiled: H and F are arrays, and a step is two products of matrices.

    python examples/wide.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import png
from sgdsde.plotting.against_theory import Series, against_theory

DIMENSION = 100


def main(picture: Path) -> None:
    generator = np.random.default_rng(0)
    one, other = (np.linalg.qr(generator.standard_normal((DIMENSION, DIMENSION)))[0] for _ in range(2))
    curvature = np.geomspace(0.05, 2.0, DIMENSION)
    hessian, noise_covariance = (one * curvature) @ one.T, (other * np.linspace(0.0, 2.0, DIMENSION)) @ other.T
    landscape = sg.landscapes.wide_quadratic(hessian, noise_covariance)
    config = sg.SGDConfig(learning_rate=0.3, batch_size=8, n_examples=512, momentum=0.5)

    series = []
    runs = {
        "SGD": sg.simulate_sgd(landscape, config, np.zeros(DIMENSION), updates=400, paths=512, burn_in=200),
        "SDE": sg.simulate_sde(landscape, config, np.zeros(DIMENSION), 300, 512, scheme="exact_ou", burn_in=150),
    }
    for name, run in runs.items():
        law = sg.theory.stationary_covariance(hessian, noise_covariance, config, dynamics=name.lower())
        measured, predicted = (np.einsum("ik,ij,jk->k", one, each, one) for each in (run.covariance, law))
        # the relative error of a variance is about the same along every axis
        error = predicted * np.median(np.diag(run.standard_error.covariance) / np.diag(run.covariance))
        series.append(Series(name, curvature, measured, error, predicted, curvature, predicted))
        worst = np.abs(measured / predicted - 1).max()
        print(f"{name}: {DIMENSION} variances along the directions of H, within {worst:.1%} of theory at most")
    picture.write_bytes(png(against_theory(series, "curvature of the direction", "variance of ω along it")))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("wide.png"))
