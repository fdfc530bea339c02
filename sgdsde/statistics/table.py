"""The table of a comparison: one row for each estimate and its prediction."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING

from sgdsde.tables import Table, in_notebook

if TYPE_CHECKING:
    import xarray

#: Standard errors at which a deviation counts as detectable.
DETECTABLE_AT = 4
#: A prediction this small beside the value or its error is 0 but for rounding: nothing is relative to it.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Row:
    """One estimate against one prediction.

    ``ratio`` = value/predicted, ``z`` = (value − predicted)/standard_error, and ``detectable`` =
    4 standard_error/|predicted|: the smallest relative deviation that would have shown at 4σ. Where the prediction is
    0, or nothing but rounding beside the value and its error, ratio is NaN and detectable infinite; z is NaN where
    there is nothing to judge by. Printed, they are "–".
    """

    quantity: str
    source: str
    value: float
    predicted: float
    ratio: float
    standard_error: float
    z: float
    detectable: float

    @classmethod
    def of(cls, quantity: str, source: str, value: float, error: float, predicted: float) -> Row:
        """Work out the columns that follow from the others."""
        difference = value - predicted
        right_or_wrong = math.copysign(math.inf, difference) if difference else 0.0
        z = difference / error if error else right_or_wrong
        relative = abs(predicted) > ROUNDING * max(abs(value), error)
        ratio = value / predicted if relative else math.nan
        detectable = DETECTABLE_AT * error / abs(predicted) if relative else math.inf
        return cls(quantity, source, value, predicted, ratio, error, z, detectable)

    def cells(self) -> tuple[str, ...]:
        """As text, "–" where there is no number."""
        return tuple(_cell(value, spec) for value, spec in zip(astuple(self), FORMATS, strict=True))


def _cell(value: str | float, spec: str) -> str:
    if isinstance(value, str):
        return value
    if math.isinf(value) and "+" in spec:
        return "∞" if value > 0 else "−∞"
    return format(value, spec) if math.isfinite(value) else "–"


COLUMNS = tuple(field.name for field in fields(Row))
FORMATS = ("", "", ".6g", ".6g", ".4f", ".2g", "+.2f", ".2g")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Rows of estimates against predictions; printed or shown in a notebook, it is a table.

    Parameters
    ----------
    rows : tuple of Row
        At least one; in the order of the table.
    notes : tuple of str
        What is to be known of them; printed below.

    Raises
    ------
    ValueError
        When there is no row: an empty table would agree with everything.

    Examples
    --------
    >>> print(Comparison((Row.of("var x", "SGD", 1.02, 0.01, 1.0),)))
    quantity  source  value  predicted   ratio  standard_error      z  detectable
    var x     SGD      1.02          1  1.0200            0.01  +2.00        0.04
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("rows must hold at least one row, got none")

    def within(self, sigmas: float = 4.0, *, absolute: float = 0.0) -> bool:
        """Whether every estimate is within ``sigmas`` standard errors, or ``absolute``, of its prediction.

        A row without a standard error (NaN) is not. For several rows choose ``sigmas`` by :func:`sigmas_for`; give
        ``absolute`` where zero is predicted and rounding remains.
        """
        return all(abs(row.z) <= sigmas or abs(row.value - row.predicted) <= absolute for row in self.rows)

    def to_xarray(self) -> xarray.Dataset:
        """The columns as variables along the dimension ``row``."""
        import xarray

        values = zip(*map(astuple, self.rows), strict=True)
        variables = {name: ("row", list(column)) for name, column in zip(COLUMNS, values, strict=True)}
        return xarray.Dataset(variables, attrs={"notes": "\n".join(self.notes)} if self.notes else {})

    def unjudged(self, *notes: str) -> Comparison:
        """Without z, so that nothing is within any number of standard errors; `notes` say why."""
        return Comparison(tuple(replace(row, z=math.nan) for row in self.rows), (*self.notes, *notes))

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(self.rows + other.rows, tuple(dict.fromkeys(self.notes + other.notes)))

    def __repr__(self) -> str:
        return str(self)

    def text(self, width: int | None = None) -> str:
        """The table, and notes below; in blocks of columns where it is wider than so many characters."""
        return self._table().text(width)

    def __str__(self) -> str:
        return self.text()

    _repr_html_ = in_notebook

    def _table(self) -> Table:
        rows = [COLUMNS, *(row.cells() for row in self.rows)]
        notes = [f"Note: {note}" for note in self.notes]
        return Table(rows, notes=notes, right=range(2, len(COLUMNS)), keys=2)
