"""Lévy areas: one set of numbers in three forms, the exact law given the increments, and errors within their bounds."""

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
import sdeint
import torch
from numba import njit
from scipy import stats
from tables import every

from sgdsde import engines
from sgdsde.codegen import Block
from sgdsde.engines import lane_area, levy_area
from sgdsde.engines.lanes import LANES
from sgdsde.engines.noise import GaussianIncrements, LevyAreas, reference_noise
from sgdsde.engines.philox import STREAM_SECOND
from sgdsde.engines.registry import Plan
from sgdsde.engines.torch_noise import tensor_noise

pytestmark = pytest.mark.networks

METHODS = tuple(levy_area.METHODS)
TAILS = ("wiktorsson", "mrongowius_roessler")
SEED = 2**40 + 7  # both words of the key


def sigmas(tests: int) -> float:
    """Where so many two-sided normal tests together fail once in a thousand runs."""
    return float(stats.norm.isf(0.5e-3 / tests))


def rest(n: int, power: int = 2) -> float:
    """Sum of r**-power over r > n."""
    return {2: math.pi**2 / 6, 4: math.pi**4 / 90}[power] - math.fsum(r**-power for r in range(1, n + 1))


def draw(method: str, k: int, terms: int, paths: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((k, paths)), rng.standard_normal((levy_area.normals_needed(method, k, terms), paths))


def with_scaled_tail(normals: np.ndarray, k: int, terms: int, factor: float) -> np.ndarray:
    return np.concatenate([normals[: 2 * k * terms], factor * normals[2 * k * terms :]])


def covariance(s: np.ndarray) -> np.ndarray:
    """(…, pairs, pairs) of X_j V_l − X_l V_j for normal X of covariance I, from s = V Vᵀ or its mean, (…, k, k)."""
    k = s.shape[-1]
    j, other = np.triu_indices(k, 1)
    unit = np.eye(k)
    spread = np.einsum("jp,...lq->...jlpq", unit, s)  # E X_j V_l X_p V_q
    both = spread - spread.swapaxes(-4, -3)
    both = both - both.swapaxes(-2, -1)
    return np.asarray(both[..., j[:, None], other[:, None], j, other])


@functools.cache
def compiled(method: str) -> Callable[..., None]:
    on_lanes = getattr(lane_area, method)
    return njit(lambda out, z, rows, k, terms: on_lanes(out, z, rows, k, terms))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("terms", [1, 7])
def test_numpy_torch_and_lanes_agree(method: str, k: int, terms: int) -> None:
    z, normals = draw(method, k, terms, LANES)
    expected = levy_area.areas(method, z, normals, k, terms)
    pairs = k * (k - 1) // 2
    assert expected.shape == (pairs, LANES)
    tensor = levy_area.areas(method, torch.from_numpy(z), torch.from_numpy(normals), k, terms)
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=0, atol=1e-13)
    out = np.full((pairs + 1) * LANES, np.nan)
    z_rows, rows = (np.concatenate([a.ravel(), np.full(LANES, np.nan)]) for a in (z, normals))  # longer than needed
    compiled(method)(out, z_rows, rows, k, terms)
    np.testing.assert_allclose(out[: pairs * LANES].reshape(pairs, LANES), expected, rtol=0, atol=1e-13)
    assert np.isnan(out[pairs * LANES :]).all()


@every("method", METHODS)
@every("k", [1, 2, 3, 5])
def test_tensors_draw_the_same_areas(method: str, k: int) -> None:
    """A second source, as of Taylor 1.5, comes after."""
    sources = (GaussianIncrements(k), LevyAreas(k, 3, method), GaussianIncrements(k, STREAM_SECOND))
    judge, tensors = reference_noise(sources, SEED, 50), tensor_noise(sources, SEED, 50, torch.device("cpu"))
    expected = np.stack([judge(step) for step in range(5)])
    assert expected.shape == (5, 2 * k + k * (k - 1) // 2, 50)
    assert np.unique(expected).size == expected.size  # no number twice
    found = np.stack([tensors(step).numpy() for step in range(5)])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "k"),
    [
        ("fourier", 1),
        ("fourier", 2),
        ("mrongowius_roessler", 3),
        ("wiktorsson", 2),
    ],
)
def test_engines_draw_the_same_areas(method: str, k: int) -> None:
    """The state is the noise, so that snapshots are what was drawn."""
    updates, paths = 5, LANES + 3
    sources = (GaussianIncrements(k), LevyAreas(k, 3, method))
    numbers = sum(source.numbers for source in sources)
    state, drawn, kept = ([f"{name}{i}" for i in range(numbers)] for name in ("w", "z", "kept"))
    block = Block((), (*state, *drawn), (), tuple(zip(kept, drawn, strict=True)), tuple(kept))
    plan = Plan(block, (), sources, np.zeros((numbers, paths)), numbers, updates, save_every=1, seed=SEED)
    judge = reference_noise(sources, SEED, paths)
    expected = np.stack([judge(step) for step in range(updates)])
    for engine in ("numba", "torch"):
        saved = engines.run(engine, plan).saved[1:].transpose(0, 2, 1)
        np.testing.assert_allclose(saved, expected, rtol=0, atol=1e-12)


