"""Probabilities of the regions in which paths end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, real
from sgdsde.layout import columns, one_line

# SciPy is imported where it is used: it costs more than everything else that this room imports.

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SplittingProbabilities:
    """Where paths ended, as probabilities of k regions.

    Attributes
    ----------
    names : tuple of str
    counts : (k,) of int
    probability, standard_error, low, high : (k,)
        Each region's own interval, at the level `confidence`.
    censored : int
        Paths that ended nowhere.
    of : str
        What the probabilities are shares of: the paths that ``"ended"``, or ``"all"``.
    confidence : float
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    probability: Array
    standard_error: Array
    low: Array
    high: Array
    censored: int
    of: str
    confidence: float

    __repr__ = one_line

    def __str__(self) -> str:
        """A table, a row for each region.

        >>> print(splitting_probabilities([0, 0, 1], ["left", "right"]))
        region  paths  probability  standard_error  95% from      to
        left        2       0.6667          0.2722    0.2077  0.9385
        right       1       0.3333          0.2722   0.06149  0.7923
        """
        head = ["region", "paths", "probability", "standard_error", f"{100 * self.confidence:.4g}% from", "to"]
        numbers = zip(self.probability, self.standard_error, self.low, self.high, strict=True)
        rows = [
            [name, str(count), *(f"{number:.4g}" for number in four)]
            for name, count, four in zip(self.names, self.counts, numbers, strict=True)
        ]
        return columns([head, *rows], right=range(1, len(head)))


def splitting_probabilities(
    region: ArrayLike, names: Sequence[str], *, of: str = "ended", method: str = "wilson", confidence: float = 0.95
) -> SplittingProbabilities:
    """Probabilities of the regions in which paths ended.

    Parameters
    ----------
    region : (n,) of int
        Index of the region in which each path ended, −1 for a censored path.
    names : sequence of str
        Of the regions.
    of : str
        ``"ended"``: shares of the paths that ended. With censored ones this favours regions that are reached soon.
        ``"all"``: shares of all paths, the probability to have ended there by the end of the run; where all censored
        paths were watched equally long, this is what Aalen & Johansen's estimator gives.
    method : str
        Of the intervals: ``"wilson"``, or ``"exact"`` for Clopper & Pearson's, which are wider.
    confidence : float
        In (0, 1).

    Returns
    -------
    SplittingProbabilities

    Raises
    ------
    ValueError
        When an argument is not as above, or shares are asked of no paths.

    Notes
    -----
    Wilson, J. Am. Stat. Assoc. 22 (1927) 209; Clopper & Pearson, Biometrika 26 (1934) 404; by
    :func:`scipy.stats.binomtest`. Aalen & Johansen, Scand. J. Stat. 5 (1978) 141.

    Examples
    --------
    >>> found = splitting_probabilities([0, 0, 0, 1, -1], ["left", "right"])
    >>> found.probability, found.low.round(2), found.high.round(2)
    (array([0.75, 0.25]), array([0.3 , 0.05]), array([0.95, 0.7 ]))
    >>> splitting_probabilities([0, 0, 0, 1, -1], ["left", "right"], of="all").probability
    array([0.6, 0.2])
    """
    from scipy.stats import binomtest

    found, labels = np.asarray(region), tuple(names)
    if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer) or not found.size:
        raise ValueError(f"region must be integers of shape (n,), got {found.dtype} of shape {found.shape}")
    if not labels or found.min() < -1 or found.max() >= len(labels):
        raise ValueError(
            f"region must be from −1 to {len(labels) - 1}, for names = {labels}, got {found.min()} to {found.max()}"
        )
    choice("of", of, ("ended", "all"))
    choice("method", method, ("wilson", "exact"))
    confidence = real("confidence", confidence, above=0, below=1)
    counts = np.bincount(found[found >= 0], minlength=len(labels)).astype(np.int64)
    n = int(counts.sum()) if of == "ended" else found.size
    if not n:
        raise ValueError(f"of = 'ended' needs a path that ended, but all {found.size} are censored")
    share = counts / n
    ends = [binomtest(int(count), n).proportion_ci(confidence, method) for count in counts]
    return SplittingProbabilities(
        labels, counts, share, np.sqrt(share * (1 - share) / n), np.array([end.low for end in ends]),
        np.array([end.high for end in ends]), int(found.size - counts.sum()), of, confidence,
    )  # fmt: skip
