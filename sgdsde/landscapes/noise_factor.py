"""Gradient noise of a landscape: what a user may give, as text, and the check that it is a covariance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import expression
from sgdsde.arguments import as_array, boolean
from sgdsde.layout import in_short

if TYPE_CHECKING:
    from sgdsde.landscapes.landscape import Landscape

_SYMMETRY = 1e-12  # relative; entries typed twice agree to rounding
_POINTS = 40  # at which entries that are written differently are compared
_NEGATIVE = 1e-10  # smallest eigenvalue, relative to the largest: below it the matrix is not a covariance


#: What stands for an F that is made of the loss: the word, and F, cut where that is no covariance.
WORDS = MappingProxyType({"hessian": "∇∇L", "loss": "2L ∇∇L"})


@dataclass(frozen=True)
class Noise:
    """Parsed noise.

    Its kind is ``"isotropic"`` (one entry f, F = f·I), ``"noise_covariance"``, ``"noise_factor"`` or a word of `WORDS`.
    """

    kind: str
    entries: tuple[tuple[str, ...], ...]
    cut: bool = False

    def arguments(self) -> dict[str, Any]:
        """The keywords that a Landscape of this noise is made with."""
        rows = [list(row) for row in self.entries]
        table: dict[str, dict[str, Any]] = {
            "isotropic": {"noise_covariance": rows and rows[0][0]},
            "noise_covariance": {"noise_covariance": rows},
            "noise_factor": {"noise_factor": rows},
        }
        table |= {word: {"noise_covariance": word} for word in WORDS}
        return table[self.kind] | ({"cut": True} if self.cut else {})

    def in_words(self, dimension: int) -> tuple[str, str]:
        """What is given, F or A, and its formulas, of a landscape of so many variables.

        >>> Noise("isotropic", (("1 + x**2",),), True).in_words(2)
        ('F', '(1 + x**2) I, cut where it is no covariance')
        """
        rows = "; ".join(", ".join(row) for row in self.entries)
        table = {
            "isotropic": rows if dimension == 1 else "I" if rows == "1" else f"({rows}) I",
            "hessian": "the Hessian of L",
        }
        cut = ", cut where it is no covariance" * self.cut
        return "A" if self.kind == "noise_factor" else "F", table.get(self.kind, f"[{rows}]") + cut


def parse_noise(
    noise_covariance: Any, noise_factor: Any, variables: Sequence[str], parameters: Sequence[str], cut: bool = False
) -> Noise:
    """Read `noise_covariance` or `noise_factor`; errors name the entry."""
    boolean("cut", cut)
    known = (*variables, *parameters)
    for word, formula in WORDS.items():
        if word in known:
            raise ValueError(f"{word!r} stands for the noise F = {formula} and cannot name a variable or a parameter")
    if noise_factor is not None:
        if noise_covariance is not None:
            raise ValueError("give noise_covariance or noise_factor, not both")
        if cut:
            raise ValueError("cut is for a covariance: F = A Aᵀ of a factor has a root everywhere")
        rows = _rows(noise_factor, "noise_factor", known)
        if len(rows) != len(variables):
            raise ValueError(f"noise_factor must have {len(variables)} rows, one per variable, got {len(rows)}")
        return Noise("noise_factor", rows)
    if noise_covariance is None:
        noise_covariance = 1.0
    if isinstance(noise_covariance, str) and noise_covariance.strip() in WORDS:
        return Noise(noise_covariance.strip(), ())
    if (
        isinstance(noise_covariance, str)
        or getattr(noise_covariance, "shape", None) == ()
        or not hasattr(noise_covariance, "__len__")
    ):
        text = expression.parse(noise_covariance, known, "noise_covariance").text
        return Noise("isotropic", ((text,),), cut)
    rows = _rows(noise_covariance, "noise_covariance", known)
    if len(rows) != len(variables) or len(rows[0]) != len(variables):
        d, found = len(variables), f"{len(rows)}×{len(rows[0])}"
        raise ValueError(f"noise_covariance must be {d}×{d} for variables {', '.join(variables)}, got {found}")
    _require_symmetric(rows, known)
    return Noise("noise_covariance", rows, cut)


def _require_symmetric(rows: Sequence[Sequence[str]], known: Sequence[str]) -> None:
    """Raise ValueError when two entries across the diagonal are not the same function: only the lower one is used.

    Entries with the same text are. Others are compared at 40 points from 0.1 to 1000 in size, of variables and of
    parameters, since no algebra decides it for every formula, and loading SymPy takes longer. One point where both have
    a value and differ by more than 1e-12 of the largest number on the way is enough to refuse them.
    """
    for i, row in enumerate(rows):
        for j in range(i):
            at = None if row[j] == rows[j][i] else _difference(row[j], rows[j][i], known)
            if at is not None:
                raise ValueError(
                    f"noise_covariance must be symmetric: noise_covariance[{j}][{i}] = {rows[j][i]!r} and "
                    f"noise_covariance[{i}][{j}] = {row[j]!r} differ{at}"
                )


def _difference(one: str, other: str, known: Sequence[str]) -> str | None:
    """Where two expressions differ, in words; None when they agree at all points, to rounding of their parts."""
    parsed = [expression.parse(text, known) for text in (one, other)]
    names = sorted(parsed[0].names | parsed[1].names)
    generator, compared = np.random.default_rng(0), 0
    for k in range(_POINTS if names else 1):
        reach = 10.0 ** (k % 5 - 1)  # 0.1 to 1000: near the origin, and where roots and logarithms have values
        values = dict(zip(names, generator.uniform(-reach if k % 2 else 0.0, reach, len(names)).tolist(), strict=True))
        (first, size), (second, other_size) = (expression.evaluate_with_size(each, values) for each in parsed)
        if not math.isfinite(size + other_size):
            continue
        compared += 1
        if abs(first - second) > _SYMMETRY * max(size, other_size):
            return " at " + ", ".join(f"{name} = {value:.6g}" for name, value in values.items()) if names else ""
    return None if compared else "; neither has a finite value at any of the points where they were compared"


def _rows(value: Any, argument: str, known: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    try:
        value = as_array(value) if hasattr(value, "detach") else value
        table = np.array(value, dtype=object)
    except (ValueError, TypeError, RuntimeError):  # the last two: tensors without numbers
        table = np.empty(0)
    if table.ndim != 2 or not table.size:
        raise ValueError(
            f"{argument} must be a table of rows of equal length, of numbers or expressions, got {in_short(value)}"
        )
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(
        tuple(expression.parse(entry, known, f"{argument}[{i}][{j}]").text for j, entry in enumerate(row))
        for i, row in enumerate(plain)
    )


def validate_noise(landscape: Landscape, w: NDArray[np.float64], argument: str) -> None:
    """Raise ValueError unless F is finite, symmetric and positive semidefinite at the points w (n, d)."""
    found = landscape.typed_noise_covariance(w)

    def refuse_where(wrong: ArrayLike, problem: str, hint: str = "") -> None:
        if np.any(wrong):
            at = np.argmax(wrong)
            where = f"at {argument} = {np.array2string(w[at], precision=6)}, where F = {found[at].tolist()}"
            raise ValueError(f"noise_covariance must be {problem} {where}{hint}")

    refuse_where(~np.isfinite(found).all(axis=(1, 2)), "finite; it is not")
    largest = np.abs(found).max(axis=(1, 2))
    asymmetry = np.abs(found - found.transpose(0, 2, 1)).max(axis=(1, 2))
    refuse_where(asymmetry > _SYMMETRY * largest, "symmetric; it is not")
    least = np.linalg.eigvalsh(found)[:, 0]
    problem = f"positive semidefinite; its least eigenvalue is {least.min():.6g}"
    refuse_where(
        least < -_NEGATIVE * largest, problem, "; cut=True takes it as 0 there, as noise_covariance='hessian' does"
    )
