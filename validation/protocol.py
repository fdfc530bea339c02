"""Protocols: what a claim says and what its run is held to, fixed in ``validation/protocols/NAME.toml`` before it runs.

A file has a ``number``, which grows when the protocol changes; the ``seeds`` whose results are reported, pooled where
networks are trained; the ``margin`` within which a number agrees with theory, relative to the check's unit unless
``absolute``; the names of ``rivals``, which count from ``apart`` margins on; a pattern of labels whose first check is
the ``headline``; ``[[checks]]`` with another margin or expectation for labels that match a pattern ("any" where nothing
is expected); and for each preset how many ``tests`` it makes, its ``size`` and the ``seconds`` that it takes. ``sizes``
names another file to take presets from.

The digest of a preset is of all terms and its own sizes. Words are no part of it: ``[says]`` has title, statement,
formula, source, method and notes, ``[pictures.NAME]`` caption and alt, with ``{names}`` of sizes and facts in them;
``[[statements]]`` are those of papers that it tests.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sgdsde.arguments import integer
from validation.papers import Statement
from validation.terms import Rule, Terms

FOLDER = Path(__file__).parent / "protocols"
#: What a file may have; words and the planned seconds are no part of a digest.
_TERMS = {"number", "margin", "absolute", "apart", "rivals", "seeds", "headline", "checks", "presets"}
_WORDS = {"says", "pictures", "statements"}


@dataclass(frozen=True)
class Words:
    """What a claim says, and how it was measured. Texts may have ``{names}`` of sizes and facts in them."""

    title: str = ""
    statement: str = ""
    formula: str = ""
    source: str = ""
    method: str = ""
    notes: tuple[str, ...] = ()
    pictures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Protocol:
    """A claim's protocol. ``decides`` has the presets whose sizes suffice to decide every check; each has a digest."""

    number: int = 1
    margin: float = 0.05
    absolute: bool = False
    apart: float = 0.0
    rivals: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    headline: str = "*"
    rules: tuple[Rule, ...] = ()
    statements: tuple[Statement, ...] = ()
    words: Words = Words()
    decides: frozenset[str] = frozenset({"quick", "full"})
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    digests: Mapping[str, str] = field(default_factory=dict)

    def terms(self, label: str) -> Terms:
        """What the check of this label is held to: of several patterns that match, later ones win."""
        terms = Terms(self.margin, self.absolute, apart=self.apart)
        for rule in self.rules:
            if fnmatchcase(label, rule.match):
                terms = rule.applied(terms)
        return terms


def read(name: str, folder: Path = FOLDER) -> Protocol:
    """The protocol of a claim.

    Raises
    ------
    ValueError
        When the file is missing or says what a protocol does not have.
    """
    content = _content(name, folder)
    if unknown := set(content) - _TERMS - _WORDS:
        raise ValueError(f"protocol {name!r} has unknown entries {', '.join(sorted(unknown))}")
    integer(f"number of protocol {name!r}", content.get("number"), 1)
    presets = content.get("presets", {})
    own: dict[str, Any] = {
        name: content[name] for name in ("number", "margin", "absolute", "apart", "headline") if name in content
    }
    own |= {name: tuple(content[name]) for name in ("rivals", "seeds") if name in content}
    return Protocol(
        **own,
        rules=tuple(Rule(**rule) for rule in content.get("checks", ())),
        statements=tuple(Statement(**said) for said in content.get("statements", ())),
        words=_words(content),
        decides=frozenset(preset for preset, held in presets.items() if held.get("decides", True)),
        presets=presets,
        digests={preset: digest_of(_terms(content, preset)) for preset in presets},
    )


def _words(content: Mapping[str, Any]) -> Words:
    said = {key: _lines(key, text) for key, text in content.get("says", {}).items()}
    pictures = {
        name: {key: _lines(key, text) for key, text in held.items()}
        for name, held in content.get("pictures", {}).items()
    }
    return Words(**said, pictures=pictures)


def _lines(key: str, text: Any) -> Any:
    """Running text on one line; notes as a tuple; lines of a formula stay."""
    if isinstance(text, list):
        return tuple(_lines(key, each) for each in text)
    return text.strip() if key == "formula" else " ".join(text.split())


def _terms(content: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """What the digest of a preset is of."""
    terms = {key: value for key, value in content.items() if key in _TERMS - {"presets"}}
    return terms | {preset: {key: value for key, value in content["presets"][preset].items() if key != "seconds"}}


def presets_of(name: str, folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Preset → its sizes and planned seconds, as they stand in the file."""
    return dict(_content(name, folder)["presets"])


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of what a protocol says, whatever its comments, order and spaces, in 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _content(name: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"claim {name!r} has no protocol {path.name}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"protocol {path.name}: {error}") from None
    if other := content.pop("sizes", None):
        shared = _content(other, folder)["presets"]
        own = content.get("presets", {})
        content["presets"] = {preset: shared[preset] | own.get(preset, {}) for preset in shared}
    return content
