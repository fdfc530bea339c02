"""Exits: where and when the paths of a simulation ended."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.engines.registry import Outcome
from sgdsde.regions import Region


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
    bridged : tuple of bool
        Of each region: whether crossings inside a step were counted too, by the probability of a Brownian bridge. The
        mean exit time then errs by O(Δ) and not by O(√Δ).
    updates : int
        Length of the run: paths that are still inside after it are censored, not dropped.
    update : (paths,)
        When the path ended, in updates (a fraction where an update has several steps); `updates` where it did not.
    region : (paths,) of int
        Index of the region it ended in, −1 for a censored path.
    point : (paths, d)
        Where it was then: the first point found outside, or, when it crossed and came back inside a step, the end of
        that step; NaN for a censored or diverged path.
    """

    names: tuple[str, ...]
    conditions: tuple[str, ...]
    bridged: tuple[bool, ...]
    updates: int
    update: NDArray[np.float64]
    region: NDArray[np.int64]
    point: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        regions: Sequence[Region],
        dimension: int,
        substeps: int,
        updates: int,
        bridged: Sequence[Sequence[bool]],
    ) -> Exits | None:
        """Of a run; None when it had no regions. Warns of regions that no path has reached."""
        if not regions:
            return None
        ended = outcome.exit_region >= 0
        point = np.where(ended[:, None], outcome.state[:dimension].T, np.nan)
        update = np.where(ended, outcome.exit_step / substeps, float(updates))
        names = tuple(region.name for region in regions)
        missed = [name for place, name in enumerate(names) if not (outcome.exit_region == place).any()]
        if missed and not ended.any():
            warnings.warn(
                f"none of {len(ended)} paths reached {', '.join(missed)} within {updates} updates; the mean time is "
                f"likely to be above {updates * len(ended) / 3:.3g} updates (95 %)",
                CensoredWarning,
                stacklevel=5,
            )
        across = tuple(bool(each) and all(each) for each in bridged) or (False,) * len(regions)
        return cls(
            names, tuple(region.condition for region in regions), across, updates, update, outcome.exit_region, point
        )

    @property
    def ended(self) -> NDArray[np.bool_]:
        """(paths,): whether the path ended in a region."""
        return np.asarray(self.region >= 0)

    @property
    def censored(self) -> int:
        """Number of paths that were still inside at the end of the run."""
        return int((self.region < 0).sum())

    def __repr__(self) -> str:
        counts = ", ".join(f"{(self.region == place).sum()} in {name!r}" for place, name in enumerate(self.names))
        return f"<Exits: {counts}, {self.censored} censored after {self.updates} updates>"
