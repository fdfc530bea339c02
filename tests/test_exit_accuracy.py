"""Simulated exit times against exact ones: how the bias falls with the step, and that it falls to nothing."""

from typing import NamedTuple

import pytest
from tables import every

import sgdsde as sg
from sgdsde.statistics import fit_order
from sgdsde.theory import FokkerPlanck, mean_exit_time

# One landscape with many parameters, so that one kernel runs all of those with one variable.
LOSS, NOISE = "a*x**4/4 + b*x**2/2 + c*x", "f + g*x + h*x**2"
STOP = {"left": "x < low", "right": "x > high"}
FAR = -20.0


ORDERS = pytest.mark.slow("orders of bias from millions of paths")


class Case(NamedTuple):
    """Where paths start and end, in which landscape, and the step whose bias is below the standard error."""

    temperature: float
    start: float
    dt: float
    parameters: dict[str, float]
    low: float = FAR
    high: float = 1.0

    @property
    def landscape(self):
        none = dict.fromkeys("abcgh", 0.0)
        return sg.Landscape(
            LOSS, "x", {**none, "f": 1.0, "low": self.low, "high": self.high, **self.parameters}, noise_covariance=NOISE
        )

    @property
    def exact(self):
        left = None if self.low == FAR else self.low
        return mean_exit_time(self.landscape, self.temperature, self.start, left, self.high)

    def simulated(self, dt, paths, seed, bridge=True):
        """Mean exit time and its standard error."""
        time = 30 * self.exact
        run = sg.integrate(
            self.landscape, self.start, time, round(time / dt), paths, temperature=self.temperature, stop=STOP,
            bridge=bridge, seed=seed,
        )  # fmt: skip
        assert run.exits.crossings == (("exact" if bridge else "unseen"),) * 2
        found = run.exits.mean_time(method="sample_mean")
        return found.mean * dt, found.standard_error * dt


HILL = Case(1.0, 0.0, 0.0, {"b": -1.0, "h": 1.0}, low=-1.0)
BOWL = Case(1.0, 0.0, 0.0, {"b": 1.0, "h": 0.5}, low=-1.0)
CLIMB = Case(1.0, -1.0, 0.0, {"b": 1.0})
CASES = {
    "double well, noise grows": Case(0.2, -1.0, 0.004, {"a": 1.0, "b": -1.0, "h": 0.5}, high=0.0),
    "tilted double well": Case(0.5, -1.0, 0.0015, {"a": 1.0, "b": -1.0, "c": 0.15, "h": 0.3}, low=-2.0, high=0.15),
    "steep": Case(1.0, 0.1, 0.0005, {"a": 8.0, "g": 0.5, "h": 0.25}, low=-0.6, high=0.6),
    "noise grows": Case(0.5, 0.0, 0.005, {"b": 1.0, "f": 0.5, "h": 2.0}, low=-1.0, high=1.5),
    "slope": Case(1.0, 0.0, 0.005, {"c": -1.0, "f": 1.5, "g": 1.0, "h": 0.3}, low=-1.0, high=2.0),
}
LONG = {"double well, noise grows", "tilted double well", "noise grows"}
#: Paths for a standard error of half a percent: times scatter by about their mean.
PATHS = 48_000


def order(case, steps, paths, bridge, next_power):
    found = [case.simulated(dt, paths, seed=17 + k, bridge=bridge) for k, dt in enumerate(steps)]
    errors = [mean - case.exact for mean, _ in found]
    return fit_order(steps, errors, [error for _, error in found], next_power=next_power)


@ORDERS
def test_with_a_bridge_the_bias_is_of_order_one():
    """From the top of a hill, with noise that grows: one term does nearly all of the bias."""
    found = order(HILL, (0.2, 0.1, 0.05, 0.025), 1_000_000, True, None)
    assert found.standard_error < 0.03, found
    assert abs(found.slope - 1) < 0.15, found


