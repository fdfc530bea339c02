"""Linear equations with a generator, to full relative accuracy however rare escapes are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sgdsde.theory.fokker_planck.generator import factorise, with_diagonal

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_KEPT, ROUNDS = 64, 8
RAREST = 1e12  # jumps before a path that is in no kept cell comes to one, or ends

TOO_RARE = "temperature is so small that some exits are too rare for double precision; raise it"


class Solver:
    """Solves Q x = y and Qᵀ x = y for a generator Q with killing, and finds its stationary law without.

    Parameters
    ----------
    jumps : (m, m)
        Rates, without a diagonal.
    ends : (m,)
        Rates of killing.
    kept : (k,)
        Cells at the bottom of wells.

    Raises
    ------
    ValueError
        When paths stay so long elsewhere than in the kept cells that rounding would show.

    Notes
    -----
    With deep wells Q is singular to rounding. The process is watched on the kept cells only: its rates there, S, are
    sums of positive terms, as are those that the elimination of Grassmann, Taksar & Heyman (Oper. Res. 33 (1985) 1107)
    makes of them, which never forms a diagonal by subtraction. Between visits to kept cells nothing is rare.
    """

    def __init__(self, jumps: sparse.csr_array, ends: Array, kept: Integers) -> None:
        for _ in range(ROUNDS):
            into = self._split(jumps, ends, kept)
            wait = np.abs(self._between(np.ones(len(self.others))))
            if not wait.size or wait.max() * float(self.fastest) < RAREST:
                break
            held = np.abs(self._between((wait == wait.max()).astype(np.float64), "T"))
            kept = np.append(kept, self.others[held.argmax()])  # the bottom of a well that was not known
        else:
            raise ValueError(TOO_RARE)
        self.first = self._between(into)  # probability to come to each kept cell first
        between = jumps[self.kept][:, self.kept].toarray() + self.out @ self.first
        self.rates = between * (1 - np.eye(len(kept)))
        self.killing = ends[self.kept] + self.out @ self._between(ends[self.others])

    def _split(self, jumps: sparse.csr_array, ends: Array, kept: Integers) -> Array:
        """Factorise the generator between visits to kept cells, and return the rates into these."""
        self.kept, self.others = kept, np.setdiff1d(np.arange(len(ends)), kept)
        self.out = jumps[kept][:, self.others]
        into = np.asarray(jumps[self.others][:, kept].toarray())
        self.factors, self.fastest = None, 0.0
        if len(self.others):
            matrix = with_diagonal(jumps[self.others][:, self.others], into.sum(axis=1) + ends[self.others])
            try:
                self.factors, self.fastest = factorise(-matrix), np.abs(matrix.diagonal()).max()
            except RuntimeError:  # singular: rates out of somewhere underflow
                raise ValueError(TOO_RARE) from None
        return into

    def solve(self, right: Array, *, transposed: bool = False) -> Array:
        """x (m,) with Q x = y, or Qᵀ x = y; no digit is lost where y has one sign."""
        x, at_others, at_kept = np.empty(len(right)), right[self.others], right[self.kept]
        if transposed:
            x[self.kept] = -self._green().T @ (at_kept + self.first.T @ at_others)
            x[self.others] = self._between(self.out.T @ x[self.kept] - at_others, "T")
        else:
            before = self._between(-at_others)
            x[self.kept] = -self._green() @ (at_kept - self.out @ before)
            x[self.others] = before + self.first @ x[self.kept]
        return x

    def stationary(self) -> Array:
        """Masses (m,) with Qᵀ x = 0 and x = 1 on the first kept cell; there must be one, and no killing."""
        x, rates = np.empty(len(self.kept) + len(self.others)), _eliminated(self.rates, self.killing * 0)[0]
        masses = np.ones(len(self.kept))
        for k in range(1, len(masses)):
            masses[k] = masses[:k] @ rates[:k, k] / rates[k, :k].sum()
        x[self.kept] = masses
        x[self.others] = self._between(self.out.T @ masses, "T")
        return x

    def _between(self, right: Array, trans: str = "N") -> Array:
        """(−A)⁻¹ y, A the generator on the other cells, killed on the kept ones."""
        return right if self.factors is None or not right.size else np.asarray(self.factors.solve(right, trans))

    def _green(self) -> Array:
        """−S⁻¹ (k, k): time in each kept cell, from each."""
        rates, killing = _eliminated(self.rates, self.killing)
        count = len(killing)
        right, x = np.eye(count), np.empty((count, count))
        leaving = np.array([rates[k, :k].sum() + killing[k] for k in range(count)])
        if not (leaving > 0).all():
            raise ValueError(TOO_RARE)
        for k in range(count - 1, 0, -1):
            right[:k] += np.outer(rates[:k, k] / leaving[k], right[k])
        for k in range(count):
            x[k] = (right[k] + rates[k, :k] @ x[:k]) / leaving[k]
        return x


def _eliminated(rates: Array, killing: Array) -> tuple[Array, Array]:
    """States taken out from the last on: row and column k hold the rates of the process watched on states 0 … k."""
    rates, killing = rates.copy(), killing.copy()
    for k in range(len(rates) - 1, 0, -1):
        shares = rates[:k, k] / (rates[k, :k].sum() + killing[k])
        rates[:k, :k] += np.outer(shares, rates[k, :k]) * (1 - np.eye(k))
        killing[:k] += shares * killing[k]
    return rates, killing
