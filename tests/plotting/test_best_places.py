"""Best batch sizes against N and T."""

from __future__ import annotations

import numpy as np
import pytest

from sgdsde.plotting import BestPlace, best_places

PLACES = [
    BestPlace(n, t, 16 * n / 1000 / (t / 500), (0 if n == 1000 else 8, np.inf if t == 500 else 200))
    for n in (1000, 4000, 16000)
    for t in (500, 1000)
]


def test_a_curve_for_each_length_and_for_each_size():
    left, right = best_places(PLACES).axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["T = 500", "T = 1000", "∝ N", "∝ √N"]
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["N = 1000", "N = 4000", "N = 16000"]
    curve = next(line for line in left.lines if line.get_label() == "T = 500")
    assert curve.get_ydata().tolist() == [16, 64, 256]
    line = next(line for line in left.lines if line.get_label() == "∝ √N")
    assert line.get_ydata()[-1] / line.get_ydata()[0] == pytest.approx(4)


def test_intervals_without_an_end_have_an_arrow():
    left, _ = best_places(PLACES).axes
    arrows = [line.get_marker() for line in left.lines if line.get_marker() in "v^"]
    assert sorted(arrows).count("v") == 2 == len([p for p in PLACES if not p.interval[0]])
    assert arrows.count("^") == 3


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        best_places([])
