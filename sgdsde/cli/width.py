"""How wide what is printed may be."""

from __future__ import annotations

import os

from rich.console import Console


def table_width(out: Console) -> int | None:
    """Characters of the terminal, or of COLUMNS where it is set; None, no limit, for a file or a pipe."""
    return out.width if out.is_terminal or os.environ.get("COLUMNS", "").isdigit() else None


def say(out: Console, text: str) -> None:
    """Print, with breaks between words where the width is limited, and in one line for a file or a pipe."""
    out.print(text, soft_wrap=table_width(out) is None)
