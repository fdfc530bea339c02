"""A figure as files: PNG, SVG, and the numbers that are drawn, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from validation.formatting import strict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sgdsde.plotting import Figure

#: An SVG that is larger is left out, and its PNG is shown in its place.
LARGEST = 500_000
COLUMNS = ("panel", "x_label", "y_label", "series", "kind", "x", "y", "low", "high")


@dataclass(frozen=True)
class Drawn:
    """The files of a figure by their endings: ``png``, ``json``, ``csv``, and ``svg`` where that is small enough."""

    files: dict[str, bytes]

    @property
    def shown(self) -> str:
        """The ending of the file that a page shows."""
        return "svg" if "svg" in self.files else "png"


def drawn(figure: Figure) -> Drawn:
    """Draw a figure into files.

    Examples
    --------
    >>> from sgdsde.plotting import Series, against_theory
    >>> made = drawn(against_theory([Series("SGD", [1, 2], [3, 4], [0.1, 0.2], [3, 4])], "B", "Var ω"))
    >>> sorted(made.files), made.files["csv"].decode().splitlines()[1]
    (['csv', 'json', 'png', 'svg'], '1,,Var ω,SGD,points,1.0,3.0,2.9,3.1')
    """
    from sgdsde.plotting import png

    panels = [{"panel": number, **_panel(axes)} for number, axes in enumerate(figure.axes, start=1)]
    text = json.dumps(strict(panels), ensure_ascii=False, allow_nan=False)
    files = {"png": png(figure), "json": text.encode(), "csv": _csv(panels).encode()}
    image = _svg(figure)
    return Drawn(files | ({"svg": image} if len(image) <= LARGEST else {}))


def _svg(figure: Figure) -> bytes:
    """The same bytes for the same figure: no date, and names that are no random numbers."""
    from matplotlib import rc_context

    from sgdsde.plotting.style import house_style

    buffer = io.BytesIO()
    with house_style(), rc_context({"svg.hashsalt": "sgdsde"}):
        figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _panel(axes: Axes) -> dict[str, Any]:
    title = axes.get_title() or axes.get_title(loc="left")
    return {"title": title, "x": axes.get_xlabel(), "y": axes.get_ylabel(), "series": list(_series(axes))}


def _series(axes: Any) -> Iterator[dict[str, Any]]:
    """What is drawn at places of the data: points with their errors, lines, bars and scattered points.

    Areas, images, arrows and lines across the whole panel are left out.
    """
    inside: set[Any] = set()
    for container in axes.containers:
        inside.update(_flat(container))
        if hasattr(container, "has_yerr"):
            line, _, bars = container.lines
            if line is not None:
                places = np.asarray(line.get_xydata(), dtype=float)
                low, high = _ends(bars[-1], len(places)) if container.has_yerr else (None, None)
                yield _one(container.get_label(), "points", places[:, 0], places[:, 1], low, high)
        elif hasattr(container, "patches"):
            boxes = np.array([[each.get_x() + each.get_width() / 2, each.get_height()] for each in container.patches])
            yield _one(container.get_label(), "bars", *boxes.T)
    for line in axes.lines:
        if line not in inside and line.get_transform() == axes.transData:
            kind = "points" if line.get_linestyle() in ("None", "none", " ", "") else "line"
            yield _one(line.get_label(), kind, *np.asarray(line.get_xydata(), dtype=float).T)
    for collection in axes.collections:
        if collection not in inside and type(collection).__name__ == "PathCollection":
            yield _one(collection.get_label(), "points", *np.asarray(collection.get_offsets(), dtype=float).T)
    for patch in axes.patches:
        if patch not in inside and type(patch).__name__ == "StepPatch":
            values, edges, _ = patch.get_data()
            yield _one(patch.get_label(), "bars", (edges[1:] + edges[:-1]) / 2, values)


def _flat(container: Any) -> Iterator[Any]:
    for each in container:
        if isinstance(each, (tuple, list)):
            yield from each
        elif each is not None:
            yield each


def _ends(bars: Any, count: int) -> tuple[Any, Any]:
    """The ends of error bars, one bar for each of ``count`` points; those without a place are empty."""
    segments = bars.get_segments()
    if len(segments) != count:
        return None, None
    ends = np.array([segment[:, 1] if len(segment) else (np.nan, np.nan) for segment in segments]).reshape(-1, 2)
    return ends.T[0], ends.T[1]


def _one(label: Any, kind: str, x: ArrayLike, y: ArrayLike, low: Any = None, high: Any = None) -> dict[str, Any]:
    name = str(label)
    numbers = {"x": x, "y": y} | ({} if low is None else {"low": low, "high": high})
    listed = {key: np.ma.filled(np.ma.asarray(each, dtype=float), np.nan).tolist() for key, each in numbers.items()}
    return {"label": "" if name.startswith("_") else name, "kind": kind, **listed}


def _csv(panels: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for panel in panels:
        for series in panel["series"]:
            empty = [""] * len(series["x"])
            of = (panel["panel"], panel["x"], panel["y"], series["label"], series["kind"])
            rows = zip(series["x"], series["y"], series.get("low", empty), series.get("high", empty), strict=True)
            table.writerows([*of, *row] for row in rows)
    return text.getvalue()
