"""The images of the MNIST claims: MNIST, or scikit-learn's digits where MNIST cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from validation.context import Context

if TYPE_CHECKING:
    from sgdsde.data import Dataset


@dataclass(frozen=True)
class Images:
    """Where a claim gets images: ``load(n_train=…, seed=…)``, its name, and the notes that the report must show."""

    name: str
    load: Callable[..., Dataset]
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name, marked where it is a stand-in."""
        return f"{self.name} (not MNIST)" if self.notes else self.name


def images(context: Context) -> Images:
    """MNIST if it can be had; otherwise digits, saying so in one line."""
    from sgdsde import data

    problem = missing()
    if not problem:
        return Images("MNIST", data.mnist)
    note = f"{problem}. The MNIST claims run on scikit-learn's digits (8 × 8 pixels) instead."
    context.say(note)
    return Images("digits", data.digits, (note,))


@cache
def missing() -> str:
    """Why MNIST cannot be loaded, empty if it can; asked once, as a network that is down answers slowly.

    Only absence counts: a corrupt file is an error of its own and must not be papered over.
    """
    from sgdsde import data

    try:
        data.mnist(n_train=1, n_test=1)
    except data.DataUnavailable as error:
        return str(error).splitlines()[0].rstrip(".")
    return ""


def mislabelled_words(random_share: float) -> str:
    """What is said after "random images" where some labels are random."""
    return f", {random_share:.0%} of them with random labels" if random_share else ""
