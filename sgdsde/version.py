"""The version of what is installed, which is built from the repository's tags."""

from __future__ import annotations

from importlib import metadata

try:
    __version__ = metadata.version("sgdsde")
except metadata.PackageNotFoundError:  # imported from a folder that nobody installed
    __version__ = "0+unknown"
