"""One folder for generated code per run of the tests, new and private: no test meets what another run left."""

import atexit
import os
import shutil
import tempfile


def pytest_configure() -> None:
    if "SGDSDE_CACHE_DIR" not in os.environ:  # the workers of pytest-xdist inherit it
        folder = tempfile.mkdtemp(prefix="sgdsde-tests-")
        os.environ["SGDSDE_CACHE_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
