"""Landscapes of arrays: the same numbers as formulas, the laws of theory in 200 dimensions, refusals."""

import itertools

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde import schemes
from sgdsde.engines import lane_kernel, noise
from sgdsde.engines.moment_groups import group_edges
from sgdsde.engines.noise import OwnExamples, ReferenceNoise
from sgdsde.landscapes import linear_regression, separable, wide_quadratic
from sgdsde.requests import sgd_request
from sgdsde.run import prepare
from sgdsde.schemes.matrix_program import runs_on_arrays

pytestmark = pytest.mark.networks

H, F = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
OPTIMUM, START = np.array([0.3, -0.2]), np.array([1.0, 0.6])
TEXT = "(2*(x - 0.3)**2 + 1.0*(x - 0.3)*(y + 0.2) + (y + 0.2)**2)/2"
QUADRATIC = wide_quadratic(H, F, optimum=OPTIMUM)
FORMULA = sg.Landscape(TEXT, "x y", noise_covariance=F)
WELLS = separable("x**4/4 - a*x**2/2", 2, parameters={"a": [0.5, 1.0]}, noise_covariance="1 + x**2/4")
WELLS_FORMULA = sg.Landscape(
    "x**4/4 - 0.5*x**2/2 + y**4/4 - y**2/2", "x y", noise_covariance=[["1 + x**2/4", "0"], ["0", "1 + y**2/4"]]
)
#: Landscape of arrays → the same one as a formula.
PAIRS = {"quadratic": (QUADRATIC, FORMULA), "separable": (WELLS, WELLS_FORMULA)}
CONFIG = sg.SGDConfig(0.1, batch_size=4, n_examples=64, momentum=0.3)
GENERATOR = np.random.default_rng(1)
INPUTS = GENERATOR.standard_normal((40, 3))
OUTPUTS = INPUTS @ [1.0, 2.0, 3.0] + GENERATOR.standard_normal(40)
REGRESSION = linear_regression(INPUTS, OUTPUTS)


def hard_problem(d, rank):
    """H and F that do not commute, F of that rank."""
    generator = np.random.default_rng(d)
    one, other = (np.linalg.qr(generator.standard_normal((d, d)))[0] for _ in range(2))
    strengths = np.concatenate([np.zeros(d - rank), np.linspace(0.5, 2.0, rank)])
    return (one * np.linspace(0.5, 2.0, d)) @ one.T, (other * strengths) @ other.T


def runs(landscape, scheme, config=CONFIG, **options):
    update = scheme not in schemes.declarations()
    simulate = sg.simulate_sgd if update else sg.simulate_sde
    steps = {"dynamics": scheme} if update else {"scheme": scheme, "substeps": 2}
    given = {"w0": START, "updates": 17, "paths": 130, "seed": 5, "burn_in": 4, "save_every": 6}
    return simulate(landscape, config, **{**given, **steps, **options})


def agree(one, other, tolerance=1e-10):
    for name in ("final", "snapshots", "mean", "covariance"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=tolerance, rtol=0)
    for name in ("mean", "covariance"):
        np.testing.assert_allclose(
            getattr(one.standard_error, name), getattr(other.standard_error, name), atol=tolerance, rtol=0
        )
    for name, values in one.auxiliary.items():
        np.testing.assert_allclose(values, other.auxiliary[name], atol=tolerance, rtol=0)


# The same steps as formulas


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "reshuffle"])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("scheme", ["sgd", "heavy_ball", "nesterov"])
def test_sgd_takes_the_same_steps_as_on_a_formula(pair, sampling, scheme):
    config = sg.SGDConfig(0.1, 4, 64, momentum=0.3, sampling=sampling, weight_decay=0.2)
    one, other = (runs(each, scheme, config, engine=e) for each, e in zip(PAIRS[pair], (None, "numpy"), strict=True))
    agree(one, other)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
@pytest.mark.parametrize("pair", PAIRS)
def test_permutations_are_cut_as_on_a_formula(pair, sampling, drop_last):
    """64 = 12·5 + 4."""
    config = sg.SGDConfig(0.1, 5, 64, momentum=0.3, sampling=sampling, drop_last=drop_last)
    one, other = (runs(each, "sgd", config, engine=e) for each, e in zip(PAIRS[pair], (None, "numpy"), strict=True))
    agree(one, other)


def test_the_numba_engine_takes_the_same_steps():
    agree(runs(QUADRATIC, "sgd"), runs(FORMULA, "sgd", engine="numba"))


