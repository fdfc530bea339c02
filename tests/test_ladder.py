"""The ladder against exact variances; which rungs share noise, and which do not; what is absent, and why."""

import itertools

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.ladders import ladder
from sgdsde.statistics import distances

BOWL = sg.Landscape("x**2/2", "x")
CONFIG = sg.SGDConfig(0.8, batch_size=1, n_examples=64)
PATHS, UPDATES = 4000, 30  # e^{-24} is left of the start
SMALL = {"updates": 4, "paths": 64, "svag": (2,), "substeps": 4, "engine": "numpy"}


@pytest.fixture(scope="module")
def climbed():
    return ladder(BOWL, CONFIG, 0.0, UPDATES, PATHS, svag=(8, 1, 4, 2, 2), seed=3)


def test_variances_are_those_of_theory_and_fall_towards_the_sde(climbed):
    """T/(2 − ε/l) at a curvature of 1 for SVAG(l), and for Euler–Maruyama in l steps; l = 1 is noisy GD."""
    found = {}
    for rung in climbed.rungs:
        predicted = (2 - 0.8 / 16) / (2 - 0.8 / rung.steps) - 1
        distance = rung.distances.covariance_distance
        if rung is climbed.floor:
            assert distance.excess < 6
            continue
        found[rung.label] = distance.value
        # a distance is a modulus: near 0 its noise is what it may be off by
        assert abs(distance.value - predicted) < 4.5 * max(distance.standard_error, distance.noise), rung.label
    assert found["SGD"] > found["SVAG(2)"] > found["SVAG(4)"]
    assert found["noisy GD"] > found["SDE, 2 steps"] > found["SDE, 4 steps"] > found["SDE, 8 steps"]
    assert climbed["SGD"].distances.energy_distance.excess > 20
    assert climbed["SVAG(8)"].distances.energy_distance.excess < 6


def test_pairs_have_smaller_errors(climbed):
    for label in ("noisy GD", "SDE, 2 steps", "SDE, 8 steps"):
        rung = climbed[label]
        assert rung.paired
        apart = distances(rung.ensemble.final, climbed.reference.final)
        for name, factor in (("mean_difference", 2), ("wasserstein1", 1.5), ("covariance_distance", 1.5)):
            shared, alone = (getattr(x, name).standard_error for x in (rung.distances, apart))
            assert np.all(factor * shared < alone), (label, name)


def test_noise_is_shared_by_pairs_only(climbed):
    """Correlations of the ends and of their squares: what is used with the other sign would show too."""
    ends = [(rung.label, rung.paired, rung.ensemble.final[:, 0]) for rung in climbed.rungs]
    ends.append(("SDE", True, climbed.reference.final[:, 0]))
    for (one, paired, x), (other, also, y) in itertools.combinations(ends, 2):
        correlations = [np.corrcoef(x, y)[0, 1], np.corrcoef(x**2, y**2)[0, 1]]
        if paired and also:
            assert correlations[0] > 0.7, (one, other)
        else:
            assert np.abs(correlations).max() < 4 / np.sqrt(PATHS), (one, other)


def test_noisy_descent_is_the_maps_own_with_the_sign_of_its_noise_turned():
    """Which the Brownian path's run of one step an update must be, to rounding."""
    path = sg.BrownianPath(1, 5 * 0.8, 5, seed=9)
    turned = sg.BrownianPath(1, 5 * 0.8, 5, increments=-path.increments(5, 32))
    sde = sg.simulate_sde(BOWL, CONFIG, 1.0, 5, 32, brownian=turned, engine="numpy")
    own = sg.simulate_sgd(BOWL, CONFIG, 1.0, 5, 32, dynamics="noisy_gd", seed=9, engine="numpy")
    np.testing.assert_allclose(sde.final, own.final, rtol=1e-12)


def test_rungs_do_not_depend_on_the_others_and_share_the_examples(climbed):
    alone = ladder(BOWL, CONFIG, 0.0, UPDATES, PATHS, svag=(), seed=3)
    for label in ("SGD", "noisy GD", "SDE again"):
        np.testing.assert_array_equal(alone[label].ensemble.final, climbed[label].ensemble.final)
    assert climbed["SGD"].ensemble.provenance["examples"] == climbed["SVAG(4)"].ensemble.provenance["examples"]
    other = ladder(BOWL, CONFIG, 0.0, svag=(), seed=4, **{k: v for k, v in SMALL.items() if k != "svag"})
    assert not np.isin(other["SGD"].ensemble.final, alone["SGD"].ensemble.final).any()


