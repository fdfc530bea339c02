"""What training returns: measures over replicas and updates, with their provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sgdsde.dynamics.course import Course
from sgdsde.run import recorded

#: What replicas may differ in.
VARIED = ("learning_rate", "batch_size", "momentum", "sampling")


def to_xarray(
    values: NDArray[np.float64],
    names: Mapping[str, str],
    marks: Sequence[int],
    courses: Sequence[Course],
    one_config: bool,
) -> xr.Dataset:
    """Measures (names, replicas, marks), with what they are; their coordinates; settings as attributes.

    With one config for all, ε, B, m and the sampling are attributes; otherwise they are coordinates of the replicas.
    """
    measures = {
        name: (("replica", "step"), table, {"long_name": text})
        for (name, text), table in zip(names.items(), values, strict=True)
    }
    diverged = np.isnan(measures["weight_norm"][1]).any(axis=1)
    update = np.array(marks)
    times = np.array([_times(course, update) for course in (courses[:1] if one_config else courses)])
    time = ("step", times[0]) if one_config else (("replica", "step"), times)
    runs = xr.Dataset(
        {**measures, "diverged": ("replica", diverged, {"long_name": "left the finite numbers"})},
        coords={
            "replica": np.arange(len(diverged)),
            "step": ("step", update, {"long_name": "updates"}),
            "time": (*time, {"long_name": "t = updates · ε/(N(1 − m))"}),
        },
    )
    settings = courses[0].config.to_dict()
    if not one_config:
        for name in VARIED:
            runs = runs.assign_coords({name: ("replica", [getattr(c.config, name) for c in courses])})
            del settings[name]
    return runs.assign_attrs(settings | schedules_of(courses[0]))


def _times(course: Course, update: NDArray[np.int64]) -> NDArray[np.float64]:
    """The paper's clock after so many updates."""
    if course.learning_rates is None:
        return np.asarray(update * course.config.time_per_update)
    config = course.config
    scale = config.time_per_update / config.learning_rate
    return np.asarray(np.cumsum(course.learning_rates)[update - 1] * scale)


def schedules_of(course: Course) -> dict[str, Any]:
    """What stands for the schedules of ε and B, where there are any."""
    found = {"learning_rates": course.learning_rates, "batch_sizes": course.batch_sizes}
    return {name: recorded(schedule) for name, schedule in found.items() if schedule is not None}


def versions() -> dict[str, str]:
    """The versions of the packages on which the bits of a result depend."""
    return {"torch_version": torch.__version__, "numpy_version": np.__version__, "sgdsde_version": _version()}


def _version() -> str:
    try:
        return metadata.version("sgdsde")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"
