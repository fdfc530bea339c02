"""One rule for numbers, wherever they are handed in."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from tables import every

import sgdsde as sg
from sgdsde.arguments import as_integer, as_real, boolean, choice, integer, integers, positive, real

pytestmark = pytest.mark.networks

REAL = [2, 2.0, np.float32(2), np.int8(2), np.array(2.0), np.array(2), torch.tensor(2.0), torch.tensor(2)]
REAL += [Fraction(2), Decimal(2)]
WHOLE = [2, np.int8(2), np.uint64(2), np.array(2), torch.tensor(2)]
NEITHER = [True, np.True_, np.array(True), torch.tensor(True), "2", np.array("2"), b"2", 2 + 0j, np.complex128(2)]
NEITHER += [
    np.array(2j),
    torch.tensor(2j),
    [2],
    np.array([2.0]),
    torch.tensor([2]),
    None,
    np.array(2, dtype=object),
    ...,
]


@every("value", REAL)
def test_real_numbers(value: Any) -> None:
    assert as_real(value) == real("a", value) == positive("a", value) == 2.0
    assert type(as_real(value)) is float


@every("value", WHOLE)
def test_whole_numbers(value: Any) -> None:
    assert as_integer(value) == integer("n", value, 1) == 2
    assert type(as_integer(value)) is int


@every("value", NEITHER)
def test_what_is_no_number(value: Any) -> None:
    assert as_real(value) is None
    assert as_integer(value) is None


@every("value", [np.inf, -np.inf, np.nan, 10**400, torch.tensor(np.inf)])
def test_real_numbers_are_finite(value: Any) -> None:
    assert as_real(value) is None


@every("values", [[1, 2], (1, np.int8(2)), np.array([1, 2]), torch.tensor([1, 2]), range(1, 3)])
def test_integers_in_a_row(values: Any) -> None:
    assert integers("n", values, 1, 2) == (1, 2)


@every("values", [3, "12", b"12", {1: 2}, {1, 2}, None, np.array(3), np.ones((2, 2), int)])
def test_what_is_no_row_of_integers(values: Any) -> None:
    with pytest.raises(ValueError, match="n must be a sequence of integers"):
        integers("n", values, 1)


@pytest.mark.parametrize(
    ("value", "accepted"), [(0, "from 1 to 9"), (10, "from 1 to 9"), (True, "from 1 to 9"), (2.0, "")]
)
def test_integers_out_of_range(value: Any, accepted: str) -> None:
    with pytest.raises(ValueError, match=f"n must be an integer {accepted}.* got {value}"):
        integer("n", value, 1, 9)


def test_bounds_of_real_numbers() -> None:
    assert [real("p", p, 0, below=1) for p in (0, 0.5)] == [0, 0.5]
    assert [real("p", p, 0, 1) for p in (0, 1)] == [0, 1]
    for limits in ({"least": 0, "below": 1}, {"above": 0, "most": 1}, {"above": 0, "below": 1}, {"most": 0.5}):
        with pytest.raises(ValueError, match=r"p must be a finite real number (of|above) .* got 1\.5"):
            real("p", 1.5, **limits)
    with pytest.raises(ValueError, match="above 0 and below 1, or None, got 0"):
        real("p", 0, above=0, below=1, also=", or None")


@every("value", ["c", "", None, 1, ["a"], np.array("a")])
def test_words_that_are_not_known(value: Any) -> None:
    assert choice("word", "b", {"a": 1, "b": 2}) == "b"
    with pytest.raises(ValueError, match="word must be one of a, b, or none, got"):
        choice("word", value, ("a", "b"), ", or none")


@every("value", [0, 1, "True", None, np.array(True)])
def test_what_is_neither_true_nor_false(value: Any) -> None:
    assert boolean("yes", False) is False
    with pytest.raises(ValueError, match="yes must be True or False, got"):
        boolean("yes", value)


def _config(value: Any) -> Any:
    return sg.SGDConfig(value, 4, 64)


#: Where a user hands in a number, and how the same number comes out.
DOORS: dict[str, Callable[[Any], Any]] = {
    "a parameter": lambda value: sg.Landscape("a*x**2", "x", {"a": value}).loss([1.0]),
    "a changed parameter": lambda value: sg.Landscape("a*x**2", "x", {"a": 1}).with_parameters(a=value).loss([1.0]),
    "noise_covariance": lambda value: sg.Landscape("x**2", "x", noise_covariance=value).noise_covariance([1.0]).item(),
    "an entry of the covariance": lambda value: sg.Landscape(
        "x*y", "x y", noise_covariance=[[value, 0], [0, 1]]
    ).noise_covariance([1.0, 0.0])[0, 0],
    "learning_rate": lambda value: _config(value).learning_rate,
    "time of a path": lambda value: sg.BrownianPath(dimension=1, time=value, steps=4).time,
    "duration": lambda value: (
        2 * sg.integrate(sg.Landscape("x**2/9", "x"), 0.0, value, 2, 2, engine="numpy").provenance["dt"]
    ),
    "a temperature of theory": lambda value: sg.theory.clock.clock(value).temperature,
    "schedule": lambda value: sg.schedules.constant(value, 5)[0],
}


@every("door", DOORS)
def test_every_door_takes_the_same_numbers(door: str) -> None:
    for value in REAL[:8]:
        assert DOORS[door](value) == pytest.approx(2.0, rel=1e-12)
    for value in (True, np.array([1.0, 2.0]), 2j):
        with pytest.raises(ValueError, match=r"must be"):
            DOORS[door](value)
