"""What has a room of its own is nowhere else."""

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
}


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
    assert re.search(pattern, "x = kick / (1 - momentum)\n(1 - config.momentum) / math.sqrt(a)\nloss.backward()")
