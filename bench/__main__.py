"""`python -m bench`: every benchmark in turn; exit status 1 when one misses a bar."""

from __future__ import annotations

import importlib
import pkgutil

import bench


def main() -> int:
    """Run `main` of each file of this folder that has one."""
    status = 0
    for found in sorted(info.name for info in pkgutil.iter_modules(bench.__path__) if info.name != "__main__"):
        run = getattr(importlib.import_module(f"bench.{found}"), "main", None)
        if run is not None:
            print(f"\n=== python -m bench.{found}", flush=True)
            status |= run()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
