"""The named landscapes have the minima, curvatures and noise that their entries say."""

import numpy as np
import pytest
from scipy.optimize import minimize
from tables import every

from sgdsde.landscapes import Landscape
from sgdsde.landscapes.catalog import CATALOG, catalog, minima, named

# Boxes that hold every minimum, from whose corners inwards the searches start.
BOXES = {"mueller_brown": [(-1.4, 0.9), (-0.1, 1.9)]}
EXPECTED = ["quadratic", "quadratic_2d", "multiplicative", "double_well", "sharp_flat", "valley"]
EXPECTED += ["valley_of_minima", "mueller_brown", "zhu_two_bowls"]
#: Its minima are a line.
FLAT = "valley_of_minima"
ISOLATED = [name for name in CATALOG if name != FLAT]

LANDSCAPES = {name: named(name) for name in CATALOG}


def box(name: str) -> np.ndarray:
    return np.array(BOXES.get(name, [(-2.0, 2.0)] * LANDSCAPES[name].dimension))


def inside(name: str, n: int) -> np.ndarray:
    low, high = box(name).T
    return np.random.default_rng(7).uniform(low, high, size=(n, len(low)))


def test_what_there_is() -> None:
    assert list(catalog()) == EXPECTED
    for name, landscape in LANDSCAPES.items():
        assert isinstance(landscape, Landscape)
        assert landscape.name == name
        assert landscape.parameters == CATALOG[name].parameters
        assert CATALOG[name].description
        assert CATALOG[name].source


@pytest.mark.parametrize("name", ISOLATED)
def test_minima_are_stationary_points_of_positive_curvature(name: str) -> None:
    landscape = LANDSCAPES[name]
    points = minima(name)
    assert points.shape == (len(CATALOG[name].minima), landscape.dimension)
    curvature = np.linalg.eigvalsh(landscape.hessian(points))
    assert (curvature > 0).all()
    assert np.abs(landscape.gradient(points)).max() < 1e-12 * max(1.0, curvature.max())


@pytest.mark.parametrize("name", ISOLATED)
def test_there_are_no_other_minima(name: str) -> None:
    landscape, known = LANDSCAPES[name], minima(name)
    axes = [np.linspace(low, high, 9) for low, high in box(name)]
    starts = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, landscape.dimension)
    reached = set()
    for start in starts:
        if np.linalg.norm(landscape.gradient(start)) < 1e-9 and np.linalg.eigvalsh(landscape.hessian(start))[0] < 0:
            continue  # exactly on a maximum or a saddle
        end = minimize(landscape.loss, start, jac=landscape.gradient, method="BFGS").x
        distance = np.linalg.norm(known - end, axis=1)
        assert distance.min() < 1e-4, (start, end)
        reached.add(int(distance.argmin()))
    assert reached == set(range(len(known)))


