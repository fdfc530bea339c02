"""Each preset shows what its title says, in the numbers of the page, with the page's own settings."""

import json

import pytest
from node import result_of

from sgdsde.explore.page import _scripts, model, scenes_for
from sgdsde.explore.presets import PRESETS

PATHS = 1024
#: Laws and what is measured after some updates, of a preset with changes.
FOUND = """
const found = CASES.map(([given, updates]) => {
  const preset = PRESETS.find((each) => each.name === NAME);
  const world = new World(SCENES, settingsOf(preset.scene, { ...preset.settings, paths: PATHS, ...given }));
  for (let k = 0; k < updates; k++) world.advance();
  const [sde, sgd] = world.sides.map((side, k) => ({
    variance: side.variance(0), ...side.exits(), law: world.theory[k ? "sgd" : "sde"], diverged: side.diverged,
    never: world.theory[k ? "sgd" : "sde"].exit === Infinity,
  }));
  return { sde, sgd, lr: world.s.lr, scale: scaleOf(world.s), watched: world.watched() };
});
console.log(JSON.stringify(found));
"""


def of_preset(name: str, *cases: tuple[dict, int]) -> list[dict]:
    (preset,) = (each for each in PRESETS if each.name == name)
    scenes = {preset.scene: scenes_for(None)[preset.scene]}
    given = f"const NAME = {json.dumps(name)}, PATHS = {PATHS}, CASES = {json.dumps(cases)};"
    return result_of("\n".join([model(scenes), *_scripts(("settings",)), given, FOUND]))


def law(side: dict) -> float:
    return side["law"]["variance"][0][0]


def agrees(measured: dict, expected: float, wrong: float) -> bool:
    """Within 4 standard errors, and what the steps make wrong."""
    return abs(measured["value"] - expected) <= 4 * measured["error"] + wrong * expected


def test_one_noise_scale_many_settings() -> None:
    cases = [
        {},
        {"lr": 0.2 * (1 / 8 - 1 / 64) / (1 / 16 - 1 / 64), "B": 16},
        {"lr": 0.1, "m": 0.5},
        {"N": 128, "lr": 0.2 * (64 / 8 - 1) / (128 / 8 - 1)},
    ]
    first, batch, momentum, doubled = of_preset("scale", *((each, 0) for each in cases))
    for other in (batch, momentum, doubled):
        assert other["scale"] == pytest.approx(first["scale"], rel=1e-12)
    for other in (batch, momentum):
        assert law(other["sde"]) == pytest.approx(law(first["sde"]), rel=1e-9)
        assert 1.0 < law(other["sgd"]) / law(other["sde"]) < 1.5
    assert law(doubled["sde"]) == pytest.approx(law(first["sde"]) / 2, rel=1e-9)


def test_reshuffling_cancels_noise() -> None:
    (brownian, epoched) = of_preset("reshuffle", ({}, 300), ({"driver": "epoched"}, 300))
    assert brownian["sde"]["variance"]["value"] > 2 * brownian["sgd"]["variance"]["value"]
    for side in (brownian["sde"], brownian["sgd"], epoched["sde"]):
        assert agrees(side["variance"], law(side), 0.012)
    assert law(epoched["sde"]) == pytest.approx(law(epoched["sgd"]), rel=0.1)


def test_leaving_a_sharp_minimum() -> None:
    (found,) = of_preset("sharp", ({}, 400))
    for side in (found["sde"], found["sgd"]):
        assert side["law"]["shares"][1] > 0.5
        assert side["out"] > PATHS / 3
        assert agrees(side, side["law"]["exit"], 0.05)
    assert found["sgd"]["law"]["shares"][1] > found["sde"]["law"]["shares"][1]


def test_signs_can_never_climb() -> None:
    signs, gaussian = of_preset("signs", ({}, 150), ({"examples": "gaussian"}, 150))
    assert signs["sgd"]["never"]
    assert signs["sgd"]["out"] == 0
    assert signs["sde"]["out"] > 10
    assert not gaussian["sgd"]["never"]
    assert gaussian["sgd"]["out"] > 10


def test_the_edge_that_the_sde_does_not_have() -> None:
    below, above = of_preset("edge", ({}, 100), ({"lr": 2.1}, 250))
    assert law(below["sgd"]) > 10 * law(below["sde"])
    assert agrees(below["sde"]["variance"], law(below["sde"]), 0.012)
    assert above["sgd"]["law"]["variance"] is None
    assert above["sgd"]["variance"]["value"] > 1e6
    assert agrees(above["sde"]["variance"], law(above["sde"]), 0.012)


def test_balance() -> None:
    (found,) = of_preset("balance", ({}, 60))
    sde, sgd = found["watched"]["means"]
    start = 2.0**2 - 0.5**2
    assert found["watched"]["exact"] < 0.7 * start
    assert agrees(sde, found["watched"]["exact"], 0.012)
    assert sgd["value"] < sde["value"]
