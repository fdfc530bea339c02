"""The table of effects: what each is called, where it was measured, and how large it is for a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sgdsde.diagnosis.case import Case

#: Quantities that a size is an error of.
VARIANCE, EXIT, KURTOSIS = "variance", "exit time", "kurtosis"


@dataclass(frozen=True)
class Size:
    """How much an effect makes the SDE wrong for a run.

    Attributes
    ----------
    error : float
        The SDE's value over SGD's, less 1; infinite where SGD's is 0, NaN where nothing is known.
    of : str
        Of what: VARIANCE, EXIT or KURTOSIS.
    instead : str
        Which SDE to take; empty where there is nothing better.
    note : str
        A sentence for the reader, or empty.
    counted : bool
        Whether it is a part of what the SDE is wrong by. False: the SDE here has it right, and others do not.
    unstable : bool
        Whether SGD has no stationary law because of it.
    unknown : bool
        Whether nothing is known of the variance because of it.
    """

    error: float
    of: str = VARIANCE
    instead: str = ""
    note: str = ""
    counted: bool = True
    unstable: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class Declared:
    """An effect of the table.

    Attributes
    ----------
    name : str
    measure : callable
        Case ↦ `Size`, or None where there is nothing to say.
    claim, network_claim : str
        The claims of ``validation/`` in which it was measured, on landscapes and on networks.
    """

    name: str
    measure: Callable[[Case], Size | None]
    claim: str
    network_claim: str


@dataclass(frozen=True)
class Effect:
    """One row: an effect, and how wrong the SDE is by it.

    Attributes
    ----------
    name : str
    error : float
        The SDE's value over SGD's, less 1; infinite where SGD has none, NaN where nothing is known.
    of : str
        ``"variance"``, ``"exit time"`` or ``"kurtosis"``.
    verdict : str
        ``"negligible"``, ``"matters"``, ``"breaks down"``, ``"unstable"`` or ``"not known"``.
    instead : str
        Which SDE to take; ``"none"`` where none is better, and empty where there is no need.
    claim : str
        Name of the claim in ``validation/`` in which the effect was measured.
    note : str
        A sentence, or empty.
    counted : bool
        Whether it is a part of what the SDE is wrong by; otherwise the SDE here has it right, and others do not.
    unknown : bool
        Whether nothing is known of the variance because of it.
    """

    name: str
    error: float
    of: str
    verdict: str
    instead: str
    claim: str
    note: str
    counted: bool = True
    unknown: bool = False


#: By name, in the order in which they are shown.
EFFECTS: dict[str, Declared] = {}


def effect(
    name: str, *, claim: str, network_claim: str = ""
) -> Callable[[Callable[[Case], Size | None]], Callable[[Case], Size | None]]:
    """Put a function into the table of effects, under this name; `network_claim` is `claim` where it is left out."""

    def register(measure: Callable[[Case], Size | None]) -> Callable[[Case], Size | None]:
        EFFECTS[name] = Declared(name, measure, claim, network_claim or claim)
        return measure

    return register
