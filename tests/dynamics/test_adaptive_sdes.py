"""The SDEs of RMSprop and Adam: weak order 1 in ε², in their own scaling (arXiv 2205.10287)."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.statistics.orders import fit_order

#: F grows as 1/ε², so that noise dominates as ε → 0; the observable is one whose error is not small by accident.
SCENES = {
    "quadratic": (sg.Landscape("x**2/2", "x", {"s": 1.0}, noise_covariance="s**2"), lambda x: x**2),
    "quartic, F of ω": (
        sg.Landscape("x**4/4 + x**2/2", "x", {"s": 1.0}, noise_covariance="s**2*(1 + x**2/4)"),
        lambda x: np.sin(x + 0.5),
    ),
}  # fmt: skip
UPDATES = (8, 12, 18, 27, 40)
FINE = 16


def scaled(rule, rate):
    """1 − β and ϵ in their own scaling: (1 − β) ∝ ε², ϵ ∝ ε."""
    if rule == "rmsprop":
        return {"alpha": 1 - rate**2, "eps": 0.1 * rate}
    return {"beta1": 1 - rate**2, "beta2": 1 - rate**2 / 2, "eps": 0.1 * rate}


def weak_error(rule, landscape, observable, updates, paths, seed):
    """E φ of the rule with normal noise less that of its SDE at the time 1 = Kε², and the standard error.

    The rule is held against Euler–Maruyama in steps of an update, with the same normals; and that, on one Brownian
    path, against its extrapolation to no step.
    """
    rate = updates**-0.5
    at, start = landscape.with_parameters(s=1 / rate), np.array([1.0])
    config = sg.SGDConfig(rate, 1, 10**6, hyperparameters=scaled(rule, rate))
    squares = at.gradient(start) ** 2 + config.batch_noise * at.noise_covariance(start)[0]
    state = {"square_avg": squares} if rule == "rmsprop" else {
        "exp_avg": at.gradient(start), "exp_avg_sq": squares, "bias_of_beta1": 1.0, "bias_of_beta2": 1.0,
    }  # fmt: skip
    options = {"state0": state, "seed": seed}
    own = sg.simulate_sgd(at, config, start, updates, paths, dynamics=rule, noise="normal", **options)
    same = sg.simulate_sde(at, config, start, updates, paths, dynamics=f"{rule}_sde", substeps=1, **options)
    path = sg.BrownianPath(1, float(updates), updates * FINE, seed=seed + 1)
    coarse, half, fine = (
        sg.simulate_sde(
            at, config, start, updates, paths, dynamics=f"{rule}_sde", substeps=steps, brownian=path, state0=state
        )
        for steps in (1, FINE // 2, FINE)
    )
    value = [observable(run.final[:, 0]) for run in (own, same, coarse, half, fine)]
    parts = value[0] - value[1], value[2] - (2 * value[4] - value[3])
    return sum(part.mean() for part in parts), np.sqrt(sum(part.var() / paths for part in parts))


@pytest.mark.slow("five runs of 400 000 paths at each of five learning rates")
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("rule", ["rmsprop", "adam"])
def test_weak_order(rule, scene):
    landscape, observable = SCENES[scene]
    found = [weak_error(rule, landscape, observable, k, 400_000, 10 * k) for k in UPDATES]
    errors, spread = zip(*found, strict=True)
    order = fit_order([1 / k for k in UPDATES], errors, spread, next_power=2.0)
    assert abs(order.slope - 1) < 0.15 + 2 * order.standard_error
    assert order.standard_error < 0.15


@pytest.mark.networks
@pytest.mark.parametrize("rule", ["rmsprop", "adam"])
def test_engines_agree(rule):
    at = sg.Landscape("x**2/2 + y**4/4", "x y", noise_covariance=[["1 + x**2/4", "0.3"], ["0.3", "2"]])
    runs = [
        sg.simulate_sde(at, sg.SGDConfig(0.02, 4, 64), [1.0, -0.5], 30, 9, dynamics=f"{rule}_sde", engine=engine)
        for engine in ("numpy", "numba", "torch")
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run.final, runs[0].final, rtol=0, atol=1e-12)
    assert runs[0].provenance["scheme"] == f"euler_maruyama_{rule}"
