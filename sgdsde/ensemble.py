"""Ensemble: what a simulation returns."""

from __future__ import annotations

import functools
import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.callers import stacklevel
from sgdsde.config import SGDConfig
from sgdsde.engines.registry import Outcome, saved_updates
from sgdsde.exits import Exits
from sgdsde.layout import one_line
from sgdsde.observations import Histogram, Observations
from sgdsde.statistics import Estimate, HigherMoments, Moments, pooled_moments
from sgdsde.tables import Table, in_notebook, picture

if TYPE_CHECKING:
    import xarray

    from sgdsde.landscapes import Landscape, WideLandscape

Array = NDArray[np.float64]

SHOWN = 12  # parameters in a notebook's table
RELAXATIONS = 10  # times in which a start is forgotten


class DivergenceWarning(UserWarning):
    """Some paths left the finite numbers and are not in the averages."""


@dataclass(frozen=True, eq=False)
class StandardError:
    """Standard errors of an ensemble's mean (d,) and covariance (d, d), from the spread over independent paths."""

    mean: Array
    covariance: Array

    __repr__ = one_line


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble:
    """Many paths of one simulation. Averages are over the paths that stayed finite and the updates after `burn_in`.

    Attributes
    ----------
    label : str
        Such as ``"SDE euler_maruyama"``.
    parameters : tuple of str
        Names of the d components of ω.
    config : SGDConfig or None
        None for a run in the SDE's own time (``integrate``).
    updates, burn_in, paths : int
    save_every : int or None
        Updates between snapshots; see `saved_updates`.
    final : (paths, d)
        State after the last update, NaN for diverged paths.
    path_mean, path_covariance : (paths, d), (paths, d, d)
        Moments over time of each path, covariance about the path's own mean; NaN for diverged paths. With landscapes of
        arrays those of groups of paths, (groups, d) and (groups, d, d), at least 64 where there are as many paths: d²
        numbers for every path would be too many. Standard errors are then from the spread over groups. A group with a
        diverged path is NaN, and left out of the averages.
    snapshots : (saved, paths, d)
        States after `saved_updates`, NaN once a path has diverged or ended; empty when nothing is saved.
    time_per_update : float or (updates,)
        Time t = ε(k)/(N(1 − m)) of an update, or of each; the step of ``integrate``. See `time`.
    auxiliary : dict of (paths, d)
        What is carried beside ω after the last update: ``"p"`` of the momentum SDE, ``"exp_avg"`` of Adam; and numbers
        (paths, 1), such as its ``"bias_of_beta1"``. As ``state0`` of another run, which starts at `final`, it goes on.
    provenance : dict
        Everything needed to run it again.
    exits : Exits or None
        Where and when paths ended, with ``stop``; `final` is then their last state, and the moments are those of it.
    landscape : Landscape or None
        What was run, for `relaxation`.
    observations : Observations or None
        What ``observe`` found; see `skewness`, `kurtosis`, `occupancy`, `histograms`.
    """

    label: str
    parameters: tuple[str, ...]
    config: SGDConfig | None
    updates: int
    burn_in: int
    paths: int
    save_every: int | None
    final: Array
    path_mean: Array
    path_covariance: Array
    snapshots: Array
    time_per_update: float | Array
    auxiliary: Mapping[str, Array] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    exits: Exits | None = None
    landscape: Landscape | WideLandscape | None = None
    observations: Observations | None = None

    @classmethod
    def from_outcome(
        cls,
        outcome: Outcome,
        observed: Callable[[NDArray[np.bool_]], Observations | None] = lambda finite: None,
        *,
        auxiliary: Sequence[str] = (),
        carried: Sequence[str] = (),
        why: Callable[[int], str] = lambda path: "",
        **fields: Any,
    ) -> Ensemble:
        """Set what diverged to NaN, count it, and warn, with what `why` says of the first such path.

        `observed` gives the observations of the paths that are finite.
        """
        finite, whole = _finite(outcome)
        d = outcome.mean.shape[1]
        final, mean, covariance = outcome.state[:d].T.copy(), outcome.mean, outcome.covariance
        final[~finite] = np.nan
        for values in (mean, covariance):
            values[~whole] = np.nan
        snapshots = _compact(outcome.saved)
        snapshots[~np.isfinite(snapshots).all(axis=-1)] = np.nan  # in place: they may be most of the memory
        beside = {
            name: np.where(finite[:, None], outcome.state[first : first + d].T, np.nan)
            for name, first in zip(auxiliary, range(d, d + d * len(auxiliary), d), strict=True)
        }
        for name, row in zip(carried, outcome.state[len(outcome.state) - len(carried) :], strict=True):
            beside[name] = np.where(finite, row, np.nan)[:, None]
        ensemble = cls(
            final=final,
            path_mean=mean,
            path_covariance=covariance,
            snapshots=snapshots,
            auxiliary=beside,
            observations=observed(finite),
            **fields,
        )
        if ensemble.diverged:
            warnings.warn(
                f"{ensemble.diverged} of {ensemble.paths} paths of {ensemble.label} diverged and are left out of the "
                f"averages{why(int(np.argmin(ensemble.finite)))}",
                DivergenceWarning,
                stacklevel=stacklevel(),
            )
        return ensemble

    @functools.cached_property
    def finite(self) -> NDArray[np.bool_]:
        """(paths,): True for the paths that did not diverge."""
        return np.asarray(np.isfinite(self.final).all(axis=1))

    @property
    def diverged(self) -> int:
        """Number of paths that left the finite numbers."""
        return int((~self.finite).sum())

    @property
    def saved_updates(self) -> NDArray[np.int64]:
        """(saved,): the updates after which `snapshots` were taken: 0, save_every, … and the last; else none."""
        return saved_updates(self.updates, self.save_every) if self.save_every else np.empty(0, np.int64)

    def after(self, update: int) -> Array:
        """(paths, d): states after so many updates.

        Raises
        ------
        ValueError
            When they were not kept: it is neither one of `saved_updates` nor the last.
        """
        if update == self.updates and not self.save_every:
            return self.final
        (found,) = np.nonzero(self.saved_updates == update)
        if not len(found):
            kept = f"every {self.save_every} updates and the last" if self.save_every else f"the last, {self.updates}"
            raise ValueError(f"update must be one whose states were kept, {kept}; got {update!r}")
        return np.asarray(self.snapshots[found[0]])

    def time(self, updates: ArrayLike) -> Array:
        """Time after whole numbers of updates, in the shape of `updates`: the sum of `time_per_update` over them."""
        taken = np.asarray(updates)
        if np.ndim(self.time_per_update) == 0:
            return np.asarray(taken * self.time_per_update)
        return np.asarray(np.append(0.0, np.cumsum(self.time_per_update))[taken])

    @functools.cached_property
    def _moments(self) -> Moments:
        kept = slice(None) if not self.diverged else np.isfinite(self.path_mean).all(axis=1)
        together = -(-self.paths // len(self.path_mean))
        count = (self.updates - self.burn_in) * together
        return pooled_moments(count, self.path_mean[kept], self.path_covariance[kept])

    @property
    def mean(self) -> Array:
        """(d,) mean of ω."""
        return np.asarray(self._moments.mean.value)

    @property
    def covariance(self) -> Array:
        """(d, d) covariance of ω about the common mean."""
        return np.asarray(self._moments.covariance.value)

    @property
    def standard_error(self) -> StandardError:
        """Standard errors of `mean` and `covariance`; NaN when fewer than two paths are left."""
        return StandardError(
            np.asarray(self._moments.mean.standard_error), np.asarray(self._moments.covariance.standard_error)
        )

    @property
    def skewness(self) -> Estimate:
        """(d,) skewness of each variable, with ``observe=Observe(moments=4)``; errors by the spread over paths."""
        return self._higher_moments().skewness

    @property
    def kurtosis(self) -> Estimate:
        """(d,) excess kurtosis of each variable, 0 for a normal law, with ``observe=Observe(moments=4)``."""
        return self._higher_moments().kurtosis

    @property
    def occupancy(self) -> Mapping[str, Estimate]:
        """Share of the updates in each region, by name, with ``observe=Observe(occupancy={…})``."""
        found: Mapping[str, Estimate] = self._observed("occupancy", "occupancy={'left': 'x < 0'}")
        return found

    @property
    def histograms(self) -> Mapping[Any, Histogram]:
        """By variable, or pair of variables, with ``observe=Observe(histogram={…})``."""
        found: Mapping[Any, Histogram] = self._observed("histograms", "histogram={'x': (-2, 2, 40)}")
        return found

    def _higher_moments(self) -> HigherMoments:
        found: HigherMoments = self._observed("moments", "moments=4")
        return found

    def _observed(self, name: str, asked: str) -> Any:
        found = getattr(self.observations, name, None)
        if not found:
            raise ValueError(f"this run did not observe that: it was made without observe=Observe({asked})")
        return found

    @property
    def exit_update(self) -> Array:
        """(paths,): when the path ended in a region of ``stop``, in updates; NaN for one that is still inside."""
        exits = self._ends()
        return np.where(exits.ended, exits.update, np.nan)

    @property
    def exit_region(self) -> NDArray[np.int64]:
        """(paths,): index of the region it ended in, −1 for one that is still inside."""
        return self._ends().region

    @property
    def exit_point(self) -> Array:
        """(paths, d): where it ended, NaN for one that is still inside."""
        return self._ends().point

    @functools.cached_property
    def relaxation(self) -> float:
        """Updates in which paths forget all but 1/e of their common start, at the minimum that it leads to.

        NaN where that is not known: without such a minimum, for starts that differ (they may have the stationary law),
        for paths that end, for schedules, for rules that are not SGD with or without momentum, and in the SDE's own
        time. See :func:`sgdsde.theory.relaxation_time`.
        """
        clock = ("learning_rates", "batch_sizes", "dt", "temperature")
        changing = any(isinstance(self.provenance.get(name), str) for name in clock)
        start = self.provenance.get("w0")
        if self.landscape is None or self.config is None or self.exits is not None or changing:
            return math.nan
        if not isinstance(start, list):
            return math.nan
        from sgdsde.dynamics import tends_to_the_sde
        from sgdsde.landscapes import weight_decayed
        from sgdsde.landscapes.minimum import nearby_minimum
        from sgdsde.theory import relaxation_time

        if not tends_to_the_sde(self.provenance.get("dynamics", "sde")):
            return math.nan
        of_sde = "scheme" in self.provenance  # whose landscape has the decay
        landscape = self.landscape if of_sde else weight_decayed(self.landscape, self.config.weight_decay)
        at = nearby_minimum(landscape, start)
        if at is None:
            return math.nan
        return relaxation_time(landscape.hessian(at), replace(self.config, weight_decay=0.0), "slower")

    @property
    def settled_after(self) -> float:
        """Updates after which the start no longer matters, ten times `relaxation`; NaN where that is not known."""
        return RELAXATIONS * self.relaxation

    def _ends(self) -> Exits:
        if self.exits is None:
            raise ValueError("paths of this run end nowhere: it was made without stop")
        return self.exits

    def to_xarray(self) -> xarray.Dataset:
        """Return an xarray.Dataset with names, units and the full provenance in the attributes.

        ``w`` (saved, path, parameter) holds the snapshots, or the final state alone when none were asked for, with the
        updates (``step``) and the time t before them; beside it are the moments, their standard errors, what
        diverged, and what ``observe`` found. It can be written to netCDF.
        """
        import xarray

        if self.save_every:
            w, update = self.snapshots, self.saved_updates
        else:
            w, update = self.final[None], np.array([self.updates], np.int64)
        square = ("parameter", "other_parameter")
        error = self.standard_error
        spread = {"long_name": "standard error of the covariance", "units": "1"}
        variables: dict[str, tuple[tuple[str, ...], Any, dict[str, str]]] = {
            "w": (("saved", "path", "parameter"), w, {"long_name": "parameters ω", "units": "1"}),
            "w_mean": (("parameter",), self.mean, {"long_name": "mean of ω", "units": "1"}),
            "w_covariance": (square, self.covariance, {"long_name": "covariance of ω", "units": "1"}),
            "w_mean_error": (("parameter",), error.mean, {"long_name": "standard error of the mean", "units": "1"}),
            "w_covariance_error": (square, error.covariance, spread),
            "diverged": (("path",), ~self.finite, {"long_name": "path left the finite numbers"}),
        }
        if self.exits is not None:
            about = {"long_name": "updates until the path ended, or of the run", "units": "1"}
            names = {"long_name": "index of the region, -1: censored", "regions": json.dumps(self.exits.names)}
            variables["exit_update"] = (("path",), self.exits.update, about)
            variables["exit_region"] = (("path",), self.exits.region, names)
            variables["exit_point"] = (("path", "parameter"), self.exits.point, {"units": "1"})
        time = "time of the scheme's own equation" if self.config is None else "time t of dω = −∇C dt + √(gF) dW"
        coordinates = {
            "step": (("saved",), update, {"long_name": "updates", "units": "1"}),
            "time": (("saved",), self.time(update), {"long_name": time, "units": "1"}),
            "parameter": list(self.parameters),
            "other_parameter": list(self.parameters),
        }
        if self.observations is not None:
            further, along = self.observations.variables()
            variables, coordinates = {**variables, **further}, {**coordinates, **along}
        return xarray.Dataset(variables, coordinates, attrs=self._attributes())

    def _attributes(self) -> dict[str, str | int | float]:
        """Provenance as numbers and strings, which every file format takes; netCDF-3 has no integers above 32 bits."""

        def plain(value: Any) -> str | int | float:
            short = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
            return value if short or isinstance(value, (str, float)) else json.dumps(value)

        config = {} if self.config is None else self.config.to_dict()
        return {key: plain(value) for key, value in {"title": self.label, **config, **self.provenance}.items()}

    def _steps(self) -> str:
        """How many steps stand for an update of the SDE, and what variance is expected to come of them."""
        told = self.provenance
        if "substeps_chosen" not in told:
            return ""
        steps, error = told["substeps"], told["step_error"]
        expected = ""
        if error is not None:
            change = f"by {error['variance']:+.2%}" if np.isfinite(error["variance"]) else "without bound"
            expected = f", expected to change the variance {change}"
        return f" in {steps} step{'s' * (steps > 1)} each ({told['substeps_chosen']}{expected})"

    _repr_html_ = in_notebook
    plot = picture

    def _table(self) -> Table:
        error = self.standard_error
        variance, spread = np.diag(self.covariance), np.diag(error.covariance)
        columns = {"mean": (self.mean, error.mean), "variance": (variance, spread)}
        if self.observations is not None and self.observations.moments is not None:
            for name in ("skewness", "kurtosis"):
                estimate: Estimate = getattr(self, name)
                columns[name] = (np.asarray(estimate.value), np.asarray(estimate.standard_error))
        shown = slice(SHOWN)
        cells = [[f"{v:.5g} ± {e:.2g}" for v, e in zip(*map(np.ravel, each), strict=True)][shown]
                 for each in columns.values()]  # fmt: skip
        rows = [list(row) for row in zip(self.parameters[shown], *cells, strict=True)]
        notes = [f"{self.diverged} paths diverged and are left out."] if self.diverged else []
        notes += [f"{len(self.parameters) - SHOWN} more parameters"] if len(self.parameters) > SHOWN else []
        notes += [repr(self.exits)] if self.exits is not None else []
        title = f"{self.label}: {self.paths} paths, {self.updates} updates{self._steps()}, burn-in {self.burn_in}"
        return Table([["", *columns], *rows], title, notes)

    def __repr__(self) -> str:
        lost = f", {self.diverged} diverged" if self.diverged else ""
        mean, variance = (np.array2string(x, precision=4) for x in (self.mean, np.diag(self.covariance)))
        return (
            f"<Ensemble {self.label}: {self.paths} paths{lost}, {self.updates} updates{self._steps()}, mean {mean}, "
            f"variance {variance}>"
        )


def _finite(outcome: Outcome) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(paths,): whether a path stayed finite; and (paths,) or (groups,): whether its moments, or its group's, did."""
    if not len(outcome.edges):
        return outcome.finite, outcome.finite
    finite = np.asarray(np.isfinite(outcome.state).all(axis=0))
    means, covariances = outcome.mean, outcome.covariance
    whole = np.asarray(np.isfinite(means).all(axis=1) & np.isfinite(covariances).all(axis=(1, 2)))
    unbroken: NDArray[np.bool_] = np.logical_and.reduceat(finite, outcome.edges[:-1])
    # moments beyond all numbers, of paths that are not: nobody knows which
    lost = np.repeat(unbroken & ~whole, np.diff(outcome.edges))
    return finite & ~lost, unbroken & whole


def _compact(saved: Array) -> Array:
    """Snapshots without gaps between them, in the order of the engine's memory: sums are rounded by it."""
    whole = saved.flags.c_contiguous or saved.transpose(0, 2, 1).flags.c_contiguous
    return saved if whole else saved.copy(order="K")
