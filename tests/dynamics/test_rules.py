"""Rules, noises and the registry: what is declared, refused, and the same on every engine."""

import re

import numpy as np
import pytest
import sympy as sp
import torch
from tables import every

import sgdsde as sg
from sgdsde import dynamics
from sgdsde.data import digits
from sgdsde.dynamics import Hyperparameter, all_noises, all_rules, find
from sgdsde.dynamics import registry as table
from sgdsde.dynamics.update import Update
from sgdsde.models import mlp, train
from sgdsde.models.rule_step import RuleStep

pytestmark = pytest.mark.networks

CURVED = sg.Landscape("x**2/2 + y**4/4 + x*y/3", "x y", noise_covariance=[["1 + x**2/4", "0.5"], ["0.5", "2"]])
BOWL = sg.Landscape("x**2/2 + y**2", "x y", noise_covariance=[[1.0, 0.5], [0.5, 2.0]])
CONFIG = sg.SGDConfig(0.02, 4, 64)
PAIRS = [(rule, noise) for rule in all_rules() for noise in all_noises() if all_noises()[noise].on_landscape]


def settings(rule, noise, **more):
    own = {"momentum": 0.6, "dampening": 0.2, "weight_decay": 0.1}
    taken = {name: value for name, value in own.items() if name in all_rules()[rule].takes}
    if noise == "svag":
        taken.pop("momentum", None)
        taken.pop("dampening", None)
    return sg.SGDConfig(0.02, 4, 64, **taken, **more)


@pytest.mark.parametrize(("rule", "noise"), PAIRS)
def test_engines_agree(rule, noise):
    """Kernels are compiled of each rule and of each noise: that of a pair draws as the one and steps as the other."""
    if noise == "svag" and all_rules()[rule].divided is None:
        pytest.skip("no way is known to divide its updates")
    substeps = 2 if noise == "svag" else 1
    compiled = noise == "batches" or rule == "sgd"
    runs = [
        sg.simulate_sgd(
            CURVED,
            settings(rule, noise),
            [1.0, -0.5],
            16,
            9,
            dynamics=rule,
            noise=noise,
            substeps=substeps,
            engine=engine,
            save_every=4,
        )
        for engine in ("numpy", "torch", *["numba"] * compiled)
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run.snapshots, runs[0].snapshots, rtol=0, atol=1e-12)
    assert np.ptp(runs[0].final, axis=0).max() > 0


class ByNumPy:
    """A tape of numbers: rules as they are written, on arrays, with nothing printed or compiled."""

    def __init__(self, carried):
        self.carried = carried

    def name(self, value):
        return value

    def function(self, name, *values):
        return {"sqrt": np.sqrt, "sign": np.sign, "Abs": np.abs, "Max": np.maximum}[name](*values)

    def carry(self, name, following):
        if name not in self.done:
            self.before[name], self.done[name] = self.carried.get(name, 0.0), following(self.carried.get(name, 0.0))
        return self.done[name]

    def carried_before(self, name, following):
        self.carry(name, following)
        return self.before[name]

    def step(self, rule, w, g, state, numbers):
        self.before, self.done = {}, {}
        found = rule.step(Update(self, w, g, dict(zip(rule.state, state, strict=True)), numbers))
        self.carried = self.carried | self.done
        return found


@pytest.mark.parametrize("rule", all_rules())
def test_on_a_landscape_and_on_a_network_a_rule_is_what_it_says(rule):
    """50 updates to 1e-10: the same batches by the rule's own lines, in NumPy."""
    found, config = all_rules()[rule], settings(rule, "batches")
    numbers = {"learning_rate": 0.02, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, **found.numbers(config)}
    run = sg.simulate_sgd(CURVED, config, [1.0, -0.5], 50, 3, dynamics=rule, seed=7)
    flat = sg.Landscape("0*x", "x y", noise_covariance=1.0)
    walk = sg.simulate_sgd(flat, sg.SGDConfig(0.02, 4, 64), [0.0, 0.0], 50, 3, seed=7, save_every=1)
    tape, w = ByNumPy({}), np.tile([1.0, -0.5], (3, 1))
    state = [np.zeros((3, 2))] * len(found.state)
    for mean in -np.diff(walk.snapshots, axis=0) / 0.02:
        g = CURVED.gradient(w) + np.einsum("pij,pj->pi", CURVED.noise_factor(w), mean)
        w, *state = tape.step(found, w, g, state, numbers)
    np.testing.assert_allclose(run.final, w, rtol=0, atol=1e-10)

    weights = {"a": torch.linspace(-1, 1, 7, dtype=torch.float64)[None]}
    moved = RuleStep(found, {"learning_rate": 0.02, **found.numbers(config)}, weights)
    tape, w, state = ByNumPy({}), weights["a"].numpy().copy(), [np.zeros((1, 7))] * len(found.state)
    for k in range(50):
        g = np.cos(w + k)
        moved(weights, {"a": torch.from_numpy(-g)}, {"learning_rate": 0.02, **found.numbers(config)})
        w, *state = tape.step(found, w, g, state, numbers)
    np.testing.assert_allclose(weights["a"].numpy(), w, rtol=0, atol=1e-10)


