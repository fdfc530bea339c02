"""What the pictures of evidence share: curves over λ with their bands, and E by Laplace beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sgdsde.evidence import EvidenceEstimate, EvidenceStudy
from sgdsde.plotting.style import COLOURS, plain_log_ticks
from sgdsde.theory import null_log_evidence

Studies = EvidenceStudy | Sequence[EvidenceStudy]
Estimates = EvidenceEstimate | Sequence[EvidenceEstimate]

TRAIN, TEST, RATIO, MEASURED = COLOURS[1], COLOURS[0], COLOURS[2], COLOURS[3]
LEAST_RANGE = 3.0  # nats above the floor of the scale of E, so that a flat curve looks flat


def lists(tasks: Mapping[str, Studies]) -> dict[str, list[EvidenceStudy]]:
    """Title → studies of one grid of λ; ValueError otherwise."""
    found = {title: [each] if isinstance(each, EvidenceStudy) else list(each) for title, each in tasks.items()}
    if not found or not all(found.values()):
        raise ValueError(f"tasks must have at least one study each, got {dict(tasks)!r}")
    for title, studies in found.items():
        if any(not np.array_equal(study.regularization, studies[0].regularization) for study in studies):
            raise ValueError(f"tasks must have the same λ in all studies of one task, got others in {title!r}")
    return found


def several(measured: Estimates) -> list[EvidenceEstimate]:
    """One or several, as a list."""
    return [measured] if isinstance(measured, EvidenceEstimate) else list(measured)


def draw_ratios(axes: Axes, studies: list[EvidenceStudy], measured: list[EvidenceEstimate]) -> float:
    """E by Laplace, its least λ, which is returned, and points of measurements, each of a data set."""
    ratios = np.array([study.log_evidence_ratio for study in studies])
    penalties = studies[0].regularization
    axes.axhline(0, color="#888888", linewidth=1, linestyle=":")
    draw(axes, penalties, ratios, RATIO, "E, by Laplace's method" if measured else "E")
    best = float(penalties[np.argmin(ratios.mean(axis=0))])
    axes.axvline(best, color=RATIO, linewidth=1, linestyle="--")
    null = null_log_evidence(studies[0].model.n_examples, studies[0].model.n_classes)
    label = "E, measured" + (f", {len(measured)} data sets" if len(measured) > 1 else "")
    for k, each in enumerate(measured):
        axes.errorbar(
            np.atleast_1d(each.regularization), null - np.atleast_1d(each.log_evidence),
            np.atleast_1d(each.standard_error), color=MEASURED, marker="oDs^v"[k % 5], linestyle=":", linewidth=1,
            markerfacecolor="white", capsize=2.5, label="" if k else label,
        )  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, LEAST_RANGE))
    axes.axhspan(min(low, 0), 0, color=RATIO, alpha=0.07, linewidth=0)
    return best


def bound_below(axes: Axes, studies: list[EvidenceStudy], scale: str) -> None:
    """Begin a panel of cross-entropies at 0, or on a logarithmic scale below the least of the test."""
    if scale == "linear":
        axes.set_ylim(bottom=0)
        return
    parts = [study.train if study.test is None else study.test for study in studies]
    axes.set_yscale("log")
    axes.set_ylim(bottom=min(float(part[:, 0].min()) for part in parts) / 3)
    plain_log_ticks(axes.yaxis)


def draw_parts(axes: Axes, studies: list[EvidenceStudy], column: int) -> None:
    """Curves of training and test: column 0 is the cross-entropy, 1 the accuracy."""
    for name, label, colour in (("train", "training", TRAIN), ("test", "test", TEST)):
        found = [getattr(study, name) for study in studies]
        if all(each is not None for each in found):
            draw(axes, studies[0].regularization, np.array(found)[..., column], colour, label)


def draw(axes: Axes, x: NDArray[Any], values: NDArray[Any], colour: str, label: str) -> None:
    """The mean of several curves, with a band from the least to the greatest."""
    order = np.argsort(x)
    marker = "o" if len(x) == 1 else None
    axes.plot(x[order], values.mean(axis=0)[order], color=colour, label=label, marker=marker)
    if len(values) > 1:
        low, high = values.min(axis=0)[order], values.max(axis=0)[order]
        axes.fill_between(x[order], low, high, color=colour, alpha=0.18, linewidth=0)


def name_penalty(axes: Axes) -> None:
    """The axis of λ."""
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set_xlabel("λ, regularization")
