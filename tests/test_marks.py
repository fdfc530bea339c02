"""Slow tests are few, and each says why it takes long although its kernels are at hand."""

import ast
from pathlib import Path

MOST = 49


def slow_marks() -> list[tuple[str, ast.Attribute | ast.Call]]:
    """Where `pytest.mark.slow` stands in the tests: the call with its reason, or the bare mark."""
    found = []
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        text = path.read_text()
        nodes = list(ast.walk(ast.parse(text))) if "mark.slow" in text else []
        marks = [node for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.mark.slow"]
        calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
        found += [(f"{path.name}:{mark.lineno}", calls.get(id(mark), mark)) for mark in marks]
    return found


def test_slow_tests_are_few_and_say_why() -> None:
    marks = slow_marks()
    assert 0 < len(marks) <= MOST
    for place, mark in marks:
        assert isinstance(mark, ast.Call), f"{place}: pytest.mark.slow needs a reason"
        (reason,) = mark.args
        assert isinstance(reason, ast.Constant), place
        assert len(reason.value.split()) > 1, place
