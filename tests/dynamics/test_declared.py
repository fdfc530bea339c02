"""What users declare: names that cannot be, values that do not fit, and what has a docstring or not."""

import numpy as np
import pytest
from tables import every
from torch import nn

import sgdsde as sg
from sgdsde.data import Dataset
from sgdsde.dynamics import Hyperparameter, all_noises, all_rules
from sgdsde.dynamics import registry as table
from sgdsde.models import train

pytestmark = pytest.mark.networks

BOWL, CONFIG = sg.Landscape("x**2/2", "x"), sg.SGDConfig(0.1, 2, 8)
LINE = Dataset("line", np.arange(8.0)[:, None], np.ones((8, 1)), np.ones((2, 1)), np.ones((2, 1)))


@pytest.fixture(autouse=True)
def nothing_is_left_behind(monkeypatch):
    monkeypatch.setattr(table, "_RULES", all_rules())
    monkeypatch.setattr(table, "_NOISES", all_noises())


def declared(name="mine", given=lambda u: u.w - u.learning_rate * u.gradient, **more):
    def function(update):
        return given(update)

    function.__name__ = name
    return sg.rule(source="here", **more)(function)


def ways(name):
    """A landscape, and a network."""
    return [
        lambda: sg.simulate_sgd(BOWL, CONFIG, 1.0, 3, 2, dynamics=name, engine="numpy").final,
        lambda: train(nn.Linear(1, 1), LINE, CONFIG, 3, dynamics=name, loss="mse").train_loss,
    ]


@pytest.mark.parametrize("name", ["sgd", "adam", "svag", "sde"])
def test_a_name_that_there_is_is_not_taken_away(name):
    with pytest.raises(ValueError, match=f"a rule must have a name that is not taken: '{name}' is declared in sgdsde"):
        declared(name)
    if name in all_rules():
        assert all_rules()[name].module == "sgdsde.dynamics.rules"


def test_a_noise_of_that_name_neither():
    def normal(tape, w):
        return tape.gradient(w)

    with pytest.raises(ValueError, match="a noise must have a name that is not taken: 'normal'"):
        sg.noise(source="here")(normal)


def test_a_module_may_declare_its_own_again():
    declared()
    declared(given=lambda u: u.w)  # a cell of a notebook that is run again
    assert ways("mine")[0]().tolist() == [[1.0], [1.0]]


def test_no_docstring_is_needed():
    declared()

    def bare(tape, w):
        return tape.gradient(w)

    sg.noise(source="here")(bare)
    assert all_rules()["mine"].summary == all_noises()["bare"].summary == ""
    assert np.isfinite(ways("mine")[0]()).all()


@pytest.mark.parametrize("given", [lambda u: u.w, lambda u: (u.w, u.a, u.a)])
def test_too_few_or_too_many_values_are_refused_everywhere(given):
    declared(given=given, state=("a",))
    for way in ways("mine"):
        with pytest.raises(ValueError, match=r"rule 'mine' must return 2 values, w, a; got [13]"):
            way()


def test_what_a_rule_has_is_listed():
    declared(given=lambda u: u.w - u.nonsense, hyperparameters={"own": Hyperparameter(0.5)})
    for way in ways("mine"):
        with pytest.raises(AttributeError, match=r"a rule has no 'nonsense', but .*: w, gradient, .*own"):
            way()


@every(
    ("more", "message"),
    [
        ({"state": "exp_avg"}, "state must be a tuple of names"),
        ({"state": ("a", "a")}, "state must have names that are not taken already, got 'a'"),
        ({"state": ("a b",)}, "state must have names that are identifiers"),
        *(
            ({"state": (name,)}, "state must have names that are not taken")
            for name in ("w", "z", "let", "dt", "bridge")
        ),
        ({"state": ("z0",)}, "state must not have names such as the numbered ones"),
        ({"hyperparameters": {"rate": 0.5}}, r"hyperparameters\['rate'\] must be a Hyperparameter, got 0.5"),
        ({"hyperparameters": {"momentum": Hyperparameter(0.5)}}, "hyperparameters must have names that are not taken"),
        ({"hyperparameters": {"a": Hyperparameter(0.5)}, "state": ("a",)}, "hyperparameters must have names"),
        ({"hyperparameters": 3}, "hyperparameters must be a mapping"),
    ],
)
def test_names_that_cannot_be(more, message):
    with pytest.raises(ValueError, match=message):
        declared(**more)


def test_a_default_outside_of_its_interval():
    with pytest.raises(ValueError, match="default must be a finite real number of at least 0 and below 1, got 5"):
        Hyperparameter(5, 0, 1)
