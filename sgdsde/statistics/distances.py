"""Distances between two samples of states, with standard errors and with what chance alone would show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real_array
from sgdsde.layout import one_line
from sgdsde.statistics.estimates import Array, Estimate, mean

GROUPS = 32  # of paths, for the jackknife: its errors are known to 1/√(2·31) = 13 %
PERMUTATIONS = 64  # the spread is known to 1/√(2·63) = 9 %, the noise to an eighth of the spread
TILE = 1024  # pairs of paths are taken in squares of this side, which stay in the cache


@dataclass(frozen=True, eq=False)
class Distance(Estimate):
    """An estimate of a distance, or of one for each component, and what two samples of one law would have given.

    Parameters
    ----------
    value, standard_error : float or ndarray
        As in :class:`Estimate`.
    noise, spread : float or ndarray, same shape
        Mean and standard deviation of the value when both samples come from the same law.

    Notes
    -----
    Norms and W1 are positive for samples of one law: hold `value` against `noise`, not against 0. The noise is skewed:
    of equal laws about one in a hundred has an `excess` above 4, and one in five hundred above 6. Below that no
    difference was found, and one much smaller than noise + 4 spreads takes more paths to see. Well above it
    `standard_error` is the error of the value. Do not subtract the noise: the bias fades as the difference grows.

    Examples
    --------
    >>> Distance(0.30, 0.02, noise=0.05, spread=0.01).excess
    25.0
    """

    noise: Array | float
    spread: Array | float

    __repr__ = one_line

    @property
    def excess(self) -> Array | float:
        """(value − noise)/spread: how far beyond chance; NaN where the samples are equal."""
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.subtract(self.value, self.noise) / np.asarray(self.spread)
        return excess if np.ndim(excess) else float(excess)


@dataclass(frozen=True, eq=False)
class Distances:
    """What :func:`distances` returns: each field is what the function of that name gives."""

    mean_difference: Estimate
    mean_distance: Distance
    covariance_distance: Distance
    wasserstein1: Distance
    energy_distance: Distance

    __repr__ = one_line


def distances(
    a: ArrayLike, b: ArrayLike, *, paired: bool = False, seed: int = 0, reference: ArrayLike | None = None
) -> Distances:
    """All distances between two samples of states.

    Parameters
    ----------
    a, b : array_like, (n, d) and (m, d)
        States of at least four paths each, which are independent of each other; (n,) stands for (n, 1).
    paired : bool
        Path p of `a` and path p of `b` share their noise, or their seed; then n = m.
    seed : int
        At least 0. Picks the permutations, and nothing else.
    reference : array_like, (d, d), optional
        The covariance by which :func:`mean_distance` and :func:`covariance_distance` measure; that of `b` otherwise.

    Returns
    -------
    Distances

    Raises
    ------
    ValueError
        When shapes do not fit, there are too few paths, a path is not finite, or the reference is singular.

    Notes
    -----
    Standard errors: the jackknife over 32 groups of consecutive paths (Busing, Meijer & van der Leeden, Stat. Comput.
    9 (1999) 3). Paired groups are left out together; otherwise each sample has its own and the variances add.
    Noise: 64 permutations of the pooled paths, or exchanges within pairs, at random. Moments are permuted about each
    sample's own mean, so that a shift does not count as noise. The cost is O(n log n), but O((n + m)²) of the energy
    distance when d > 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = distances(rng.normal(size=1000), rng.normal(0.5, 1.0, size=1000))
    >>> abs(found.wasserstein1.value - 0.5) < 4 * found.wasserstein1.standard_error
    True
    >>> found.wasserstein1.excess > 4, found.covariance_distance.excess > 4
    (True, False)
    """
    split = _split(a, b, paired, seed)
    return Distances(
        mean_difference=mean_difference(a, b, paired=paired),
        mean_distance=split.distance(_mean_distances(split, reference)),
        covariance_distance=split.distance(_covariance_distances(split, reference)),
        wasserstein1=split.distance(_wasserstein1(split)),
        energy_distance=split.distance(_energies(split)),
    )


def mean_difference(a: ArrayLike, b: ArrayLike, *, paired: bool = False) -> Estimate:
    """Mean of `a` minus mean of `b`, (d,) or a number, in their unit; arguments as in :func:`distances`.

    >>> mean_difference([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0], paired=True)
    Estimate(value=1, standard_error=0)
    """
    first, second = _checked(a, b, paired)
    if paired:
        return mean(first - second)
    left, right = mean(first), mean(second)
    error = np.hypot(left.standard_error, right.standard_error)
    return Estimate(np.subtract(left.value, right.value)[()], error[()])


def mean_distance(
    a: ArrayLike, b: ArrayLike, *, paired: bool = False, seed: int = 0, reference: ArrayLike | None = None
) -> Distance:
    """Mahalanobis distance √(Δᵀ C⁻¹ Δ) of the means, a pure number; arguments as in :func:`distances`.

    C is `reference`, otherwise the covariance of `b`; ``np.eye(d)`` gives the Euclidean distance in the samples' unit.

    >>> a = np.array([[2.0, 0.0], [0.0, 2.0], [4.0, 2.0], [2.0, 4.0]])
    >>> mean_distance(a + 3.0, a, reference=np.eye(2)).value
    4.242...
    """
    split = _split(a, b, paired, seed)
    return split.distance(_mean_distances(split, reference))


def covariance_distance(
    a: ArrayLike, b: ArrayLike, *, paired: bool = False, seed: int = 0, reference: ArrayLike | None = None
) -> Distance:
    """‖C_a − C_b‖/‖C‖ of the covariances in the Frobenius norm, a pure number; arguments as in :func:`distances`.

    C is `reference`, otherwise C_b. Components of large variance dominate: bring them to like units before.

    >>> a = np.array([1.0, 2.0, 3.0, 4.0])
    >>> covariance_distance(2 * a, a).value
    3.0
    """
    split = _split(a, b, paired, seed)
    return split.distance(_covariance_distances(split, reference))


def wasserstein1(a: ArrayLike, b: ArrayLike, *, paired: bool = False, seed: int = 0) -> Distance:
    """W1 = ∫|F_a − F_b| dx of each marginal, (d,) or a number, in the samples' unit; arguments as in :func:`distances`.

    >>> wasserstein1([0.0, 1.0, 2.0, 3.0], [5.0, 3.0, 4.0, 2.0]).value
    2.0
    """
    split = _split(a, b, paired, seed)
    return split.distance(_wasserstein1(split))


def energy_distance(a: ArrayLike, b: ArrayLike, *, paired: bool = False, seed: int = 0) -> Distance:
    """Energy distance 2E|X − Y| − E|X − X'| − E|Y − Y'|, in the samples' unit; arguments as in :func:`distances`.

    The unbiased U-statistic (Székely & Rizzo, J. Stat. Plan. Inference 143 (2013) 1249): its noise is 0 but for the
    permutations' own, and it can be negative. It vanishes for equal laws only, and goes with the square of a small
    difference. Pairs that share their noise are no pairs (X, Y). SciPy gives the square root of the biased one.

    >>> energy_distance([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]).value
    2.0
    """
    split = _split(a, b, paired, seed)
    return split.distance(_energies(split))


@dataclass(frozen=True, eq=False)
class _Split:
    """Which of the pooled paths make up a and b: first as they came, then without a group, then permuted."""

    x: Array  # (n + m, d): a, then b
    n: int
    paired: bool
    scalar: bool  # whether paths came as numbers
    members: NDArray[np.bool_]  # (columns, n + m); the last PERMUTATIONS are the complements of those before
    columns: list[tuple[int, int]]  # of members, for a and b: one pair for each replicate
    left_out: list[Array]  # share of each group in its sample: once when paired, otherwise for a and for b

    def distance(self, values: ArrayLike) -> Distance:
        """From the value of each replicate, (replicates,) or (replicates, d)."""
        table = np.asarray(values, dtype=np.float64)
        value, start, variance = table[0], 1, np.zeros(table.shape[1:])
        for share in self.left_out:
            weight = share.reshape(-1, *[1] * value.ndim)
            pseudo = (value - (1 - weight) * table[start : start + len(share)]) / weight
            square = (pseudo - (weight * pseudo).sum(axis=0)) ** 2
            variance, start = variance + (square * weight / (1 - weight)).mean(axis=0), start + len(share)
        fields = value, np.sqrt(variance), table[start:].mean(axis=0), table[start:].std(axis=0, ddof=1)
        return Distance(*(field if np.ndim(field) else float(field) for field in fields))

    def samples(self, x: Array, replicate: int) -> tuple[Array, Array]:
        """Rows of x, which is as long as the pooled paths, that belong to a and to b."""
        left, right = self.columns[replicate]
        return x[self.members[left]], x[self.members[right]]

    def centred(self) -> tuple[Array, Array]:
        """Paths about the mean of their own sample, and the difference of the means (replicates, d) that this hides."""
        first, second = self.x[: self.n].mean(axis=0), self.x[self.n :].mean(axis=0)
        hidden = np.tile(first - second, (len(self.columns), 1))
        hidden[-PERMUTATIONS:] = 0
        return np.concatenate([self.x[: self.n] - first, self.x[self.n :] - second]), hidden


def _split(a: ArrayLike, b: ArrayLike, paired: bool, seed: int) -> _Split:
    first, second = _checked(a, b, paired)
    seed = integer("seed", seed, 0)
    n, m = len(first), len(second)
    members = [np.arange(n + m) < n, np.arange(n + m) >= n]
    columns, left_out = [(0, 1)], []
    for side, size in ((0, n),) if paired else ((0, n), (1, m)):
        groups = np.array_split(np.arange(side * n, side * n + size), size // -(-size // GROUPS))
        for group in groups:
            kept = np.ones(n + m, bool)
            kept[group] = False
            if paired:
                kept[group + n] = False
                members += [members[0] & kept, members[1] & kept]
                columns.append((len(members) - 2, len(members) - 1))
            else:
                members.append(members[side] & kept)
                columns.append((len(members) - 1, 1) if side == 0 else (0, len(members) - 1))
        left_out.append(np.array([len(group) / size for group in groups]))
    rng, end = np.random.default_rng(seed), len(members)
    for _ in range(PERMUTATIONS):
        stays = rng.random(n) < 0.5
        members.append(np.concatenate([stays, ~stays]) if paired else rng.permutation(members[0]))
    members += [~chosen for chosen in members[end:]]
    columns += [(end + i, end + PERMUTATIONS + i) for i in range(PERMUTATIONS)]
    pooled = np.concatenate([first, second]).reshape(n + m, -1)
    return _Split(pooled, n, paired, first.ndim == 1, np.array(members), columns, left_out)


def _checked(a: ArrayLike, b: ArrayLike, paired: bool) -> tuple[Array, Array]:
    first, second = real_array("a", a), real_array("b", b)
    for name, x in (("a", first), ("b", second)):
        if x.ndim not in (1, 2) or len(x) < 4 or not x.size:
            raise ValueError(f"{name} must have the shape (paths,) or (paths, d) with at least 4 paths, got {x.shape}")
        if lost := int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum()):
            raise ValueError(
                f"{name} must be finite, but {lost} of {len(x)} paths are not: leave diverged paths out, from both "
                "samples if they are paired, and say how many there were"
            )
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"b must have the components of a, whose shape is {first.shape}, got {second.shape}")
    if paired and len(first) != len(second):
        raise ValueError(f"b must have the {len(first)} paths of a when paired, got {len(second)}")
    return first, second


def _mean_distances(split: _Split, reference: ArrayLike | None) -> list[float]:
    given = _reference(reference, split.x.shape[1])
    whitening = None if given is None else _whitening(given)
    centred, hidden = split.centred()
    values = []
    for replicate, shift in enumerate(hidden):
        a, b = split.samples(centred, replicate)
        shift = shift + a.mean(axis=0) - b.mean(axis=0)
        values.append(float(np.linalg.norm(shift @ (_whitening(_covariance(b)) if whitening is None else whitening))))
    return values


def _covariance_distances(split: _Split, reference: ArrayLike | None) -> list[float]:
    given = _reference(reference, split.x.shape[1])
    centred, _ = split.centred()
    values = []
    for replicate in range(len(split.columns)):
        first, second = map(_covariance, split.samples(centred, replicate))
        scale = np.linalg.norm(second if given is None else given)
        if not scale > 0:
            raise ValueError("reference must not be zero, or b's covariance in its place: give the one to measure by")
        values.append(float(np.linalg.norm(first - second) / scale))
    return values


def _wasserstein1(split: _Split) -> Array:
    values = np.empty((len(split.columns), split.x.shape[1]))
    for k, x in enumerate(split.x.T):
        order = np.argsort(x)
        gaps = np.diff(x[order])
        for replicate, (left, right) in enumerate(split.columns):
            a, b = (np.cumsum(split.members[column][order], dtype=float) for column in (left, right))
            values[replicate, k] = np.abs(a / a[-1] - b / b[-1])[:-1] @ gaps
    return values[:, 0] if split.scalar else values


def _energies(split: _Split) -> Array:
    """2 mean|x − y| − mean|x − x'| − mean|y − y'| over pairs of different paths, for each replicate."""
    left, right = np.transpose(split.columns)
    sizes = split.members.sum(axis=1).astype(float)
    between, within_a, within_b = _sums_sorted(split) if split.x.shape[1] == 1 else _sums_in_tiles(split)
    pairs = sizes[left] * sizes[right]
    if split.paired:  # |x_p − y_p| is the distance of two paths that are not independent
        n, apart = split.n, np.linalg.norm(split.x[: split.n] - split.x[split.n :], axis=1)
        both = split.members[left] | split.members[right]
        between, pairs = between - both[:, :n] @ apart, pairs - both[:, :n].sum(axis=1)
    within = within_a / (sizes[left] * (sizes[left] - 1)) + within_b / (sizes[right] * (sizes[right] - 1))
    return np.asarray(2 * between / pairs - within)


def _sums_sorted(split: _Split) -> Array:
    """Σ|x − y|, Σ|x − x'| and Σ|y − y'| of each replicate, d = 1, from how many paths lie below and above each gap."""
    order = np.argsort(split.x[:, 0])
    gaps = np.diff(split.x[order, 0])
    sums = np.empty((3, len(split.columns)))
    for replicate, (left, right) in enumerate(split.columns):
        a, b = (np.cumsum(split.members[column][order], dtype=float) for column in (left, right))
        above, over = a[-1] - a, b[-1] - b
        for k, crossings in enumerate((a * over + b * above, 2 * a * above, 2 * b * over)):
            sums[k, replicate] = crossings[:-1] @ gaps
    return sums


def _sums_in_tiles(split: _Split) -> Array:
    """The same for d > 1: with the matrix D of distances and members u, v of a and b they are uᵀDv, uᵀDu, vᵀDv."""
    x = split.x - split.x.mean(axis=0)
    square, one = (x**2).sum(axis=1, keepdims=True), np.ones((len(x), 1))
    rows, columns = np.hstack([x, square, one]), np.hstack([-2 * x, one, square])
    direct = len(split.members) - PERMUTATIONS  # the complements follow from the others
    products = np.zeros((direct, direct))
    for i in range(0, len(x), TILE):
        of_row = split.members[:direct, i : i + TILE].astype(float)
        for j in range(i, len(x), TILE):
            tile = rows[i : i + TILE] @ columns[j : j + TILE].T
            np.sqrt(np.abs(tile, out=tile), out=tile)  # |x − y|² = |x|² + |y|² − 2xy; abs: rounding of what is 0
            if i == j:
                np.fill_diagonal(tile, 0.0)
                tile *= 0.5  # the sum with the transpose, below, has these pairs twice
            products += of_row @ (tile @ split.members[:direct, j : j + TILE].T.astype(float))
    products += products.T
    complement = np.eye(direct)[[0] * PERMUTATIONS] + np.eye(direct)[1] - np.eye(direct)[-PERMUTATIONS:]
    basis = np.vstack([np.eye(direct), complement])
    products = basis @ products @ basis.T
    left, right = np.transpose(split.columns)
    return np.array([products[left, right], products[left, left], products[right, right]])


def _reference(reference: ArrayLike | None, d: int) -> Array | None:
    if reference is None:
        return None
    matrix = real_array("reference", reference)
    if matrix.shape != (d, d) or not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T):
        raise ValueError(f"reference must be a finite symmetric matrix of shape {(d, d)}, got {reference!r}")
    return matrix


def _covariance(x: Array) -> Array:
    deviation = x - x.mean(axis=0)
    return np.asarray(deviation.T @ deviation / (len(x) - 1))


def _whitening(covariance: Array) -> Array:
    """W with W Wᵀ = C⁻¹, by way of the correlations, so that components of unlike units do not look singular."""
    variances = np.diagonal(covariance)
    scale = np.sqrt(np.where(variances > 0, variances, np.inf))
    values, vectors = np.linalg.eigh(covariance / scale[:, None] / scale)
    if values[0] < 1e-12:
        raise ValueError(
            "reference must be positive definite, and without one the covariance of b and of parts of it; the smallest "
            f"eigenvalue of the correlations is {values[0]:.1g}; np.eye({len(scale)}) gives the Euclidean distance"
        )
    return np.asarray(vectors / np.sqrt(values) / scale[:, None])