def test_over_time():
    found = ladder(BOWL, CONFIG, 0.0, **{**SMALL, "updates": 5}, at=(4, 2))
    assert found.at == (2, 4, 5)
    rung = found["SVAG(2)"]
    assert rung.ensemble.save_every == 2
    at_4 = distances(rung.ensemble.snapshots[2], found.reference.snapshots[2])
    assert rung.over_time[1].wasserstein1.value == at_4.wasserstein1.value
    assert rung.distances is rung.over_time[2]
    assert list(found.to_xarray().step.values) == [2, 4, 5]


def test_to_xarray_survives_a_file(climbed, tmp_path):
    import xarray

    data = climbed.to_xarray()
    assert data["value"].dims == ("rung", "step", "quantity")
    assert list(data["quantity"].values) == ["mean", "covariance", "W1 x", "energy"]
    found = data.sel(rung="SVAG(2)", step=UPDATES)
    distance = climbed["SVAG(2)"].distances.wasserstein1
    for name in ("value", "standard_error", "noise", "spread"):
        assert float(found[name].sel(quantity="W1 x")) == getattr(distance, name)[0]
    assert float(found["mean_difference"][0]) == climbed["SVAG(2)"].distances.mean_difference.value[0]
    data.to_netcdf(tmp_path / "ladder.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "ladder.nc", engine="scipy") as read:
        np.testing.assert_array_equal(read["value"], data["value"])
        assert list(read["rung"].values) == [rung.label for rung in climbed.rungs]
        assert read.attrs["reference"] == "SDE"


def test_printed(climbed):
    lines = str(climbed).splitlines()
    assert lines[0] == f"Distances from the SDE of 16 steps an update after {UPDATES} updates, {PATHS} paths"
    assert lines[1].split() == ["rung", "mean", "covariance", "W1", "x", "energy"]
    assert lines[7].startswith("noisy GD*")
    assert lines[-3].startswith("SDE again")
    assert lines[-3].count("(") == 4
    assert lines[-1] == "the SDE's variance is expected to be +2.6% off by its steps: give more substeps"
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("sampling", ["without_replacement", "reshuffle"])
def test_momentum_has_no_svag_and_its_own_sde(sampling):
    config = sg.SGDConfig(0.1, batch_size=4, n_examples=64, momentum=0.5, sampling=sampling)
    found = ladder(BOWL, config, 0.0, **SMALL)
    labels = ["SGD", "noisy GD", "momentum SDE", "SDE, 2 steps", "SDE again"]
    assert [rung.label for rung in found.rungs] == labels
    shared = sampling != "reshuffle"  # of epoched Brownian motion runs of other steps have bridges of their own
    assert [rung.paired for rung in found.rungs] == [False, False, shared, shared, False]
    why = "momentum = 0.5" if sampling == "without_replacement" else "sampling = 'reshuffle'"
    assert "no SVAG: it is made for" in str(found)
    assert found.absent["SVAG"].endswith(f"independent batches, got {why}")
    driven = found["momentum SDE"].ensemble.final[:, 0], found.reference.final[:, 0]
    if shared:
        assert np.corrcoef(*driven)[0, 1] > 0.4  # the same Brownian motion, sign included
    else:
        assert found.reference.provenance["driver"] == "epoched"
    assert abs(np.corrcoef(found["noisy GD"].ensemble.final[:, 0], driven[1])[0, 1]) < 4 / np.sqrt(64)


def test_reshuffled_batches_have_no_svag():
    config = sg.SGDConfig(0.1, batch_size=4, n_examples=64, sampling="reshuffle")
    found = ladder(BOWL, config, 0.0, **{**SMALL, "substeps": 1})
    assert [rung.label for rung in found.rungs] == ["SGD", "SDE again"]
    assert "'reshuffle'" in found.absent["SVAG"]
    assert "one step" in found.absent["noisy GD"]


def test_another_reference_and_two_dimensions():
    bowl = sg.Landscape("x**2/2 + y**2", "x y", noise_covariance=[["1", "0.5"], ["0.5", "1"]])
    seen = []
    found = ladder(bowl, CONFIG, [0.0, 0.1], against="svag(2)", progress=seen.append, **SMALL)
    assert found.reference.label == "SVAG(2)"
    assert found.floor.label == "SVAG(2) again"
    assert not any(rung.paired for rung in found.rungs)
    assert list(found.to_xarray()["quantity"].values) == ["mean", "covariance", "W1 x", "W1 y", "energy"]
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(KeyError, match=r"label must be one of SGD, noisy GD, .*, got 'SVAG\(3\)'"):
        _ = found["SVAG(3)"]


@pytest.mark.filterwarnings("ignore::sgdsde.StabilityWarning", "ignore::sgdsde.DivergenceWarning")
def test_rungs_that_diverge_are_absent():
    steep = sg.Landscape("x**4/4 + x**2/2", "x")
    config = sg.SGDConfig(1.0, batch_size=1, n_examples=64)
    found = ladder(steep, config, 3.0, **{**SMALL, "updates": 12, "substeps": 16})
    assert found.absent["SGD"] == "64 of 64 paths diverged"
    assert "SDE, 8 steps" in [rung.label for rung in found.rungs]
    with pytest.raises(ValueError, match="against = 'SGD': 64 of its 64 paths diverged"):
        ladder(steep, config, 3.0, against="SGD", **{**SMALL, "updates": 12})


@every(
    ("changed", "message"),
    [
        ({"svag": (0, 2)}, "each of svag must be an integer of at least 1, got 0"),
        ({"svag": (1.5,)}, "each of svag must be an integer of at least 1, got 1.5"),
        ({"svag": 4}, r"svag must be a sequence of integers such as \(1, 2, 4\), got 4"),
        ({"at": (5,)}, "each of at must be an integer from 1 to 4, got 5"),
        ({"substeps": 0}, "substeps must be an integer of at least 1, got 0"),
        ({"paths": 3}, "paths must be an integer of at least 4, got 3"),
        ({"updates": 0}, "updates must be an integer of at least 1, got 0"),
        ({"updates": 2**60}, r"updates × substeps or svag must be at most 2\*\*53 = .*, got 4611686018427387904"),
        ({"seed": -1}, "seed must be an integer"),
        (
            {"against": "SVAG(3)"},
            r"against must be one of SGD, SVAG\(2\), noisy GD, SDE, 2 steps, SDE, got 'SVAG\(3\)'",
        ),
        ({"examples": "cauchy"}, "examples must be one of gaussian"),
        ({"engine": "abacus"}, "engine must be one of"),
        ({"config": 1}, "config must be a SGDConfig, got 1"),
        ({"landscape": "x"}, "landscape must be a Landscape, got 'x'"),
        ({"config": sg.SGDConfig(0.1, 64, 64)}, "config must leave SGD some noise"),
        (
            {"landscape": sg.Landscape("x**2 + y**2", "x y", noise_factor=[["1"], ["0"]]), "w0": [0, 0]},
            "against: SDE after 4",
        ),
    ],
)
def test_bad_input_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        ladder(**{"landscape": BOWL, "config": CONFIG, "w0": 0.0, **SMALL, **changed})


def test_the_public_name_is_the_function():
    assert sg.ladder is ladder


def test_rmsprop_starts_with_the_averages_of_its_sde():
    """From an average of 0 all rungs would have twice the covariance, whatever l is."""
    config = sg.SGDConfig(0.02, 4, 640)
    found = sg.ladder(sg.Landscape("x**2/2", "x"), config, 0.0, 40, 2000, dynamics="rmsprop", svag=(8,), substeps=4)
    base = found.reference.final.var()
    for label in ("rmsprop", "SVAG(8)"):
        ratio = found[label].ensemble.final.var() / base
        assert abs(np.log(ratio)) < 0.1 + 4 * (4 / 2000) ** 0.5  # O(1 − α, ε) apart, and chance
    cold = sg.simulate_sgd(sg.Landscape("x**2/2", "x"), config, 0.0, 40, 2000, dynamics="rmsprop").final.var()
    assert np.log(cold / base) > 0.5
