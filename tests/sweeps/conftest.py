"""Functions for workers in other processes must be found there by name: their folder is on the path."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sgdsde

HERE = Path(__file__).parent / "importable"
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


@pytest.fixture
def start():
    """Start Python with arguments; ended with the test."""
    processes = []
    path = os.pathsep.join([str(HERE), str(Path(sgdsde.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])

    def call(*arguments, **options):
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)], env={**os.environ, "PYTHONPATH": path}, text=True, **options
        )
        processes.append(process)
        return process

    yield call
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
