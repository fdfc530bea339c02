"""Ensemble: what a simulation returns."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.engines.registry import Outcome
from sgdsde.exits import Exits
from sgdsde.statistics import Moments, pooled_moments

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]


class DivergenceWarning(UserWarning):
    """Some paths left the finite numbers and are not in the averages."""


@dataclass(frozen=True, eq=False)
class StandardError:
    """Standard errors of an ensemble's mean (d,) and covariance (d, d), from the spread over independent paths."""

    mean: Array
    covariance: Array


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
        Updates between snapshots.
    final : (paths, d)
        State after the last update, NaN for diverged paths.
    path_mean, path_covariance : (paths, d), (paths, d, d)
        Moments over time of each path, covariance about the path's own mean; NaN for diverged paths.
    snapshots : (saved, paths, d)
        States at updates 0, save_every, …, NaN once a path has diverged; empty when nothing is saved.
    auxiliary : dict of (paths, d)
        What the scheme carries beside ω after the last update: ``"p"`` of the momentum SDE, ``"v"`` of heavy ball.
    provenance : dict
        Everything needed to run it again.
    exits : Exits or None
        Where and when paths ended, with ``stop``; `final` is then their last state, and the moments are those of it.
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
    auxiliary: Mapping[str, Array] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    exits: Exits | None = None

    @classmethod
    def from_outcome(
        cls,
        outcome: Outcome,
        *,
        auxiliary: Sequence[str] = (),
        why: Callable[[int], str] = lambda path: "",
        **fields: Any,
    ) -> Ensemble:
        """Set what diverged to NaN, count it, and warn, with what `why` says of the first such path."""
        finite = np.asarray(
            np.isfinite(outcome.state).all(axis=0)
            & np.isfinite(outcome.mean).all(axis=1)
            & np.isfinite(outcome.covariance).all(axis=(1, 2))
        )
        d = outcome.mean.shape[1]
        final, mean, covariance = outcome.state[:d].T.copy(), outcome.mean, outcome.covariance
        for values in (final, mean, covariance):
            values[~finite] = np.nan
        snapshots = np.where(np.isfinite(outcome.saved).all(axis=-1, keepdims=True), outcome.saved, np.nan)
        beside = {
            name: np.where(finite[:, None], outcome.state[first : first + d].T, np.nan)
            for name, first in zip(auxiliary, range(d, len(outcome.state), d), strict=True)
        }
        ensemble = cls(
            final=final, path_mean=mean, path_covariance=covariance, snapshots=snapshots, auxiliary=beside, **fields
        )
        if ensemble.diverged:
            warnings.warn(
                f"{ensemble.diverged} of {ensemble.paths} paths of {ensemble.label} diverged and are left out of the "
                f"averages{why(int(np.argmin(ensemble.finite)))}",
                DivergenceWarning,
                stacklevel=4,
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

    @functools.cached_property
    def _moments(self) -> Moments:
        kept = slice(None) if not self.diverged else self.finite
        return pooled_moments(self.updates - self.burn_in, self.path_mean[kept], self.path_covariance[kept])

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

    def _ends(self) -> Exits:
        if self.exits is None:
            raise ValueError("paths of this run end nowhere: it was made without stop")
        return self.exits

    def to_xarray(self) -> xarray.Dataset:
        """Return an xarray.Dataset with names, units and the full provenance in the attributes.

        ``w`` (saved, path, parameter) holds the snapshots, or the final state alone when none were asked for; beside it
        are the moments, their standard errors and what diverged. It can be written to netCDF.
        """
        import xarray

        if self.save_every:
            w, update = self.snapshots, np.arange(len(self.snapshots)) * self.save_every
        else:
            w, update = self.final[None], np.array([self.updates])
        square = ("parameter", "other_parameter")
        error = self.standard_error
        spread = {"long_name": "standard error of the covariance", "units": "1"}
        variables: dict[str, tuple[tuple[str, ...], Any, dict[str, str]]] = {
            "w": (("saved", "path", "parameter"), w, {"long_name": "parameters ω", "units": "1"}),
            "mean": (("parameter",), self.mean, {"long_name": "mean of ω", "units": "1"}),
            "covariance": (square, self.covariance, {"long_name": "covariance of ω", "units": "1"}),
            "mean_error": (("parameter",), error.mean, {"long_name": "standard error of the mean", "units": "1"}),
            "covariance_error": (square, error.covariance, spread),
            "diverged": (("path",), ~self.finite, {"long_name": "path left the finite numbers"}),
        }
        if self.exits is not None:
            about = {"long_name": "updates until the path ended, or of the run", "units": "1"}
            names = {"long_name": "index of the region, -1: censored", "regions": json.dumps(self.exits.names)}
            variables["exit_update"] = (("path",), self.exits.update, about)
            variables["exit_region"] = (("path",), self.exits.region, names)
            variables["exit_point"] = (("path", "parameter"), self.exits.point, {"units": "1"})
        if self.config is None:
            time, unit = "time of the scheme's own equation", float(self.provenance["dt"])
        else:
            time, unit = "time t of dω = −∇C dt + √(gF) dW", self.config.time_per_update
        coordinates = {
            "update": (("saved",), update, {"long_name": "updates", "units": "1"}),
            "time": (("saved",), update * unit, {"long_name": time, "units": "1"}),
            "parameter": list(self.parameters),
            "other_parameter": list(self.parameters),
        }
        return xarray.Dataset(variables, coordinates, attrs=self._attributes())

    def _attributes(self) -> dict[str, str | int | float]:
        """Provenance as numbers and strings, which every file format takes; netCDF-3 has no integers above 32 bits."""

        def plain(value: Any) -> str | int | float:
            short = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
            return value if short or isinstance(value, (str, float)) else json.dumps(value)

        config = {} if self.config is None else self.config.to_dict()
        return {key: plain(value) for key, value in {"title": self.label, **config, **self.provenance}.items()}

    def __repr__(self) -> str:
        lost = f", {self.diverged} diverged" if self.diverged else ""
        mean, variance = (np.array2string(x, precision=4) for x in (self.mean, np.diag(self.covariance)))
        return (
            f"<Ensemble {self.label}: {self.paths} paths{lost}, {self.updates} updates, mean {mean}, "
            f"variance {variance}>"
        )