def chain(d):
    """A formula of d variables in a row."""
    names = [f"x{i}" for i in range(d)]
    neighbours = itertools.pairwise(names)
    return sg.Landscape(" + ".join([f"{n}**2" for n in names] + [f"{a}*{b}/2" for a, b in neighbours]), names)


def test_the_numba_engine_takes_the_same_steps_where_it_sums_moments_in_loops():
    formula, start = chain(18), np.linspace(0.0, 1.0, 18)
    arrays = wide_quadratic(formula.hessian(start))
    agree(*(runs(each, "sgd", w0=start, engine=engine) for each, engine in ((arrays, None), (formula, "numba"))))


def test_the_text_of_a_kernel_grows_with_the_dimension_and_not_its_square():
    def length(d):
        request = sgd_request(chain(d), CONFIG, np.zeros(d), 10, 128)
        return len(lane_kernel.source(prepare(request).plan))

    assert length(40) < 2.3 * length(20)


@pytest.mark.parametrize("pair", PAIRS)
def test_every_scheme_that_runs_takes_the_same_steps_as_on_a_formula(pair):
    arrays, formula = PAIRS[pair]
    found = [name for name, each in schemes.declarations().items() if runs_on_arrays(each, arrays)]
    assert {"euler_maruyama", "baoab", "heun", "weak_euler"} <= set(found)
    assert ("exact_ou" in found) == (pair == "quadratic")
    for name in [*found, "noisy_gd", "svag"]:
        config = sg.SGDConfig(0.1, 4, 64) if name == "svag" else CONFIG
        agree(runs(arrays, name, config), runs(formula, name, config, engine="numpy"))


def test_schedules_take_the_same_steps_as_on_a_formula():
    rates, sizes = np.linspace(0.1, 0.2, 17), np.tile([4, 60], 9)[:17]
    given = {"learning_rates": rates, "batch_sizes": sizes}
    agree(runs(QUADRATIC, "sgd", **given), runs(FORMULA, "sgd", engine="numpy", **given))
    agree(runs(QUADRATIC, "euler_maruyama", **given), runs(FORMULA, "euler_maruyama", engine="numpy", **given))


def test_a_run_in_the_time_of_the_sde_takes_the_same_steps_as_on_a_formula():
    path = sg.BrownianPath(dimension=2, time=1.0, steps=32, seed=3)
    for brownian in (None, path):
        one, other = (
            sg.integrate(each, START, 1.0, 16, 70, temperature=0.2, brownian=brownian, engine=engine)
            for each, engine in ((QUADRATIC, None), (FORMULA, "numpy"))
        )
        agree(one, other)


def test_a_path_is_the_same_whatever_the_number_of_paths_and_shares(monkeypatch):
    from sgdsde.engines import torch_matrix

    many = runs(QUADRATIC, "sgd", paths=400)
    monkeypatch.setitem(torch_matrix._TOGETHER, "cpu", 200)
    shared = runs(QUADRATIC, "sgd", paths=400)
    np.testing.assert_array_equal(many.final[:130], runs(QUADRATIC, "sgd").final)
    agree(many, shared, 1e-14)


def test_single_precision_is_near():
    one, other = runs(QUADRATIC, "sgd", dtype="float32"), runs(QUADRATIC, "sgd")
    np.testing.assert_allclose(one.final, other.final, atol=1e-5)


def test_functions_of_points_are_those_of_the_formula():
    points = np.random.default_rng(0).standard_normal((5, 2))
    for arrays, formula in PAIRS.values():
        offset = arrays.loss(points[0]) - formula.loss(points[0])
        np.testing.assert_allclose(arrays.loss(points) - offset, formula.loss(points), atol=1e-12)
        for name in ("gradient", "hessian", "noise_covariance", "noise_factor", "curvatures"):
            expected = getattr(formula, name)(points)
            found = np.broadcast_to(getattr(arrays, name)(points), expected.shape)
            np.testing.assert_allclose(found, expected, atol=1e-12, err_msg=name)


