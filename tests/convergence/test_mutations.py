"""Each order test fails when one coefficient of the scheme is changed by a tenth: the text of the scheme is changed."""

import ast
import copy
import importlib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matrix_cells import cells

from sgdsde.convergence.matrix import TOLERANCE
from sgdsde.schemes import declarations, registry

CELLS = {cell.label: cell for cell in cells()}
_EFFORT = 0.5


def _text(scheme: str) -> ast.Module:
    module = importlib.import_module(declarations()[scheme].function.__module__)
    assert module.__file__ is not None
    return ast.parse(Path(module.__file__).read_text())


def _part(tree: ast.Module, name: str) -> ast.AST | None:
    """What defines a name at the top of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node
    return None


def _parts(tree: ast.Module, scheme: str) -> list[ast.AST]:
    """The scheme, and what of its module it uses, what is used last of all coming first."""
    found: dict[str, ast.AST] = {}
    waiting = [scheme]
    while waiting:
        name = waiting.pop(0)
        part = _part(tree, name)
        if part is not None and name not in found:
            found[name] = part
            waiting += [node.id for node in ast.walk(part) if isinstance(node, ast.Name)]
    return list(found.values())[::-1]


def _is_state(node: ast.AST) -> bool:
    """`step.w` or `step.p` alone, or a name: not a term with a coefficient."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and node.attr in ("w", "p"))


def _terms(part: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Fields of nodes that hold a term of a sum."""
    for node in ast.walk(part):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            yield from ((node, field) for field in ("left", "right") if not _is_sum(getattr(node, field)))
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and not _is_sum(node.value):
            yield node, "value"


def _is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _larger(node: Any) -> ast.AST:
    return ast.BinOp(node, ast.Mult(), ast.Constant(1.1))


def mutants(scheme: str) -> Iterator[tuple[str, ast.Module]]:
    """Texts of the scheme's module in which one term of a sum, or one entry of a tableau, is a tenth larger."""
    places = [(i, j) for i, part in enumerate(_parts(_text(scheme), scheme)) for j, _ in enumerate(_terms(part))]
    for i, j in places:
        tree = _text(scheme)
        node, field = list(_terms(_parts(tree, scheme)[i]))[j]
        term = getattr(node, field)
        if not _is_state(term) and not isinstance(term, ast.Constant):
            setattr(node, field, _larger(copy.deepcopy(term)))
            yield ast.unparse(term), tree
    for i, part in enumerate(_parts(_text(scheme), scheme)):
        for j, node in enumerate(ast.walk(part)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("row", "rows"):
                text = ast.literal_eval(node.args[0])
                for entry in re.finditer(r"-?[\d/]+", text):
                    if entry[0] == "0":
                        continue
                    tree = _text(scheme)
                    call: Any = list(ast.walk(_parts(tree, scheme)[i]))[j]
                    top, _, bottom = entry[0].partition("/")
                    changed = f"{text[: entry.start()]}{11 * int(top)}/{10 * int(bottom or 1)}{text[entry.end() :]}"
                    call.args[0] = ast.Constant(changed)
                    yield f"{entry[0]} of {text!r}", tree


def defined(scheme: str, tree: ast.Module) -> registry.Declaration:
    """The scheme as that text defines it; the text's other schemes are forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_REGISTRY", {})
        exec(compile(ast.fix_missing_locations(tree), f"<{scheme}, changed>", "exec"), {"__name__": "changed"})
        return registry._REGISTRY[scheme]


@pytest.mark.parametrize("scheme", sorted({cell.scheme for cell in CELLS.values()}))
def test_texts_can_be_changed(scheme: str) -> None:
    """There is something to change in each, and the text unchanged is the scheme itself."""
    assert len(list(mutants(scheme))) >= 2
    same = defined(scheme, _text(scheme))
    assert same.function.__module__ == "changed"
    assert same.function.__code__.co_code == declarations()[scheme].function.__code__.co_code


@pytest.mark.slow("each coefficient of each scheme is changed, and orders measured")
@pytest.mark.parametrize("label", CELLS)
def test_a_changed_coefficient_is_seen(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this cell, for one of the scheme's coefficients at least."""
    cell = CELLS[label]
    tried = []
    for what, tree in list(mutants(cell.scheme)):  # all of them before the scheme is another
        monkeypatch.setitem(registry._REGISTRY, cell.scheme, defined(cell.scheme, tree))
        try:
            order = cell.measure(_EFFORT)
        except ValueError as error:
            tried.append(f"{what}: {error}")
            continue
        if not np.isfinite(order.errors).all():  # seen too, but let there be one whose paths stay finite
            tried.append(f"{what}: {order}")
            continue
        off = order.determined if math.isinf(cell.declared) else not abs(order.slope - cell.declared) <= TOLERANCE
        if off:
            print(f"{label}: {what} larger by a tenth: {order}")
            return
        tried.append(f"{what}: {order}")
    pytest.fail("\n".join(tried))
