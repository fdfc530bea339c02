"""Examples for SGD on a landscape: N vectors whose mean is exactly 0 and whose unbiased covariance is exactly I."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.memory import check_memory

Array = NDArray[np.float64]

#: Least share of a variance, or of what is left of it beside another number, that is none of rounding.
SPREAD = 1e-10


def _rademacher(generator: np.random.Generator, shape: tuple[int, int], _: str) -> Array:
    """Signs, drawn again while they do not span k dimensions: all of a few can be alike."""
    for _attempt in range(100):
        signs = generator.choice([-1.0, 1.0], shape)
        if np.linalg.matrix_rank(signs - signs.mean(axis=0)) == shape[1]:
            break
    return signs


def _student_t(generator: np.random.Generator, shape: tuple[int, int], freedom: str) -> Array:
    try:
        degrees = float(freedom)
    except ValueError:
        degrees = 0.0
    if not degrees > 2 or not np.isfinite(degrees):
        raise ValueError(
            f"examples: student_t:ν needs degrees of freedom ν > 2 (a finite variance), got {'student_t:' + freedom!r}"
        )
    return generator.standard_t(degrees, shape)


#: Name → draw(generator, (N, k), text after the colon).
DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, int], str], Array]] = {
    "gaussian": lambda generator, shape, _: generator.standard_normal(shape),
    "rademacher": _rademacher,
    "student_t": _student_t,
}


def whitened_examples(examples: str | ArrayLike, n_examples: int, dimension: int, seed: int = 0) -> Array:
    """Return N examples in k dimensions, shifted and linearly mapped so that mean and covariance are exact.

    Parameters
    ----------
    examples : str or array (N, k)
        ``"gaussian"``, ``"rademacher"`` (±1), ``"student_t:5"`` (degrees of freedom after the colon, above 2), or the
        user's own vectors.
    n_examples, dimension : int
        N and k; N > k, or no N vectors have a covariance of full rank.
    seed : int
        Of the draw.

    Returns
    -------
    array (N, k)
        Mean 0 and covariance I (divisor N − 1), to rounding.

    Raises
    ------
    ValueError
        For an unknown name, a wrong shape, values that are not finite, or vectors that span less than k dimensions.

    Examples
    --------
    >>> z = whitened_examples("rademacher", 64, 2)
    >>> bool(abs(np.cov(z.T) - np.eye(2)).max() < 1e-14)
    True
    """
    if n_examples <= dimension:
        raise ValueError(f"n_examples must exceed the noise dimension {dimension} to be whitened, got {n_examples}")
    size = 3 * 8 * n_examples * dimension
    check_memory(size, f"n_examples must be fewer: {n_examples} examples of {dimension} numbers")
    if isinstance(examples, str):
        name, _, argument = examples.partition(":")
        if name not in DISTRIBUTIONS or (argument and name != "student_t"):
            raise ValueError(
                f"examples must be one of gaussian, rademacher, student_t:ν, or an array of shape "
                f"{(n_examples, dimension)}; got {examples!r}"
            )
        generator = np.random.default_rng(np.random.SeedSequence([seed, 0x77686974]))
        raw = DISTRIBUTIONS[name](generator, (n_examples, dimension), argument)
    else:
        raw = real_array("examples", examples, "an array of real numbers or a name such as 'gaussian'").copy()
        if raw.shape != (n_examples, dimension):
            raise ValueError(
                f"examples must have shape (n_examples, noise dimension) = {(n_examples, dimension)}, got {raw.shape}"
            )
    if not np.isfinite(raw).all():
        raise ValueError("examples must be finite")
    for _ in range(2):  # the second pass removes what rounding left of the first
        raw = raw - raw.mean(axis=0)
        covariance = raw.T @ raw / (n_examples - 1)
        scale = np.sqrt(np.diag(covariance))
        correlation = covariance / np.outer(scale, scale) if scale.all() else np.zeros_like(covariance)
        if np.linalg.eigvalsh(correlation)[0] < 1e-10:
            raise ValueError(
                f"examples must span all {dimension} dimensions of the noise; their covariance is singular"
            )
        raw = np.linalg.solve(np.linalg.cholesky(covariance), raw.T).T
    centred: Array = raw - raw.mean(axis=0)
    return centred


def squares_and_products(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """x² and x y, (N, 2), checked to have a covariance of full rank, and y: ℓ = (u w x − y)² has 2(w, u)(u w x² − x y).

    Raises
    ------
    ValueError
        As :func:`sgdsde.landscapes.two_weights`.
    """
    inputs, labels = real_array("x", x), real_array("y", y)
    if inputs.ndim != 1 or inputs.shape != labels.shape or not np.isfinite([inputs, labels]).all():
        raise ValueError(f"x and y must be as many finite numbers, got shapes {inputs.shape} and {labels.shape}")
    table = np.column_stack([inputs**2, inputs * labels])
    if len(table) < 3:
        raise ValueError(f"x and y must be at least 3 examples, got {len(table)}")
    (first, both), (_, second) = np.cov(table.T)
    if first <= SPREAD * np.mean(table[:, 0] ** 2) or second - both**2 / first <= SPREAD * second:
        raise ValueError("x and y must have squares x² that differ, and products x y that are no line in them")
    return table, labels