@every("name", CATALOG)
def test_derivatives_agree_with_differences(name: str) -> None:
    landscape = LANDSCAPES[name]
    points, step = inside(name, 20), 1e-5
    gradient, hessian = landscape.gradient(points), landscape.hessian(points)
    assert np.isfinite(hessian).all()
    for i in range(landscape.dimension):
        shift = step * np.eye(landscape.dimension)[i]
        slope = (landscape.loss(points + shift) - landscape.loss(points - shift)) / (2 * step)
        bend = (landscape.gradient(points + shift) - landscape.gradient(points - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-5, atol=1e-6 * np.abs(gradient).max())
        np.testing.assert_allclose(hessian[:, i], bend, rtol=1e-5, atol=1e-6 * np.abs(hessian).max())


@every("name", CATALOG)
def test_noise_is_a_covariance(name: str) -> None:
    landscape = LANDSCAPES[name]
    points = np.concatenate([inside(name, 20), minima(name)])
    covariance, factor = landscape.noise_covariance(points), landscape.noise_factor(points)
    np.testing.assert_allclose(covariance, factor @ np.swapaxes(factor, -1, -2), rtol=1e-10, atol=1e-12)
    least, *_ = np.moveaxis(np.linalg.eigvalsh(covariance), -1, 0)
    assert (least > -1e-12 * np.abs(covariance).max()).all()
    landscape.validate_noise(minima(name))


def test_quadratic_2d_noise_is_turned_by_the_angle() -> None:
    angle = 0.3
    landscape = named("quadratic_2d", f1=3.0, f2=1.0, angle=angle)
    covariance, hessian = landscape.noise_covariance([0.5, 1.0]), landscape.hessian([0.5, 1.0])
    values, vectors = np.linalg.eigh(covariance)
    np.testing.assert_allclose(values, [1.0, 3.0])
    np.testing.assert_allclose(abs(vectors[:, 1] @ [np.cos(angle), np.sin(angle)]), 1.0)
    assert np.abs(covariance @ hessian - hessian @ covariance).max() > 0.1


@pytest.mark.parametrize("a", [0.25, 1.0, 3.0])
def test_double_well(a: float) -> None:
    landscape, points = named("double_well", a=a), minima("double_well", a=a)
    np.testing.assert_allclose(points[:, 0], [-np.sqrt(a), np.sqrt(a)], rtol=1e-15)
    np.testing.assert_allclose(landscape.loss([0.0]) - landscape.loss(points), a**2 / 4)
    np.testing.assert_allclose(landscape.hessian(points)[:, 0, 0], 2 * a)


@pytest.mark.parametrize(("sharp", "flat"), [(8.0, 2.0), (50.0, 0.5), (1.0, 1.0), (2.0, 8.0)])
def test_sharp_flat_has_the_curvatures_it_is_given_and_one_maximum(sharp: float, flat: float) -> None:
    landscape, points = named("sharp_flat", sharp=sharp, flat=flat), minima("sharp_flat")
    np.testing.assert_array_equal(landscape.loss(points), 0.0)
    np.testing.assert_array_equal(landscape.gradient(points), 0.0)
    np.testing.assert_allclose(landscape.hessian(points)[:, 0, 0], [sharp, flat], rtol=1e-14)
    x = np.linspace(-20, 20, 40_002)[:, None]  # even, so that no point is a stationary one
    slope = landscape.gradient(x)[:, 0]
    turns = x[:-1, 0][np.sign(slope[1:]) != np.sign(slope[:-1])]
    assert len(turns) == 3
    assert landscape.loss(x[1:]).min() >= 0


def test_valley_noise_is_its_hessian_near_the_floor() -> None:
    landscape = LANDSCAPES["valley"]
    x = np.linspace(-1.5, 1.5, 7)
    floor = np.stack([x, 0.5 * x**2], axis=-1)
    np.testing.assert_allclose(landscape.noise_covariance(floor), landscape.hessian(floor), rtol=1e-9, atol=1e-9)
    narrow, wide = np.moveaxis(np.linalg.eigvalsh(landscape.hessian(floor)), -1, 0)[::-1]
    assert (narrow > 15 * wide).all()


def test_every_point_of_the_flat_valley_is_a_minimum_and_its_noise_is_there_the_hessian() -> None:
    landscape = named(FLAT, sigma=0.7)
    floor = np.stack([np.linspace(-2.0, 2.0, 9), np.zeros(9)], axis=-1)
    np.testing.assert_array_equal(landscape.gradient(floor), 0.0)
    hessian = landscape.hessian(floor)
    np.testing.assert_allclose(hessian[:, 1, 1], 1 + floor[:, 0] ** 2)
    np.testing.assert_array_equal(hessian[:, 0], 0.0)
    np.testing.assert_allclose(landscape.noise_covariance(floor), 0.49 * hessian, atol=1e-15)
    curvature = [landscape.hessian(at)[1, 1] for at in (floor[0], minima(FLAT)[0])]
    assert curvature[1] < curvature[0]  # the entry names the flattest


def test_the_flat_valleys_noise_is_that_of_labels() -> None:
    landscape, (x, y), step = named(FLAT), (0.8, -0.6), 1e-6

    def model(x, y):
        return y * np.sqrt(1 + x**2)

    slope = [model(x + step, y) - model(x - step, y), model(x, y + step) - model(x, y - step)]
    np.testing.assert_allclose(landscape.noise_factor([x, y])[:, 0], np.array(slope) / (2 * step), rtol=1e-8)
    np.testing.assert_allclose(landscape.loss([x, y]), model(x, y) ** 2 / 2)


def test_mueller_brown_has_the_published_depths() -> None:
    depths = LANDSCAPES["mueller_brown"].loss(minima("mueller_brown"))
    np.testing.assert_allclose(depths, [-146.700, -80.768, -108.167], atol=1e-3)
    np.testing.assert_allclose(named("mueller_brown", scale=0.01).loss(minima("mueller_brown")), depths / 100)


def test_zhu_two_bowls_is_the_lesser_of_two_bowls_with_the_noise_of_their_data() -> None:
    # Independent of the entry: per-example loss min{sharp, flat}(w − x), x of the given covariance, in turned axes.
    spread = 0.02
    landscape = named("zhu_two_bowls", spread=spread)
    turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    sharp, flat = turn.T @ np.diag([20.0, 200.0]) @ turn, 2 * np.eye(2)
    data = turn.T @ np.diag([10.0, 1.0]) @ turn * spread**2
    for centre, hessian in [((1.0, 1.0), sharp), ((-1.0, -1.0), flat)]:
        points = np.array(centre) + np.random.default_rng(3).normal(0, 0.02, (10, 2))
        away = points - centre
        bowl = 0.5 * np.einsum("ni,ij,nj->n", away, hessian, away)
        np.testing.assert_allclose(landscape.loss(points), bowl, atol=5e-4)
        np.testing.assert_allclose(landscape.hessian(points), np.broadcast_to(hessian, (10, 2, 2)), atol=0.05)
        exact = hessian @ data @ hessian
        np.testing.assert_allclose(landscape.noise_covariance(points), np.broadcast_to(exact, (10, 2, 2)), rtol=2e-3)
    np.testing.assert_allclose(sharp @ data @ sharp, 200 * spread**2 * sharp)  # F ∝ H, as the entry says


def test_unknown_names_are_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"landscape must be one of quadratic, .*zhu_two_bowls, got 'triple_well'"):
        named("triple_well")
    with pytest.raises(ValueError, match="parameters of double_well are a, f, got 'b'"):
        named("double_well", b=1.0)
    with pytest.raises(ValueError, match=r"minima: .* has no finite real value at a = -1"):
        minima("double_well", a=-1.0)
    with pytest.raises(ValueError, match="must be a finite real number"):
        named("double_well", a=float("nan"))
