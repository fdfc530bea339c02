"""The files of a figure: what is drawn, as numbers, and pictures."""

from __future__ import annotations

import csv
import json

import numpy as np
from matplotlib.figure import Figure

from sgdsde.plotting import Series, against_theory
from validation import drawn as module
from validation.drawn import drawn

SERIES = [
    Series("SGD", [1, 2], [3.0, 4.0], [0.1, 0.2], [3.1, 4.1], [1, 2], [3.1, 4.1]),
    Series("SDE", [1, 1], [5.0, 6.0], [0.3, 0.4], [5.0, 6.0]),
]


def panels(figure):
    return json.loads(drawn(figure).files["json"])


def test_points_have_their_errors_and_lines_theirs():
    above, below = panels(against_theory(SERIES, "B", "g"))
    assert (above["y"], below["x"], below["y"]) == ("g", "B", "measured / predicted")
    points = {each["label"]: each for each in above["series"] if each["kind"] == "points"}
    assert points["SGD"]["y"] == [3.0, 4.0]
    np.testing.assert_allclose(points["SGD"]["low"], [2.9, 3.8])
    np.testing.assert_allclose(points["SDE"]["high"], [5.3, 6.4])  # two points of one x have each its own error
    (line,) = [each for each in above["series"] if each["kind"] == "line"]
    assert line == {"label": "", "kind": "line", "x": [1.0, 2.0], "y": [3.1, 4.1]}
    assert below["series"][0]["y"] == [3.0 / 3.1, 4.0 / 4.1]


def test_bars_and_scattered_points_are_numbers_and_lines_across_the_panel_are_none():
    figure = Figure()
    axes = figure.add_subplot()
    axes.bar([1, 2], [3, 4], label="bars")
    axes.scatter([5, 6], [7, np.nan], label="dots")
    axes.stairs([1, 2], [0, 1, 3], label="stairs")
    axes.axhline(2, label="across")
    (panel,) = panels(figure)
    found = {each["label"]: (each["kind"], each["x"], each["y"]) for each in panel["series"]}
    assert found == {
        "bars": ("bars", [1.0, 2.0], [3.0, 4.0]),
        "dots": ("points", [5.0, 6.0], [7.0, None]),
        "stairs": ("bars", [0.5, 2.0], [1.0, 2.0]),
    }


def test_the_table_has_the_numbers_of_the_tree():
    files = drawn(against_theory(SERIES, "B", "g")).files
    rows = list(csv.DictReader(files["csv"].decode().splitlines()))
    tree = [
        (str(panel["panel"]), series["label"], x, y)
        for panel in json.loads(files["json"])
        for series in panel["series"]
        for x, y in zip(series["x"], series["y"], strict=True)
    ]
    assert [(row["panel"], row["series"], float(row["x"]), float(row["y"])) for row in rows] == tree


def test_a_figure_is_the_same_file_twice_and_has_no_date():
    one, other = (drawn(against_theory(SERIES, "B", "g")).files for _ in range(2))
    assert one == other
    assert b"<dc:date>" not in one["svg"]


def test_a_large_svg_is_left_out_and_the_png_is_shown(monkeypatch):
    figure = against_theory(SERIES, "B", "g")
    assert drawn(figure).shown == "svg"
    monkeypatch.setattr(module, "LARGEST", 1000)
    assert sorted(drawn(figure).files) == ["csv", "json", "png"]
    assert drawn(figure).shown == "png"
