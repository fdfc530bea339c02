"""Groups of paths whose moments are summed together, where d² numbers for every path would be too many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Fewest groups, where there are as many paths: a standard error from 64 of them is known to 9 %.
FEWEST = 64
#: Numbers that the covariances of all groups may hold before there are fewer groups than paths, 32 MiB.
_NUMBERS = 2**22
#: Most paths of a group, beside whose states its covariance is little.
_MOST = 2**12


def group_edges(dimension: int, paths: int) -> NDArray[np.int64]:
    """(groups + 1,): the first path of each group, and the end of the last; those that are larger by one come first.

    >>> group_edges(2, 5), len(group_edges(200, 10_000)) - 1, len(group_edges(1000, 10_000)) - 1
    (array([0, 1, 2, 3, 4, 5]), 104, 64)
    """
    groups = min(paths, max(FEWEST, _NUMBERS // dimension**2, -(-paths // _MOST)))
    size, larger = divmod(paths, groups)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.repeat([size + 1, size], [larger, groups - larger]))])
