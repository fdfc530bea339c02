"""Cumulant generating functions of examples: what the exponents of rare events at a fixed batch size depend on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]

#: η (..., k) → K(η) = ln E e^{−η·z} (...), its slope (..., k), Hessian (..., k, k); not finite where it overflows.
Generating: TypeAlias = Callable[[Array], tuple[Array, Array, Array]]

AT_ONCE = 2**22  # numbers, of points times examples


def generating_function(examples: str | ArrayLike, dimension: int) -> Generating:
    """K of examples z: by name, for infinitely many of them; or of a table (N, k), whitened, each as likely.

    Raises
    ------
    ValueError
        For Student's t, which has none, and as :func:`sgdsde.whitened.whitened_examples`.
    """
    if isinstance(examples, str):
        name, _, freedom = examples.partition(":")
        if name == "student_t":
            raise ValueError(
                f"examples must have a generating function; of {examples!r} E e^(pz) = inf for every p: S is 0, and "
                f"the exit time grows as a power of 1/ε, that of one jump over the distance d, 1/(B P(z > B d/(ε A))); "
                f"a table of such examples has one"
            )
        if name not in _NAMED or freedom:
            raise ValueError(
                f"examples must be one of {', '.join(_NAMED)}, or an array (N, {dimension}); got {examples!r}"
            )
        return _NAMED[name]
    table = real_array("examples", examples)
    table = table[:, None] if table.ndim == 1 and dimension == 1 else table
    table = whitened_examples(table, len(table) if table.ndim else 0, dimension)

    def function(eta: Array) -> tuple[Array, Array, Array]:
        flat = eta.reshape(-1, dimension)
        parts = [_of_table(table, flat[i : i + step]) for i in range(0, len(flat), step)]
        value, slope, bend = (np.concatenate(each) for each in zip(*parts, strict=True))
        return value.reshape(eta.shape[:-1]), slope.reshape(eta.shape), bend.reshape(*eta.shape, dimension)

    step = max(1, AT_ONCE // len(table))
    return function


def _of_table(table: Array, eta: Array) -> tuple[Array, Array, Array]:
    with np.errstate(all="ignore"):
        exponent = -eta @ table.T
        top = exponent.max(axis=1, keepdims=True)
        weights = np.exp(exponent - top)
        total = weights.sum(axis=1, keepdims=True)
        weights /= total
        slope = -weights @ table
        square = np.einsum("pn,na,nb->pab", weights, table, table, optimize=True)
        return (
            (top + np.log(total / len(table)))[:, 0], slope, square - slope[:, :, None] * slope[:, None, :],
        )  # fmt: skip


def _gaussian(eta: Array) -> tuple[Array, Array, Array]:
    return (eta**2).sum(axis=-1) / 2, eta, np.broadcast_to(np.eye(eta.shape[-1]), (*eta.shape, eta.shape[-1]))


def _rademacher(eta: Array) -> tuple[Array, Array, Array]:
    size = np.abs(eta)
    value = size + np.log1p(np.expm1(-2 * size) / 2)  # ln cosh
    slope = np.tanh(eta)
    return value.sum(axis=-1), slope, (1 - slope**2)[..., None] * np.eye(eta.shape[-1])


_NAMED: dict[str, Generating] = {"gaussian": _gaussian, "rademacher": _rademacher}
