"""The look of every picture: a palette that colour-blind readers can tell apart, and type legible at report width."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, cast

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

#: Okabe & Ito (2008), without the yellow that is too pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#4D4D4D")
#: Told apart by shape too, in print and by those who see no colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": "#222222",
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "figure.dpi": 100,
    "mathtext.fontset": "dejavusans",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw inside this, so that a user's own matplotlib settings are neither read nor changed."""
    with rc_context():
        from matplotlib import rcdefaults, rcParams

        rcdefaults()
        rcParams.update(cast("Any", RC))
        yield


def looks() -> Iterator[tuple[str, str]]:
    """Colour and marker pairs, one per series; when colours run out, they come again with other markers."""
    for turn in count():
        for number, colour in enumerate(COLOURS):
            yield colour, MARKERS[(number + 3 * turn) % len(MARKERS)]


#: End over beginning of a log axis, below which it has these ticks in a decade.
BETWEEN = (
    (2.0, (1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)),
    (6.0, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)),
    (300.0, (1.0, 2.0, 5.0)),
    (math.inf, (1.0,)),
)


def bare_figure(width: float = 8.0, height: float = 5.0) -> Figure:
    """A figure that needs no display and belongs to no global list."""
    return Figure(figsize=(width, height), layout="constrained")


def png(figure: Figure, dpi: int = 160) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    with house_style():  # text and ticks are laid out only now
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def plain_log_ticks(axis: Axis) -> None:
    """Ticks at powers of ten, and between them as many as a shorter log axis has room for."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=next(subs for ratio, subs in BETWEEN if high / low < ratio)))
    axis.set_minor_formatter(NullFormatter())
    if low >= 1e-3 and high <= 1e4:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def outside_legend(axes: Axes, **options: object) -> None:
    """A legend above the axes, where it hides no point."""
    columns = options.pop("ncols", 3)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.2, **options)  # type: ignore[arg-type]
