"""From what a claim yields to a finding."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from validation.check import Check
from validation.claim import Drawing, Told, claim
from validation.context import Context
from validation.gather import gather
from validation.presets import PRESETS
from validation.protocol import Protocol, Words
from validation.sizes import Plan

WORDS = Words(
    statement="At ε = {rate:g}.",
    method="{paths:,} paths at ε = {rate:g}.",
    notes=("Of {paths}.",),
    pictures={"p": {"caption": "C {rate}", "alt": "A"}},
)


@dataclass(frozen=True)
class Size:
    paths: int


def number(label):
    return Check(label, 1.0, 1.0, 0.1, {"none": 0.0})


def gathered(*items, tests=2, progress=lambda fraction: None, **held):
    def fake(context):
        yield from items

    plans = {preset: Plan(tests, 1.0, Size(4000)) for preset in PRESETS}
    made = claim(planned=plans, protocol=Protocol(words=WORDS, **held), registry={})(fake)
    return gather(made, Context("fake", "quick", (1,), Size(4000), progress))


def test_texts_have_sizes_and_facts_and_the_headline_is_the_first_that_matches():
    told = []
    items = (
        number("mean"),
        Told({"rate": 0.1}, notes=("This run.",), data="MNIST"),
        number("slope, ε = 0.1"),
        Drawing("p", None),
    )
    found = gathered(*items, headline="slope, *", progress=told.append)
    assert (found.method, found.notes) == ("4,000 paths at ε = 0.1.", ("Of 4000.", "This run."))
    assert found.statement == "At ε = 0.1."
    assert (found.headline, found.data, found.undecided) == ("slope, ε = 0.1", "MNIST", "")
    assert (found.pictures[0].caption, found.pictures[0].alt) == ("C 0.1", "A")
    assert told == [0.5, 1.0]


@pytest.mark.parametrize(
    ("items", "held", "message"),
    [
        ([number("mean")], {}, "announced 2 checks, made 1"),
        ([number("mean"), number("slope")], {}, "a text names 'rate', which is no size and no fact"),
        (
            [number("a"), number("b"), Told({"rate": 1})],
            {"headline": "c*"},
            "no check is the headline 'c\\*'; they are a, b",
        ),
        ([number("a"), number("b"), Told({"rate": 1}), Drawing("q", None)], {}, "no \\[pictures.q\\]"),
    ],
)
def test_what_is_not_as_the_protocol_says_is_an_error(items, held, message):
    with pytest.raises(RuntimeError, match=message):
        gathered(*items, **held)


def test_a_claim_yields_nothing_else():
    with pytest.raises(TypeError, match="Check, Drawing and Told, got float"):
        gathered(1.0)