def test_the_noise_of_a_regression_is_the_covariance_of_its_examples():
    w = np.array([0.3, -1.0, 2.0])
    gradients = INPUTS * (INPUTS @ w - OUTPUTS)[:, None]
    np.testing.assert_allclose(REGRESSION.gradient(w), gradients.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(REGRESSION.noise_covariance(w), np.cov(gradients.T), atol=1e-12)


# Laws


@pytest.mark.parametrize(("scheme", "model"), [("sgd", "sgd"), ("noisy_gd", "sgd"), ("baoab", "sde")])
def test_the_covariance_in_100_dimensions_is_that_of_theory(scheme, model):
    hessian, covariance = hard_problem(100, rank=75)
    assert np.abs(hessian @ covariance - covariance @ hessian).max() > 0.05
    config = sg.SGDConfig(0.2, batch_size=8, n_examples=256, momentum=0.5)
    landscape = wide_quadratic(hessian, covariance)
    options = {"substeps": 3} if scheme == "baoab" else {}
    found = runs(
        landscape, scheme, config, w0=np.zeros(100), updates=150, burn_in=50, paths=512, save_every=None, **options
    )
    expected = sg.theory.stationary_covariance(hessian, covariance, config, dynamics=model)
    i, j = np.random.default_rng(0).integers(100, size=(2, 200))
    error, scale = found.standard_error.covariance[i, j], np.sqrt(np.diag(expected)[i] * np.diag(expected)[j])
    assert (error <= 0.02 * scale).all()
    assert (abs(found.covariance - expected)[i, j] <= 4 * error).all()


@pytest.mark.parametrize(("sampling", "batch_size"), [("with_replacement", 2), ("without_replacement", 30)])
def test_sgd_on_a_regression_has_its_exact_law(sampling, batch_size):
    config = sg.SGDConfig(0.05, batch_size, n_examples=40, momentum=0.5, sampling=sampling)
    problem = sg.models.LinearRegression.from_examples(INPUTS, OUTPUTS)
    found = sg.simulate_sgd(problem.landscape(), config, problem.optimum, updates=500, paths=400, burn_in=100)
    expected = problem.stationary_covariance(config)
    assert (abs(found.covariance - expected) < 4 * found.standard_error.covariance).all()
    assert (np.diag(found.standard_error.covariance) < 0.03 * np.diag(expected)).all()


def test_a_regression_of_all_examples_has_no_noise():
    config = sg.SGDConfig(0.1, 40, n_examples=40, sampling="without_replacement")
    found = sg.simulate_sgd(REGRESSION, config, np.ones(3), updates=1, paths=3)
    np.testing.assert_allclose(found.final, np.tile(1 - 0.1 * REGRESSION.gradient(np.ones(3)), (3, 1)), atol=1e-12)


def test_the_sde_of_a_regression_has_the_noise_of_its_examples():
    w = np.array([0.0, 1.0, -1.0])
    found = sg.integrate(REGRESSION, w, 1e-6, 1, 20_000, temperature=0.5)
    rates = (found.final - w) / np.sqrt(0.5e-6)
    expected = REGRESSION.noise_covariance(w)
    spread = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / 20_000)
    assert (abs(np.cov(rates.T) - expected) < 4.5 * spread).all()


def test_a_ladder_goes_up_arrays_as_it_does_a_formula():
    config = sg.SGDConfig(0.4, 1, 64)
    one, other = (
        sg.ladder(each, config, START, updates=6, paths=200, svag=(2,), substeps=2, engine=engine)
        for each, engine in ((QUADRATIC, None), (FORMULA, "numpy"))
    )
    for rung, expected in zip(one.rungs, other.rungs, strict=True):
        agree(rung.ensemble, expected.ensemble)


# Roots


@pytest.mark.parametrize("rank", [1, 20, 39, 40])
def test_the_root_of_a_singular_covariance(rank):
    covariance = hard_problem(40, rank)[1]
    root = wide_quadratic(np.eye(40), covariance).root
    np.testing.assert_allclose(root @ root.T, covariance, atol=1e-13)
    np.testing.assert_array_equal(root, np.tril(root))


def test_no_noise_and_noise_of_one_direction():
    still = wide_quadratic(H, np.zeros((2, 2)))
    assert not still.noise_covariance(START).any()
    one = wide_quadratic(H, noise_factor=[[1.0], [2.0]])
    assert one.noise_dimension == 1
    found = runs(one, "euler_maruyama", w0=[0.0, 0.0])
    assert np.isfinite(found.covariance).all()


# Moments of groups


def test_moments_of_groups_are_those_of_all_samples():
    hessian, covariance = hard_problem(6, 6)
    landscape = wide_quadratic(hessian, covariance)
    found = runs(landscape, "sgd", w0=np.ones(6), updates=20, burn_in=19, paths=500, save_every=None)
    np.testing.assert_allclose(found.mean, found.final.mean(axis=0), atol=1e-13)
    np.testing.assert_allclose(found.covariance, np.cov(found.final.T), atol=1e-13)


