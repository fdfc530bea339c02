"""A strip that shows every check of a claim as a dot at its deviation, in standard errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from validation.formatting import sigmas

Check = Mapping[str, Any]

WIDTH, HEIGHT, EDGE = 720, 74, 28
#: Deviations beyond this many standard errors are drawn at the edge.
REACH = 10.0


def strip(checks: Sequence[Check], limit: float) -> str:
    """An inline SVG of checks of ``results.json``: dots for the prediction, rings for rivals, a band for chance."""
    left, right = _x(-limit), _x(limit)
    ticks = "".join(f'<text x="{_x(z):.0f}" y="68" text-anchor="middle">{_tick(z)}</text>' for z in range(-10, 11, 5))
    dots = "".join(
        f'<circle class="dot" cx="{_x(check["z"]):.1f}" cy="{y:.1f}" r="3.5"/>' for check, y in _rows(checks, 26)
    )
    rings = "".join(
        f'<circle class="ring" cx="{_x(rival["z"]):.1f}" cy="{y:.1f}" r="3.5"/>'
        for check, y in _rows(checks, 26)
        for rival in check["rivals"].values()
        if rival["counts"]
    )
    worst = sigmas(max(abs(check["z"]) for check in checks)).removeprefix("+")
    label = f"Deviations of {len(checks)} checks in standard errors σ, at most {worst}; from rivals in rings"
    return (
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f'<rect class="band" x="{left:.1f}" y="4" width="{right - left:.1f}" height="48"/>'
        f'<line class="axis" x1="{EDGE}" x2="{WIDTH - EDGE}" y1="52" y2="52"/>'
        f'<line class="axis" x1="{_x(0):.1f}" x2="{_x(0):.1f}" y1="4" y2="52"/>{ticks}{rings}{dots}</svg>'
    )


def _x(z: float) -> float:
    clipped = math.copysign(min(abs(z), REACH), z)
    return EDGE + (clipped + REACH) / (2 * REACH) * (WIDTH - 2 * EDGE)


def _tick(z: int) -> str:
    if abs(z) == REACH:
        return "≤ −10 σ" if z < 0 else "≥ 10 σ"
    return "0" if z == 0 else f"{z:+d} σ".replace("-", "−")


def _rows(checks: Sequence[Check], middle: float) -> list[tuple[Check, float]]:
    """Spread the dots over the height by their rank, so that many at one place stay visible."""
    return [(check, middle + 16 * (2 * ((index * 0.618034) % 1) - 1)) for index, check in enumerate(checks)]
