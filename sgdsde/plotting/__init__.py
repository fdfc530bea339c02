"""Pictures: one function per picture, each takes results and returns a matplotlib ``Figure``."""

from matplotlib.figure import Figure

from sgdsde.plotting.against_theory import Line, Series, against_theory
from sgdsde.plotting.against_theory_panels import against_theory_panels
from sgdsde.plotting.batch_size import AccuracyCurve, batch_size_chart, best_batch_size
from sgdsde.plotting.best_places import BestPlace, best_places
from sgdsde.plotting.between_batches import between_batches
from sgdsde.plotting.currents import current_arrows
from sgdsde.plotting.curve_panels import Curve, CurvePanel, curve_panels
from sgdsde.plotting.ensembles import Shown, side_by_side
from sgdsde.plotting.escapes import (
    committor_chart,
    density_beside_paths,
    escape_animation,
    escape_paths,
    escape_times,
    quasi_potential_chart,
    survival_curves,
)
from sgdsde.plotting.evidence import accuracy_chart, evidence_chart
from sgdsde.plotting.ladder import ladder_chart
from sgdsde.plotting.laplace import evidence_ratio_chart, laplace_error_chart
from sgdsde.plotting.noise_geometry import Rate, paths_over_contours, success_rates
from sgdsde.plotting.occam import occam_chart
from sgdsde.plotting.orders import MeasuredOrder, convergence_chart, orders_chart
from sgdsde.plotting.picture import picture
from sgdsde.plotting.samples import samples_over_contours
from sgdsde.plotting.stacked import Panel, stacked
from sgdsde.plotting.style import png

__all__ = [
    "AccuracyCurve",
    "BestPlace",
    "Curve",
    "CurvePanel",
    "Figure",
    "Line",
    "MeasuredOrder",
    "Panel",
    "Rate",
    "Series",
    "Shown",
    "accuracy_chart",
    "against_theory",
    "against_theory_panels",
    "batch_size_chart",
    "best_batch_size",
    "best_places",
    "between_batches",
    "committor_chart",
    "convergence_chart",
    "current_arrows",
    "curve_panels",
    "density_beside_paths",
    "escape_animation",
    "escape_paths",
    "escape_times",
    "evidence_chart",
    "evidence_ratio_chart",
    "ladder_chart",
    "laplace_error_chart",
    "occam_chart",
    "orders_chart",
    "paths_over_contours",
    "picture",
    "png",
    "quasi_potential_chart",
    "samples_over_contours",
    "side_by_side",
    "stacked",
    "success_rates",
    "survival_curves",
]


def __dir__() -> list[str]:
    return sorted(__all__)
