"""The checks of a claim as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

#: Of each check of ``results.json``; then what its rivals predict.
COLUMNS = (
    "label", "verdict", "expected", "predicted", "beyond", "measured", "standard_error", "dof", "half_width", "margin",
    "ratio", "z", "detectable",
)  # fmt: skip


def checks_csv(checks: Sequence[Mapping[str, Any]]) -> str:
    """One row for each check; a rival's prediction has a column, and one that says whether it is rejected.

    Examples
    --------
    >>> rival = {"predicted": 2.0, "z": -9.0, "counts": True, "rejected": True}
    >>> print(checks_csv([{"label": "g", "measured": 1.1, "rivals": {"double": rival}}]))
    label,verdict,...,measured,...,rival: double,rival rejected: double
    g,,...,1.1,...,2.0,True
    """
    rivals = list(dict.fromkeys(name for check in checks for name in check["rivals"]))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *(head for name in rivals for head in (f"rival: {name}", f"rival rejected: {name}"))])
    for check in checks:
        row = [check.get(column) for column in COLUMNS]
        for name in rivals:
            rival = check["rivals"].get(name, {})
            row += [rival.get("predicted"), rival.get("rejected")]
        table.writerow(row)
    return text.getvalue()