def test_the_terms_are_the_area_of_the_path_that_they_describe() -> None:
    """The bridge with coefficients X/(√2πr) and Y/(√2πr), integrated from the left: sign and order."""
    k, terms, points = 3, 3, 1 << 14
    z, normals = draw("fourier", k, terms, 2)
    t = np.linspace(0, 1, points + 1)
    w = z[..., None] * t
    for r in range(1, terms + 1):
        x, y = normals[2 * k * (r - 1) :][:k, :, None], normals[2 * k * (r - 1) :][k : 2 * k, :, None]
        angle = 2 * math.pi * r * t
        w = w + (x * (np.cos(angle) - 1) + y * np.sin(angle)) / (math.sqrt(2) * math.pi * r)
    integral = np.einsum("jpt,lpt->jlp", w[..., :-1], np.diff(w))
    expected = 0.5 * (integral - integral.swapaxes(0, 1))[np.triu_indices(k, 1)]
    found = levy_area.areas("fourier", z, normals, k, terms)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert np.abs(found).min() > 1e-2  # so that a sign would be seen


@every("method", TAILS)
@every("k", [2, 3, 5])
def test_the_tail_has_the_covariance_of_what_it_stands_for(method: str, k: int) -> None:
    """Given z the tail is linear in its normals: exact, and then the covariance of all terms is Σ/24."""
    terms = 2
    z = np.random.default_rng(k).standard_normal(k)
    count = levy_area.normals_needed(method, k, terms) - 2 * k * terms
    unit = np.concatenate([np.zeros((2 * k * terms, count)), np.eye(count)])
    tail = levy_area.areas(method, np.tile(z[:, None], count), unit, k, terms)
    exact = rest(terms) / (4 * math.pi**2) * covariance(np.eye(k) + 2 * np.outer(z, z))
    np.testing.assert_allclose(tail @ tail.T, exact, rtol=0, atol=1e-14)


def levy(u: float, s: float) -> float:
    """E exp(iua) given |z|² = s, for k = 2 (Lévy 1951)."""
    x = u / 2
    return x / math.sinh(x) * math.exp(-s / 2 * (x / math.tanh(x) - 1))


def truncated(u: float, s: float, terms: int, tail: float) -> float:
    """The same of so many terms and a normal tail of variance tail × its exact one."""
    t = np.array([(u / (2 * math.pi * r)) ** 2 for r in range(1, terms + 1)])
    normal = 0.5 * u**2 * tail * rest(terms) * (1 + s) / (2 * math.pi**2)
    return float(np.exp(-np.sum(np.log1p(t) + s * t / (1 + t)) - normal))


INCREMENTS = ((0.0, 0.0), (0.8, -0.6), (2.0, 1.0))
FREQUENCIES = (1.0, 2.5, 5.0)


def misfits(method: str, terms: int, exact: Callable[[float, float], float]) -> np.ndarray:
    """Deviations of E cos(ua) given z from `exact`, in standard errors."""
    found = []
    for i, point in enumerate(INCREMENTS):
        _, normals = draw(method, 2, terms, 40_000, seed=i)
        (a,) = levy_area.areas(method, np.tile(np.array(point)[:, None], normals.shape[1]), normals, 2, terms)
        for u in FREQUENCIES:
            wave = np.cos(u * a)
            error = wave.std() / math.sqrt(a.size)
            found.append((wave.mean() - exact(u, point[0] ** 2 + point[1] ** 2)) / error)
    return np.abs(found)


@pytest.mark.parametrize("method", METHODS)
def test_law_given_the_increments(method: str) -> None:
    """k = 2: with one term the law of the method itself, which tells right tails from wrong; with eight Lévy's."""
    tail = float(method in TAILS)
    limit = sigmas(len(METHODS) * 2 * len(INCREMENTS) * len(FREQUENCIES))
    assert misfits(method, 1, lambda u, s: truncated(u, s, 1, tail)).max() < limit
    assert misfits(method, 1, lambda u, s: truncated(u, s, 1, tail + 0.2)).max() > limit
    if tail:
        assert misfits(method, 8, levy).max() < limit
    else:
        assert misfits(method, 8, levy).max() > limit


