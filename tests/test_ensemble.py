"""Ensemble: errors that are right, and a dataset that says what it is."""

import functools
import json
import warnings

import numpy as np
import pytest
import xarray
from engine_landscapes import BOWL as LINE

import sgdsde as sg
from sgdsde import DivergenceWarning, Landscape, SGDConfig, simulate_sde, simulate_sgd

CONFIG = SGDConfig(0.2, 4, 64, 0.5)
BOWL = Landscape("(x**2 + 3*y**2)/2", "x y", noise_covariance=[[1, 0.5], [0.5, 2]], name="bowl")


def test_standard_errors_are_the_scatter_over_repetitions() -> None:
    """400 repetitions tell a standard deviation to 1/√800 = 3.5 %; 4σ is 14 %. Small ensembles, so 1/√paths counts."""
    runs = [
        simulate_sgd(BOWL, CONFIG, [0, 0], 60, 48, burn_in=30, seed=seed, examples="rademacher") for seed in range(400)
    ]
    means = np.array([run.mean for run in runs])
    covariances = np.array([run.covariance for run in runs])
    for values, errors in [
        (means, np.array([run.standard_error.mean for run in runs])),
        (covariances, np.array([run.standard_error.covariance for run in runs])),
    ]:
        scatter, reported = values.std(axis=0, ddof=1), np.sqrt((errors**2).mean(axis=0))
        assert (np.abs(scatter / reported - 1) < 0.16).all()
    predicted = sg.theory.stationary_covariance(
        BOWL.hessian([0, 0]), BOWL.noise_covariance([0, 0]), CONFIG, dynamics="sgd"
    )
    error = covariances.std(axis=0, ddof=1) / 20
    assert (np.abs(covariances.mean(axis=0) - predicted) < 4 * error).all()  # unbiased, though each has 48 paths
    assert (error < 0.01 * np.sqrt(np.multiply.outer(np.diag(predicted), np.diag(predicted)))).all()


