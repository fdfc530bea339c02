"""Examples for SGD: exactly centred, exactly white, and refused where that cannot be."""

import numpy as np
import pytest
from tables import every

from sgdsde.whitened import whitened_examples


def assert_white(z: np.ndarray, bound: float = 1e-13) -> None:
    n, k = z.shape
    assert np.abs(z.mean(axis=0)).max() < bound
    centred = z - z.mean(axis=0)
    assert np.abs(centred.T @ centred / (n - 1) - np.eye(k)).max() < bound


@every("name", ["gaussian", "rademacher", "student_t:2.1", "student_t:5"])
@every(("n", "k"), [(2, 1), (4, 1), (4, 3), (64, 1), (64, 5), (1000, 10), (60_000, 2)])
def test_mean_zero_and_covariance_one(name: str, n: int, k: int) -> None:
    for seed in range(4):
        z = whitened_examples(name, n, k, seed)
        assert z.shape == (n, k)
        assert_white(z)


def test_signs_of_few_examples_are_never_all_alike() -> None:
    for seed in range(50):  # half of all pairs of signs are alike
        assert_white(whitened_examples("rademacher", 2, 1, seed))


def test_rademacher_keeps_two_values_in_one_dimension() -> None:
    z = whitened_examples("rademacher", 64, 1)
    assert len(np.unique(z.round(12))) == 2


def test_tails_are_those_asked_for() -> None:
    kurtosis = {name: float((whitened_examples(name, 60_000, 1) ** 4).mean()) for name in ("gaussian", "rademacher")}
    assert kurtosis["gaussian"] == pytest.approx(3.0, abs=4 * np.sqrt(24 / 60_000))
    assert kurtosis["rademacher"] == pytest.approx(1.0, abs=1e-3)
    assert (whitened_examples("student_t:5", 60_000, 1) ** 4).mean() > 4.5  # 9 in the limit


def test_seeds_make_other_examples_and_the_same_again() -> None:
    a, b = whitened_examples("gaussian", 64, 2, 1), whitened_examples("gaussian", 64, 2, 2)
    assert np.abs(a - b).max() > 0.1
    assert np.array_equal(a, whitened_examples("gaussian", 64, 2, 1))
    assert np.isfinite(whitened_examples("gaussian", 64, 2, 2**64 - 1)).all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_users_vectors_are_mapped_linearly(scale: float) -> None:
    rng = np.random.default_rng(0)
    raw = scale * (rng.standard_normal((50, 3)) @ rng.standard_normal((3, 3)) + 100 * rng.standard_normal(3))
    kept = raw.copy()
    z = whitened_examples(raw, 50, 3)
    assert_white(z)
    design = np.column_stack([raw, np.ones(50)])
    residual = z - design @ np.linalg.lstsq(design, z, rcond=None)[0]
    assert np.abs(residual).max() < 1e-8
    assert np.array_equal(raw, kept)


@every("name", ["student_t:2", "student_t:1", "student_t", "student_t:", "student_t:nan"])
def test_no_finite_variance_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"examples.*ν > 2"):
        whitened_examples(name, 64, 1)
    with pytest.raises(ValueError, match="student_t:inf"):
        whitened_examples("student_t:inf", 64, 1)


@every("name", ["uniform", "", "Gaussian", "gaussian:2", "rademacher:1", "student_t5"])
def test_unknown_names_list_what_exists(name: str) -> None:
    with pytest.raises(ValueError, match=r"examples must be one of gaussian, rademacher, student_t:ν, or an array"):
        whitened_examples(name, 64, 1)


def test_singular_vectors_are_refused() -> None:
    x = np.random.default_rng(0).standard_normal(50)
    for raw in (np.column_stack([x, 2 * x + 1]), np.column_stack([x, np.ones(50)]), np.zeros((50, 2))):
        with pytest.raises(ValueError, match="examples must span all 2 dimensions"):
            whitened_examples(raw, 50, 2)


@every(
    ("raw", "match"),
    [
        (np.zeros((50, 1)), r"shape.*\(50, 2\).*\(50, 1\)"),
        (np.zeros((2, 50)), r"shape.*\(50, 2\).*\(2, 50\)"),
        (np.full((50, 2), np.nan), "finite"),
        ([[1.0, 2.0], [3.0]], "real numbers"),
        (None, "got None"),
    ],
)
def test_wrong_arrays(raw: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        whitened_examples(raw, 50, 2)  # type: ignore[arg-type]


def test_too_few_examples_for_the_dimension() -> None:
    with pytest.raises(ValueError, match="n_examples must exceed the noise dimension 4"):
        whitened_examples("gaussian", 4, 4)
