"""How much memory there is, and refusals of what will not fit: before any work, with both numbers."""

from __future__ import annotations

import os
import re
from pathlib import Path

_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def available() -> int | None:
    """Bytes that this process can still have, by the system and by its limits; None where nobody says."""
    limits = [_of_the_system(), _of_the_process(), *map(_of_a_group, _GROUP_LIMITS)]
    return min((limit for limit in limits if limit is not None), default=None)


def check_memory(needed: int, wrong: str) -> None:
    """Refuse what needs more bytes than there are.

    Parameters
    ----------
    needed : int
        Bytes, about, and rather too few than too many.
    wrong : str
        What to say of it, such as ``"paths must be fewer: the states of 1000 paths"``, who then "take 8 kB".

    Raises
    ------
    ValueError
        When it does not fit, with both numbers.
    """
    there = available()
    if there is not None and needed > there:
        raise ValueError(f"{wrong} take about {in_words(needed)} of memory; {in_words(there)} are available")


def in_words(size: int) -> str:
    """Bytes, rounded.

    >>> in_words(104_000_000_000), in_words(2500)
    ('104 GB', '2.5 kB')
    """
    powers = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3, "bytes": 1}
    unit = next(unit for unit, power in powers.items() if size >= power or power == 1)
    return f"{size / powers[unit]:.3g} {unit}" if size < 10**15 else f"{size:.2g} bytes"


def _of_the_system() -> int | None:
    """What Linux could give away at once; elsewhere all that the machine has."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        if found:
            return 1024 * int(found[1])
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _of_the_process() -> int | None:
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _of_a_group(file: str) -> int | None:
    """The limit of a container."""
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):  # there is none, or it says "max"
        return None
