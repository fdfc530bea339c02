"""Results as tables, in text and in HTML, and as pictures: how they show themselves at a prompt and in a notebook.

A class that has a method ``_table`` shows itself in a notebook by ``_repr_html_ = in_notebook``, and one that
:func:`sgdsde.plotting.picture` knows draws itself by ``plot = picture``.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sgdsde.extras import load
from sgdsde.layout import columns

_RIGHT = ' style="text-align: right"'
_LEFT = ' style="text-align: left"'


@dataclass(frozen=True)
class Table:
    """Rows of cells with a title above and notes below.

    Attributes
    ----------
    rows : sequence of sequences of str
        All of one length; the first is the head.
    title : str
        One line; none where it is empty.
    notes : sequence of str
        A line each.
    right : collection of int
        Columns that are flush right.
    keys : int
        How many of the first columns say what a row is.

    Examples
    --------
    >>> table = Table([["name", "size"], ["a < b", "1.5"]], "Sizes", ["all of them"], right=(1,))
    >>> print(table.text())
    Sizes
    name   size
    a < b   1.5
    all of them
    >>> "a &lt; b" in table.html()
    True
    """

    rows: Sequence[Sequence[str]]
    title: str = ""
    notes: Sequence[str] = ()
    right: Collection[int] = ()
    keys: int = 1

    def text(self, width: int | None = None) -> str:
        """Aligned columns, in blocks where they are wider than so many characters."""
        title = [self.title] * bool(self.title)
        return "\n".join([*title, columns(self.rows, right=self.right, keys=self.keys, width=width), *self.notes])

    def html(self) -> str:
        """The same as an HTML table; every text in it is escaped, so that none is taken for markup."""
        head, *body = self.rows
        title = f"<caption>{html.escape(self.title.strip())}</caption>" * bool(self.title)
        rows = "".join(f"<tr>{self._cells('td', row)}</tr>" for row in body)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<table>{title}<thead><tr>{self._cells('th', head)}</tr></thead><tbody>{rows}</tbody></table>{notes}"

    def _cells(self, tag: str, row: Iterable[str]) -> str:
        looks = (_RIGHT if place in self.right else _LEFT for place in range(len(self.rows[0])))
        return "".join(f"<{tag}{look}>{html.escape(cell)}</{tag}>" for cell, look in zip(row, looks, strict=True))


def in_notebook(result: Any) -> str:
    """The table of a result as HTML. For use as ``_repr_html_``."""
    table: Table = result._table()
    return table.html()


def picture(result: Any, **options: Any) -> Any:
    """Draw the result: :func:`sgdsde.plotting.picture`, which says what is drawn and which options there are.

    For use as the method ``plot``. The room of pictures is above all whose results it draws, so that it is named here,
    and loads when something is drawn.
    """
    drawn: Any = load("sgdsde.plotting").picture(result, **options)
    return drawn
