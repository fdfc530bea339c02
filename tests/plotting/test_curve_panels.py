"""Curves in panels side by side."""

from __future__ import annotations

import pytest

from sgdsde.plotting import Curve, CurvePanel, Line, curve_panels, png


def panels():
    falls = Curve("SGD", [1, 2, 4], [1.0, 0.8, 0.7], [0.1, 0.1, 0.1])
    rises = Curve("other", [1, 2, 4], [0.5, 0.6, 0.9], joined=False)
    loss = CurvePanel("B", "loss", [falls, rises], band=(0.9, 1.1), x_scale="log", y_range=(0.0, 2.0))
    return [loss, CurvePanel("N", "accuracy", [rises], [Line("∝ N", [1, 4], [0.2, 0.8])], title="late")]


def test_a_label_has_one_look_and_one_place_in_the_legend():
    figure = curve_panels(panels())
    left, right = figure.axes
    colours = {line.get_label(): line[0].get_color() for line in (*left.containers, *right.containers)}
    assert left.containers[1][0].get_color() == right.containers[0][0].get_color() == colours["other"]
    assert colours["SGD"] != colours["other"]
    assert sorted(text.get_text() for text in figure.legends[0].get_texts()) == ["SGD", "other", "∝ N"]
    assert right.get_title(loc="left") == "late"


def test_points_are_joined_have_bars_and_lie_over_the_band_as_they_are_asked_to():
    left, right = curve_panels(panels()).axes
    joined, loose = left.containers
    assert joined[0].get_linestyle() == "-"
    assert loose[0].get_linestyle() == "None"
    assert joined.has_yerr
    assert not loose.has_yerr
    assert (left.patches[0].get_y(), left.patches[0].get_height()) == pytest.approx((0.9, 0.2))
    assert left.get_ylim() == (0.0, 2.0)
    assert left.get_xscale() == "log"
    assert right.get_lines()[-1].get_linestyle() == "--"
    assert not right.patches


def test_the_legend_is_wide_enough_and_the_picture_is_drawn():
    assert len(png(curve_panels(panels()[:1], columns=1))) > 1000
    with pytest.raises(ValueError, match="at least one"):
        curve_panels([])


def test_panels_fill_rows():
    figure = curve_panels(panels() * 2, rows=2)
    assert len(figure.axes) == 4
    assert figure.get_figheight() > curve_panels(panels()).get_figheight()
    assert len(figure.legends[0].get_texts()) == 3
    with pytest.raises(ValueError, match="must fill 2 rows"):
        curve_panels(panels()[:1], rows=2)


def test_a_level_lies_across_and_points_may_be_filled_and_lopsided():
    best = Curve("SGD", [2], [0.8], [[0.1], [0.3]], joined=False, filled=True)
    (axes,) = curve_panels([CurvePanel("B", "loss", [best], level=0.5)]).axes
    assert axes.get_lines()[-1].get_ydata() == [0.5, 0.5]
    (points,) = axes.containers
    assert points[0].get_markerfacecolor() == points[0].get_color()
    (bar,) = points[2][0].get_segments()
    assert bar[:, 1] == pytest.approx([0.7, 1.1])


def test_the_legend_has_the_first_curve_of_a_label_and_places_may_be_names():
    drawn = [Curve("SGD", ["a", "b"], [1.0, 2.0]), Curve("SGD", ["b"], [2.0], joined=False, filled=True)]
    figure = curve_panels([CurvePanel("case", "loss", drawn)])
    (handle,) = figure.legends[0].legend_handles
    assert handle.get_markerfacecolor() == "white"
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["a", "b"]
