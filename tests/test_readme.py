"""The Python of README and of the guide runs, and prints what they say that it prints."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
#: Without those that `make docs` makes.
WRITTEN = (path.relative_to(ROOT) for path in sorted(ROOT.glob("docs/**/*.md")))
DOCUMENTS = ["README.md", "CHANGELOG.md", *(str(path) for path in WRITTEN if path.parts[1] not in ("_build", "claims"))]
AS_A_READER = pytest.mark.slow("simulations, evidence and networks, as a reader runs them")
PAGES = [page for page in sorted((ROOT / "docs" / "guide").glob("*.md")) if "```python" in page.read_text("utf-8")]


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


@AS_A_READER
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_the_guide_runs(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("warnings.filters", [])
    scope = {}
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, page.name, "exec"), scope)
        assert printed.getvalue()


@AS_A_READER
@pytest.mark.parametrize("page", ["start", "extending", "dynamics"])
def test_the_python_of_other_pages_runs(page, tmp_path):
    """In processes of their own: rules and schemes that they declare stay there."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    script = tmp_path / f"{page}.py"
    script.write_text("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("document", DOCUMENTS)
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
