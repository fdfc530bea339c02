"""The one picture of a result: what its method ``plot`` draws."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from matplotlib.figure import Figure

from sgdsde.ensemble import Ensemble
from sgdsde.escapes import EscapeStudy
from sgdsde.evidence import EvidenceStudy
from sgdsde.ladders import Ladder
from sgdsde.plotting.batch_size import batch_size_chart
from sgdsde.plotting.ensembles import Shown, side_by_side
from sgdsde.plotting.escapes import escape_times, survival_curves
from sgdsde.plotting.evidence import evidence_chart
from sgdsde.plotting.ladder import ladder_chart
from sgdsde.studies import BatchSizeStudy


@singledispatch
def picture(result: Any, **options: Any) -> Figure:
    """Draw a result in the way that is its own.

    Parameters
    ----------
    result : Ensemble, Ladder, EscapeStudy, EvidenceStudy or BatchSizeStudy
        An ensemble is drawn by :func:`survival_curves` where its paths end, else by :func:`side_by_side`; the others by
        :func:`ladder_chart`, :func:`escape_times`, :func:`evidence_chart` and :func:`batch_size_chart`.
    **options
        Of that function; of an ensemble also those of :class:`Shown`, such as the predicted `mean` and `covariance`.

    Raises
    ------
    TypeError
        When there is no picture of such a result.

    Examples
    --------
    >>> import sgdsde as sg
    >>> config = sg.SGDConfig(0.1, batch_size=4, n_examples=64)
    >>> sgd = sg.simulate_sgd(sg.Landscape("x**2/2", "x"), config, 0.0, updates=100, paths=64)
    >>> [axes.get_xlabel() for axes in sgd.plot(mean=[0.0], covariance=[[0.0123]]).axes]
    ['update', 'probability density']
    """
    raise TypeError(f"result must be an Ensemble, a Ladder or a study to be drawn, got {type(result).__name__}")


@picture.register
def _(result: Ensemble, **options: Any) -> Figure:
    if result.exits is not None:
        return survival_curves({result.label: result}, **options)
    path = result if result.save_every else None
    return side_by_side([Shown(**{"label": result.label, "ensemble": result, "path": path, **options})])


@picture.register
def _(result: Ladder, **options: Any) -> Figure:
    return ladder_chart(result, **options)


@picture.register
def _(result: EscapeStudy, **options: Any) -> Figure:
    return escape_times(result, **options)


@picture.register
def _(result: EvidenceStudy, **options: Any) -> Figure:
    return evidence_chart({"evidence against the penalty": result}, **options)


@picture.register
def _(result: BatchSizeStudy, **options: Any) -> Figure:
    return batch_size_chart(result, **options)