@pytest.mark.parametrize("method", TAILS)
def test_moments_given_the_increments(method: str) -> None:
    """E[a²|z] = (1 + |z|²)/12 with any number of terms; the fourth cumulant is (1 + 2|z|²)/120 with many."""
    z, normals = draw(method, 2, 8, 200_000)
    (a,) = levy_area.areas(method, z, normals, 2, 8)
    s = (z * z).sum(axis=0)
    variance = (1 + s) / 12
    limit = sigmas(2 * 5)

    def misfit(deviation: np.ndarray) -> float:
        return float(abs(deviation.mean()) / deviation.std() * math.sqrt(s.size))

    assert misfit(a) < limit
    for weight in (1.0, s):
        assert misfit(weight * (a**2 / variance - 1)) < limit
        assert misfit(weight * (a**2 / variance - 1.05)) > limit
        assert misfit(weight * ((a**4 - (1 + 2 * s) / 120) / variance**2 - 3)) < limit
        assert misfit(weight * (a**4 / variance**2 - 3)) > limit


def sech_distribution(a: np.ndarray) -> np.ndarray:
    """Distribution of the area over a unit step, k = 2: density 1/cosh(πa), characteristic function 1/cosh(u/2)."""
    return np.asarray(2 / math.pi * np.arctan(np.exp(math.pi * a)))


@pytest.mark.parametrize(("method", "terms"), [("fourier", 60), *((method, 4) for method in TAILS)])
def test_law_of_the_area(method: str, terms: int) -> None:
    z, normals = draw(method, 2, terms, 30_000)
    (a,) = levy_area.areas(method, z, normals, 2, terms)
    assert stats.kstest(a, sech_distribution).pvalue > 1e-3 / len(METHODS)
    rows = with_scaled_tail(normals[[0, 1, 2, 3, *range(4 * terms, len(normals))]], 2, 1, math.sqrt(1.5))
    (wrong,) = levy_area.areas(method, z, rows, 2, 1)  # no tail, or half as much again
    assert stats.kstest(wrong, sech_distribution).pvalue < 1e-6


@pytest.mark.parametrize(("method", "peer"), [("fourier", "Ikpw"), *((method, "Iwik") for method in TAILS)])
def test_same_law_as_sdeint(method: str, peer: str) -> None:
    """Two terms, three components: areas, and products whose means are E[z_l² z_q²]/12 by the areas' covariance."""
    paths, k, terms = 40_000, 3, 2

    def features(z: np.ndarray, a: np.ndarray) -> list[np.ndarray]:
        """z (k, paths); a (k, k, paths)."""
        return [a[0, 1], a[1, 2], a[0, 1] * a[0, 2] * z[1] * z[2], a[0, 1] * a[1, 2] * z[0] * z[2]]

    def own(name: str) -> list[np.ndarray]:
        z, normals = draw(name, k, terms, paths, seed=4)
        full = np.zeros((k, k, paths))
        full[np.triu_indices(k, 1)] = levy_area.areas(name, z, normals, k, terms)
        return features(z, full)

    rng = np.random.default_rng(5)
    z = rng.standard_normal((paths, k))
    integral = getattr(sdeint, peer)(z, 1.0, terms, rng)[1]
    theirs = features(z.T, 0.5 * (integral - integral.transpose(0, 2, 1)).transpose(1, 2, 0))
    for mine, other in zip(own(method), theirs, strict=True):
        assert stats.ks_2samp(mine, other).pvalue > 1e-3 / (4 * len(METHODS))
    different = own("fourier" if method in TAILS else "wiktorsson")
    assert stats.ks_2samp(different[0], theirs[0]).pvalue < 1e-6


FINE = 96


