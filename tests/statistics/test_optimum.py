"""Intervals of optima against synthetic curves whose optimum is known."""

import numpy as np
import pytest
from scipy.stats import binom, norm
from tables import every

from sgdsde.statistics import optimum

OCTAVES = np.arange(10.0)
LEAST_ERROR, CHANCE = 0.09, 2.2


def below(y):
    """Error does not rise beyond chance."""
    return np.minimum(y, CHANCE)


#: Excess of ln error as a function of octaves from a reference, and the optimum in them: a point, or a plateau's ends.
CURVES = {
    "symmetric": (lambda u: 0.02 * u**2, (0.0, 0.0)),
    "skewed": (lambda u: below(0.12 * (np.exp(-0.5 * u) - 1 + 0.5 * u)), (0.0, 0.0)),
    "curvature jumps": (lambda u: np.where(u < 0, 0.06, 0.015) * u**2, (0.0, 0.0)),
    "cliff": (lambda u: below(0.02 * np.exp(-3 * u) + 0.012 * u), (np.log(5) / 3,) * 2),
    "steep cliff": (lambda u: below(0.02 * np.exp(-6 * u) + 0.03 * u), (np.log(4) / 6,) * 2),
    "plateau": (lambda u: 0.05 * np.maximum(abs(u) - 2, 0) ** 2, (-2.0, 2.0)),
    "nearly flat": (lambda u: 0.003 * u**2, (0.0, 0.0)),
}
#: An interval that covers 75 % of the time is refused with a probability of 0.85, in each setting by itself.
RUNS = 60


def simulated(name, replicas, own, generator):
    """Places, errors and the optimum in octaves, anywhere between two points of the grid."""
    curve, ends = CURVES[name]
    at = 5 + generator.uniform(-0.5, 0.5)
    common, single = generator.standard_normal((replicas, 1)), generator.standard_normal((replicas, len(OCTAVES)))
    return LEAST_ERROR * np.exp(curve(OCTAVES - at) + 0.02 * common + own * single), at + np.array(ends)


def coverage(name, replicas, own, runs=RUNS):
    generator, found = np.random.default_rng(7), []
    for _ in range(runs):
        errors, ends = simulated(name, replicas, own, generator)
        result = optimum(2**OCTAVES, errors, resamples=100)
        low, high = np.log2(np.maximum(result.interval, 1e-9))
        found.append(
            (low <= ends[0] + 1e-9 and ends[1] <= high + 1e-9, result.resolved, np.log2(result.place) - ends.mean())
        )
    return np.array(found, float)


@pytest.mark.parametrize(("replicas", "own"), [(10, 0.03), (10, 0.01), (5, 0.01)])
@pytest.mark.parametrize("name", [name for name in CURVES if name not in ("curvature jumps", "plateau")])
def test_intervals_for_95_percent_cover_at_least_90(name, replicas, own):
    covered, resolved, away = coverage(name, replicas, own).T
    assert covered.sum() >= binom(RUNS, 0.9).ppf(norm.sf(3)), covered.mean()
    if name == "symmetric":
        assert resolved.mean() > 0.85
        assert abs(away.mean()) < 4 * away.std() / np.sqrt(RUNS)  # no bias
    if "cliff" in name:
        assert resolved.mean() < 0.1


@pytest.mark.parametrize(("replicas", "own"), [(10, 0.03), (10, 0.01)])
def test_of_a_plateau_the_interval_is_the_plateau(replicas, own):
    covered, resolved, _ = coverage("plateau", replicas, own).T
    assert resolved.mean() < 0.1
    assert covered.sum() >= binom(RUNS, 0.9).ppf(norm.sf(3)), covered.mean()


def test_a_jump_of_the_curvature_at_the_optimum_costs_coverage():
    """A limit of any fit between points an octave apart: said in the docstring."""
    covered = coverage("curvature jumps", 10, 0.01)[:, 0]
    assert 0.7 < covered.mean() < 0.95


