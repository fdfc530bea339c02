"""SGDConfig: the paper's arithmetic, and what it refuses."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from tables import every

from sgdsde import SGDConfig, models, theory
from sgdsde.config import SAMPLINGS


def batch_noise_by_enumeration(n: int, b: int, replacement: bool) -> float:
    """c from all batches of N scalar examples with unbiased variance 1."""
    import itertools

    x = np.arange(n) - (n - 1) / 2
    x /= x.std(ddof=1)
    batches = itertools.product(x, repeat=b) if replacement else itertools.combinations(x, b)
    return float(np.mean([np.mean(batch) ** 2 for batch in batches]))


@pytest.mark.parametrize("b", [1, 2, 3, 5, 6])
def test_batch_noise_is_the_variance_over_all_batches(b: int) -> None:
    for sampling, replacement in [("with_replacement", True), ("without_replacement", False)]:
        exact = batch_noise_by_enumeration(6, b, replacement)
        assert SGDConfig(0.1, b, 6, sampling=sampling).batch_noise == pytest.approx(exact, rel=1e-13, abs=1e-15)


def test_reshuffle_has_the_noise_of_one_batch_without_replacement() -> None:
    assert SGDConfig(0.1, 3, 6, sampling="reshuffle").batch_noise == SGDConfig(0.1, 3, 6).batch_noise


@pytest.mark.parametrize("m", [0.0, 0.5, 0.9])
def test_scale_temperature_and_time_are_the_papers(m: float) -> None:
    rate, b, n = 0.3, 5, 200
    config = SGDConfig(rate, b, n, m)
    assert config.noise_scale == pytest.approx(rate * (n / b - 1) / (1 - m), rel=1e-14)
    assert config.temperature == pytest.approx(config.noise_scale / n, rel=1e-14)
    assert config.time_per_update == pytest.approx(rate / (n * (1 - m)), rel=1e-14)
    assert config.mean_loss_time_per_update == pytest.approx(n * config.time_per_update, rel=1e-14)
    assert config.updates_per_epoch == 40
    drawn = SGDConfig(rate, b, n, m, "with_replacement")
    assert drawn.noise_scale == pytest.approx(rate * (n - 1) / (b * (1 - m)), rel=1e-14)


def test_a_full_batch_has_no_noise() -> None:
    assert SGDConfig(0.1, 64, 64).noise_scale == 0
    assert SGDConfig(0.1, 64, 64, sampling="reshuffle").noise_scale == 0


def test_batches_larger_than_the_data_only_with_replacement() -> None:
    assert SGDConfig(0.1, 100, 64, sampling="with_replacement").batch_noise == 63 / 6400


@every(
    ("name", "value", "accepted"),
    [
        ("learning_rate", 0.0, "positive"),
        ("learning_rate", -0.1, "positive"),
        ("learning_rate", float("nan"), "finite"),
        ("learning_rate", float("inf"), "finite"),
        ("learning_rate", "0.1", "positive finite number"),
        ("learning_rate", True, "positive finite number"),
        ("learning_rate", None, "positive finite number"),
        ("learning_rate", 1j, "positive finite number"),
        ("learning_rate", 10**400, "finite"),
        ("learning_rate", [0.1], "positive finite number"),
        ("learning_rate", 1e-170, "between 1e-150 and 1e+150"),
        ("learning_rate", 1e160, "between 1e-150 and 1e+150"),
        ("weight_decay", 1e160, "from 0 to 1e+150"),
        ("n_examples", 2**63, "from 2 to 9223372036854775807"),
        ("n_examples", 10**400, "from 2 to 9223372036854775807"),
        ("momentum", 1.0, "of at least 0 and below 1"),
        ("momentum", -0.1, "of at least 0 and below 1"),
        ("momentum", float("nan"), "finite"),
        ("batch_size", 0, "from 1 to"),
        ("batch_size", -3, "from 1 to"),
        ("batch_size", 2.0, "integer"),
        ("batch_size", True, "integer"),
        ("batch_size", "4", "integer"),
        ("batch_size", 65, "at most n_examples = 64"),
        ("n_examples", 1, "from 2 to"),
        ("n_examples", 64.0, "integer"),
        ("sampling", "shuffle", "reshuffle, shuffle_once, with_replacement, without_replacement"),
        ("sampling", None, "reshuffle, shuffle_once, with_replacement, without_replacement"),
        ("sampling", ["reshuffle"], "reshuffle, shuffle_once, with_replacement, without_replacement"),
        ("drop_last", "yes", "True or False"),
        ("drop_last", 2, "True or False"),
    ],
)
def test_refusals_name_argument_value_and_what_is_accepted(name: str, value: object, accepted: str) -> None:
    good = {"learning_rate": 0.1, "batch_size": 4, "n_examples": 64, "momentum": 0.5, "sampling": "without_replacement"}
    with pytest.raises(ValueError, match=name) as error:
        SGDConfig(**(good | {name: value}))  # type: ignore[arg-type]
    assert accepted in str(error.value)
    assert (repr(value) if value != 65 else "65") in str(error.value)


@pytest.mark.parametrize("sampling", ["reshuffle", "shuffle_once"])
def test_a_permutation_is_cut_into_batches_of_which_the_last_may_be_smaller(sampling: str) -> None:
    for b, sizes, kept, dropped in ((3, (3,) * 21 + (1,), 22, 21), (48, (48, 16), 2, 1), (16, (16,), 4, 4)):
        whole, cut = (SGDConfig(0.1, b, 64, sampling=sampling, drop_last=drop) for drop in (False, True))
        assert (whole.sizes, whole.updates_per_epoch) == (sizes, kept)
        assert (cut.sizes, cut.updates_per_epoch) == ((b,), dropped)
        assert whole.batch_noise == cut.batch_noise == 1 / b - 1 / 64
    with pytest.raises(ValueError, match="batch_size must be at most n_examples = 64"):
        SGDConfig(0.1, 65, 64, sampling=sampling)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement"])
def test_only_epochs_have_a_last_batch(sampling: str) -> None:
    assert SGDConfig(0.1, 3, 64, sampling=sampling).sizes == (3,)
    with pytest.raises(ValueError, match=f"drop_last must be False when sampling is '{sampling}'"):
        SGDConfig(0.1, 3, 64, sampling=sampling, drop_last=True)


def test_numpy_numbers_become_plain_ones() -> None:
    config = SGDConfig(np.float64(0.1), np.int64(4), np.int32(64), np.float32(0.5))  # type: ignore[arg-type]
    assert [type(value) for value in config.to_dict().values()] == [float, int, int, float, str, float, float, int]
    assert SGDConfig(**json.loads(json.dumps(config.to_dict()))) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(dataclasses.replace(config)) == hash(config)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.learning_rate = 1.0  # type: ignore[misc]


def test_replace_checks_again() -> None:
    with pytest.raises(ValueError, match="batch_size"):
        dataclasses.replace(SGDConfig(0.1, 4, 64), batch_size=100)


def test_every_sampling_is_accepted() -> None:
    for sampling in SAMPLINGS:
        assert SGDConfig(0.1, 4, 64, sampling=sampling).sampling == sampling


@pytest.mark.parametrize("change", [{"dampening": 0.2}, {"weight_decay": 0.1}])
def test_what_a_theory_does_not_cover_is_refused(change: dict) -> None:
    config = SGDConfig(0.1, 4, 64, **change)
    for call in (
        lambda: theory.optimal_learning_rate(1.0, 1.0, config),
        lambda: models.LinearRegression.gaussian(2, spectrum=[1.0, 0.5], label_variance=1.0).stationary_covariance(
            config
        ),
    ):
        with pytest.raises(ValueError, match=f"config must have {next(iter(change))} = 0 here"):
            call()
