"""What kernels call: Numba takes seconds to compile it, once for all tests, those with a folder of their own too."""

import os
import shutil
from pathlib import Path

LASTING = Path(os.environ["SGDSDE_CACHE_DIR"])  # of the tests, before one of them chooses another


def copy_helpers(folder: Path) -> None:
    """Begin a cache folder with the helpers that there are; no kernel is among them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in LASTING.glob("*.helper"):
        shutil.copy2(file, folder)
