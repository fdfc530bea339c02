"""Accuracy, cross-entropy and evidence against the penalty, in the manner of Smith & Le's figures 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from sgdsde.arguments import choice
from sgdsde.plotting.evidence_parts import (
    RATIO,
    Estimates,
    Studies,
    bound_below,
    draw_parts,
    draw_ratios,
    lists,
    name_penalty,
    several,
)
from sgdsde.plotting.style import bare_figure, house_style


def accuracy_chart(tasks: Mapping[str, Studies], *, same_scale: bool = True) -> Figure:
    """Draw training and test accuracy against λ, a panel for each task.

    Parameters
    ----------
    tasks : mapping of str to EvidenceStudy or to several
        Title → study, from :func:`sgdsde.evidence_study`. Several are of the same λ on other data: lines are their
        means, bands reach from the least to the greatest of them.
    same_scale : bool
        False: each panel has the range of its own curves, where these would be flat lines on one scale for all.

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
    found = lists(tasks)
    with house_style():
        figure = bare_figure(1.0 + 4.3 * len(found), 3.9)
        panels = figure.subplots(1, len(found), sharex=True, sharey=same_scale, squeeze=False)[0]
        for axes, (title, studies) in zip(panels, found.items(), strict=True):
            draw_parts(axes, studies, 1)
            chance = 1 / studies[0].model.n_classes
            if same_scale or axes.get_ylim()[0] < chance:
                axes.axhline(chance, color="#888888", linewidth=1, linestyle=":", label="chance")
            axes.set_title(title)
            name_penalty(axes)
        panels[0].set_ylabel("accuracy")
        if same_scale:
            panels[0].set_ylim(top=1.02)
        panels[0].legend(loc="center left" if same_scale else "best", bbox_to_anchor=(0.0, 0.4) if same_scale else None)
    return figure


def evidence_chart(
    tasks: Mapping[str, Studies],
    measured: Mapping[str, Estimates] | None = None,
    *,
    scale: Literal["linear", "log"] = "linear",
) -> Figure:
    """Draw cross-entropies against λ, and below them the log evidence ratio E, a column for each task.

    Parameters
    ----------
    tasks : mapping of str to EvidenceStudy or to several
        As for :func:`accuracy_chart`. Their E is by Laplace's method.
    measured : mapping of str to EvidenceEstimate or to several, optional
        Title → the evidence at some λ, from :func:`sgdsde.evidence.sampled_log_evidence` or another measurement:
        points, with bars of one standard error, of one data set each.
    scale : str
        Of cross-entropies, ``"linear"`` or ``"log"``; a logarithmic one ends at a third of the least of the test.

    Returns
    -------
    matplotlib.figure.Figure
        E is in nats: below zero, where it is shaded, the evidence is for the model and against the null model. The
        vertical line is the λ of Laplace's least E; of several studies, of the least mean.

    Raises
    ------
    ValueError
        When there is no task, studies of one task have other λ, or the scale is another.

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
    choice("scale", scale, ("linear", "log"))
    found, most = lists(tasks), "most evidence" + (", by Laplace" if measured else "")
    with house_style():
        figure = bare_figure(1.0 + 4.3 * len(found), 6.2)
        rows = figure.subplots(2, len(found), sharex=True, squeeze=False)
        for above, below, (title, studies) in zip(*rows, found.items(), strict=True):
            null = np.log(studies[0].model.n_classes)
            above.axhline(null, color="#888888", linewidth=1, linestyle=":", label="null model")
            draw_parts(above, studies, 0)
            best = draw_ratios(below, studies, several((measured or {}).get(title, ())))
            above.axvline(best, color=RATIO, linewidth=1, linestyle="--", label=most)
            above.set_title(title)
            name_penalty(below)
            bound_below(above, studies, scale)
        rows[0, 0].set_ylabel("cross-entropy per example (nats)")
        rows[1, 0].set_ylabel("E, log evidence ratio (nats)")
        named: dict[str, Any] = {}
        for axes in (*rows[0], *rows[1]):
            named |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        columns = 3 if len(found) == 1 or measured else len(named)
        figure.legend(list(named.values()), list(named), loc="outside upper left", ncols=columns)
    return figure
