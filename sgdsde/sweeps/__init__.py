"""Grids of runs, kept in a store and run on any executor: resumable, and the same bit for bit wherever they run."""

from sgdsde.sweeps.failures import Failure, SweepFailures, failures
from sgdsde.sweeps.run import remaining, sweep
from sgdsde.sweeps.version import CodeVersion, code_version

__all__ = ["CodeVersion", "Failure", "SweepFailures", "code_version", "failures", "remaining", "sweep"]


def __dir__() -> list[str]:
    return sorted(__all__)
