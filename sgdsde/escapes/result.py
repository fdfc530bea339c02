"""What a study of escapes has found: mean exit times beside theory, as a table and as a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sgdsde.config import SGDConfig
from sgdsde.ensemble import Ensemble
from sgdsde.escapes.predictions import METHODS, Predictions
from sgdsde.landscapes import Landscape
from sgdsde.statistics import Estimate, ExitTime
from sgdsde.statistics.exit_times import FEW
from sgdsde.tables import Table, in_notebook, picture

if TYPE_CHECKING:
    import xarray

SEEN = 3.0  # standard errors from which a change with the step is spoken of
KEYS = 3  # columns that say what a row of the table is: B, g and the dynamics
NOTABLE = 0.011  # relative error of the SDE's steps from which the table speaks of it


@dataclass(frozen=True, eq=False, repr=False)
class Escape:
    """One run: one dynamics at one noise scale.

    Attributes
    ----------
    label : str
        ``"SDE"``, ``"momentum SDE"``, ``"SGD"``, or with the name of another scheme.
    config : SGDConfig
    substeps : int
        Steps for an update.
    step_error : float
        By what part they are expected to make the mean exit time wrong; NaN of SGD, whose steps are its own.
    ensemble : Ensemble
        With its `exits`.
    time : ExitTime
        In updates, of the paths that stayed finite. Where others diverged and none of these ended, nothing is `known`.
    halved : ExitTime or None
        In half as many steps, on noise of its own: of the SDE where F varies, for which `step_error` is not meant.
    predicted : bool
        Whether theory, which is that of the overdamped SDE, is for it; not for RMSprop, Adam and others like them.
    """

    label: str
    config: SGDConfig
    substeps: int
    step_error: float
    ensemble: Ensemble
    time: ExitTime
    halved: ExitTime | None = None
    predicted: bool = True

    def __repr__(self) -> str:
        time = self.time if self.known else "–"
        return f"<Escape of {self.label} at B = {self.config.batch_size}: {time} updates, {_ended(self)} ended>"

    @property
    def known(self) -> bool:
        """Whether anything is known of the mean time: no bound follows from paths that diverged before they ended."""
        return bool(self.time.exits) or not self.ensemble.diverged

    @property
    def coarser(self) -> Estimate:
        """By what part half as many steps make the mean exit time longer; NaN where that is not known."""
        if self.halved is None or not (self.halved.exits and self.time.exits):
            return Estimate(math.nan, math.nan)
        ratio = self.halved.mean / self.time.mean
        parts = (each.standard_error / each.mean for each in (self.halved, self.time))
        return Estimate(ratio - 1, ratio * math.hypot(*parts))


@dataclass(frozen=True, eq=False, repr=False)
class EscapeStudy:
    """What :func:`escape_study` returns; printed, it is a table.

    Attributes
    ----------
    landscape : Landscape
    w0 : tuple of float
    stop : str or mapping of str to str
    updates : int
        Length of the runs; paths still inside after it are censored.
    configs : tuple of SGDConfig
        One for each noise scale, by ascending batch size.
    escapes : tuple of Escape
        For each config all dynamics.
    predictions : Predictions
        For the overdamped SDE.
    """

    landscape: Landscape
    w0: tuple[float, ...]
    stop: str | Mapping[str, str]
    updates: int
    configs: tuple[SGDConfig, ...]
    escapes: tuple[Escape, ...]
    predictions: Predictions

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the dynamics that were run, once each."""
        return tuple(dict.fromkeys(escape.label for escape in self.escapes))

    def __getitem__(self, label: str) -> tuple[Escape, ...]:
        """The runs of one dynamics, one for each config."""
        if label not in self.labels:
            raise KeyError(f"label must be one of {', '.join(self.labels)}, got {label!r}")
        return tuple(escape for escape in self.escapes if escape.label == label)

    def to_xarray(self) -> xarray.Dataset:
        """Mean exit times by dynamics and batch size, in updates, and theory's by batch size; it goes into netCDF."""
        import xarray

        def cells(value: Any) -> tuple[tuple[str, str], list[list[Any]]]:
            return ("dynamics", "batch_size"), [[value(escape) for escape in self[label]] for label in self.labels]

        variables: dict[str, Any] = {
            "mean_exit_time": cells(lambda each: each.time.mean if each.known else math.nan),
            "standard_error": cells(lambda each: each.time.standard_error),
            "low": cells(lambda each: each.time.interval[0] if each.known else math.nan),
            "high": cells(lambda each: each.time.interval[1] if each.known else math.nan),
            "exits": cells(lambda each: each.time.exits),
            "censored": cells(lambda each: each.time.censored),
            "diverged": cells(lambda each: each.ensemble.diverged),
            "method": cells(lambda each: each.time.method),
            "substeps": cells(lambda each: each.substeps),
            "step_error": cells(lambda each: each.step_error),
            "coarser": cells(lambda each: float(each.coarser.value)),
            "coarser_error": cells(lambda each: float(each.coarser.standard_error)),
            **{name: ("batch_size", values) for name, values in self.predictions.updates.items()},
        }
        for name in ("mean_exit_time", "standard_error", "low", "high", *self.predictions.updates):
            variables[name] = (*variables[name], {"units": "updates"})
        coordinates = {
            "dynamics": list(self.labels), "batch_size": [config.batch_size for config in self.configs],
            "noise_scale": ("batch_size", [config.noise_scale for config in self.configs]),
            "temperature": ("batch_size", [config.temperature for config in self.configs]),
        }  # fmt: skip
        about = {
            "title": self._title(), "updates": self.updates, "paths": self.escapes[0].ensemble.paths,
            "w0": list(self.w0), "stop": str(self.stop), "landscape": repr(self.landscape),
            "confidence": self.escapes[0].time.confidence,
            **{f"absent_{name}": why for name, why in self.predictions.absent.items()},
            **{key: value for key, value in self.configs[0].to_dict().items() if key != "batch_size"},
        }  # fmt: skip
        return xarray.Dataset(variables, coordinates, about)

    def text(self, width: int | None = None) -> str:
        """The table, with a title and notes; in blocks of columns where it is wider than so many characters."""
        return self._table().text(width)

    _repr_html_ = in_notebook
    plot = picture

    def _table(self) -> Table:
        methods = [name for name in METHODS if name in self.predictions.updates]
        head = ["B", "g", "dynamics", "mean exit time", "95 % interval", "ended", "÷ theory"]
        rows = [[*head, *(METHODS[name] for name in methods)]]
        for k, config in enumerate(self.configs):
            said = {name: float(self.predictions.updates[name][k]) for name in methods}
            for label in self.labels:
                found = self[label][k]
                rows.append([
                    f"{config.batch_size}", f"{config.noise_scale:.4g}", label,
                    str(found.time) if found.known else "–",
                    _interval(found.time), _ended(found), _ratio(found, said),
                    *(f"{value:.5g}" if np.isfinite(value) else "–" for value in said.values()),
                ])  # fmt: skip
        return Table(rows, self._title(), self._notes(), keys=KEYS)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _title(self) -> str:
        where = self.stop if isinstance(self.stop, str) else " or ".join(self.stop.values())
        at = ", ".join(f"{value:g}" for value in self.w0)
        return f"Mean exit times in updates, from ({at}) to {where}; {self.escapes[0].ensemble.paths} paths of each"

    def _notes(self) -> list[str]:
        notes = []
        if any(escape.time.method == "exponential" for escape in self.escapes):
            notes.append(
                f"Where paths were still inside after {self.updates} updates, times are taken to be exponential: the "
                "mean is all time together over the number of exits."
            )
        few = [f"{each.label} at B = {each.config.batch_size}" for each in self.escapes if each.time.few]
        if few:
            notes.append(
                f"Fewer than {FEW} paths ended: {', '.join(few)}. The mean is hardly known; the interval says how "
                "little. More updates or paths would tell."
            )
        lost = [f"{each.label} at B = {each.config.batch_size}" for each in self.escapes if each.ensemble.diverged]
        if lost:
            notes.append(
                f"Paths diverged: {', '.join(lost)}. They are left out: the mean is that of the paths that stayed "
                "finite, and where none of these ended nothing is known of it. A region where paths run away to would "
                "count them."
            )
        if (worst := max((e.step_error for e in self.escapes if e.step_error > NOTABLE), default=0.0)) > 0:
            notes.append(f"The steps of the SDE may have made its times wrong by {worst:.1%}: more are not taken.")
        for each in self.escapes:
            if not abs(float(each.coarser.value)) > SEEN * float(each.coarser.standard_error):
                continue
            notes.append(
                f"{each.label} at B = {each.config.batch_size}: half as many steps change its time by "
                f"{each.coarser.value:+.1%} ± {each.coarser.standard_error:.1%}; more steps would change it further."
            )
        if others := list(dict.fromkeys(each.label for each in self.escapes if not each.predicted)):
            notes.append(f"Theory is that of SGD's SDE, and not of {', '.join(others)}.")
        notes += [f"{METHODS[name]}: {why}" for name, why in self.predictions.absent.items()]
        return notes


def _interval(time: ExitTime) -> str:
    return "{:.4g} – {:.4g}".format(*time.interval) if time.exits else "–"


def _ended(escape: Escape) -> str:
    lost = f", {escape.ensemble.diverged} diverged" if escape.ensemble.diverged else ""
    return f"{escape.time.exits} of {escape.time.exits + escape.time.censored}{lost}"


def _ratio(escape: Escape, said: Mapping[str, float]) -> str:
    """Against the best that theory has, which is for the SDE without a step: exact, or the Fokker–Planck equation."""
    best = next((value for name, value in said.items() if name != "kramers" and np.isfinite(value)), 0.0)
    if not best or not escape.time.exits or not escape.predicted:
        return "–"
    ratio = escape.time.mean / best
    return f"{ratio:.2g}" if escape.time.few else f"{ratio:.3f} ± {escape.time.standard_error / best:.3f}"
