"""Protocols: what they say, and that what is kept was held to them."""

from __future__ import annotations

import pytest

from validation.claim import discover
from validation.keep import kept
from validation.presets import PRESETS
from validation.protocol import FOLDER, digest_of, presets_of, read
from validation.sizes import built
from validation.terms import Rule, Terms

pytestmark = pytest.mark.networks

TEXT = """
number = 2
margin = 0.1
rivals = ["none"]

[[checks]]
match = "slope *"
margin = 0.2
absolute = true

[[checks]]
match = "slope of b"
expects = "differs"

[presets.smoke]
seconds = 1
decides = false
tests = 3
[presets.quick]
seconds = 2
tests = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_terms_are_found_by_label_and_later_patterns_win(folder):
    found = read("one", folder)
    assert (found.number, found.rivals, found.decides) == (2, ("none",), {"quick"})
    assert found.terms("mean").margin == 0.1
    assert found.terms("slope of a") == Terms(0.2, True, "agrees")
    assert found.terms("slope of b") == Terms(0.2, True, "differs")


def test_the_digest_is_of_what_is_said_and_not_of_how(folder):
    before = read("one", folder).digests
    (folder / "one.toml").write_text("# A comment.\n" + TEXT.replace("0.1\n", "0.10\n"), encoding="utf-8")
    assert read("one", folder).digests == before
    (folder / "one.toml").write_text(TEXT.replace("seconds = 2\ntests = 3", "seconds = 2\ntests = 4"), encoding="utf-8")
    changed = read("one", folder).digests
    assert changed["quick"] != before["quick"]
    assert changed["smoke"] == before["smoke"]  # of its own sizes: what was kept of it stays
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_words_and_seconds_are_no_terms(folder):
    before = read("one", folder).digests["quick"]
    words = '[says]\ntitle = """\nA\nB"""\nformula = """\na\nb"""\n[pictures.p]\ncaption = "C"\nalt = "D"\n'
    (folder / "one.toml").write_text(TEXT.replace("seconds = 2", "seconds = 9") + words, encoding="utf-8")
    found = read("one", folder)
    assert found.digests["quick"] == before
    assert (found.words.title, found.words.formula, found.words.pictures["p"]["alt"]) == ("A B", "a\nb", "D")


def test_shared_sizes_are_part_of_a_protocol(folder):
    (folder / "two.toml").write_text('number = 1\nsizes = "one"\n[presets.quick]\nseconds = 9\n', encoding="utf-8")
    assert presets_of("two", folder)["quick"] == {"seconds": 9, "tests": 3}
    before = read("two", folder).digests["quick"]
    (folder / "one.toml").write_text(TEXT.replace("tests = 3", "tests = 4"), encoding="utf-8")
    assert read("two", folder).digests["quick"] != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number = 0", "must be an integer of at least 1, got 0"),
        ("number = 1\nmargins = 2", "unknown entries margins"),
        ("number = ", "one.toml: "),
        ('number = 1\n[[checks]]\nmatch = "x"\nexpects = "confirmed"', "expects must be one of agrees, differs"),
        ('number = 1\n[[checks]]\nmatch = "x"\nmargin = -1', "margin must be positive, got -1"),
    ],
)
def test_a_file_that_says_something_else_is_refused(folder, text, message):
    (folder / "one.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read("one", folder)


def test_a_claim_without_a_protocol_is_refused(folder):
    with pytest.raises(ValueError, match=r"'three' has no protocol three\.toml"):
        read("three", folder)


def test_every_claim_has_a_protocol_with_every_preset_and_only_claims_have():
    claims = discover()
    for name, claim in claims.items():
        assert claim.protocol == read(name)
        assert claim.protocol.rivals
        assert "smoke" not in claim.protocol.decides
        assert set(claim.protocol.presets) == set(PRESETS)
    assert {path.stem for path in FOLDER.glob("*.toml")} == {*claims, "mnist_rules"}


def test_every_kept_result_was_held_to_a_protocol():
    """Those before protocols have number 0; a changed protocol has a new number, and the old result stays."""
    for name, claim in discover().items():
        for result in (each for each in kept() if each["name"] == name):
            number, digest = result["protocol"]["number"], result["protocol"].get("digest")
            assert number <= claim.protocol.number
            assert (digest is None) == (number == 0)
            if number == claim.protocol.number:
                assert digest == claim.protocol.digests[result["preset"]]
                assert tuple(result["seeds"]) == claim.protocol.seeds


def test_tables_become_what_claims_take():
    assert built(dict[float, tuple[int, ...]], {"0.5": [1, 2]}) == {0.5: (1, 2)}
    assert built(tuple[Rule, ...], [{"match": "x", "margin": 2}]) == (Rule("x", 2),)
    assert built(int | None, 3) == 3
    assert repr(built(tuple[float, ...], [2, 2.0])) == "(2, 2.0)"
