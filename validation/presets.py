"""The presets: how much is measured. Every claim fixes its sample sizes for each of them before anything runs."""

from __future__ import annotations

#: name → what it is for, as ``python -m validation --help`` shows it.
PRESETS: dict[str, str] = {
    "smoke": "seconds: the code paths of every claim at the smallest size, for the tests; its verdicts mean little",
    "quick": "minutes on 2 cores: each analytic claim well under a minute (the default, and `make validate`)",
    "full": "hours on 2 cores: the papers' grids and tighter errors",
}

#: The chance that a run in which every claim is true reports at least one failure, all its tests together.
FAMILY_LEVEL = 1e-3
