"""Each example runs, quickly, and makes a picture."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
#: Much to simulate, an animation to draw, or networks to train.
LONG = {
    "escape_paths", "density_over_the_barrier", "sweep", "how_wrong_is_the_sde", "escape", "orders", "network_noise",
    "evidence", "wide", "where_time_is_spent", "regression",
}  # fmt: skip


@pytest.mark.parametrize(
    "script",
    [pytest.param(p, marks=pytest.mark.slow("seconds of work") if p.stem in LONG else ()) for p in EXAMPLES],
    ids=lambda path: path.stem,
)
def test_example_makes_its_picture(script, tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, str(script), str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=script.parent.parent)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in done.stdout
