"""Text in columns, as results and commands print it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

GAP = "  "


def columns(
    rows: Sequence[Sequence[str]], *, right: Collection[int] = (), keys: int = 1, width: int | None = None
) -> str:
    """Lines of a table whose columns are aligned, in blocks one below the other where it is wider than `width`.

    Parameters
    ----------
    rows : sequence of sequences of str
        All of one length; the first is the head.
    right : collection of int
        Columns that are flush right.
    keys : int
        How many of the first columns say what a row is: every block begins with them.
    width : int, optional
        Characters; without a limit by default. A block has at least one column beside the keys, however wide.

    Examples
    --------
    >>> print(columns([["name", "a", "b"], ["one", "1.5", "20"]], right=(1, 2), width=9))
    name    a
    one   1.5
    <BLANKLINE>
    name   b
    one   20
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    blocks: list[list[int]] = [[]]
    for place in range(keys, len(widths)):
        taken = sum(widths[k] + len(GAP) for k in (*range(keys), *blocks[-1]))
        if width is not None and blocks[-1] and taken + widths[place] > width:
            blocks.append([])
        blocks[-1].append(place)
    lines = []
    for block in blocks:
        for row in rows:
            cells = ((row[k].rjust if k in right else row[k].ljust)(widths[k]) for k in (*range(keys), *block))
            lines.append(GAP.join(cells).rstrip())
        lines.append("")
    return "\n".join(lines[:-1])


LONG = 72  # characters of a field that are shown whole
FEW = 4  # numbers of an array, or members of a tuple or mapping, that are shown one by one


def one_line(result: Any) -> str:
    """A dataclass in one line: small fields as they are, of large ones what they are. For use as ``__repr__``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Found:
    ...     mean: float
    ...     paths: np.ndarray
    ...     __repr__ = one_line
    >>> Found(1 / 3, np.zeros((100, 2)))
    Found(mean=0.333333, paths=float64 (100, 2))
    """
    parts = ", ".join(f"{field.name}={in_short(getattr(result, field.name))}" for field in fields(result) if field.repr)
    return f"{type(result).__name__}({parts})"


def in_short(value: Any) -> str:
    """A value in a few words.

    >>> in_short([1j, 2j]), in_short([[1.0] * 1000] * 1000)
    ('(1j, 2j)', '1000 × list')
    """
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if hasattr(value, "dtype") and hasattr(value, "shape"):  # of NumPy or of torch
        if isinstance(value, np.ndarray) and value.size <= FEW and value.dtype != object:
            return _nested(value.tolist())
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        if len(value) <= FEW:
            shown = "{" + ", ".join(f"{key!r}: {in_short(each)}" for key, each in value.items()) + "}"
            return shown if len(shown) <= LONG else f"{{{', '.join(map(repr, value))}}}"
        return f"{len(value)} entries"
    if isinstance(value, (tuple, list)):
        shown = "(" + ", ".join(in_short(each) for each in value) + ")" if len(value) <= FEW else ""
        return shown if 0 < len(shown) <= LONG else f"{len(value)} × {type(value[0]).__name__}"
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    text = repr(value)
    if len(text) <= LONG and "\n" not in text:
        return text
    return f"{text[: LONG - 1]}…" if isinstance(value, str) else type(value).__name__


def _nested(value: Any) -> str:
    return f"[{', '.join(map(_nested, value))}]" if isinstance(value, list) else in_short(value)
