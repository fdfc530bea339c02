import numpy as np
import pytest

from sgdsde.statistics import jackknife, mean


def test_of_the_mean_itself_it_is_the_mean_with_its_error():
    groups = np.random.default_rng(0).normal(size=(20, 3))
    found, expected = jackknife(groups, lambda m: m), mean(groups)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-12)
    np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-12)


def test_bias_and_error_of_a_logarithm():
    """ln of a mean of 32 groups of relative scatter 0.5: plain, it is off by −s²/(2n) = −0.0039 on average."""
    groups = np.random.default_rng(1).gamma(4.0, 0.25, size=(4000, 32))  # mean 1, standard deviation ½
    found = [jackknife(each, np.log) for each in groups]
    values = np.array([each.value for each in found])
    assert (values - np.log(groups.mean(axis=1))).mean() == pytest.approx(0.0039, rel=0.05)
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))
    assert np.mean([each.standard_error for each in found]) == pytest.approx(values.std(), rel=0.05)


def test_groups_of_matrices_and_functions_to_arrays():
    groups = np.eye(2) * np.arange(1.0, 5.0)[:, None, None]
    found = jackknife(groups, np.linalg.eigvalsh)
    np.testing.assert_allclose(found.value, [2.5, 2.5])
    assert isinstance(jackknife(groups, np.trace).value, float)


@pytest.mark.parametrize("groups", [1.0, [1.0], [1.0, np.inf]])
def test_what_cannot_be_is_refused(groups):
    with pytest.raises(ValueError, match="groups must be finite numbers of at least 2 groups"):
        jackknife(groups, np.sum)
