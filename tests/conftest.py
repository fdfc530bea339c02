"""One folder for generated code that lasts from run to run: kernels that a run before has made are not made again.

Files in it are named by what they are made from and begin with a digest of what they hold (sgdsde/cache.py): what
another run left is right or made anew. Tests of the folder itself have folders of their own.
"""

import atexit
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from browser import launched

# A module that is collected for its doctests before anything has imported it is a second one of its name, and what has
# declared itself is in the first: rules and noises are declared before.
import sgdsde.dynamics.noises
import sgdsde.dynamics.rules  # noqa: F401
from sgdsde import cache

CHOSEN = "SGDSDE_CACHE_DIR"


def lasting() -> Path | None:
    """``tests`` beside the user's own generated code, where files can be kept there and only the user may write."""
    try:
        folder = cache._default() / "tests"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            found = folder.stat()
            private = os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
            return folder if private else None
    except (OSError, RuntimeError):  # no home, or a read-only or full disk
        return None


def pytest_configure(config: pytest.Config) -> None:
    # SymPy and imports make millions of small objects that stay: looking through them costs a tenth of all time.
    gc.set_threshold(100_000, 50, 50)
    # A shell that starts a job in the background may have it ignore Ctrl-C, and all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if getattr(config.option, "numprocesses", None):
        # Workers take the cores: products on several threads each would wait for each other, and cost thrice as much.
        # Tests of threads ask for them.
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
    if CHOSEN in os.environ:  # by the user; and the workers of pytest-xdist inherit it
        return
    folder = lasting()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="sgdsde-tests-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[CHOSEN] = str(folder)


def pytest_collection_finish() -> None:
    # Modules and tests are there to the end: each full collection of garbage would go through all of them again.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browser():
    """One for all tests: Playwright runs once in a process."""
    with launched() as started:
        yield started
