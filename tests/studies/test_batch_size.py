"""The study of batch sizes: what is trained, kept and told."""

import numpy as np
import pytest
from tables import every

import sgdsde as sg

pytestmark = pytest.mark.networks

SIZES, RATES = [2, 5, 10, 20, 50], [0.2, 0.4]
CONFIG = sg.SGDConfig(0.2, batch_size=7, n_examples=100, momentum=0.5)


def study(store=None, sizes=SIZES, **more):
    options = {"replicas": 3, "updates": 40, "learning_rates": RATES, "seed": 3, **more}
    return sg.batch_size_study(
        sg.models.mlp(64, 10), sg.data.digits(n_train=100), CONFIG, sizes, store=store, **options
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    store = tmp_path_factory.mktemp("study")
    fractions = []
    return study(store, progress=fractions.append), store, fractions


def test_each_cell_is_the_training_that_it_says(found):
    result, _, fractions = found
    config = sg.SGDConfig(0.4, batch_size=10, n_examples=100, momentum=0.5)
    alone = sg.models.train(sg.models.mlp(64, 10), sg.data.digits(n_train=100), config, 20, 3, seed=3)
    cell = result.runs.sel(learning_rate=0.4, batch_size=10)
    np.testing.assert_array_equal(cell.test_accuracy, alone.test_accuracy.isel(step=-1))
    assert cell.updates == 20  # the same time at twice the learning rate
    assert float(cell.noise_scale) == config.noise_scale
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)
    assert len(result.optima) == 2


def test_again_it_trains_nothing_but_what_is_new(found):
    result, store, _ = found
    written = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    again = study(store)
    np.testing.assert_array_equal(again.runs.test_accuracy, result.runs.test_accuracy)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()} == written
    wider = study(store, [*SIZES, 100])
    np.testing.assert_array_equal(wider.runs.test_accuracy[:, :5], result.runs.test_accuracy)
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert sorted(path.name for path in store.iterdir() if " 100 " in path.name) == ["0.2 100 40", "0.4 100 20"]


def test_it_prints_a_line_for_each_learning_rate_and_is_drawn(found):
    result, _, _ = found
    lines = repr(result).splitlines()
    assert lines[0].split()[:2] == ["ε", "B_opt"]
    assert [line.split()[0] for line in lines[1:]] == ["0.2", "0.4"]
    left = sg.plotting.batch_size_chart(result).axes[0]
    np.testing.assert_allclose(left.containers[0].lines[0].get_xdata(), [1 / (1 / b - 1 / 100) for b in SIZES])


def test_noise_scales_of_batches_between_those_trained():
    result = sg.studies.BatchSizeStudy(None, (), CONFIG)
    for size in (1, 10, 100):
        config = sg.SGDConfig(0.3, size, 100, momentum=0.5)
        assert result.noise_scale(0.3, size) == pytest.approx(config.noise_scale, rel=1e-12, abs=1e-12)
    assert result.noise_scale(0.3, 0) == np.inf
    assert result.noise_scale(0.3, np.inf) == 0
    with_replacement = sg.SGDConfig(0.3, 10, 100, momentum=0.5, sampling="with_replacement")
    other = sg.studies.BatchSizeStudy(None, (), with_replacement)
    assert other.noise_scale(0.3, 10) == pytest.approx(with_replacement.noise_scale)


def test_a_network_that_diverged_is_wrong_about_everything():
    with np.errstate(all="ignore"):
        result = study(learning_rates=[1e38], updates=5)
    assert bool(result.runs.diverged.all())
    assert not result.optima[0].resolved


@every(
    ("options", "message"),
    [
        ({"sizes": [1, 2, 4, 8]}, "batch_sizes must be at least 5 increasing integers"),
        ({"sizes": [1, 2, 4, 8, 8]}, "batch_sizes must be at least 5 increasing"),
        ({"sizes": [0, 2, 4, 8, 16]}, "batch_sizes must be an integer of at least 1, got 0"),
        ({"learning_rates": [0.1, 0.1]}, "learning_rates must be at least one and differ"),
        ({"replicas": 2}, "replicas must be an integer of at least 3, got 2"),
        ({"level": 2}, "level must be a finite real number above 0 and below 1"),
        ({"checkpoint": "here"}, "options must not have checkpoint"),
        ({"sizes": [1, 2, 4, 8, 101]}, "batch_size must be at most n_examples"),
    ],
)
def test_bad_input_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        study(**options)