@pytest.mark.parametrize("noise", [name for name in all_noises() if name != "svag" and all_noises()[name].on_landscape])
def test_the_covariance_of_one_update(noise):
    """ω after one update of SGD from rest is −ε ĝ: its covariance is that of the declared noise, with no drift."""
    paths = 40_000
    run = sg.simulate_sgd(CURVED, CONFIG, [1.0, -0.5], 1, paths, noise=noise, seed=3)
    f = CURVED.noise_covariance([1.0, -0.5]) * CONFIG.batch_noise
    other = {"isotropic": np.eye(2) * np.trace(f) / 2, "diagonal": np.diag(np.diag(f))}
    expected = other.get(noise, f)  # a noise that says nothing else has the covariance of a batch's
    gradients = (np.array([1.0, -0.5]) - run.final) / CONFIG.learning_rate - CURVED.gradient([1.0, -0.5])
    assert (np.abs(gradients.mean(axis=0)) < 4.5 * np.sqrt(np.diag(expected) / paths)).all()
    error = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / paths)
    assert (np.abs(np.cov(gradients.T) - expected) < 4.5 * error).all()
    if noise in other:
        assert (np.abs(np.cov(gradients.T) - f) > 4.5 * error).any()


def test_a_users_rule_runs_everywhere():
    """Lion, arXiv 2302.06675, algorithm 2: one function, then landscapes, networks and what is made of them."""

    def my_lion(update):
        """ω ← ω − ε (sign(β₁m + (1 − β₁)ĝ) + λω), m ← β₂m + (1 − β₂)ĝ."""
        mixed = update.beta1 * update.exp_avg + (1 - update.beta1) * update.gradient
        kept = update.beta2 * update.exp_avg + (1 - update.beta2) * update.gradient
        return update.w - update.learning_rate * (update.sign(mixed) + update.weight_decay * update.w), kept

    declare = sg.rule(
        source="Chen et al., arXiv 2302.06675", state=("exp_avg",), takes=("weight_decay",), scaling="square_root",
        hyperparameters={"beta1": Hyperparameter(0.9, 0, 1), "beta2": Hyperparameter(0.99, 0, 1)},
    )  # fmt: skip
    before = dict(table._RULES)
    try:
        declare(my_lion)
        config = sg.SGDConfig(0.01, 5, 60, weight_decay=0.1, hyperparameters={"beta2": 0.98})
        runs = [
            sg.simulate_sgd(CURVED, config, [1.0, -0.5], 30, 5, dynamics="my_lion", engine=engine).final
            for engine in ("numpy", "numba", "torch")
        ]
        for run in runs[1:]:
            np.testing.assert_allclose(run, runs[0], rtol=0, atol=1e-12)
        w, m = np.tile([1.0, -0.5], (5, 1)), 0.0
        flat = sg.Landscape("0*x", "x y", noise_covariance=1.0)
        walk = sg.simulate_sgd(flat, sg.SGDConfig(0.01, 5, 60), [0.0, 0.0], 30, 5, save_every=1)
        for mean in -np.diff(walk.snapshots, axis=0) / 0.01:
            g = CURVED.gradient(w) + np.einsum("pij,pj->pi", CURVED.noise_factor(w), mean)
            w, m = w - 0.01 * (np.sign(0.9 * m + 0.1 * g) + 0.1 * w), 0.98 * m + 0.02 * g
        np.testing.assert_allclose(runs[0], w, rtol=0, atol=1e-12)
        data = digits(n_train=60, seed=3)
        found = train(mlp(64, 6, 10), data, config, 60, 2, "my_lion")
        assert (found.train_loss < 2.2).all()
        for noise in ("normal", "isotropic"):
            assert np.isfinite(train(mlp(64, 6, 10), data, config, 3, 2, "my_lion", noise=noise).train_loss).all()
    finally:
        table._RULES.clear()
        table._RULES.update(before)