def test_covariance_counts_time_and_paths() -> None:
    run = simulate_sde(BOWL, CONFIG, [1.0, -1.0], 20, 50, burn_in=5, save_every=1)
    kept = run.snapshots[6:]
    within = np.mean([np.cov(kept[:, p].T, bias=True) for p in range(50)], axis=0)
    between = np.cov(kept.mean(axis=0).T)
    np.testing.assert_allclose(run.covariance, within + between, rtol=1e-12)
    np.testing.assert_allclose(run.mean, kept.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(run.standard_error.mean, kept.mean(axis=0).std(axis=0, ddof=1) / np.sqrt(50), rtol=1e-12)


def test_one_path_has_no_error_bar() -> None:
    run = simulate_sgd(LINE, CONFIG, 0.0, 100, 1)
    assert np.isfinite(run.mean).all()
    assert np.isnan(run.standard_error.mean).all()
    assert np.isnan(run.standard_error.covariance).all()


def test_shapes_and_fields() -> None:
    run = simulate_sgd(BOWL, CONFIG, [0, 0], 12, 5, save_every=5)
    assert run.final.shape == (5, 2)
    assert run.snapshots.shape == (4, 5, 2)  # after 0, 5, 10 and 12 updates
    assert run.path_mean.shape == (5, 2)
    assert run.path_covariance.shape == (5, 2, 2)
    assert run.mean.shape == (2,)
    assert run.covariance.shape == run.standard_error.covariance.shape == (2, 2)
    assert (run.parameters, run.config, run.updates, run.paths, run.save_every) == (("x", "y"), CONFIG, 12, 5, 5)
    assert simulate_sgd(BOWL, CONFIG, [0, 0], 12, 5).snapshots.shape == (0, 5, 2)
    assert "5 paths, 12 updates" in repr(run)


@functools.cache
def datasets() -> dict[str, sg.Ensemble]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lost = simulate_sgd(
            Landscape("x**4/4", "x", name="ω⁴"), SGDConfig(0.1, 4, 64), [[50.0], [0.0]], 30, 2, save_every=10
        )
    own = np.random.default_rng(0).normal(size=(64, 2))
    return {
        "saved": simulate_sgd(BOWL, CONFIG, [0, 0], 12, 5, save_every=5, seed=2**64 - 1, examples=own),
        "final": simulate_sde(BOWL, CONFIG, [0.5, 0], 12, 5, substeps=3, burn_in=2),
        "lost": lost,
    }


@pytest.fixture(params=["saved", "final", "lost"])
def ensemble(request) -> sg.Ensemble:
    return datasets()[request.param]


def test_dataset_has_names_units_and_clocks(ensemble: sg.Ensemble) -> None:
    data = ensemble.to_xarray()
    assert data["w"].dims == ("saved", "path", "parameter")
    assert data["w_covariance"].dims == ("parameter", "other_parameter")
    assert list(data["parameter"].values) == list(ensemble.parameters)
    for name, variable in {**data.data_vars, **{name: data[name] for name in ("step", "time")}}.items():
        assert variable.attrs["long_name"], name
        assert name == "diverged" or variable.attrs["units"] == "1"
    np.testing.assert_allclose(data["time"], data["step"] * ensemble.config.time_per_update, rtol=1e-14)
    np.testing.assert_array_equal(data["diverged"], ~ensemble.finite)
    np.testing.assert_array_equal(data["w_mean"], ensemble.mean)
    np.testing.assert_array_equal(data["w_covariance_error"], ensemble.standard_error.covariance)
    if ensemble.save_every:
        assert data.step.values.tolist() == {12: [0, 5, 10, 12], 30: [0, 10, 20, 30]}[ensemble.updates]
        np.testing.assert_array_equal(data["w"], ensemble.snapshots)
    else:
        assert data.step.values.tolist() == [ensemble.updates]
        np.testing.assert_array_equal(data["w"][0], ensemble.final)


def test_no_name_of_a_dataset_is_a_method_of_xarray(ensemble: sg.Ensemble) -> None:
    data = ensemble.to_xarray()
    assert not [name for name in data.variables if hasattr(xarray.Dataset, name)]
    for name in data.variables:
        assert getattr(data, name).identical(data[name])


@pytest.mark.parametrize("simulate", [simulate_sde, simulate_sgd])
def test_time_is_the_sum_of_what_updates_take(simulate) -> None:
    """t = Σ (1 − d) ε(k)/(N(1 − m)): of ε = 0.4, 0.2, … the first update takes twice as long as the second."""
    rates, sizes = [0.4, 0.2, 0.1, 0.05], [1, 2, 4, 8]
    config = SGDConfig(0.1, 4, 64, momentum=0.5, dampening=0.25)
    options = {"save_every": 1, "engine": "numpy"}
    run = simulate(LINE, config, 0.0, 4, 3, learning_rates=rates, batch_sizes=sizes, **options)
    expected = np.append(0, np.cumsum(rates)) * 0.75 / (64 * 0.5)
    np.testing.assert_allclose(run.to_xarray().time, expected, rtol=1e-14)
    np.testing.assert_allclose(run.time([[4], [0]]), expected[[[4], [0]]], rtol=1e-14)
    end = simulate(LINE, config, 0.0, 4, 3, learning_rates=rates, engine="numpy").to_xarray()
    np.testing.assert_allclose(end.time, expected[[4]], rtol=1e-14)
    constant = simulate(LINE, config, 0.0, 4, 3, batch_sizes=sizes, **options)  # B alone changes no clock
    np.testing.assert_allclose(constant.to_xarray().time, np.arange(5) * config.time_per_update, rtol=1e-14)


@pytest.mark.parametrize("engine", ["numpy", "torch", "numba"])
@pytest.mark.parametrize("stop", [None, "x > 0.3"])
def test_the_last_state_is_kept_too(engine: str, stop: str | None) -> None:
    run = simulate_sgd(LINE, SGDConfig(0.3, 1, 64), 0.0, 20, 50, save_every=7, stop=stop, engine=engine)
    every = simulate_sgd(LINE, SGDConfig(0.3, 1, 64), 0.0, 20, 50, save_every=1, stop=stop, engine=engine)
    assert run.saved_updates.tolist() == run.to_xarray().step.values.tolist() == [0, 7, 14, 20]
    np.testing.assert_array_equal(run.snapshots, every.snapshots[[0, 7, 14, 20]])  # NaN after a path has ended
    inside = np.isfinite(run.snapshots[-1, :, 0])
    assert inside.all() if stop is None else inside.any() and not inside.all()
    np.testing.assert_array_equal(run.after(20)[inside], run.final[inside])
    with pytest.raises(ValueError, match="whose states were kept, every 7 updates and the last; got 15"):
        run.after(15)


def test_provenance_is_complete_and_survives_json(ensemble: sg.Ensemble) -> None:
    attributes = ensemble.to_xarray().attrs
    assert json.loads(json.dumps(attributes)) == attributes
    assert {type(value) for value in attributes.values()} <= {str, int, float}
    for key, value in ensemble.config.to_dict().items():
        assert attributes[key] == value
    for key in (
        "seed",
        "dynamics",
        "substeps",
        "engine",
        "device",
        "dtype",
        "updates",
        "paths",
        "burn_in",
        "save_every",
    ):
        assert key in attributes, key
    assert attributes["sgdsde_version"] == sg.__version__
    assert {"landscape", "loss", "noise", "noise_entries", "landscape_parameters", "w0"} <= set(attributes)


def test_dataset_can_be_written_and_read(ensemble: sg.Ensemble, tmp_path) -> None:
    data = ensemble.to_xarray()
    data.to_netcdf(tmp_path / "run.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "run.nc", engine="scipy") as again:
        xarray.testing.assert_equal(again.load(), data)
        assert {key: again.attrs[key] for key in data.attrs} == data.attrs


def test_a_run_can_be_repeated_from_its_attributes() -> None:
    landscape = Landscape("a*x**4/4 - x**2/2", "x", {"a": 1.5}, noise_covariance="1 + x**2")
    run = simulate_sgd(landscape, CONFIG, 0.25, 30, 7, seed=2**40, examples="student_t:5", burn_in=4)
    told = json.loads(json.dumps(run.to_xarray().attrs))
    parameters, entries = json.loads(told["landscape_parameters"]), json.loads(told["noise_entries"])
    config = SGDConfig(**{key: told[key] for key in CONFIG.to_dict()})
    again = simulate_sgd(
        Landscape(told["loss"], "x", parameters, noise_covariance=entries[0][0]),
        config,
        json.loads(told["w0"]),
        told["updates"],
        told["paths"],
        seed=int(told["seed"]),
        examples=told["examples"],
        burn_in=told["burn_in"],
        engine=told["engine"],
        dynamics=told["dynamics"],
        noise=told["step_noise"],
    )
    np.testing.assert_array_equal(again.final, run.final)
    np.testing.assert_array_equal(again.covariance, run.covariance)


@pytest.mark.filterwarnings("ignore::sgdsde.simulate.StabilityWarning")
def test_diverged_paths_are_named_in_the_dataset() -> None:
    with pytest.warns(DivergenceWarning):
        run = simulate_sgd(Landscape("x**4/4", "x"), SGDConfig(0.1, 4, 64), [[50.0], [0.0], [0.1]], 30, 3)
    data = run.to_xarray()
    assert data["diverged"].values.tolist() == [True, False, False]
    assert np.isfinite(data["w_mean"]).all()
    assert np.isnan(data["w"].values[0, 0]).all()
