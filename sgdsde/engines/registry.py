"""What an engine is asked (`Plan`) and what it answers (`Outcome`), and the engines by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import choice
from sgdsde.codegen import Block
from sgdsde.engines.noise import Noise
from sgdsde.engines.observers import Observed, Observers
from sgdsde.extras import load
from sgdsde.matrix_block import MatrixBlock

#: Name → module with a function `run(plan) -> Outcome`; imported when used.
ENGINES = {
    "numba": "sgdsde.engines.numba_lanes",
    "torch": "sgdsde.engines.torch_tensor",
    "numpy": "sgdsde.engines.numpy_reference",
}
#: The same for blocks on whole vectors, and the table of each kind of block.
MATRIX_ENGINES = {"torch": "sgdsde.engines.torch_matrix"}
_ENGINES_OF: dict[type, dict[str, str]] = {Block: ENGINES, MatrixBlock: MATRIX_ENGINES}


@dataclass(frozen=True)
class Plan:
    """Many paths of one program.

    Attributes
    ----------
    block : Block or MatrixBlock
        Arrays are the state's components and the step's noise; outputs are the new state.
    constants : tuple of float, or (rows, constants)
        Values of the block's constants; rows of them where they change with time.
    noise : tuple of Noise
        Where the noise comes from, in the order of the block's arrays.
    start : (S, paths)
        The state before the first update.
    dimension : int
        d: the leading components are observed.
    updates, substeps : int
        Steps are updates × substeps; observers look after each update.
    rows : (period,), optional
        The rows of `constants` that steps take: each for `per_row` steps, and after the last the first again.
    per_row : int
        Steps of a row: the `substeps` of an update, for numbers that change with the update.
    regions : int
        The block's last outputs are their margins: a path ends after the first step at which one is positive, and stays
        where it is; and then a bound of each margin that is positive wherever it is, for engines that look there first.
        With regions nothing is observed but snapshots.
    observers : Observers
        What is gathered beside mean and covariance.
    burn_in : int
        Updates before moments are gathered.
    save_every : int or None
        Updates between snapshots; the first is of the start. The end is kept too: where it is no multiple, `run` adds
        it to what the engine has saved.
    seed : int
        Key of the random numbers, below 2⁶⁴.
    device, dtype : str or None
        For engines that have a choice.
    progress : callable
        Called with the fraction done, now and then.
    """

    block: Any  # what an engine can run is its own affair
    constants: tuple[float, ...] | NDArray[np.float64]
    noise: tuple[Noise, ...]
    start: NDArray[np.float64]
    dimension: int
    updates: int
    substeps: int = 1
    rows: NDArray[np.int64] | None = None
    per_row: int = 1
    regions: int = 0
    observers: Observers = field(default_factory=Observers)
    burn_in: int = 0
    save_every: int | None = None
    seed: int = 0
    device: str | None = None
    dtype: str = "float64"
    progress: Callable[[float], None] = field(default=lambda fraction: None)

    @property
    def paths(self) -> int:
        """Number of paths."""
        return int(self.start.shape[1])

    @property
    def state_dimension(self) -> int:
        """S, components of the state."""
        return int(self.start.shape[0])

    @property
    def scheduled(self) -> bool:
        """Whether constants change with time."""
        return self.rows is not None

    @property
    def period(self) -> int:
        """Rows until they are taken again; 1 where nothing changes."""
        return 1 if self.rows is None else len(self.rows)

    def constants_at(self, step: int) -> list[float]:
        """The block's constants in a step."""
        if self.rows is None:
            return list(map(float, self.constants))
        return list(map(float, self.constants[self.rows[step // self.per_row % len(self.rows)]]))

    @property
    def snapshots(self) -> int:
        """Number of snapshots, those of the start and of the end included; 0 when none are saved."""
        return snapshots_of(self.updates, self.save_every)


@dataclass(frozen=True)
class Outcome:
    """End state and observations of every path; values of a path that left the finite numbers mean nothing.

    Attributes
    ----------
    state : (S, paths)
    mean : (paths, d), over the observed updates.
    covariance : (paths, d, d), about each path's own mean, divisor the number of observed updates.
    saved : (snapshots, paths, d)
        States after `saved_updates`, NaN after the end of a path that ended in a region.
    edges : (groups + 1,) of int
        The first path of each group whose moments are summed together, about the group's own mean, so that `mean` and
        `covariance` are (groups, …); and the end of the last. Empty where each path has its own moments.
    exit_step, exit_region : (paths,) of int
        Steps taken when the path ended, and the region it ended in; both −1 for paths that did not. Empty when the plan
        has no regions.
    observed : Observed or None
        What the plan's observers found.
    """

    state: NDArray[np.float64]
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    saved: NDArray[np.float64]
    exit_step: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    exit_region: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    edges: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    observed: Observed | None = None

    @property
    def finite(self) -> NDArray[np.bool_]:
        """(paths,): whether all that is known of a path is finite."""
        found = np.isfinite(self.state).all(axis=0) & np.isfinite(self.mean).all(axis=1)
        found &= np.isfinite(self.covariance).all(axis=(1, 2))
        if self.observed is not None:
            found &= np.isfinite(self.observed.third).all(axis=1) & np.isfinite(self.observed.fourth).all(axis=1)
        return np.asarray(found)

    @classmethod
    def of_ends(
        cls, state: NDArray[np.float64], saved: NDArray[np.float64], step: NDArray[np.int64], region: NDArray[np.int64]
    ) -> Outcome:
        """The outcome of a plan with regions, in which paths end: its moments are those of the states at the end."""
        d, paths = saved.shape[2], state.shape[1]
        return cls(state, state[:d].T.copy(), np.zeros((paths, d, d)), saved, step, region)


def moments_from_sums(
    reference: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per-path mean (paths, d) and covariance (paths, d, d) from sums of deviations δ from a reference point.

    reference, first = Σδ: (d, paths); second = Σ δ_i δ_j: (d(d+1)/2, paths), i ≤ j in row order.
    """
    d, paths = reference.shape
    shift = first / count
    rows, columns = np.triu_indices(d)
    covariance = np.empty((paths, d, d))
    with np.errstate(all="ignore"):
        upper = second / count - shift[rows] * shift[columns]
    covariance[:, rows, columns] = covariance[:, columns, rows] = upper.T
    return (reference + shift).T.copy(), covariance


def run(engine: str, plan: Plan) -> Outcome:
    """Run the plan on the engine of that name.

    Raises
    ------
    ValueError
        When there is no such engine; the message lists those that exist.
    MissingExtraError
        When the engine is torch's, and torch is not installed.
    """
    known = _ENGINES_OF[type(plan.block)] if engine in ENGINES else ENGINES
    call: Callable[[Plan], Outcome] = load(known[choice("engine", engine, known)], f"engine={engine!r}").run
    outcome = call(plan)
    if plan.save_every and plan.updates % plan.save_every:
        outcome.saved[-1] = outcome.state[: plan.dimension].T
        if plan.regions:
            outcome.saved[-1, outcome.exit_region >= 0] = np.nan
    return outcome


def snapshots_of(updates: int, save_every: int | None) -> int:
    """How many `saved_updates` there are."""
    return 1 - updates // -save_every if save_every else 0


def saved_updates(updates: int, save_every: int) -> NDArray[np.int64]:
    """(saved,): the updates after which states are kept: 0, save_every, … and the last.

    >>> saved_updates(20, 7)
    array([ 0,  7, 14, 20])
    """
    return np.append(np.arange(0, updates, save_every), updates)
