"""The claims on SGD and its SDE at N = 1000: cells, the weights that they keep, sizes, checks and notes."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pytest
import torch
import xarray as xr
from tables import every

import sgdsde as sg
from validation.claims.mnist_sde_low_loss import mnist_sde_low_loss
from validation.claims.mnist_sde_reshuffled import mnist_sde_reshuffled
from validation.mnist.cells.ensembles import looked_at
from validation.mnist.sde.grid import FRESH, INDEPENDENT, SHUFFLED, Key, Replicas, Row, Size
from validation.mnist.sde.grid_checks import STATISTICS, checks
from validation.mnist.sde.grid_notes import notes
from validation.mnist.sde.grid_pictures import rates_figure, runs_figure
from validation.mnist.sde.grid_runs import Runs
from validation.mnist.sde.runs import ISOTROPIC, NOISELESS, NOISY, SDE, SGD, STRONGER, SVAG
from validation.verdict import Verdict, rule

pytestmark = pytest.mark.networks

CLAIMS = {FRESH: mnist_sde_low_loss, SHUFFLED: mnist_sde_reshuffled}
SIZES = [
    (sampling, preset, size)
    for sampling, claim in CLAIMS.items()
    for preset, plan in claim.plans.items()
    for size in plan.size.values()
]
CELL = {
    "source": "digits", "n_examples": 20, "hidden": 6, "substeps": 1, "learning_rate": 0.1, "batch_size": 4,
    "time": 1.2, "looks": 6, "kept_every": 3, "seed": 4, "device": "cpu",
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as these only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("sampling", [FRESH, SHUFFLED])
def test_without_noise_all_dynamics_are_gradient_descent(sampling):
    """With ever larger batches each noise goes to 0: what is left are the same weights at the start, and ∇L."""
    quiet = looked_at(**CELL, sampling=FRESH, dynamics="gd", replicas=1)
    size = 20 if sampling == SHUFFLED else 10**4
    for dynamics in ("sgd", "noisy_gd", "isotropic", "sde", *(("svag",) if sampling == FRESH else ())):
        run = looked_at(**CELL | {"batch_size": size}, sampling=sampling, dynamics=dynamics, replicas=2)
        assert dict(run.sizes) == {"replica": 2, "look": 6, "kept": 2}
        np.testing.assert_allclose(run["train_loss"], quiet["train_loss"].to_numpy().repeat(2, 0), atol=5e-3)
        np.testing.assert_allclose(run["hessian_trace"], quiet["hessian_trace"].to_numpy().repeat(2, 0), rtol=0.1)
        assert float(run["weight_spread"].max()) < 1e-3


def test_an_epochs_noise_is_nothing_with_permutations_alone():
    """At the end of an epoch reshuffled SGD and its SDE have spread to second order in ε only."""
    at_end = CELL | {"time": 0.05, "learning_rate": 0.01, "looks": 5, "kept_every": 5}
    spread = {
        (sampling, dynamics): float(
            looked_at(**at_end, sampling=sampling, dynamics=dynamics, replicas=20)["weight_spread"].mean()
        )
        for sampling in (FRESH, SHUFFLED)
        for dynamics in ("sgd", "sde")
    }
    for dynamics in ("sgd", "sde"):
        assert spread[SHUFFLED, dynamics] < 0.05 * spread[FRESH, dynamics]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_weights_that_are_kept_are_those_of_the_looks(threads):
    """A run that keeps them at each of fewer looks has the same numbers, whichever thread a replica runs on."""
    torch.set_num_threads(threads)
    often = looked_at(**CELL, sampling=FRESH, dynamics="sgd", replicas=5)
    seldom = looked_at(**CELL | {"looks": 2, "kept_every": 1}, sampling=FRESH, dynamics="sgd", replicas=5)
    for name in ("hessian_trace", "weight_spread", "output_spread"):
        np.testing.assert_allclose(often[name], seldom[name], rtol=1e-4)  # updates are taken together until a look
    np.testing.assert_allclose(often["train_loss"][:, 2::3], seldom["train_loss"], rtol=1e-5)
    assert len(np.unique(often["hessian_trace"])) == 10


@pytest.mark.parametrize("change", [{"time": 1.25}, {"looks": 4}])
def test_looks_between_updates_are_refused(change):
    with pytest.raises(ValueError, match="whole updates"):
        looked_at(**CELL | change, sampling=FRESH, dynamics="sgd", replicas=2)


@every(("sampling", "preset", "size"), SIZES)
def test_sizes_fit(sampling, preset, size):
    """Looks are at updates, windows have whole epochs (not in seconds), and along a row there is one noise scale."""
    length = size.time / size.windows
    for key, case in size.cases(sampling):
        updates = size.time / case.looks / key.rate
        assert updates == pytest.approx(round(updates))
        assert case.looks % (size.windows * size.kept_every) == 0
        if case.dynamics == "gd":
            continue
        config = sg.SGDConfig(key.rate, case.batch_size, size.n_examples, sampling=FRESH)
        expected = size.n_examples / key.ratio * (1 - 1 / size.n_examples) * (1.5 if key.run == STRONGER else 1.0)
        assert config.noise_scale == pytest.approx(expected)
        if case.sampling == SHUFFLED and preset != "smoke":
            epochs = length / (size.n_examples * key.rate / case.batch_size)
            assert epochs == pytest.approx(round(epochs))
            assert size.n_examples % case.batch_size == 0
        if case.dynamics == "svag":
            assert key.rate / case.substeps == pytest.approx(size.reference_rate / size.substeps)
    assert len(dict(size.cases(sampling))) == len(list(size.cases(sampling)))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("looks", 8, "multiple of 3"),
        ("compared", (1,), "windows from 0 to 0"),
        ("rows", (Row((0.1, 0.13), 2),), "whole batches"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(field, value, message):
    sizes = {
        "n_examples": 100, "widths": {8: Replicas(4, 4, 4)}, "rows": (Row((0.1, 1.0), 2),), "time": 6.0, "windows": 1,
        "compared": (0,), "looks": 6, "kept_every": 2, "reference_rate": 0.1, "isotropic_rate": 0.1,
    }  # fmt: skip
    Size(**sizes)
    with pytest.raises(ValueError, match=message):
        Size(**sizes | {field: value})


#: What noise does to each variable in the made-up runs, in units of what it does under the SDE; 0 without noise.
EFFECTS = {SDE: 1.0, SGD: 1.0, SVAG: 1.0, NOISY: 1.0, NOISELESS: 0.0, ISOTROPIC: 0.2, STRONGER: 1.8, INDEPENDENT: 1.6}


def made_up(sampling, effects, seeds=5, replicas=60, scatter=0.1, preset="smoke"):
    """Runs of a preset's size in which noise does what `effects` says, with a scatter over replicas."""
    size = CLAIMS[sampling].plans[preset].size["digits"]
    generator = np.random.default_rng(8)
    own = generator.uniform(1.0, 2.0, seeds).repeat(replicas)[:, None]

    def run(effect, looks):
        noise = (effect + scatter * (effect > 0) * generator.normal(size=(seeds * replicas, 1))) * np.ones(looks)
        kept = noise[:, : looks // size.kept_every]
        over_looks = {"train_loss": own + 0.5 * noise, "train_accuracy": 1 - 0.1 * noise}
        over_kept = {"hessian_trace": 30 * own - noise, "weight_spread": noise * own, "output_spread": noise * own}
        if not effect:
            over_kept |= {"weight_spread": 0 * kept, "output_spread": 0 * kept}
        return xr.Dataset(
            {name: (("replica", "look"), values) for name, values in over_looks.items()}
            | {name: (("replica", "kept"), values[:, : kept.shape[1]]) for name, values in over_kept.items()}
        )

    found = {key: run(effects[key.run], case.looks) for key, case in size.cases(sampling)}
    return Runs(size, sampling, seeds, found)


def verdicts(sampling, effects, of=SGD):
    """The checks of a run against the SDE, by what is compared."""
    runs, protocol = made_up(sampling, effects), CLAIMS[sampling].protocol
    held = [each for each in checks(runs) if f", {of}" in each.label and "against SDE" in each.label]
    return {each.label: rule(each, protocol.terms(each.label), 4.5).verdict for each in held}


@pytest.mark.parametrize("sampling", [FRESH, SHUFFLED])
def test_what_is_the_sde_agrees(sampling):
    found = verdicts(sampling, EFFECTS)
    assert len(found) >= 2 * len(STATISTICS[sampling])
    assert set(found.values()) == {Verdict.AGREES}


@every(
    ("sampling", "rival"),
    [(of, rival) for of in (FRESH, SHUFFLED) for rival in (NOISELESS, STRONGER, ISOTROPIC)] + [(SHUFFLED, INDEPENDENT)],
)
def test_a_rival_that_is_the_truth_does_not_agree(sampling, rival):
    found = verdicts(sampling, EFFECTS | {SGD: EFFECTS[rival]})
    assert found
    assert not set(found.values()) & {Verdict.AGREES, Verdict.EXACT}


@pytest.mark.parametrize("preset", ["smoke", "quick", "full"])
@pytest.mark.parametrize("sampling", [FRESH, SHUFFLED])
def test_as_many_checks_as_announced_the_headline_and_all_statements_among_them(sampling, preset):
    claim = CLAIMS[sampling]
    made = list(checks(made_up(sampling, EFFECTS, seeds=2, replicas=2, preset=preset)))
    labels = [each.label for each in made]
    assert len(set(labels)) == len(made) == claim.plans[preset].tests
    assert claim.protocol.presets[preset].get("headline", claim.protocol.headline) in labels
    assert {rival for each in made for rival in each.rivals} == set(claim.protocol.rivals)
    if preset == "full":
        for pattern in [said.check for said in claim.protocol.statements] + [
            held.match for held in claim.protocol.rules
        ]:
            assert any(fnmatchcase(label, pattern) for label in labels), pattern
        assert claim.plans[preset].size["MNIST"] == claim.plans[preset].size["digits"]


def test_an_svag_that_is_sgd_does_not_agree():
    """Where SGD has left the SDE."""
    away = EFFECTS | {SGD: 3.0}
    assert set(verdicts(FRESH, away, "SVAG").values()) == {Verdict.AGREES}
    assert set(verdicts(FRESH, away | {SVAG: 3.0}, "SVAG").values()) == {Verdict.DIFFERS}


def test_statistics_are_less_those_of_gradient_descent_at_the_same_times():
    """Losses that fall along training, whichever looks a run has."""
    size = CLAIMS[FRESH].plans["smoke"].size["digits"]
    cases = dict(size.cases(FRESH))

    def falling(key):
        looks = cases[key].looks
        times = size.time * (np.arange(looks) + 1) / looks
        loss = np.exp(-times) + (0.0 if key.run == NOISELESS else 0.25)
        kept = 50 - times[size.kept_every - 1 :: size.kept_every] - (0.0 if key.run == NOISELESS else 2.0)
        return xr.Dataset({
            "train_loss": (("replica", "look"), loss[None].repeat(2, 0)),
            "hessian_trace": (("replica", "kept"), kept[None].repeat(2, 0)),
        })  # fmt: skip

    runs = Runs(size, FRESH, 1, {key: falling(key) for key in cases})
    for key in cases:
        if key.run != NOISELESS:
            np.testing.assert_allclose(runs.statistic(key, "excess"), 0.25)
            np.testing.assert_allclose(runs.statistic(key, "flattening"), 2.0)
            quiet = np.exp(runs.statistic(key, "log_loss")) * runs.without_noise(key, "train_loss")
            np.testing.assert_allclose(quiet, runs.in_windows(key, "train_loss"))


@pytest.mark.parametrize("sampling", [FRESH, SHUFFLED])
def test_notes_say_how_low_the_loss_is_and_what_more_would_cost(sampling):
    protocol = CLAIMS[sampling].protocol
    runs = made_up(sampling, EFFECTS)
    told = list(notes(runs, list(checks(runs)), protocol))
    assert len(told) == 2 + len(runs.size.rows)
    assert "training loss at s = 6" in told[0]
    assert told[-1].startswith(f"All {4 * len(runs.size.rows)} numbers")
    few = made_up(sampling, EFFECTS, replicas=4, scatter=0.5)
    (*_, undecided) = notes(few, list(checks(few)), protocol)
    assert "would decide them" in undecided


@pytest.mark.parametrize("sampling", [FRESH, SHUFFLED])
def test_figures_have_a_panel_for_each_statistic_and_window(sampling):
    runs = made_up(sampling, EFFECTS, replicas=4)
    for row in runs.size.rows:
        figure = rates_figure(runs, row, CLAIMS[sampling].protocol)
        assert len(figure.axes) == len(STATISTICS[sampling]) * len(runs.size.compared)
    left, right = runs_figure(runs, runs.size.rows[0], 16).axes
    assert len(left.lines) == len(right.lines) + 1  # gradient descent has no spread


def test_the_noise_times_one_and_a_half_is_that():
    (row,) = CLAIMS[FRESH].plans["full"].size["MNIST"].rows
    size = CLAIMS[FRESH].plans["full"].size["MNIST"]
    assert size.stronger(row) == 0.03
    assert Key(STRONGER, 50, row.ratio, 0.03) in dict(size.cases(FRESH))