def test_a_wide_landscape_takes_linear_rules_and_says_which():
    wide = sg.landscapes.wide_quadratic(np.diag([1.0, 2.0]), np.eye(2))
    small = sg.Landscape("x**2/2 + y**2", "x y", noise_covariance=1.0)
    for rule in ("sgd", "heavy_ball", "nesterov"):
        of = sg.SGDConfig(0.05, 4, 64, momentum=0.5, weight_decay=0.1)
        runs = [sg.simulate_sgd(at, of, [1.0, -0.5], 20, 7, dynamics=rule).final for at in (wide, small)]
        np.testing.assert_allclose(runs[0], runs[1], rtol=0, atol=1e-12)
    with pytest.raises(
        ValueError, match=r"dynamics 'adam' does not run on .*; those that do: heavy_ball, nesterov, sgd"
    ):
        sg.simulate_sgd(wide, CONFIG, [1.0, -0.5], 20, 7, dynamics="adam")


def test_the_square_root_rule():
    """Adam at (κB, √κ ε, κ(1 − β), ϵ/√κ) in K/κ updates has the law of Adam at (B, ε, β, ϵ); at (κB, κε) it has not."""
    n, kappa, updates, paths = 100_000, 4, 400, 4000
    at = sg.Landscape("x**2/2", "x", noise_covariance=400.0)  # noise dominates
    betas, rate = {"beta1": 0.96, "beta2": 0.99, "eps": 1e-6}, 0.004
    plain = sg.SGDConfig(rate, 2, n, hyperparameters=betas, sampling="with_replacement")
    scaled = {"beta1": 1 - kappa * 0.04, "beta2": 1 - kappa * 0.01, "eps": 1e-6 / kappa**0.5}

    def run(config, seed):
        count, every = (updates, 100) if config is plain else (updates // kappa, 100 // kappa)
        found = sg.simulate_sgd(at, config, 1.0, count, paths, dynamics="adam", save_every=every, seed=seed)
        return found.snapshots[1:, :, 0]

    base = run(plain, 1)
    root = run(sg.SGDConfig(rate * kappa**0.5, 2 * kappa, n, hyperparameters=scaled, sampling="with_replacement"), 2)
    linear = run(sg.SGDConfig(rate * kappa, 2 * kappa, n, hyperparameters=scaled, sampling="with_replacement"), 3)

    # O(ε²) apart: by a tenth of a standard deviation, and of a variance, at most; at 4 standard errors
    spread = base.std(axis=1)
    assert (np.abs(root.mean(axis=1) - base.mean(axis=1)) < spread * (0.1 + 4 * (2 / paths) ** 0.5)).all()
    ratios, wrong = (np.log(other.var(axis=1) / base.var(axis=1)) for other in (root, linear))
    assert (np.abs(ratios) < 0.1 + 4 * (4 / paths) ** 0.5).all()
    assert (np.abs(wrong) > 0.5).all()  # twice the step in as many updates


BAD = [
    ({"dynamics": "adamm"}, r"dynamics must be one of adam, adamw, .*, got 'adamm'"),
    ({"dynamics": "sde"}, r"dynamics must be one of .*, got 'sde'"),
    ({"noise": "labels?"}, r"noise must be one of .*, got 'labels\?'"),
    ({"dynamics": "adam", "config": sg.SGDConfig(0.1, 4, 64, momentum=0.5)}, "momentum must be 0 for dynamics 'adam'"),
    (
        {"dynamics": "adam", "config": sg.SGDConfig(0.1, 4, 64, hyperparameters={"beta1": 1.0})},
        r"hyperparameters\['beta1'\] must be a finite real number of at least 0 and below 1, got 1.0",
    ),
    (
        {"dynamics": "adam", "config": sg.SGDConfig(0.1, 4, 64, hyperparameters={"beta3": 0.5})},
        "hyperparameters of dynamics 'adam' are beta1, beta2, eps; got 'beta3'",
    ),
    (
        {"config": sg.SGDConfig(0.1, 4, 64, hyperparameters={"beta1": 0.5})},
        "hyperparameters of dynamics 'sgd' are none; got 'beta1'",
    ),
    (
        {"dynamics": "signsgd", "noise": "svag", "substeps": 2},
        "needs a way to divide an update into steps, .* for 'signsgd'",
    ),
    ({"dynamics": "adam", "substeps": 2}, "substeps must be 1 for dynamics 'adam', whose step is an update; got 2"),
    ({"state0": {"v": 1.0}}, "state0 of dynamics 'sgd' is momentum_buffer; got 'v'"),
    ({"state0": {"momentum_buffer": [1.0, 2.0, 3.0]}}, r"state0\['momentum_buffer'\] must have shape \(2,\)"),
]


@every(("changes", "message"), BAD)
def test_what_cannot_be_is_refused_before_any_work(changes, message):
    given = {"config": CONFIG, **changes}
    with pytest.raises(ValueError, match=message):
        sg.simulate_sgd(BOWL, given.pop("config"), [1.0, 1.0], 10, 4, **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dynamics": "signsgd_sde"},
            "dynamics must be one of sde, momentum_sde, rmsprop_sde, adam_sde, got 'signsgd_sde'",
        ),
        ({"dynamics": "adam_sde", "scheme": "heun"}, "scheme must be one of euler_maruyama_adam, got 'heun'"),
        ({"scheme": "rk45"}, "scheme must be one of .*euler_maruyama.*, got 'rk45'"),
        (
            {"dynamics": "rmsprop_sde", "config": sg.SGDConfig(0.1, 4, 64, momentum=0.5)},
            "momentum must be 0 for the SDE",
        ),
    ],
)
def test_sdes_that_do_not_exist(changes, message):
    given = {"config": CONFIG, **changes}
    with pytest.raises(ValueError, match=message):
        sg.simulate_sde(BOWL, given.pop("config"), [1.0, 1.0], 10, 4, **given)


