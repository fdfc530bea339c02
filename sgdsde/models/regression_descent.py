"""SGD on linear regression, in many replicas at once: the moments of the weights after they have settled."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from threading import Event, Lock
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sgdsde.arguments import check_steps, choice, integer
from sgdsde.callers import stacklevel
from sgdsde.config import SGDConfig
from sgdsde.memory import check_memory
from sgdsde.models.checks import checked_device, checked_dtype
from sgdsde.models.parallel import in_threads
from sgdsde.models.regression import LinearRegression, check_examples
from sgdsde.models.regression_batches import Source
from sgdsde.theory import stability_limit

Array = NDArray[np.float64]

#: Numbers drawn for one update of the replicas that move together: they fit into a cache.
TOGETHER = {"cpu": 1 << 16}
TOGETHER_ELSEWHERE = 1 << 24
#: Updates between two looks at the clock.
LOOK = 64


class Moments(NamedTuple):
    """Sums over updates of one block of replicas, and where they end; the deviations are in the eigenbasis of A."""

    squares: Array
    deviation: Array
    products: Array


class Block(NamedTuple):
    """Replicas that move together: the first one's number, how many, and the groups whose products they sum."""

    first: int
    replicas: int
    groups: int


def sgd_on_regression(
    problem: LinearRegression,
    config: SGDConfig,
    updates: int,
    replicas: int,
    burn_in: int = 0,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype = "float64",
    covariance_groups: int = 0,
    draws: str = "examples",
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Run SGD on a linear regression in independent replicas, and average the squares of ω − ω* over time.

    Parameters
    ----------
    problem : LinearRegression
        The examples; where every example is new, ``config.n_examples`` and the sampling play no part.
    config : SGDConfig
        (ε, B, N, m, sampling).
    updates : int
        Updates per replica, all from ω* at rest.
    replicas : int
        R, each with batches of its own.
    burn_in : int
        Updates at the start that are left out of the averages.
    seed : int
        Of the batches. With the device and the other arguments it fixes the result.
    device : str or torch.device, optional
        None: torch's default device.
    dtype : str or torch.dtype
        ``"float32"`` or ``"float64"``, of examples and weights; sums over time are always float64.
    covariance_groups : int
        k ≥ 1 adds the whole covariance, once for each of k groups of replicas, so that it has an error too: k P²
        numbers. 0: none.
    draws : str
        Where every example is new: ``"examples"``, B of them for a replica and update; or ``"sums"``, only the sum of
        their gradients, from its own law given ω: of the same law, from 2B + P numbers in place of B(P + 1).
    progress : callable, optional
        Is given the fraction that is done, now and then.

    Returns
    -------
    xarray.Dataset
        ``squared_distance`` (replica): |ω − ω*|² averaged over time; ``trace`` and its ``trace_standard_error``: the
        mean of it and the error over replicas; ``variance`` and ``variance_standard_error`` (mode): along the
        eigenvectors of A, whose eigenvalues are the coordinate ``curvature``; ``weights`` (replica, parameter) after
        the last update; ``diverged`` (replica); with `covariance_groups`, ``covariance`` (group, row, column). All
        second moments are about ω*, which is the mean (the mean gradient is linear, and SGD starts there). A replica
        that leaves the finite numbers is marked, NaN, left out of averages, and counted by a RuntimeWarning.

    Raises
    ------
    ValueError
        Before anything runs, when an argument is out of range or does not fit the others; the message names it.

    Notes
    -----
    v ← m v − ε ĝ, ω ← ω + v with ĝ the mean over the batch of x (xᵀω − y). The examples are drawn or gathered as they
    are, B rows for a replica and update; memory is O(R P) besides X and one copy of it in the eigenbasis of A.
    Sums: of white Gaussian x only s = x·u, along the unit vector u of ω − ω*, is in the residual r = s|ω − ω*| − e, so
    that Σ x r = u Σ s r + √(Σ r²) z with z normal across u: exact, and P + 2B normal numbers.

    Examples
    --------
    >>> problem = LinearRegression.gaussian(3, spectrum=[1.0, 0.6, 0.3])
    >>> config = SGDConfig(0.2, batch_size=4, n_examples=1000)
    >>> runs = sgd_on_regression(problem, config, updates=400, replicas=400, burn_in=100)
    >>> bool(abs(runs.trace - problem.stationary_covariance(config).trace()) < 4 * runs.trace_standard_error)
    True
    """
    updates, replicas, seed = integer("updates", updates, 1), integer("replicas", replicas, 1), integer("seed", seed, 0)
    burn_in = integer("burn_in", burn_in, 0, updates - 1)
    if choice("draws", draws, ("examples", "sums")) == "sums" and problem.inputs is not None:
        raise ValueError("draws must be 'examples' where the examples are given, got 'sums'")
    if covariance_groups and replicas % integer("covariance_groups", covariance_groups, 1):
        raise ValueError(f"covariance_groups must divide replicas = {replicas}, got {covariance_groups}")
    device, dtype = checked_device(device), checked_dtype(dtype)
    check_steps(updates)
    p = problem.dimension  # of each replica squares and a deviation, by blocks and put together
    size = 8 * (4 * replicas * p + covariance_groups * p**2)
    check_memory(size, f"replicas or covariance_groups must be fewer: {replicas} replicas of {p} weights")
    check_examples(problem, config)
    _check_stable(problem, config)

    source = Source(problem, config, device, dtype, sums=draws == "sums")
    size = max(1, TOGETHER.get(device.type, TOGETHER_ELSEWHERE) // source.numbers)
    size = min(size, -(-replicas // torch.get_num_threads())) if device.type == "cpu" else size
    jobs = _jobs(replicas, covariance_groups, size)
    advance = _Progress(progress, updates * replicas)

    def run(job: list[Block], stop: Event) -> Moments:
        parts = [_run(source, block, updates, burn_in, seed, advance, stop) for block in job]
        squares, deviation = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        return Moments(squares, deviation, sum((part.products for part in parts), start=np.zeros(())))

    results = in_threads(run, jobs)
    squares = np.concatenate([result.squares for result in results]) / (updates - burn_in)
    weights = problem.optimum + np.concatenate([r.deviation for r in results]) @ problem.modes[1].T
    with np.errstate(over="ignore", invalid="ignore"):  # the error over replicas takes squares of squares
        finite = np.isfinite(squares.sum(axis=1) ** 2) & np.isfinite(weights).all(axis=1)
    diverged = np.asarray(~finite)
    if diverged.any():
        warnings.warn(
            f"{diverged.sum()} of {replicas} replicas diverged ({config}); their results are NaN",
            RuntimeWarning,
            stacklevel=stacklevel(),
        )
        squares[diverged] = weights[diverged] = np.nan
    runs = _to_xarray(problem, squares, weights, diverged)
    if covariance_groups:
        basis, each = problem.modes[1], replicas // covariance_groups * (updates - burn_in)
        whole = basis @ (np.concatenate([r.products for r in results]) / each) @ basis.T
        runs["covariance"] = (("group", "row", "column"), whole, {"long_name": "E (ω − ω*)(ω − ω*)ᵀ"})
    return runs.assign_attrs(
        **config.to_dict(),
        updates=updates,
        burn_in=int(burn_in),
        seed=seed,
        examples="fresh at every update" if problem.inputs is None else f"{problem.n_examples}, fixed",
        label_variance=problem.label_variance,
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        torch_version=torch.__version__,
        numpy_version=np.__version__,
    )


def _jobs(replicas: int, groups: int, size: int) -> list[list[Block]]:
    """Blocks of at most `size` replicas, those that share a group in one job: it holds the sum of their products."""
    if not groups:
        return [[Block(r, min(size, replicas - r), 0)] for r in range(0, replicas, size)]
    each = replicas // groups
    if each > size:
        starts = range(0, replicas, each)
        return [[Block(s + r, min(size, each - r), 1) for r in range(0, each, size)] for s in starts]
    whole = size // each * each
    return [[Block(r, n := min(whole, replicas - r), n // each)] for r in range(0, replicas, whole)]


def _run(
    source: Source, block: Block, updates: int, burn_in: int, seed: int, advance: _Progress, stop: Event
) -> Moments:
    """One block of replicas from start to end."""
    config, p = source.config, source.dimension
    seeds = np.random.SeedSequence(seed, spawn_key=(block.first,))
    draw = source.stream(block.replicas, seeds)
    d = torch.zeros((block.replicas, p), dtype=source.dtype, device=source.device)
    v, squares = torch.zeros_like(d), torch.zeros_like(d, dtype=torch.float64)
    products = squares.new_zeros((block.groups, p, p))
    step = -source.scale
    with torch.no_grad():
        for first in range(0, updates, LOOK):
            if stop.is_set():
                break
            for update in range(first, min(first + LOOK, updates)):
                gradient, examples = draw(source.scale * d)
                v.mul_(config.momentum).addcmul_(step, gradient, value=config.learning_rate / examples)
                d.add_(v)
                if update >= burn_in:
                    squares.add_(d * d)
                    if block.groups:
                        wide = d.double().reshape(block.groups, -1, p)
                        products.baddbmm_(wide.mT, wide)
            advance(block.replicas * min(LOOK, updates - first))
    return Moments(squares.cpu().numpy(), d.double().cpu().numpy(), products.cpu().numpy())


class _Progress:
    """Adds up what the threads have done."""

    def __init__(self, report: Callable[[float], None] | None, total: int) -> None:
        self.report, self.total, self.done, self.said, self.lock = report, total, 0, 0.0, Lock()

    def __call__(self, more: int) -> None:
        with self.lock:
            self.done += more
            if self.report is not None and self.done >= (self.said + 0.01) * self.total:
                self.said = self.done / self.total
                self.report(self.said)


def _check_stable(problem: LinearRegression, config: SGDConfig) -> None:
    """ValueError where the weights are sure to run away."""
    if problem.inputs is None:
        problem.stationary_covariance(config)  # refuses, with the reason
    limit = stability_limit(problem.hessian, config)
    if not config.learning_rate < limit:
        raise ValueError(
            f"learning_rate must be below 2(1 + m)/λ_max = {limit:.6g} for the mean of the weights to converge, "
            f"got {config.learning_rate!r}"
        )


def _to_xarray(problem: LinearRegression, squares: Array, weights: Array, diverged: NDArray[np.bool_]) -> xr.Dataset:
    distance, kept = squares.sum(axis=1), squares[~diverged]
    root = np.sqrt(len(kept))

    def error(samples: Array) -> Array:
        enough = len(samples) > 1
        return np.asarray(samples.std(axis=0, ddof=1) / root if enough else np.full(samples.shape[1:], np.nan))

    def average(samples: Array) -> Array:
        return np.asarray(samples.mean(axis=0) if len(samples) else np.full(samples.shape[1:], np.nan))

    return xr.Dataset(
        {
            "squared_distance": ("replica", distance, {"long_name": "|ω − ω*|², averaged over time"}),
            "trace": ((), average(distance[~diverged]), {"long_name": "Tr Σ"}),
            "trace_standard_error": ((), error(distance[~diverged])),
            "variance": ("mode", average(kept), {"long_name": "variance along an eigenvector of A"}),
            "variance_standard_error": ("mode", error(kept)),
            "weights": (("replica", "parameter"), weights, {"long_name": "ω after the last update"}),
            "diverged": ("replica", diverged, {"long_name": "left the finite numbers"}),
        },
        coords={"curvature": ("mode", problem.curvature, {"long_name": "eigenvalue of A"})},
    )
