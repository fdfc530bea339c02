"""What the snapshots of an ensemble show, once some of its paths have ended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgdsde.ensemble import Ensemble

Array = NDArray[np.float64]


def places_of(ensemble: Ensemble) -> Array:
    """(saved, paths, d): the snapshots, with paths that have ended where they did."""
    if ensemble.exits is None:
        return ensemble.snapshots
    return np.asarray(np.where(ended_by(ensemble)[..., None], ensemble.exits.point, ensemble.snapshots))


def ended_by(ensemble: Ensemble) -> NDArray[np.bool_]:
    """(saved, paths): whether a path had ended when a snapshot was taken."""
    if ensemble.exits is None:
        return np.zeros(ensemble.snapshots.shape[:2], dtype=bool)
    over = ensemble.saved_updates[:, None] >= ensemble.exits.update
    return np.asarray(over & ensemble.exits.ended)


def track_of(ensemble: Ensemble, path: int) -> tuple[Array, Array, bool]:
    """When (points,) and where (points, d) a path was seen, to where it ended; and whether it has."""
    times, seen = ensemble.saved_updates.astype(np.float64), ensemble.snapshots[:, path]
    exits = ensemble.exits
    ended = exits is not None and bool(exits.ended[path])
    if exits is not None and ended:
        before = times < exits.update[path]
        times, seen = np.append(times[before], exits.update[path]), np.vstack([seen[before], exits.point[path]])
    there = np.isfinite(seen).all(axis=1)
    return times[there], np.asarray(seen[there]), ended