def coupled(method: str, k: int, terms: int, tail_scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(pairs, paths) areas of `terms` terms and of FINE terms, the tail's normals made from the terms in between.

    Given the half of the normals that its covariance C depends on, the tail is normal, so that C^(−½) times it is what
    the method draws in its place: the coupling of the papers' proofs.
    """
    paths = 4000
    z, normals = draw(method, k, FINE, paths)
    fine = levy_area.areas(method, z, normals, k, FINE)
    kept = normals[: 2 * k * terms]
    tail = fine - levy_area.areas("fourier", z, kept, k, terms)
    if method not in TAILS:
        return fine - tail, fine
    between = normals[2 * k * terms : 2 * k * FINE].reshape(FINE - terms, 2, k, paths)
    weight = 1 / np.arange(terms + 1, FINE + 1)
    if method == "wiktorsson":
        rows, beyond = between[:, 1] - math.sqrt(2) * z, np.eye(k) + 2 * np.einsum("jp,lp->pjl", z, z)
        linear = np.empty((0, paths))
    else:
        rows, beyond = between[:, 0], np.eye(k)
        last = normals[2 * k * FINE : 2 * k * FINE + k]
        linear = np.einsum("r,rjp->jp", weight, rows) + math.sqrt(rest(FINE)) * last
        j, other = np.triu_indices(k, 1)
        tail = tail - math.sqrt(2) / (2 * math.pi) * (z[j] * linear[other] - linear[j] * z[other])
        linear = linear / math.sqrt(rest(terms))
    spread = covariance(np.einsum("r,rjp,rlp->pjl", weight**2, rows, rows, optimize=True) + rest(FINE) * beyond)
    values, vectors = np.linalg.eigh(spread / (4 * math.pi**2))
    g = np.einsum("pij,pj,pkj,kp->ip", vectors, values**-0.5, vectors, tail, optimize=True)
    rows = np.concatenate([kept, linear, tail_scale * g])
    return levy_area.areas(method, z, rows, k, terms), fine


def mean_square(pair: tuple[np.ndarray, np.ndarray]) -> float:
    return float(((pair[0] - pair[1]) ** 2).mean())


@pytest.mark.parametrize("k", [2, 3])
def test_error_of_the_plain_series(k: int) -> None:
    """Exactly 3/(2π²) times the sum of r⁻² over what is left out."""
    for terms in (1, 4, 16):
        approximate, fine = coupled("fourier", k, terms)
        square = ((approximate - fine) ** 2).mean(axis=0)
        expected = 1.5 / math.pi**2 * (rest(terms) - rest(FINE))
        assert abs(square.mean() - expected) < sigmas(6) * square.std() / math.sqrt(square.size)
        assert expected < levy_area.METHODS["fourier"].error(k) / terms


@pytest.mark.parametrize("method", TAILS)
@pytest.mark.parametrize("k", [2, 3])
def test_error_of_the_tails_is_of_second_order(method: str, k: int) -> None:
    """The error is that of C, ∝ Σ r⁻⁴/Σ r⁻² ≈ (n + ½)⁻²/3: order 2 in n + ½; order 1 when the tail is too large."""
    few, many = 2, 16
    scale = math.log((many + 0.5) / (few + 0.5))
    errors = {terms: mean_square(coupled(method, k, terms)) for terms in (few, many)}
    for terms, error in errors.items():
        assert error < levy_area.METHODS[method].error(k) / terms**2
    assert abs(math.log(errors[few] / errors[many]) / scale - 2) < 0.25
    wrong = {terms: mean_square(coupled(method, k, terms, tail_scale=1.3)) for terms in (few, many)}
    assert math.log(wrong[few] / wrong[many]) / scale < 1.5
    assert wrong[many] > levy_area.METHODS[method].error(k) / many**2


@pytest.mark.parametrize("method", METHODS)
def test_terms_keep_the_error_within_the_bound_and_no_more_than_that(method: str) -> None:
    chosen = levy_area.METHODS[method]
    for k in (2, 3, 10):
        steps = np.geomspace(2e-4, 2.0, 60)
        found = [levy_area.terms_for(method, k, step) for step in steps]
        assert all(type(terms) is int and terms >= 1 for terms in found)
        assert (np.diff(found) <= 0).all()
        for step, terms in zip(steps, found, strict=True):
            assert chosen.error(k) / terms**chosen.order * step**2 <= step**3 * (1 + 1e-9)
            assert terms == 1 or chosen.error(k) / (terms - 1) ** chosen.order > step * (1 - 1e-9)
            assert levy_area.terms_for(method, k, step, constant=0.1) >= terms
            assert levy_area.terms_for(method, k + 1, step) >= terms


def test_numbers_of_normals_and_terms() -> None:
    assert [levy_area.normals_needed(method, 3, 4) for method in METHODS] == [24, 27, 30]
    assert [levy_area.normals_needed(method, 1, 4) for method in METHODS] == [0, 0, 0]
    assert [levy_area.terms_for(method, 2, 1e-3) for method in METHODS] == [152, 10, 5]
    assert [levy_area.terms_for(method, 1, 1e-3) for method in METHODS] == [1, 1, 1]


def test_bad_input() -> None:
    z = np.zeros((2, 1))
    for call in (
        lambda: levy_area.normals_needed("guess", 2, 1),
        lambda: levy_area.areas("guess", z, z, 2, 1),
        lambda: levy_area.terms_for("guess", 2, 0.1),
    ):
        with pytest.raises(ValueError, match=r"must be one of fourier, wiktorsson, mrongowius_roessler, got 'guess'"):
            call()


def test_a_series_too_long_to_wait_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"step of 1e-08 the area_method 'fourier' takes .*\(fourier 1\.5e\+07, wik"):
        levy_area.terms_for("fourier", 2, 1e-8)
    with pytest.raises(ValueError, match="a larger step"):
        levy_area.terms_for("mrongowius_roessler", 2, 1e-12)
    assert levy_area.terms_for("fourier", 1, 1e-12) == 1
