"""Pictures: one function per picture, each takes results and returns a matplotlib ``Figure``."""

from matplotlib.figure import Figure

from sgdsde.plotting.against_theory import Line, Series, against_theory
from sgdsde.plotting.between_batches import between_batches
from sgdsde.plotting.style import png

__all__ = ["Figure", "Line", "Series", "against_theory", "between_batches", "png"]
