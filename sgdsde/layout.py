"""Text in columns, as results and commands print it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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