def test_configs_with_hyperparameters_are_values():
    one, other = (sg.SGDConfig(0.1, 4, 64, hyperparameters={"beta2": 0.9, "eps": 1e-6}) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != sg.SGDConfig(0.1, 4, 64, hyperparameters={"beta2": 0.8, "eps": 1e-6})
    assert one.to_dict()["hyperparameters.beta2"] == 0.9
    with pytest.raises(TypeError, match="are not changed"):
        one.hyperparameters["beta2"] = 0.5
    with pytest.raises(ValueError, match=r"hyperparameters must be a mapping from names to numbers, got 3"):
        sg.SGDConfig(0.1, 4, 64, hyperparameters=3)


def test_every_rule_and_noise_says_what_it_is():
    for each in (*all_rules().values(), *all_noises().values()):
        assert each.source
        assert len(each.summary) > 20
    assert all(find(name, CONFIG).rule.sdes is not None for name in all_rules())
    words = re.compile(r"^(w|g|gradient|state)$")
    assert not any(words.match(name) for each in all_rules().values() for name in (*each.state, *each.hyperparameters))


def test_symbols_of_rules_are_plain():
    block = dynamics.component.rule_block(all_rules()["adam"], {"learning_rate": 0.1, **find("adam", CONFIG).numbers})
    assert block.carried == ("bias_of_beta1", "bias_of_beta2")
    assert sp.Symbol("h_beta1", real=True).name in block.block.scalars


@pytest.mark.parametrize("rule", all_rules())
def test_a_run_goes_on_from_its_state(rule):
    """Without noise 50 updates and 50 more are 100, to the bit: corrections of biases and buffers go along."""
    config = sg.SGDConfig(0.02, 64, 64, **dict.fromkeys(all_rules()[rule].takes, 0.3))
    options = {"dynamics": rule, "engine": "numpy"}
    whole = sg.simulate_sgd(CURVED, config, [1.0, -0.5], 100, 2, **options)
    half = sg.simulate_sgd(CURVED, config, [1.0, -0.5], 50, 2, **options)
    rest = sg.simulate_sgd(CURVED, config, half.final, 50, 2, state0=half.auxiliary, **options)
    np.testing.assert_array_equal(rest.final, whole.final)
    for name, values in whole.auxiliary.items():
        np.testing.assert_array_equal(rest.auxiliary[name], values)


def test_decoupled_decay_of_svag_is_that_of_an_update():
    """With a huge ϵ nothing but (1 − ελ/l)ˡ is left of AdamW, and of Adam's own λ nothing."""
    flat = sg.Landscape("0*x", "x")
    config = sg.SGDConfig(0.01, 4, 64, weight_decay=1.0, hyperparameters={"eps": 1e9})
    for steps in (1, 4, 16):
        run = sg.simulate_sgd(flat, config, 1.0, 50, 2, dynamics="adamw", noise="svag", substeps=steps, engine="numpy")
        np.testing.assert_allclose(run.final, (1 - 0.01 / steps) ** (50 * steps), rtol=1e-6)
