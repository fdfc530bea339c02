"""Pictures of escape from a minimum: paths, survival, times, densities, committors, quasi-potentials; one moves."""

from sgdsde.plotting.escapes.animation import escape_animation
from sgdsde.plotting.escapes.committor import committor_chart
from sgdsde.plotting.escapes.density import density_beside_paths
from sgdsde.plotting.escapes.paths import escape_paths
from sgdsde.plotting.escapes.quasi_potential import quasi_potential_chart
from sgdsde.plotting.escapes.survival import survival_curves
from sgdsde.plotting.escapes.times import escape_times

__all__ = [
    "committor_chart",
    "density_beside_paths",
    "escape_animation",
    "escape_paths",
    "escape_times",
    "quasi_potential_chart",
    "survival_curves",
]
