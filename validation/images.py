"""The images of the MNIST claims: MNIST, or scikit-learn's digits where MNIST cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from validation.context import Context

if TYPE_CHECKING:
    from sgdsde.data import Dataset


@dataclass(frozen=True)
class Images:
    """A data set, its name in the report, and the notes that the report must show with it."""

    dataset: Dataset
    name: str
    notes: tuple[str, ...]


def images(context: Context, n_train: int, seed: int) -> Images:
    """``n_train`` random training images and the whole test set."""
    from sgdsde import data

    problem = _missing()
    if not problem:
        return Images(data.mnist(n_train=n_train, seed=seed), "MNIST", ())
    note = f"MNIST is not to be had ({problem}): its claims run on scikit-learn's digits (8 × 8 pixels) instead."
    context.say(note)
    return Images(data.digits(n_train=n_train, seed=seed), "digits (not MNIST)", (note,))


@cache
def _missing() -> str:
    """Why MNIST cannot be loaded, empty if it can; asked once, as a network that is down answers slowly.

    Only absence counts: a corrupt file is an error of its own and must not be papered over.
    """
    from sgdsde import data

    try:
        data.mnist(n_train=1, n_test=1)
    except data.DataUnavailable as error:
        return str(error).splitlines()[0].rstrip(".")
    return ""
