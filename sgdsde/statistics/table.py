"""The table of a comparison: one row for each estimate and its prediction."""

from __future__ import annotations

import html
import math
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

#: Standard errors at which a deviation counts as detectable.
DETECTABLE_AT = 4


@dataclass(frozen=True)
class Row:
    """One estimate against one prediction.

    ``ratio`` = value/predicted (NaN where 0 is predicted), ``z`` = (value − predicted)/standard_error, and
    ``detectable`` = 4 standard_error/|predicted|: the smallest relative deviation that would have shown at 4σ.
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
        ratio = value / predicted if predicted else math.nan
        detectable = DETECTABLE_AT * error / abs(predicted) if predicted else math.inf
        return cls(quantity, source, value, predicted, ratio, error, z, detectable)


COLUMNS = tuple(field.name for field in fields(Row))
FORMATS = ("", "", ".6g", ".6g", ".4f", ".2g", "+.2f", ".2g")


@dataclass(frozen=True)
class Comparison:
    """Rows of estimates against predictions; printed, it is a table.

    Parameters
    ----------
    rows : tuple of Row
        At least one; in the order of the table.

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

        columns = zip(*map(astuple, self.rows), strict=True)
        return xarray.Dataset({name: ("row", list(column)) for name, column in zip(COLUMNS, columns, strict=True)})

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(self.rows + other.rows)

    def __str__(self) -> str:
        table = [COLUMNS, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for row in table:
            texts = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
            numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
            lines.append("  ".join(texts + numbers))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>" for cells in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cells(self) -> list[tuple[str, ...]]:
        return [tuple(format(v, spec) for v, spec in zip(astuple(row), FORMATS, strict=True)) for row in self.rows]
