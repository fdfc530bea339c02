"""What has a room of its own is nowhere else."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [path for room in ("sgdsde", "validation") for path in sorted((ROOT / room).rglob("*.py"))]
#: What is looked for, where it lives, and where else a formula is a law of its own and no copy.
ROOMS = {
    "a map from (ε, m) to the time of an update, T or γ": (
        r"(kick|learning_rate|rates?)\b[^\n]{0,30}/ \(1 - (config\.|self\.|of\.)?momentum\)",
        {"sgdsde/clock.py", "sgdsde/dynamics/limits.py"},
    ),
    "a friction": (r"\(1 - (config\.|self\.)?momentum\) / (math|np)\.sqrt", {"sgdsde/clock.py"}),
    "a training loop": (r"\.backward\(\)|\bsub_\(.*(rate|lr)\b", {"sgdsde/models"}),
    "a check of an integer": (
        r"must be an? (\S+ )?integer\b|operator\.index\(",
        # arrays of integers; words of a command line
        {"sgdsde/arguments.py", "sgdsde/theory/noise.py", "validation/__main__.py"},
    ),
    "a check of a real number": (
        r"must be a (positive )?(finite )?(real )?number, got|0 < (level|confidence|tolerance) < 1",
        {"sgdsde/arguments.py"},
    ),
    "a check of a word": (r"ValueError\([^\n]*must be one of \{'", {"sgdsde/arguments.py"}),
    "a check of a bool": (r"must be True or False, got", {"sgdsde/arguments.py"}),
}
#: Where `isinstance` asks for integers, and is no check of an argument.
NO_CHECKS = {
    "sgdsde/cli/main.py": "the exit status that click returns",
    "sgdsde/engines/lane_compiler.py": "lengths that are known when a kernel is made",
    "sgdsde/engines/noise.py": "one batch size for all updates, or an array of them",
    "sgdsde/ensemble.py": "attributes that netCDF keeps as they are",
    "sgdsde/expression.py": "constants of an expression whose syntax has been checked",
    "sgdsde/models/gradients.py": "an array of positions, or one of directions",
    "sgdsde/schemes/matrix_step.py": "the 0 with which sum() begins",
    "sgdsde/statistics/splitting.py": "an array of integers",
    "sgdsde/sweeps/bytecode.py": "arguments of Python's own instructions",
    "sgdsde/sweeps/grid.py": "values of a grid, which may be of any plain type",
    "sgdsde/theory/fokker_planck/extrapolation.py": "one number of cells for all axes, or one for each",
}
#: A line for each pattern, so that none finds nothing because it is wrong.
EXAMPLES = """
x = kick / (1 - momentum)
(1 - config.momentum) / math.sqrt(a)
loss.backward()
raise ValueError(f"{name} must be a positive integer, got {value!r}")
raise ValueError(f"{name} must be a finite number, got {value!r}")
raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
raise ValueError(f"{name} must be True or False, got {value!r}")
"""


@pytest.mark.parametrize("name", ROOMS)
def test_is_in_its_room_alone(name: str) -> None:
    pattern, rooms = ROOMS[name]
    found = {
        str(path.relative_to(ROOT))
        for path in FILES
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(pattern, line) and not line.lstrip().startswith(("#", '"', ">>>", "..."))
    }
    at_home = {path for path in found if any(path.startswith(room) for room in rooms)}
    assert found == at_home, f"{name} belongs into {', '.join(sorted(rooms))}"
    assert re.search(pattern, EXAMPLES)


def asks_for_integers(call: ast.AST) -> bool:
    """Whether it is a call of isinstance or issubdtype with a type of integers."""
    if not isinstance(call, ast.Call) or ast.unparse(call.func).split(".")[-1] not in ("isinstance", "issubdtype"):
        return False
    names = {ast.unparse(node).split(".")[-1] for node in ast.walk(call.args[1])}
    return bool(names & {"int", "integer", "Integral", "SupportsIndex"})


def test_integers_are_told_apart_in_one_room() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(map(asks_for_integers, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == set(NO_CHECKS), "integers are checked by sgdsde.arguments.integer"
