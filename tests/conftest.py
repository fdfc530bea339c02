"""One folder for generated code per run of the tests, new and private: no test meets what another run left."""

import atexit
import os
import shutil
import signal
import tempfile


def pytest_configure() -> None:
    # A shell that starts a job in the background may have it ignore Ctrl-C, and all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "SGDSDE_CACHE_DIR" not in os.environ:  # the workers of pytest-xdist inherit it
        folder = tempfile.mkdtemp(prefix="sgdsde-tests-")
        os.environ["SGDSDE_CACHE_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
