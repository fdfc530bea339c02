"""Accuracy, cross-entropy and evidence against the penalty, in the manner of Smith & Le's figures 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sgdsde.evidence import EvidenceStudy
from sgdsde.plotting.style import COLOURS, bare_figure, house_style, plain_log_ticks

Studies = EvidenceStudy | Sequence[EvidenceStudy]

TRAIN, TEST, RATIO = COLOURS[1], COLOURS[0], COLOURS[2]
LEAST_RANGE = 3.0  # nats above the floor of the scale of E, so that a flat curve looks flat


def accuracy_chart(tasks: Mapping[str, Studies]) -> Figure:
    """Draw training and test accuracy against λ, a panel for each task.

    Parameters
    ----------
    tasks : mapping of str to EvidenceStudy or to several
        Title → study, from :func:`sgdsde.evidence_study`. Several are of the same λ on other data: lines are their
        means, bands reach from the least to the greatest of them.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there is no task, or studies of one task have other λ.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, figure 1.

    Examples
    --------
    >>> import sgdsde as sg
    >>> tasks = {labels: sg.data.gaussian_task(labels, n_train=40, features=10) for labels in ("random", "informative")}
    >>> studies = {labels: sg.evidence_study(task.x_train, task.y_train) for labels, task in tasks.items()}
    >>> [axes.get_title(loc="left") for axes in accuracy_chart(studies).axes]
    ['random', 'informative']
    """
    lists = _lists(tasks)
    with house_style():
        figure = bare_figure(1.0 + 4.3 * len(lists), 3.9)
        panels = figure.subplots(1, len(lists), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, studies) in zip(panels, lists.items(), strict=True):
            chance = 1 / studies[0].model.n_classes
            axes.axhline(chance, color="#888888", linewidth=1, linestyle=":", label="chance")
            _draw_parts(axes, studies, 1)
            axes.set_title(title)
            _name_penalty(axes)
        panels[0].set_ylabel("accuracy")
        panels[0].set_ylim(top=1.02)
        panels[0].legend(loc="center left", bbox_to_anchor=(0.0, 0.4))
    return figure


def evidence_chart(tasks: Mapping[str, Studies]) -> Figure:
    """Draw cross-entropies against λ, and below them the log evidence ratio E, a column for each task.

    Parameters
    ----------
    tasks : mapping of str to EvidenceStudy or to several
        As for :func:`accuracy_chart`.

    Returns
    -------
    matplotlib.figure.Figure
        E is in nats: below zero, where it is shaded, the evidence is for the model and against the null model. The
        vertical line is the λ of least E; of several studies, of the least mean.

    Raises
    ------
    ValueError
        When there is no task, or studies of one task have other λ.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, figure 2.

    Examples
    --------
    >>> import sgdsde as sg
    >>> task = sg.data.gaussian_task("informative", n_train=40, features=10)
    >>> study = sg.evidence_study(task.x_train, task.y_train, test=(task.x_test, task.y_test))
    >>> [axes.get_ylabel() for axes in evidence_chart({"informative": study}).axes]
    ['cross-entropy per example (nats)', 'E, log evidence ratio (nats)']
    """
    lists = _lists(tasks)
    with house_style():
        figure = bare_figure(1.0 + 4.3 * len(lists), 6.2)
        rows = figure.subplots(2, len(lists), sharex=True, squeeze=False)
        for above, below, (title, studies) in zip(*rows, lists.items(), strict=True):
            null = np.log(studies[0].model.n_classes)
            above.axhline(null, color="#888888", linewidth=1, linestyle=":", label="null model")
            _draw_parts(above, studies, 0)
            ratios = np.array([study.log_evidence_ratio for study in studies])
            below.axhline(0, color="#888888", linewidth=1, linestyle=":")
            _draw(below, studies[0].regularization, ratios, RATIO, "E")
            for axes in (above, below):
                best = studies[0].regularization[np.argmin(ratios.mean(axis=0))]
                axes.axvline(best, color=RATIO, linewidth=1, linestyle="--", label="most evidence")
            above.set_title(title)
            _name_penalty(below)
            low, high = below.get_ylim()
            below.set_ylim(low, max(high, LEAST_RANGE))
            below.axhspan(min(low, 0), 0, color=RATIO, alpha=0.07, linewidth=0)
            above.set_ylim(bottom=0)
        rows[0, 0].set_ylabel("cross-entropy per example (nats)")
        rows[1, 0].set_ylabel("E, log evidence ratio (nats)")
        rows[0, -1].legend(loc="best")
    return figure


def _lists(tasks: Mapping[str, Studies]) -> dict[str, list[EvidenceStudy]]:
    lists = {title: [each] if isinstance(each, EvidenceStudy) else list(each) for title, each in tasks.items()}
    if not lists or not all(lists.values()):
        raise ValueError(f"tasks must have at least one study each, got {dict(tasks)!r}")
    for title, studies in lists.items():
        if any(not np.array_equal(study.regularization, studies[0].regularization) for study in studies):
            raise ValueError(f"tasks must have the same λ in all studies of one task, got others in {title!r}")
    return lists


def _draw_parts(axes: Axes, studies: list[EvidenceStudy], column: int) -> None:
    for name, label, colour in (("train", "training", TRAIN), ("test", "test", TEST)):
        found = [getattr(study, name) for study in studies]
        if all(each is not None for each in found):
            _draw(axes, studies[0].regularization, np.array(found)[..., column], colour, label)


def _draw(axes: Axes, x: NDArray[Any], values: NDArray[Any], colour: str, label: str) -> None:
    order = np.argsort(x)
    marker = "o" if len(x) == 1 else None
    axes.plot(x[order], values.mean(axis=0)[order], color=colour, label=label, marker=marker)
    if len(values) > 1:
        low, high = values.min(axis=0)[order], values.max(axis=0)[order]
        axes.fill_between(x[order], low, high, color=colour, alpha=0.18, linewidth=0)


def _name_penalty(axes: Axes) -> None:
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set_xlabel("λ, regularization")
