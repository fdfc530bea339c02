"""What a reader needs to repeat a run: versions, machine, date, commit."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import sgdsde
from sgdsde.engines.lane_memory import available_cores

PACKAGES = ("numpy", "numba", "scipy", "torch", "matplotlib")


@cache
def provenance() -> dict[str, str]:
    """Label → text, in the order in which the report shows it."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "Python": platform.python_version(),
        "sgdsde": sgdsde.__version__,
        **{package: _version(package) for package in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "CPUs": str(available_cores()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
