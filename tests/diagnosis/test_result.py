"""What a diagnosis says: the table, the sentence, the dictionary."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.diagnosis import EFFECTS, diagnose
from sgdsde.diagnosis.words import percent, verdict_of
from sgdsde.theory import stationary_variance

PROTOCOLS = Path(__file__).parents[2] / "validation" / "protocols"
SHUFFLED = sg.SGDConfig(0.1, 4, 64, sampling="reshuffle")
BOWL = sg.Landscape("h*x**2/2", "x", {"h": 1.0})
LAWS = (("sde", "brownian"), ("sgd", None))


@pytest.fixture(scope="module")
def found():
    return diagnose(SHUFFLED, BOWL)


def test_every_effect_of_the_issue_has_a_row_and_a_claim_that_exists():
    assert [each.name for each in diagnose(SHUFFLED, BOWL).effects] == list(EFFECTS)
    assert {"finite ε", "reshuffling", "B near N", "non-normal batches", "momentum's memory", "mean-square stability",
            "fast schedule", "heavy or light tails"} < set(EFFECTS)  # fmt: skip
    for each in EFFECTS.values():
        for claim in (each.claim, each.network_claim):
            assert (PROTOCOLS / f"{claim}.toml").exists(), claim


def test_the_table_is_one_screen_and_says_it_in_one_sentence(found):
    lines = str(found).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines[:15])) <= 110
    assert lines[0] == "Is the SDE of Brownian motion right for SGD with ε = 0.1, B = 4, N = 64, m = 0, reshuffle?"
    assert found.sentence.startswith("No: the SDE's variance is 2.31 times SGD's, by reshuffling and finite ε.")
    assert 'With driver="epoched" it is off by −8.2 %.' in found.sentence
    assert repr(found) == str(found)


def test_narrow_terminals_get_blocks(found):
    assert max(map(len, found.text(80).split("\n\n")[1].splitlines())) <= 80


def test_notebooks_get_a_table(found):
    html = found._repr_html_()
    assert html.count("<tr>") == len(found.effects) + 2
    assert "driver=&quot;epoched&quot;" in html


def test_the_dictionary_is_plain_and_has_all_of_it(found):
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["error"] == pytest.approx(found.error)
    assert plain["config"]["sampling"] == "reshuffle"
    assert [each["name"] for each in plain["effects"]] == [each.name for each in found.effects]
    assert plain["verdict"] == "breaks down"
    assert plain["best"] == 'driver="epoched"'


def test_a_run_for_which_the_sde_is_right_is_said_to_be():
    found = diagnose(sg.SGDConfig(0.004, 4, 6400), BOWL)
    assert (found.verdict, found.best) == ("negligible", "")
    assert found.sentence.startswith("Yes: the SDE's variance is 0.2 % below SGD's.")


def test_effects_that_make_up_for_each_other_are_said_to():
    config = sg.SGDConfig(0.2, 8, 256, sampling="reshuffle")
    h = np.linspace(1, 8, 2000)
    sde, sgd = (stationary_variance(h, 1.0, config, name, driver=driver) for name, driver in LAWS)
    found = diagnose(config, BOWL.with_parameters(h=h[np.abs(sde / sgd - 1).argmin()]))
    assert found.verdict == "negligible"
    assert "make up for each other" in found.sentence


def test_thresholds_are_the_users(found):
    strict = diagnose(SHUFFLED, BOWL, negligible=1e-6, breaks=2.0)
    assert strict["reshuffling"].verdict == "matters"
    assert strict.thresholds == (1e-6, 2.0)


def test_the_worst_direction_is_named():
    stiff = sg.Landscape("x**2/2 + 10*y**2", "x y", noise_covariance=[["20", "0"], ["0", "1"]])
    found = diagnose(sg.SGDConfig(0.05, 4, 64), stiff)
    assert found.largest == pytest.approx(-0.5)
    assert "In the direction where it is worst it is off by −50 %." in found.sentence


def test_a_row_that_is_not_there_is_named(found):
    with pytest.raises(KeyError, match="friday"):
        found["friday"]


def test_numbers_are_shown_as_they_are_read():
    assert [percent(x) for x in (0.0123, -0.5, 2.0, math.inf, math.nan)] == ["+1.2 %", "−50 %", "+200 %", "∞", "?"]
    assert verdict_of(-0.3, (0.02, 0.25)) == "breaks down"
