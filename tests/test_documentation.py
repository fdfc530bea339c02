"""What the documentation site is made with: links that lead nowhere are found, texts become pages as they should."""

import doctest
import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="needs the extra docs, which `make docs` installs")
pytest.importorskip("sphinx_gallery", reason="needs the extra docs, which `make docs` installs")

ROOT = Path(__file__).parent.parent
EXTENSIONS = ROOT / "docs" / "extensions"


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    yield importlib.import_module
    for path in EXTENSIONS.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("name", sorted(path.stem for path in EXTENSIONS.glob("*.py")))
def test_examples_in_docstrings_are_right(extension, name):
    assert doctest.testmod(extension(name)).failed == 0


def test_links_that_lead_nowhere_are_found(extension, tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "data.csv").write_text("1\n", encoding="utf-8")
    (tmp_path / "index.html").write_text(
        '<a href="claims/a.html#here">1</a><a href="claims/a.html#there">2</a><a href="b.html">3</a><img src="p.png">'
        '<a href="https://example.org/x">4</a><a href="data.csv">5</a><a href="claims/">6</a><a href="#nowhere">7</a>',
        encoding="utf-8",
    )
    (tmp_path / "claims" / "a.html").write_text(
        '<p id="here"><a href="../index.html#paper=zhu">1</a><a href="#here">2</a></p>', encoding="utf-8"
    )
    found = list(extension("internal_links").broken(tmp_path))
    expected = ["#nowhere", "b.html", "claims/", "claims/a.html#there", "p.png"]
    assert found == [("index.html", link) for link in expected]


def test_every_example_has_a_short_title_and_its_code(extension):
    titled = extension("example_pages").titled
    for path in sorted((ROOT / "examples").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        made = titled(source)
        title, line = made.splitlines()[1:3]
        assert 0 < len(title) == len(line) <= 120
        assert set(line) == {"="}
        assert made.endswith(source.rstrip("\n").partition('"""\n')[2])


def test_a_formula_that_cannot_be_drawn_is_told(extension):
    mathml = extension("mathml").mathml
    assert "<mfrac>" in mathml(r"\frac{\varepsilon}{B}", "block")
    with pytest.raises(ValueError, match="cannot be turned"):
        mathml(r"\unknown{x}", "block")
