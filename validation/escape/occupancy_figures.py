"""Figures of the claim ``sharp_vs_flat``: measurements against ε/B, with their exact laws and the asymptotic ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from sgdsde.plotting import Figure, Line, against_theory
from sgdsde.theory import eyring_kramers_time, occupancy_ratio
from validation.escape.occupancy import (
    EXITS,
    SHARP,
    WELLS,
    WIDE,
    Case,
    Checks,
    config_at,
    exact_log_ratio,
    exit_of,
    top,
)
from validation.measure import series

Scale = Literal["linear", "log"]
TITLES = {
    "equal depth": "equal depth", "deeper": "sharp one deeper",
    "sharp": "from the sharp one", "wide": "from the wide one",
}  # fmt: skip


def occupancy_figure(checks: Checks) -> Figure:
    """The ratio of probabilities, and where it passes 1."""
    fine = _between(checks)
    temperatures = [config_at(ratio).temperature for ratio in fine]
    lines = [
        Line(f"Laplace, {TITLES[name]}", fine, [occupancy_ratio(well, t, WIDE, SHARP) for t in temperatures])
        for name, well in WELLS.items()
    ]
    lines.append(Line("equally likely", [fine[0], fine[-1]], [1.0, 1.0]))
    return _figure(
        checks, lambda case: math.exp(exact_log_ratio(*case)), lines, "p(wide) / p(sharp)", "linear", logs=True
    )


def exit_figure(checks: Checks) -> Figure:
    """Mean exit times in the time of the SDE, updates × ε."""
    fine, well = _between(checks), WELLS["equal depth"]
    ridge, temperatures = [top(well)], [config_at(ratio).temperature for ratio in fine]
    lines = [
        Line(
            f"Eyring–Kramers, {TITLES[name]}",
            fine,
            [eyring_kramers_time(well, t, [start], ridge) for t in temperatures],
        )
        for name, (start, _) in EXITS.items()
    ]
    return _figure(checks, _time, lines, "mean exit time, updates × ε", "log")


def _time(case: Case) -> float:
    """The exact mean exit time in the time of the SDE."""
    return config_at(*case[2:]).learning_rate * exit_of(*case).exact


def _between(cases: Iterable[Case]) -> list[float]:
    ratios = [case[2] for case in cases]
    return list(np.geomspace(min(ratios), max(ratios), 25).tolist())


def _figure(
    checks: Checks, law: Callable[[Case], float], lines: list[Line], y: str, scale: Scale, *, logs: bool = False
) -> Figure:
    """A series for each kind of measurement, with its law: of odds whose logarithms were checked, or times in ε."""
    drawn = []
    for name, model, batch in dict.fromkeys((name, model, batch) for name, model, _, batch in checks):
        found = {case[2]: check for case, check in checks.items() if (*case[:2], case[3]) == (name, model, batch)}
        fine = np.geomspace(min(found), max(found), 6 if model == "SGD" else 20).tolist()
        title = f"{TITLES[name]}, {model}" + (f", B = {batch}" if batch else "")
        exact = [law((name, model, ratio, batch)) for ratio in fine]
        unit = [1.0 if logs else 1 / config_at(ratio, batch).learning_rate for ratio in found]
        drawn.append(series(title, list(found), list(found.values()), fine, exact, unit, logs=logs))
    columns = 3 if logs else 2
    return against_theory(drawn, "ε/B", y, lines, "linear", scale, ratio="measured / exact", columns=columns)
