"""The landscapes of the tests of engines, one for each number of variables, so that they share kernels.

Noise depends on the place in all but BOWL; a test that needs something else of a landscape has one of its own.
"""

from sgdsde import Landscape

#: Constant noise: whatever is exact about it is known.
BOWL = Landscape("x**2/2", "x")
ONE = Landscape("x**4/4 - a*x**2/2", "x", {"a": 1.0}, noise_covariance="1 + x**2/2")
#: Noise that is correlated.
TWO = Landscape(
    "x**2/2 + k*(y - x**2/2)**2/2", "x y", {"k": 2.0}, noise_covariance=[["1 + y**2/9", "0.3"], ["0.3", "1"]]
)
#: Functions of every kind, a power that is no integer, and more noises than variables. The minimum has a curvature:
#: with a power below 2 the search for it, by which the SDE's steps are chosen, goes to and fro for half a second a run.
THREE = Landscape(
    "x**2/2 + sin(y)*cos(z) + y**2 + exp(-z**2) + z**2/2 + abs(x)**2.5",
    "x y z",
    noise_factor=[["1", "x/5", "0", "0"], ["0", "1", "tanh(z)", "0.2"], ["0.1", "0", "1", "atan(y)"]],
)
