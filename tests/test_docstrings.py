"""Docstrings say what a thing is to somebody who reads nothing else."""

import ast
import re
from pathlib import Path

from tables import every

ROOT = Path(__file__).parent.parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def begins_with_of(text: str) -> list[int]:
    """Lines of what has a docstring that begins with "Of", which says whose a thing is and not what it is."""
    if not re.search(r"[\"']\s*Of\b", text):  # no text begins so: nothing to parse
        return []
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, DOCUMENTED)]
    return [getattr(node, "lineno", 1) for node in nodes if (ast.get_docstring(node) or "").split()[:1] == ["Of"]]


@every("room", ["sgdsde", "validation", "bench", "examples", "tests"])
def test_no_docstring_begins_with_of(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    found = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in begins_with_of(path.read_text("utf-8"))]
    assert not found


def test_such_docstrings_are_found() -> None:
    assert begins_with_of('"""Offices."""\n\n\ndef size(x):\n    """Of x, in bytes."""\n') == [4]
