"""What a claim is: a statement of theory, a generator that measures it, and the registry that finds all claims.

A claim is a function of a `Context` in ``validation/claims/NAME.py`` that yields a `Check` for each number, a `Drawing`
for each picture and what it has `Told`; its words, grid and terms are in ``validation/protocols/NAME.toml``.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_origin

from sgdsde.extras import missing_extra
from validation.check import Check
from validation.drawn import Drawn, drawn
from validation.protocol import FOLDER, Protocol, read
from validation.sizes import Plan, plans

if TYPE_CHECKING:
    from sgdsde.plotting import Figure
    from validation.context import Context


@dataclass(frozen=True)
class Picture:
    """A figure of the report, or its files: ``alt`` says to those who cannot see it what it shows."""

    name: str
    caption: str
    alt: str
    figure: Figure | Drawn

    @property
    def drawn(self) -> Drawn:
        """Its files."""
        return self.figure if isinstance(self.figure, Drawn) else drawn(self.figure)


@dataclass(frozen=True)
class Finding:
    """What a claim measured. ``headline`` is the label of the check whose number is that of the claim's title.

    ``undecided`` says why the measurement cannot decide, where the checks alone do not show it. Texts are those
    of the protocol, filled in.
    """

    checks: tuple[Check, ...]
    headline: str
    pictures: tuple[Picture, ...] = ()
    method: str = ""
    notes: tuple[str, ...] = ()
    data: str = ""
    undecided: str = ""
    statement: str = ""

    def __post_init__(self) -> None:
        labels = [check.label for check in self.checks]
        if len(set(labels)) < len(labels):
            raise ValueError("two checks of a finding share a label")
        if not any(check.rivals for check in self.checks):
            raise ValueError("a finding needs a check that names a rival: else nothing could have refuted it")
        if self.headline not in labels:
            raise ValueError(f"headline {self.headline!r} is not the label of a check")

    @property
    def headline_check(self) -> Check:
        return next(check for check in self.checks if check.label == self.headline)


@dataclass(frozen=True)
class Drawing:
    """A figure by the name under which its caption stands in the protocol."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Told:
    """What a measurement says of itself: ``facts`` that texts name, ``notes`` of this run, where its ``data`` are from.

    ``undecided`` says why the measurement cannot decide, where the checks alone do not show it.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    data: str = ""
    undecided: str = ""


#: What a claim yields, in any order.
Found = Iterator[Check | Drawing | Told]


@dataclass(frozen=True)
class Claim:
    """A statement of theory and the function that measures it, which may train networks on images."""

    name: str
    plans: Mapping[str, Plan]
    protocol: Protocol
    measure: Callable[[Context], Found] = field(repr=False)
    trains: bool = False

    @property
    def title(self) -> str:
        """In a sentence, what is claimed."""
        return self.protocol.words.title


REGISTRY: dict[str, Claim] = {}


def claim(
    size: Any = None,
    *,
    planned: Mapping[str, Plan] | None = None,
    protocol: Protocol | None = None,
    registry: dict[str, Claim] | None = None,
) -> Callable[[Callable[[Context], Found]], Claim]:
    """Register the decorated function as a claim, under its own name.

    ``size`` is the type of its sizes, or None. The protocol is that of ``validation/protocols/NAME.toml`` if none is
    given, and what is ``planned`` is the protocol's.
    """

    def register(measure: Callable[[Context], Found]) -> Claim:
        name = measure.__name__
        held = protocol or read(name)
        trains = get_origin(size) is dict  # sizes by data set
        made = Claim(name, dict(planned or plans(name, size)), held, measure, trains)
        target = REGISTRY if registry is None else registry
        if made.name in target:
            raise ValueError(f"there are two claims named {made.name!r}")
        target[made.name] = made
        return made

    return register


#: Claims in the order a reader wants them: the noise of one batch first, MNIST last. Others follow by name.
ORDER = tuple((FOLDER / "order.txt").read_text(encoding="utf-8").split())


def discover() -> dict[str, Claim]:
    """Import every module of ``validation.claims`` and return the claims they registered, in reading order.

    Where torch is not installed those that train networks, or import it for another reason, are left out.
    """
    package = importlib.import_module("validation.claims")
    for module in pkgutil.iter_modules(package.__path__):
        try:
            importlib.import_module(f"validation.claims.{module.name}")
        except ModuleNotFoundError as error:
            if not missing_extra(error):
                raise
    whole = importlib.util.find_spec("torch") is not None
    found = {name: each for name, each in REGISTRY.items() if whole or not each.trains}
    rank = {name: position for position, name in enumerate(ORDER)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))


def left_out() -> str:
    """What to say of the claims that `discover` leaves out; empty where there are none."""
    if importlib.util.find_spec("torch") is not None:
        return ""
    return 'claims on networks are left out, which need torch: pip install "sgdsde[networks]"'
