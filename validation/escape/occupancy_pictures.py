"""Pictures of the claim ``sharp_vs_flat``: measurements against ε/B, with their exact laws and the asymptotic ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sgdsde.plotting import Line, Series, against_theory
from sgdsde.theory import eyring_kramers_time, mean_exit_time, occupancy_ratio, sgd_exit_time
from validation.claim import Picture
from validation.escape.occupancy import (
    DEPTH,
    EXITS,
    SHARP,
    WIDE,
    Checks,
    config_at,
    log_ratio,
    top,
    update_log_ratio,
    wells,
)

#: Of the name, the model, ε/B and B.
Law = Callable[[str, str, float, int], float]
TITLES = {
    "equal": "equal depth",
    "deeper": "sharp one deeper",
    "sharp": "from the sharp one",
    "wide": "from the wide one",
}


def occupancy_picture(checks: Checks) -> Picture:
    """Ratio of probabilities, and where it passes 1."""
    landscapes = {"equal": wells(0.0), "deeper": wells(DEPTH)}

    def law(name: str, model: str, ratio: float, batch: int) -> float:
        config = config_at(ratio, batch)
        if model == "SGD":
            return math.exp(update_log_ratio(landscapes[name], config))
        return math.exp(log_ratio(landscapes[name], config.temperature))

    shown = {key: check for key, check in checks.items() if key[0] in landscapes}
    fine = _between(shown)
    lines = [
        Line(
            f"Laplace, {TITLES[name]}", fine,
            [occupancy_ratio(landscape, config_at(ratio).temperature, WIDE, SHARP) for ratio in fine],
        )
        for name, landscape in landscapes.items()
    ]  # fmt: skip
    lines.append(Line("equally likely", [fine[0], fine[-1]], [1.0, 1.0]))
    series = _series(shown, law, lambda log, error, rate: (math.exp(log), math.exp(log) * error))
    figure = against_theory(
        series, "ε/B", "p(wide) / p(sharp)", lines, "linear", "linear", ratio="measured / exact", columns=3
    )
    caption = (
        "How much longer the wide minimum is occupied than the sharp one. Lines through points are exact laws: the "
        "SDE's stationary density, and the stationary law of SGD's updates. Where the sharp minimum is deeper, the "
        "wide one wins where its line crosses 1. Bars are one standard error."
    )
    alt = "At equal depth the ratio falls slowly from 1.9; with the sharp one deeper it passes 1 near ε/B = 0.0055."
    return Picture("occupancy", caption, alt, figure)


def exit_picture(checks: Checks) -> Picture:
    """Mean exit times in the time of the SDE, updates × ε."""
    landscape = wells(0.0)
    middle = [top(landscape)]

    def law(name: str, model: str, ratio: float, batch: int) -> float:
        start, stop = EXITS[name]
        config = config_at(ratio, batch)
        exact = sgd_exit_time if model == "SGD" else mean_exit_time
        return config.learning_rate * exact(landscape, config, start, stop=stop)

    shown = {key: check for key, check in checks.items() if key[0] in EXITS}
    fine = _between(shown)
    lines = [
        Line(
            f"Eyring–Kramers, {name}", fine,
            [eyring_kramers_time(landscape, config_at(ratio).temperature, [start], middle) for ratio in fine],
        )
        for name, (start, *_) in EXITS.items()
    ]  # fmt: skip
    series = _series(shown, law, lambda time, error, rate: (rate * time, rate * error))
    figure = against_theory(
        series, "ε/B", "mean exit time, updates × ε", lines, "linear", ratio="measured / exact", columns=2
    )
    caption = (
        "Mean time to leave the sharp and the wide minimum, of the same depth, for a place beyond the maximum. Lines "
        "through points are exact: quadrature for the SDE, an integral equation for SGD's updates. Bars are one "
        "standard error."
    )
    alt = "Exit times fall steeply as ε/B grows; from the wide minimum they are about twice those from the sharp one."
    return Picture("exits", caption, alt, figure)


def _between(checks: Checks) -> list[float]:
    ratios = [ratio for _, _, ratio, _ in checks]
    return list(np.geomspace(min(ratios), max(ratios), 25).tolist())


def _series(checks: Checks, law: Law, drawn: Callable[[float, float, float], tuple[float, float]]) -> list[Series]:
    """A series for each kind of measurement; `drawn` makes what is shown of a value, its error and ε."""
    found = []
    for name, model, batch in dict.fromkeys((name, model, batch) for name, model, _, batch in checks):
        cases = {ratio: check for (*kind, ratio, b), check in checks.items() if (*kind, b) == (name, model, batch)}
        points = np.array(
            [
                drawn(check.measured, check.standard_error, config_at(ratio, batch).learning_rate)
                for ratio, check in cases.items()
            ]
        )
        predicted = [
            drawn(check.predicted, 0.0, config_at(ratio, batch).learning_rate)[0] for ratio, check in cases.items()
        ]
        fine = np.geomspace(min(cases), max(cases), 6 if model == "SGD" else 20).tolist()
        label = f"{TITLES[name]}, {model}" + (f", B = {batch}" if model == "SGD" else "")
        line = [law(name, model, ratio, batch) for ratio in fine]
        found.append(Series(label, list(cases), points[:, 0], points[:, 1], predicted, fine, line))
    return found