def test_groups_pool_without_bias_and_with_errors_of_their_own(monkeypatch):
    from sgdsde.engines import moment_groups

    alone = runs(QUADRATIC, "sgd", paths=500, burn_in=16)
    monkeypatch.setattr(moment_groups, "_NUMBERS", 1)
    pooled = runs(QUADRATIC, "sgd", paths=500, burn_in=16)
    assert pooled.path_covariance.shape == (64, 2, 2)
    np.testing.assert_allclose(pooled.mean, alone.mean, atol=0.02 * np.sqrt(np.diag(alone.covariance)).min())
    np.testing.assert_allclose(pooled.covariance, alone.covariance, rtol=0.02, atol=1e-4)
    np.testing.assert_allclose(
        pooled.standard_error.covariance, alone.standard_error.covariance, rtol=0.4
    )  # four of the errors of an error from 64 groups


def test_groups_are_few_in_many_dimensions():
    for d, paths in ((1000, 5000), (200, 100_000), (3, 50), (1000, 10)):
        edges = group_edges(d, paths)
        sizes = np.diff(edges)
        assert edges[0] == 0
        assert edges[-1] == paths
        assert sizes.max() - sizes.min() <= 1
        assert 8 * len(sizes) * d * d <= max(2**25, 64 * 8 * d * d)


def test_diverged_paths_and_their_group_are_left_out():
    starts = np.zeros((70, 2))
    starts[3] = 1e154
    saddle = wide_quadratic(np.diag([-9.0, 1.0]), np.zeros((2, 2)))
    config = sg.SGDConfig(1.0, 4, 64)
    with pytest.warns(sg.DivergenceWarning, match=r"1 of 70 paths .*Path 3 was at"):
        found = sg.simulate_sgd(saddle, config, starts, updates=200, paths=70)
    assert found.diverged == 1
    np.testing.assert_allclose(found.mean, 0.0)


# Refusals, before any work

