"""The README's Python runs, and prints what the README says that it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_example_prints_what_is_shown():
    code, shown = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", TEXT, re.DOTALL).groups()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    found, expected = printed.getvalue().split(), shown.split()
    assert len(found) == len(expected)
    for cell, wanted in zip(found, expected, strict=True):
        try:
            number = float(wanted)
        except ValueError:
            assert cell == wanted
        else:
            assert float(cell) == pytest.approx(number, rel=0.01, abs=0.02)


def test_the_first_example_is_short():
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md", "docs/theory.md", "CHANGELOG.md"])
def test_links_and_pictures_exist(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_pictures_are_small():
    for picture in (ROOT / "docs" / "images").glob("*"):
        assert picture.stat().st_size < 200_000, picture.name


def test_make_targets_and_rooms_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", TEXT, re.MULTILINE)) <= targets
    for room in re.findall(r"`sgdsde\.([A-Za-z_]+)`", TEXT):
        import sgdsde

        assert hasattr(sgdsde, room), room
