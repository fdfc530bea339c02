"""How far Laplace's evidence is from a measured one: E side by side, and the error against λ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sgdsde.evidence import EvidenceEstimate, EvidenceStudy
from sgdsde.plotting.evidence_parts import Estimates, Studies, draw_ratios, lists, name_penalty, several
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend


def evidence_ratio_chart(tasks: Mapping[str, Studies], measured: Mapping[str, Estimates]) -> Figure:
    """Draw the lower row of :func:`evidence_chart` alone: E by Laplace's method, and measured.

    Examples
    --------
    >>> import sgdsde as sg
    >>> task = sg.data.gaussian_task("random", n_train=40, features=10)
    >>> study = sg.evidence_study(task.x_train, task.y_train)
    >>> points = sg.evidence.sampled_log_evidence(study.model, [100.0, 1.0], particles=128)
    >>> [axes.get_title(loc="left") for axes in evidence_ratio_chart({"random": study}, {"random": points}).axes]
    ['random']
    """
    found = lists(tasks)
    with house_style():
        figure = bare_figure(1.0 + 4.3 * len(found), 3.9)
        panels = figure.subplots(1, len(found), sharex=True, squeeze=False)[0]
        for axes, (title, studies) in zip(panels, found.items(), strict=True):
            draw_ratios(axes, studies, several(measured.get(title, ())))
            axes.set_title(title)
            name_penalty(axes)
        panels[0].set_ylabel("E, log evidence ratio (nats)")
        panels[0].legend(loc="best")
    return figure


def laplace_error_chart(tasks: Mapping[str, tuple[EvidenceStudy, EvidenceEstimate]], small: float = 0.1) -> Figure:
    """Draw what Laplace's method adds to ln evidence against λ: a line and its bars for each task.

    Parameters
    ----------
    tasks : mapping of str to (EvidenceStudy, EvidenceEstimate)
        Title → Laplace's evidence and the measured one at the same λ. Titles that differ after a comma only, as
        "P = 2, random" and "P = 2, informative", have one colour: full line, then dashed.
    small : float
        Nats: within ± this, which is shaded, the scale is linear; outside it is logarithmic.

    Raises
    ------
    ValueError
        When the λ of a task's study and measurement are not the same.

    Examples
    --------
    >>> import sgdsde as sg
    >>> task = sg.data.gaussian_task("random", n_train=40, features=10)
    >>> study = sg.evidence_study(task.x_train, task.y_train, [100.0, 1.0])
    >>> found = sg.evidence.sampled_log_evidence(study.model, [100.0, 1.0], particles=128)
    >>> laplace_error_chart({"P = 10, random": (study, found)}).axes[0].get_xlabel()
    'λ, regularization'
    """
    with house_style():
        figure = bare_figure(8.4, 5.2)
        axes = figure.subplots()
        axes.axhline(0.0, color="#333333", linewidth=1.0)
        axes.axhspan(-small, small, color="#000000", alpha=0.07, linewidth=0)
        look = looks()
        drawn: dict[str, tuple[str, str]] = {}
        for title, (study, found) in tasks.items():
            if not np.array_equal(study.regularization, np.atleast_1d(found.regularization)):
                raise ValueError(f"tasks must have the same λ in study and measurement, got others in {title!r}")
            group = title.split(",")[0]
            again = group in drawn
            colour, marker = drawn[group] if again else drawn.setdefault(group, next(look))
            error = np.array([each.log_evidence for each in study.evidences]) - found.log_evidence
            axes.errorbar(
                study.regularization, error, found.standard_error, color=colour, marker=marker, linewidth=1.0,
                linestyle="--" if again else "-", markerfacecolor=colour if again else "white", markeredgewidth=1.4,
                capsize=2.5, label=title,
            )  # fmt: skip
        name_penalty(axes)
        axes.set_ylabel("ln evidence, Laplace − measured   (nats)")
        axes.set_yscale("symlog", linthresh=small, linscale=0.6)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        outside_legend(axes, ncols=4)
    return figure