IDENTITY = np.eye(3)
REFUSED = {
    r"hessian must be symmetric .* got hessian\[0, 1\] = 1 and hessian\[1, 0\] = 0": (
        lambda: wide_quadratic([[1.0, 1.0], [0.0, 1.0]])
    ),
    r"hessian must be a symmetric \(d, d\) array, got the shape \(2, 3\)": lambda: wide_quadratic(np.ones((2, 3))),
    r"hessian must be finite, got nan at \[1, 1\]": lambda: wide_quadratic([[1.0, 0.0], [0.0, np.nan]]),
    r"noise_covariance must be positive semidefinite; its least eigenvalue is -1": (
        lambda: wide_quadratic(IDENTITY, np.diag([1.0, -1.0, 2.0]))
    ),
    r"noise_covariance must be a symmetric \(3, 3\) array as the others are, got the shape \(2, 2\)": (
        lambda: wide_quadratic(IDENTITY, np.eye(2))
    ),
    r"noise_covariance must not be negative, got -1.0": lambda: wide_quadratic(IDENTITY, -1.0),
    r"noise_factor must have the shape \(3, k\), got \(2, 2\)": lambda: wide_quadratic(
        IDENTITY, noise_factor=np.eye(2)
    ),
    r"give noise_covariance or noise_factor, not both": lambda: wide_quadratic(
        IDENTITY, IDENTITY, noise_factor=IDENTITY
    ),
    r"optimum must be a number or an array of shape \(3,\), got the shape \(2,\)": (
        lambda: wide_quadratic(IDENTITY, optimum=[1.0, 2.0])
    ),
    r"hessian must be a symmetric \(d, d\) array of real numbers, got complex128": (
        lambda: wide_quadratic(1j * IDENTITY)
    ),
    r"outputs must have the shape \(40,\)": lambda: linear_regression(INPUTS, OUTPUTS[1:]),
    r"inputs must have the shape \(N, d\)": lambda: linear_regression(OUTPUTS, OUTPUTS),
    r"inputs must be finite, got inf at \[0, 0\]": lambda: linear_regression([[np.inf], [1.0]], [1.0, 2.0]),
    r"dimension must be an integer of at least 1, got 0": lambda: separable("x**2", 0),
    r"parameters\['a'\] must be a number or an array of shape \(3,\)": (
        lambda: separable("a*x**2", 3, parameters={"a": [1.0, 2.0]})
    ),
    r"noise_covariance must be finite and not negative where paths start, got -3 at w0\[1\] = 2": (
        lambda: runs(separable("x**2", 2, noise_covariance="1 - x**2"), "sgd", w0=[0.0, 2.0])
    ),
    r"engine must be one of torch for quadratic in 2 dimensions, a landscape of arrays, got 'numba'": (
        lambda: runs(QUADRATIC, "sgd", engine="numba")
    ),
    r"scheme 'tamed_euler' does not run on quadratic in 2 dimensions, .* those that do: euler_heun, euler_maruyama": (
        lambda: runs(QUADRATIC, "tamed_euler")
    ),
    r"dynamics 'sgd' does not run on quadratic .* which have no updated, a number that changes from step to step": (
        lambda: runs(QUADRATIC, "sgd", sg.SGDConfig(0.1, 4, 64, momentum=0.3, dampening=0.1))
    ),
    r"dynamics 'adam' does not run on quadratic .* which have no products of vectors": lambda: runs(
        QUADRATIC, "adam", sg.SGDConfig(0.1, 4, 64)
    ),
    r"scheme 'exact_ou' does not run on 2 terms": lambda: runs(WELLS, "exact_ou"),
    r"scheme 'heun' does not run on linear regression": lambda: runs(REGRESSION, "heun", w0=np.zeros(3)),
    r"stop must be left out for quadratic in 2 dimensions, a landscape of arrays; got 'w0 > 1'": (
        lambda: runs(QUADRATIC, "sgd", stop="w0 > 1")
    ),
    r"w0 must have shape \(..., 2\), one column for each of 2 components; got shape \(3,\)": (
        lambda: runs(QUADRATIC, "sgd", w0=np.zeros(3))
    ),
    r"config.n_examples must be the number of examples of the regression, 40, got 64": (
        lambda: runs(REGRESSION, "sgd", w0=np.zeros(3))
    ),
    r"examples must be left out: those of linear regression of 40 examples are its own": (
        lambda: runs(REGRESSION, "sgd", w0=np.zeros(3), examples="rademacher")
    ),
    r"landscape must be one of formulas, a Landscape, for this": (
        lambda: sg.escape_study(QUADRATIC, CONFIG, START, stop="w0 > 1")
    ),
    r"landscape must be one of formulas, a Landscape, for this; got <Quadratic": (
        lambda: sg.rare_exit_time(QUADRATIC, CONFIG, START, stop="w0 > 1")
    ),
    r"landscape must be one of formulas, a Landscape, for this; quadratic in 2": (
        lambda: sg.modified_landscape(QUADRATIC, 0.1)
    ),
    r"weight_decay must be a finite real number of at least 0, got -1": lambda: QUADRATIC.weight_decayed(-1),
    r"scheme 'exact_ou' is made for one step size": (
        lambda: runs(QUADRATIC, "exact_ou", learning_rates=np.linspace(0.1, 0.2, 17))
    ),
}


@every("message", REFUSED)
def test_refused_before_any_work(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


def test_an_unstable_step_is_warned_of():
    with pytest.warns(sg.StabilityWarning, match="curvature"):
        runs(QUADRATIC, "sgd", sg.SGDConfig(2.0, 4, 64), updates=2, burn_in=0, save_every=None)


def test_the_provenance_tells_arrays_apart():
    one, other = (runs(wide_quadratic(h), "sgd").provenance for h in (H, 2 * H))
    assert one["hessian"] != other["hessian"]
    assert one["noise_factor"] == other["noise_factor"]
    assert one["engine"] == "torch"
    assert runs(QUADRATIC, "sgd").to_xarray().attrs["loss"] == "quadratic"


@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
def test_gradients_of_examples_are_means_of_their_own_batches(sampling):
    """40 = 5·7 + 5, by hand from the examples that the judge of the engines picks."""
    config = sg.SGDConfig(0.1, 7, 40, sampling=sampling)
    found = sg.simulate_sgd(REGRESSION, config, np.zeros(3), 14, 9, seed=5, save_every=1)
    sizes = np.resize(config.sizes, 14)
    table = REGRESSION.examples("gaussian", 40, 5)
    batches = OwnExamples(table, sizes, "reshuffle", repeated=config.repeated)
    source = ReferenceNoise(batches, 5, 9)
    w = np.zeros((9, 3))
    for step in range(14):
        picked = noise._PICK["reshuffle"](source, batches, step)
        assert picked.shape == (sizes[step], 9)
        x, y = INPUTS[picked], OUTPUTS[picked]
        w = w - 0.1 * np.einsum("bpi,bp->pi", x, np.einsum("bpi,pi->bp", x, w) - y) / sizes[step]
        np.testing.assert_allclose(found.snapshots[step + 1], w, atol=1e-12)