@ORDERS
def test_without_a_bridge_the_bias_is_of_order_one_half():
    """From the bottom of a bowl, with noise that grows: one term does nearly all of this bias."""
    found = order(BOWL, (0.1, 0.05, 0.025, 0.0125), 200_000, False, None)
    assert found.standard_error < 0.03, found
    assert abs(found.slope - 0.5) < 0.15, found


@ORDERS
@pytest.mark.parametrize(("bridge", "expected"), [(True, 1.0), (False, 0.5)])
def test_the_orders_of_paths_that_climb(bridge, expected):
    """At the end the drift pulls back, so that the next term is felt until it is weak within a step."""
    found = order(CLIMB, (0.2, 0.1, 0.05, 0.025, 0.0125), 4_000_000, bridge, 0.5)
    assert found.standard_error < 0.04, found
    assert abs(found.slope - expected) < 0.15, found


def check_simulation(simulate, exact, paths, tolerance):
    """The mean is exact within 4 standard errors, which are small, and the bias is smaller: an 8th of that at 8 Δ."""
    mean, error = simulate(1, paths)
    coarse, _ = simulate(8, paths)
    assert error < tolerance * exact
    assert abs(coarse - exact) / 8 < error, (coarse / exact, error / exact)
    assert abs(mean - exact) < 4 * error, (mean / exact, error / exact)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow("48 000 long paths") if name in LONG else ()) for name in CASES],
)
def test_mean_exit_times_of_simulations_are_exact(name):
    case = CASES[name]
    check_simulation(lambda by, paths: case.simulated(by * case.dt, paths, seed=23), case.exact, PATHS, 0.005)


@every("name", CASES)
def test_mean_exit_times_of_the_fokker_planck_equation_are_exact(name):
    case = CASES[name]
    low = max(case.low, -4.0)
    equation = FokkerPlanck(case.landscape, case.temperature, box=(low - 0.1, case.high + 0.1), cells=400)
    times = equation.mean_exit_times(STOP["left"] + " or " + STOP["right"])
    assert float(equation.interpolate(times, case.start)) == pytest.approx(case.exact, rel=5e-3)


def test_the_reference_number():
    """The double well of docs/theory.md, from −1 through 0 at T = 0.2; by quadrature with 30 digits."""
    assert CASES["double well, noise grows"].exact == pytest.approx(18.7459247083, abs=1e-9)


@pytest.mark.slow("160 000 paths in two variables")
def test_two_variables_with_oblique_noise_that_varies():
    """Through a slanted line; 1 % is 4 standard errors. The equation's error, of order 2, is extrapolated away."""
    valley = sg.Landscape("x**2/2 + y**2 + x*y/2", "x y", noise_factor=[["1", "0"], ["x/(1 + x**2)", "1/2"]])
    start, temperature, stop, dt = [0.0, -0.2], 0.6, "x + y > 1", 0.004
    found = []
    for cells in (100, 200):
        equation = FokkerPlanck(valley, temperature, box=((-3.6, 3.6), (-3.6, 3.6)), cells=(cells, cells))
        found.append(float(equation.interpolate(equation.mean_exit_times(stop), start)))
    coarse, fine = found
    assert abs(coarse - fine) / 3 < 2e-3 * fine

    def simulate(by, paths):
        run = sg.integrate(
            valley, start, 150.0, round(150 / (by * dt)), paths, temperature=temperature, stop=stop, seed=29
        )
        time = run.exits.mean_time(method="sample_mean")
        return time.mean * by * dt, time.standard_error * by * dt

    exact = fine + (fine - coarse) / 3
    mean, error = simulate(1, 160_000)
    assert error < 0.0026 * exact
    assert abs(mean - exact) < 0.01 * exact, (mean / exact, error / exact)
    assert abs(simulate(8, 160_000)[0] - exact) / 8 < 0.005 * exact


def test_a_wrong_noise_is_seen():
    """Negative control: T off by 2 % in the double well is nothing like a standard error."""
    case = CASES["double well, noise grows"]
    mean, error = case.simulated(8 * case.dt, PATHS, seed=23)
    assert abs(mean - case._replace(temperature=0.98 * case.temperature).exact) > 8 * error
