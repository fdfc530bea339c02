"""The ladder of a network: which rungs there are, that each is the training it says, and that it tells laws apart."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.ladders import CHANCE

pytestmark = pytest.mark.networks

MODEL, DATA = sg.models.mlp(64, 10), sg.data.digits(n_train=50)
PLAIN, HEAVY = sg.SGDConfig(0.5, 5, 50), sg.SGDConfig(0.02, 5, 50, momentum=0.9)


@pytest.fixture(scope="module")
def soon():
    """After 8 updates with m = 0.9, when heavy ball has hardly begun to move and the overdamped SDE has."""
    return sg.network_ladder(MODEL, DATA, HEAVY, updates=8, replicas=32, against="SGD", substeps=4, seed=1)


def test_after_few_updates_the_overdamped_sde_is_another_law_and_the_momentum_sde_is_near(soon):
    energies = {label: found.energy_distance for label, found in soon.distances.items()}
    assert list(energies) == ["noisy GD", "momentum SDE", "SDE", "SGD again"]
    assert energies["SDE"].excess > 2 * CHANCE
    assert energies["SGD again"].excess < CHANCE
    assert energies["momentum SDE"].value < energies["SDE"].value / 10


def test_each_rung_is_a_training_of_that_name(soon):
    own = int(np.random.SeedSequence([1, *b"noisy GD"]).generate_state(1)[0])
    run = sg.models.train(MODEL, DATA, HEAVY, 8, 32, "noisy_gd", seed=own, initialization="shared")
    np.testing.assert_array_equal(run.train_loss, soon.runs["noisy GD"].train_loss)


def test_it_prints_a_table_with_what_is_absent(soon):
    lines = str(soon).splitlines()
    assert lines[0] == "Distances from the SGD after 8 updates, 32 replicas, in standard deviations"
    assert lines[1].split()[:3] == ["rung", "mean", "covariance"]
    assert lines[-1] == "no SVAG: it is made for independent batches without momentum, not for m = 0.9"


def test_without_momentum_there_are_the_rungs_of_svag_and_no_momentum_sde():
    fractions = []
    found = sg.network_ladder(MODEL, DATA, PLAIN, 3, 8, svag=(3, 2), progress=fractions.append)
    assert list(found.distances) == ["SGD", "SVAG(2)", "SVAG(3)", "noisy GD", "SDE again"]
    assert fractions[-1] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": 7}, "replicas must be an integer of at least 8, got 7"),
        ({"against": "ADAM"}, "against must be one of SGD, SVAG"),
        ({"observables": ("loss",)}, "observables must be some of train_loss"),
        ({"observables": "train_loss"}, "observables must be some of"),
        ({"svag": (0,)}, "svag must be an integer of at least 1, got 0"),
        ({"config": sg.SGDConfig(0.5, 50, 50)}, "observables must vary between replicas of the SDE"),
    ],
)
def test_bad_input_is_refused_by_name(options, message):
    arguments = {"config": PLAIN, "updates": 1, "replicas": 8, **options}
    with pytest.raises(ValueError, match=message):
        sg.network_ladder(MODEL, DATA, **arguments)
