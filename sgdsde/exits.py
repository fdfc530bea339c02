"""Exits: where and when the paths of a simulation ended."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import statistics
from sgdsde.callers import stacklevel
from sgdsde.engines.registry import Outcome
from sgdsde.regions import Region
from sgdsde.statistics import ExitTime, Exponentiality, SplittingProbabilities, SurvivalCurve
from sgdsde.tables import Table, in_notebook


class CensoredWarning(UserWarning):
    """No path reached one of the regions within the run."""


@dataclass(frozen=True, eq=False)
class Exits:
    """The ends of paths in the regions of ``stop``.

    Attributes
    ----------
    names : tuple of str
        Of the regions.
    conditions : tuple of str
    crossings : tuple of str
        For each region, what is known of crossings inside a step of the SDE, by a Brownian bridge between its ends.
        ``"exact"``: their joint law, given the noise at the step's start, for all straight boundaries of the run are
        parallel. ``"approximate"``: these have several directions. Each is crossed with its own probability; how the
        crossings of two go together is exact where their noises are independent or the same, else an approximation,
        and so is which of them came first. ``"unseen"``: nothing, as for SGD, curved boundaries and those joined by
        ``and``; a path has then ended when it is found inside after a step. The mean exit time errs by O(Δ) with the
        first two, and by O(√Δ) with the third.
    updates, substeps : int
        Length of the run: paths that are still inside after it are censored, not dropped; and steps in an update.
    update : (paths,)
        When the path ended, in updates (a fraction where an update has several steps); `updates` where it did not, NaN
        for a diverged path.
    region : (paths,) of int
        Index of the region it ended in, −1 for one that did not. Of several entered within a step it is the one that
        the path came to first, and of those that begin at the same place the one listed first. Where boundaries are
        not parallel, order within a step is that of the straight line between its ends.
    point : (paths, d)
        Where it was then: the first point found outside, or, when it crossed and came back inside a step, the end of
        that step; NaN for a censored or diverged path.
    diverged : (paths,) of bool
        Whether the path left the finite numbers without having ended. The statistics below are refused then.

    Examples
    --------
    >>> import sgdsde as sg
    >>> bowl = sg.Landscape("x**2/2", "x")
    >>> ends = {"left": "x < -0.5", "right": "x > 0.5"}
    >>> exits = sg.simulate_sgd(bowl, sg.SGDConfig(0.1, 1, 64), 0.0, 2000, 1000, stop=ends).exits
    >>> exits.censored, exits.mean_time().method
    (0, 'sample_mean')
    >>> found = exits.probabilities()
    >>> found.names, bool((found.low < 0.5).all() and (found.high > 0.5).all())
    (('left', 'right'), True)
    """

    names: tuple[str, ...]
    conditions: tuple[str, ...]
    crossings: tuple[str, ...]
    updates: int
    substeps: int
    update: NDArray[np.float64]
    region: NDArray[np.int64]
    point: NDArray[np.float64]
    diverged: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        regions: Sequence[Region],
        dimension: int,
        substeps: int,
        updates: int,
        crossings: Sequence[str],
    ) -> Exits | None:
        """Ends of the paths of a run; None when it had no regions. Warns when paths stayed inside and none ended."""
        if not regions:
            return None
        ended = outcome.exit_region >= 0
        diverged = ~ended & ~np.isfinite(outcome.state).all(axis=0)
        point = np.where(ended[:, None], outcome.state[:dimension].T, np.nan)
        update = np.where(ended, outcome.exit_step / substeps, np.where(diverged, np.nan, float(updates)))
        names = tuple(region.name for region in regions)
        inside = len(ended) - int(diverged.sum())
        if inside and not ended.any():
            bound = f"; the mean time is likely to be above {updates * inside / 3:.3g} updates (95 %)"
            lost = f"; {len(ended) - inside} diverged, so that nothing is known of the mean time"
            warnings.warn(
                f"none of {len(ended)} paths reached {', '.join(names)} within {updates} updates"
                + (bound if inside == len(ended) else lost),
                CensoredWarning,
                stacklevel=stacklevel(),
            )
        return cls(
            names, tuple(region.condition for region in regions), tuple(crossings), updates, substeps, update,
            outcome.exit_region, point, diverged,
        )  # fmt: skip

    @property
    def ended(self) -> NDArray[np.bool_]:
        """(paths,): whether the path ended in a region."""
        return np.asarray(self.region >= 0)

    @property
    def censored(self) -> int:
        """Number of paths that were still inside at the end of the run; those that diverged are not."""
        return int((~self.ended & ~self.diverged).sum())

    def mean_time(self, *, method: str = "auto", confidence: float = 0.95) -> ExitTime:
        """Mean exit time in updates, and the rate: :func:`~sgdsde.statistics.mean_exit_time`.

        ValueError for a wrong argument, and when paths diverged. Times are those of the end of a step: where crossings
        inside a step are counted, they come half a step late on average.
        """
        return statistics.mean_exit_time(self._times(), self.ended, method=method, confidence=confidence)

    def survival(self, *, at: ArrayLike | int | None = None, confidence: float = 0.95) -> SurvivalCurve:
        """Probability to be still inside, against time in updates: :func:`~sgdsde.statistics.survival_curve`.

        ValueError for a wrong argument, and when paths diverged.
        """
        return statistics.survival_curve(self._times(), self.ended, at=at, confidence=confidence)

    def exponentiality(self, *, after: float = 0.0) -> Exponentiality:
        """Test whether times are exponential once `after` updates are over: :func:`~sgdsde.statistics.exponentiality`.

        ValueError for a wrong argument, when fewer than two exits are left, and when paths diverged.
        """
        return statistics.exponentiality(self._times(), self.ended, after=after, resolution=1 / self.substeps)

    def probabilities(
        self, *, of: str = "ended", method: str = "wilson", confidence: float = 0.95
    ) -> SplittingProbabilities:
        """Shares of the regions: :func:`~sgdsde.statistics.splitting_probabilities`.

        ValueError for a wrong argument, when no path ended, and when paths diverged.
        """
        self._times()
        return statistics.splitting_probabilities(self.region, self.names, of=of, method=method, confidence=confidence)

    def _times(self) -> NDArray[np.float64]:
        """`update`, unless paths diverged: nobody knows how long those would have stayed."""
        if self.diverged.any():
            raise ValueError(
                f"{self.diverged.sum()} of {len(self.diverged)} paths diverged without an exit, so that the statistics "
                f"of exits are unknown; take smaller steps, or a region that holds where paths run away to"
            )
        return self.update

    _repr_html_ = in_notebook

    def _table(self) -> Table:
        head = ["region", "condition", "ended there", "crossings inside a step"]
        counts = [str((self.region == place).sum()) for place in range(len(self.names))]
        rows = [list(row) for row in zip(self.names, self.conditions, counts, self.crossings, strict=True)]
        lost = int(self.diverged.sum())
        notes = [f"{self.censored} of {len(self.region)} paths were still inside after {self.updates} updates."]
        notes += [f"{lost} diverged: nothing is known of the mean time."] if lost else []
        notes += [] if lost or not len(self.region) else [f"Mean exit time in updates: {self.mean_time()}"]
        return Table([head, *rows], "Exits", notes, right=(2,))

    def __repr__(self) -> str:
        counts = ", ".join(f"{(self.region == place).sum()} in {name!r}" for place, name in enumerate(self.names))
        lost = f", {self.diverged.sum()} diverged" if self.diverged.any() else ""
        return f"<Exits: {counts}, {self.censored} censored after {self.updates} updates{lost}>"
