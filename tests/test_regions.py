"""Conditions are read into margins, and what is no condition is refused with the reason."""

import pytest
from tables import every

from sgdsde.regions import is_affine, parse_regions


@pytest.mark.parametrize(
    ("condition", "alternatives"),
    [
        ("x > 0", (("x - 0",),)),
        ("0 < x <= a", (("x - 0", "a - x"),)),
        ("x < -1 or y >= 1", (("-1 - x",), ("y - 1",))),
        ("x > 0 and (y > 1 or y < -1)", (("x - 0", "y - 1"), ("x - 0", "-1 - y"))),
    ],
)
def test_margins(condition, alternatives):
    (region,) = parse_regions(condition, ["x", "y", "a"])
    assert (region.name, region.condition, region.alternatives) == ("out", condition, alternatives)


def test_regions_have_the_names_that_they_are_given():
    assert [region.name for region in parse_regions({"left": "x < -1", "right": "x > 1"}, ["x"])] == ["left", "right"]


@every(
    ("stop", "message"),
    [
        ("x", "stop: 'x' is no comparison; accepted: comparisons with < and >"),
        ("x == 0", "stop: 'x == 0' compares otherwise"),
        ("not x > 0", "is no comparison"),
        ("x >", "does not read as a condition"),
        ("", "does not read as a condition"),
        ("z > 0", "stop: z is not a known name; accepted: x"),
        ("x.real > 0", "stop: "),
        ("__import__('os').system('true') > 0", "stop: the character"),
        ("(lambda: x)() > 0", "stop: "),
        ("x > 0 or " * 20 + "x < 1", "has more than 16 alternatives"),
        ("x" * 5000 + " > 0", "at most 4096 characters"),
        ({}, "stop must be a condition such as 'x > 0'"),
        ({"a": 3}, "stop must be a condition such as 'x > 0'"),
        (3, "stop must be a condition such as 'x > 0'"),
        ({str(i): "x > 0" for i in range(17)}, "at most 16 regions"),
        ({"left": "x + 1"}, r"stop\['left'\]: 'x \+ 1' is no comparison"),
    ],
)
def test_what_is_refused(stop, message):
    with pytest.raises(ValueError, match=message):
        parse_regions(stop, ["x"])


@every(
    ("margin", "affine"),
    [
        ("x - 0", True),
        ("2*(x - y)/a + a**2", True),
        ("x/x", False),
        ("x**1", False),
        ("abs(x)", False),
        ("exp(a)*x", True),
    ],
)
def test_affine(margin, affine):
    assert is_affine(margin, ["x", "y"]) == affine
