"""Diagnosis: what is found of a run, effect by effect and as a whole, and how it is said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.registry import VARIANCE, Effect
from sgdsde.diagnosis.words import BREAKS, LABELS, MATTERS, NEGLIGIBLE, UNSTABLE, percent, sentence, verdict_of
from sgdsde.tables import Table, in_notebook


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What :func:`sgdsde.diagnose` returns; printed, it is a table.

    Attributes
    ----------
    config : SGDConfig
    where : str
        The place, in words.
    dynamics, driver : str
        The SDE that was judged.
    effects : tuple of Effect
    error : float
        The SDE's variance, Tr Cov(ω), over SGD's, less 1, with all effects on it together; NaN where SGD is unstable or
        no law is known.
    largest : float
        The same in the mode of the Hessian in which it is farthest from 0.
    sde_variance, sgd_variance : float
        Tr Cov(ω) of both; NaN where there is none.
    others : dict of str to float
        The error of other SDEs of the same run, by the arguments of ``simulate_sde`` that name them.
    thresholds : tuple of float
        What is negligible, and from what on it breaks down.
    notes : tuple of str
    """

    config: SGDConfig
    where: str
    dynamics: str
    driver: str
    effects: tuple[Effect, ...]
    error: float
    largest: float
    sde_variance: float
    sgd_variance: float
    others: Mapping[str, float]
    thresholds: tuple[float, float]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Effect:
        """The effect of that name; KeyError for another."""
        for each in self.effects:
            if each.name == name:
                return each
        raise KeyError(f"{name!r} is not among {', '.join(each.name for each in self.effects)}")

    @property
    def verdict(self) -> str:
        """That of the variance, with all effects together, as those of effects."""
        if any(each.verdict == UNSTABLE for each in self.effects):
            return UNSTABLE
        return verdict_of(self.error, self.thresholds)

    @property
    def best(self) -> str:
        """The SDE of this run that is nearest to SGD, where it is nearer than the one that was judged; or empty."""
        known = {name: abs(error) for name, error in self.others.items() if not math.isnan(error)}
        name = min(known, key=known.__getitem__, default="")
        return name if name and self.verdict in (MATTERS, BREAKS) and known[name] < 0.9 * abs(self.error) else ""

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain numbers, texts, lists and mappings; None for what is not known."""
        found = {name: value for name, value in vars(self).items() if name not in ("config", "effects")}
        found |= {"config": self.config.to_dict(), "effects": [asdict(each) for each in self.effects]}
        found |= {"verdict": self.verdict, "sentence": self.sentence, "best": self.best}
        plain: dict[str, Any] = _plain(found)
        return plain

    def __str__(self) -> str:
        return self._table().text()

    __repr__ = __str__
    _repr_html_ = in_notebook

    def text(self, width: int | None = None) -> str:
        """The table, in blocks where it is wider than so many characters."""
        return self._table().text(width)

    def _table(self) -> Table:
        rows = [["effect", "SDE is off by", "in its", "verdict", "take instead", "measured in"]]
        for each in self.effects:
            shown = percent(each.error)
            rows.append(
                [each.name, f"({shown})" if _aside(each) else shown, each.of, each.verdict, each.instead, each.claim]
            )
        shown = percent(self.error)
        best = "both" if "," in self.best else LABELS.get(self.best, self.best)
        rows.append(["all together", shown, VARIANCE, self.verdict, best, ""])
        return Table(rows, self._title(), ["", *self._notes()], right=(1,))

    def _title(self) -> str:
        equation = "SDE with momentum" if self.dynamics == "momentum_sde" else "SDE"
        noise = "Brownian motion" if self.driver == "brownian" else "epoched Brownian motion"
        c = self.config
        run = f"ε = {c.learning_rate:g}, B = {c.batch_size}, N = {c.n_examples}, m = {c.momentum:g}, {c.sampling}"
        return f"Is the {equation} of {noise} right for SGD with {run}?\n{self.where}\n"

    def _notes(self) -> list[str]:
        lines = [self.sentence]
        said = [each for each in self.effects if each.note and each.verdict != NEGLIGIBLE and not each.unknown]
        lines += [f"{each.name}: {each.note}." for each in said if each.verdict != UNSTABLE]
        if any(map(_aside, self.effects)):
            lines.append(
                "( ) the usual T = ε/(B(1 − m)) would be off by so much; this SDE has c in place of 1/B, and is not."
            )
        return lines + [f"{note}." for note in self.notes]


def _aside(row: Effect) -> bool:
    """Whether it is no part of the error, and large enough for that to be said."""
    return not row.counted and row.verdict != NEGLIGIBLE


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
