"""How a diagnosis is said: verdicts, numbers, and the sentence below the table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sgdsde.diagnosis.registry import VARIANCE

if TYPE_CHECKING:
    from sgdsde.diagnosis.result import Diagnosis

#: What the arguments of ``simulate_sde`` that name an SDE are called in a table.
LABELS = {'driver="epoched"': "epoched driver", 'dynamics="momentum_sde"': "SDE with momentum"}
#: Verdicts, from good to bad.
NEGLIGIBLE, MATTERS, BREAKS, UNSTABLE, UNKNOWN = "negligible", "matters", "breaks down", "unstable", "not known"


def sentence(found: Diagnosis) -> str:
    """The verdict in words, with causes, the better SDE, and what is off beside the variance."""
    if found.verdict == UNSTABLE:
        why = next(each.note for each in found.effects if each.verdict == UNSTABLE and each.note)
        return f"No: SGD does not stay here, and the SDE does not show it: {why}."
    if found.verdict == UNKNOWN:
        return f"Not known: {next((each.note for each in found.effects if each.unknown), 'there is no law of SGD')}."
    rows = [each for each in found.effects if each.counted and each.verdict in (MATTERS, BREAKS)]
    mine = sorted((each for each in rows if each.of == VARIANCE), key=lambda each: -_weight(each.error))
    causes = " and ".join(each.name for each in mine[:2])
    others = [each for each in rows if each.of != VARIANCE]
    text = {NEGLIGIBLE: "Yes", MATTERS: "Nearly"}.get(found.verdict, "No")
    if found.verdict != BREAKS and any(each.verdict == BREAKS for each in others):
        text += ", as to the variance"
    text += f": {_compared(found.error)}"
    if found.verdict == NEGLIGIBLE:
        text += f", where {causes} make up for each other" * (len(mine) > 1)
    else:
        text += f", by {causes}" * bool(mine)
    text += "."
    if abs(found.error) < abs(found.largest) and verdict_of(found.largest, found.thresholds) != found.verdict:
        text += f" In the direction where it is worst it is off by {percent(found.largest)}."
    if found.best:
        text += f" With {found.best} it is off by {percent(found.others[found.best])}."
    if others:
        parts = [f"by {percent(each.error)} in its {each.of} ({each.name})" for each in others]
        text += f" Beside the variance it is off {', '.join(parts[:-1]) + ' and ' * (len(parts) > 1) + parts[-1]}."
    return text


def verdict_of(error: float, thresholds: tuple[float, float]) -> str:
    """By the size of an error: ``"negligible"`` below the first threshold, ``"breaks down"`` from the second on.

    >>> [verdict_of(error, (0.02, 0.25)) for error in (-0.01, 0.05, float("inf"), float("nan"))]
    ['negligible', 'matters', 'breaks down', 'not known']
    """
    if math.isnan(error):
        return UNKNOWN
    negligible, breaks = thresholds
    return NEGLIGIBLE if abs(error) < negligible else MATTERS if abs(error) < breaks else BREAKS


def percent(error: float) -> str:
    """A relative error as it is shown.

    >>> [percent(error) for error in (-0.051, 1.3, 20.0, float("inf"), float("nan"), 1e-5)]
    ['−5.1 %', '+130 %', '× 21', '∞', '?', '0 %']
    """
    if math.isnan(error):
        return "?"
    if math.isinf(error):
        return "∞"
    if error >= 10:
        return f"× {error + 1:.3g}"
    size = 100 * abs(error)
    if size < 0.05:
        return "0 %"
    return f"{'−' if error < 0 else '+'}{size:.{0 if size >= 99.5 else 1 if size < 9.95 else 0}f} %"


def _compared(error: float) -> str:
    if math.isinf(error):
        return "SGD has no variance, and the SDE has"
    if abs(error) < 5e-4:
        return "the SDE has SGD's variance"
    if error >= 1:
        return f"the SDE's variance is {error + 1:.3g} times SGD's"
    return f"the SDE's variance is {percent(abs(error))[1:]} {'below' if error < 0 else 'above'} SGD's"


def _weight(error: float) -> float:
    return abs(math.log1p(error)) if error > -1 else math.inf