def test_the_smoothed_argmax_does_not_cover_cliffs():
    """The negative control: the bootstrap of a parabola's minimum alone, without bracket and bias."""
    generator, missed = np.random.default_rng(7), 0
    for _ in range(50):
        errors, ends = simulated("cliff", 10, 0.01, generator)
        shares = generator.multinomial(10, np.full(10, 0.1), size=100) / 10
        logs = np.log(np.vstack([errors.mean(0)[None], shares @ errors]))
        best = int(logs[0].argmin())
        part = slice(max(0, best - 2), best + 3)
        slopes = np.polyfit(OCTAVES[part] - best, logs[:, part].T, 2)
        at = best - slopes[1] / (2 * slopes[0])
        missed += abs(at[0] - ends[0]) > 2.26 * at[1:].std()
    assert missed > 15


def test_at_an_end_of_the_grid_the_interval_is_open():
    errors = 0.1 * np.exp(0.02 * (OCTAVES - 11) ** 2 + 0.01 * np.random.default_rng(0).standard_normal((8, 10)))
    found = optimum(2**OCTAVES, errors)
    assert not found.resolved
    assert found.interval[1] == np.inf
    assert found.interval[0] < 2**9
    mirrored = optimum(2**OCTAVES, errors[:, ::-1])
    assert mirrored.interval == pytest.approx((0.0, 2**9 / found.interval[0]))


@every(
    ("arguments", "message"),
    [
        (([1], np.ones((3, 1))), "places must be at least 2 positive increasing"),
        (([1, 2, 4, 8, 8], np.ones((3, 5))), "places must be at least 2 positive increasing"),
        (([1, 2, 4, 8, 16], np.ones((1, 5))), "errors must have the shape"),
        (([1, 2, 4, 8, 16], np.zeros((3, 5))), "errors must be finite, not negative, and at each place positive"),
        (([1, 2, 4, 8, 16], np.full((3, 5), np.nan)), "errors must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimum(*arguments)
    with pytest.raises(ValueError, match="level must be a finite real number above 0 and below 1"):
        optimum([1, 2, 4, 8, 16], np.ones((3, 5)), level=1.0)


@pytest.mark.filterwarnings("error")
def test_replicas_without_an_error_are_no_reason_for_infinities():
    errors = 0.1 + 0.02 * (np.arange(7.0) - 3) ** 2 + np.zeros((3, 7))
    errors[:2, 3] = 0  # most resamples have none there
    found = optimum(2.0 ** np.arange(7), errors)
    assert not found.resolved
    assert np.isfinite(found.place)


@pytest.mark.parametrize("shape", [(2, 10), (10, 4)])
def test_of_few_replicas_or_points_there_is_a_bracket_only(shape):
    errors = 0.1 + 0.02 * (np.arange(float(shape[1])) - 2) ** 2 + 1e-6 * np.random.default_rng(0).random(shape)
    found = optimum(2.0 ** np.arange(shape[1]), errors)
    assert (found.place, *found.bracket) == pytest.approx((4, 2, 8))
    assert not found.resolved
    assert found.interval == found.bracket
    assert found.curve[1] == pytest.approx(errors.mean(0))


@pytest.mark.parametrize("name", [name for name in CURVES if name != "plateau"])
def test_without_noise_the_place_is_the_optimum_of_any_shape(name):
    """On half octaves, optima anywhere between two points; a smoothed argmax is 0.4 octaves off on cliffs."""
    curve, (octave, _) = CURVES[name]
    grid = np.arange(0, 8.1, 0.5)
    for at in np.arange(3.5, 4.5, 0.1):
        found = optimum(2**grid, np.tile(0.09 * np.exp(curve(grid - at)), (3, 1)), resamples=100)
        assert np.log2(found.place) == pytest.approx(at + octave, abs=0.4 if name == "curvature jumps" else 0.1)
