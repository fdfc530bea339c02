"""L + (ε/4)|∇L|², against the gradient and the Hessian of L."""

import itertools
import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tables import every

import sgdsde as sg
from sgdsde.landscapes import catalog
from sgdsde.landscapes.modified import modified_landscape

RATE = 0.3
OTHERS = {
    "names": sg.Landscape("w1**2*cos(p0*w0) + w0**2 + w1**4", "w1 w0", {"p0": 0.7}, noise_covariance="1 + w0**2"),
    "functions": sg.Landscape(
        "exp(-x)*tanh(y/3) + log(1 + x**2) + sqrt(2 + y**2) + atan(x) + sinh(y)/9 + e*x + pi", "x y"
    ),
    "doubles": sg.Landscape("0.12345678901234567*x**2 + x**4/7 + 1e-7*x", "x"),
    "odd powers": sg.Landscape("(2 + x**2)**1.5 + (1 + x**2)**a", "x", {"a": 0.3}),
}


def places(landscape):
    return np.random.default_rng(1).uniform(-1.5, 1.5, (40, landscape.dimension))


@pytest.mark.parametrize("name", [*catalog.CATALOG, *OTHERS])
def test_the_drift_is_corrected_by_the_hessian_times_the_gradient(name):
    landscape = OTHERS[name] if name in OTHERS else catalog.named(name)
    modified, w = modified_landscape(landscape, RATE), places(landscape)
    gradient, hessian = landscape.gradient(w), landscape.hessian(w)
    correction = RATE / 2 * np.einsum("pij,pj->pi", hessian, gradient)
    size = np.abs(gradient).max(axis=1, keepdims=True) + np.abs(hessian).max(axis=(1, 2))[:, None] * np.abs(gradient)
    assert (np.abs(modified.gradient(w) - gradient - correction) <= 1e-12 * (1 + size)).all()
    loss = landscape.loss(w) + RATE / 4 * (gradient**2).sum(axis=1)
    np.testing.assert_allclose(modified.loss(w), loss, rtol=1e-12)


@pytest.mark.parametrize("name", [*catalog.CATALOG, *OTHERS])
def test_the_noise_stays_as_it_was(name):
    landscape = OTHERS[name] if name in OTHERS else catalog.named(name)
    w = places(landscape)
    np.testing.assert_allclose(
        modified_landscape(landscape, RATE).noise_factor(w), landscape.noise_factor(w), rtol=1e-12
    )


def test_noise_of_the_hessian_is_that_of_the_old_loss_cut_where_it_is_concave():
    well = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance="hessian")
    assert modified_landscape(well, 0.1).noise_covariance([[2.0], [0.0]]).ravel() == pytest.approx([11.0, 0.0])


def test_the_learning_rate_is_a_parameter_of_one_code():
    landscape = sg.Landscape("h*x**2/2", "x", {"h": 2.0})
    one, other = modified_landscape(landscape, 0.1), modified_landscape(landscape, np.float32(0.5))
    assert one.key == other.key
    assert one.with_parameters(learning_rate=0.5) == other
    assert other.with_parameters(learning_rate=-0.5).gradient([1.0]) == pytest.approx([1.0])
    assert other.with_parameters(learning_rate=0.0).gradient([1.0]) == pytest.approx([2.0])
    assert pickle.loads(pickle.dumps(other)) == other
    assert landscape.parameters == {"h": 2.0}


@every(
    ("rate", "message"),
    [
        (0.0, "learning_rate must be a positive finite number, got 0.0"),
        (-0.1, "learning_rate must be a positive finite number, got -0.1"),
        (float("inf"), "learning_rate must be a positive finite number, got inf"),
        ("0.1", "learning_rate must be a positive finite number, got '0.1'"),
        (True, "learning_rate must be a positive finite number, got True"),
    ],
)
def test_learning_rates_that_are_none(rate, message):
    with pytest.raises(ValueError, match=message):
        modified_landscape(sg.Landscape("x**2", "x"), rate)


@pytest.mark.parametrize("loss", ["abs(x)", "max(x, 0)**2", "min(x**2, 1)"])
def test_kinks_are_refused(loss):
    with pytest.raises(ValueError, match=r"cannot be written: L has kinks"):
        modified_landscape(sg.Landscape(loss, "x"), 0.1)


def test_what_the_language_does_not_take_is_refused_by_name():
    with pytest.raises(ValueError, match="the loss of mine, modified, cannot be written: loss: these powers of powers"):
        modified_landscape(sg.Landscape("x**40", "x", name="mine"), 0.1)


def test_one_correction_is_enough():
    once = modified_landscape(sg.Landscape("x**2", "x"), 0.1)
    with pytest.raises(ValueError, match="learning_rate is already the name of a variable or a parameter"):
        modified_landscape(once, 0.1)


def test_the_mean_of_all_orders_follows_the_loss_with_the_trace_of_f():
    """All 24 orders of N = 4 examples; the part of the correction that is there tends to 1 as ε does to 0."""
    own = sg.Landscape("x**4/4 + x**2/2", "x", noise_factor=[["1 + x**2/2"]])
    z = np.array([-1.2, -0.3, 0.4, 1.1])
    z /= z.std(ddof=1)
    start, parts, without = 0.7, [], []
    for rate in (0.02, 0.01, 0.005):
        ends = np.full(24, start)
        for place in np.array(list(itertools.permutations(range(4)))).T:
            ends -= rate * (ends**3 + ends + (1 + ends**2 / 2) * z[place])

        def flow(landscape, time=4 * rate):
            return solve_ivp(lambda _, w: -landscape.gradient(w), (0, time), [start], rtol=1e-12, atol=1e-14).y[0, -1]

        c, plain = 1 - 1 / 4, flow(own)
        shuffled = modified_landscape(own, rate, sampling="reshuffle", batch_noise=c)
        parts.append((ends.mean() - plain) / (flow(shuffled) - plain))
        without.append((ends.mean() - plain) / (flow(modified_landscape(own, rate)) - plain))
    away = np.abs(np.array(parts) - 1)
    assert away[-1] < 0.02
    assert (np.log2(away[:-1] / away[1:]) > 0.7).all()  # it falls with ε, to the first order
    assert np.abs(np.array(without) - 1).min() > 0.2  # the negative control: no Tr F


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "reshuffle"}, "batch_noise must be given"),
        ({"batch_noise": 0.2}, "batch_noise must be given"),
        ({"sampling": "reshuffle", "batch_noise": -1}, "batch_noise must be a finite real number of at least 0"),
        ({"sampling": "sorted"}, "sampling must be one of"),
    ],
)
def test_what_the_sampling_needs(options, message):
    with pytest.raises(ValueError, match=message):
        modified_landscape(sg.Landscape("x**2", "x"), 0.1, **options)


def test_fresh_batches_have_no_trace_and_c_is_a_parameter():
    own = sg.Landscape("x**2/2", "x", noise_factor=[["x"]])
    shuffled = modified_landscape(own, 0.1, sampling="reshuffle", batch_noise=0.25)
    assert shuffled.gradient([1.0]) == pytest.approx(1 + 0.05 + 0.1 / 4 * 0.25 * 2)
    assert modified_landscape(own, 0.1).gradient([1.0]) == pytest.approx(1.05)
    assert shuffled.with_parameters(batch_noise=0.0).gradient([1.0]) == pytest.approx(1.05)
    assert shuffled.noise_covariance([2.0]) == own.noise_covariance([2.0])


def shuffled(**options):
    return sg.SGDConfig(0.1, 1, 4, sampling="reshuffle", **options)


def test_the_loss_of_a_config_is_that_of_its_driver():
    """A bridge brings 1/B of Tr F itself; fresh batches have none."""
    own = sg.Landscape("x**2/2", "x", noise_factor=[["x"]])
    config = shuffled()
    assert sg.modified_for(own, config).parameters["batch_noise"] == -0.25
    by_hand = modified_landscape(own, 0.1, sampling="reshuffle", batch_noise=config.batch_noise)
    assert sg.modified_for(own, config, "brownian").gradient([1.0]) == by_hand.gradient([1.0])
    assert sg.modified_for(own, sg.SGDConfig(0.1, 1, 4)).text == modified_landscape(own, 0.1).text


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (shuffled(momentum=0.5), "config must have momentum = 0 here"),
        (shuffled(weight_decay=0.1), "config must have weight_decay = 0 here"),
        (sg.SGDConfig(0.1, 1, 4, sampling="shuffle_once"), "config must not have the sampling 'shuffle_once'"),
        (sg.SGDConfig(0.1, 3, 4, sampling="reshuffle"), "batch_size must divide n_examples"),
    ],
)
def test_configs_without_a_modified_loss(config, message):
    with pytest.raises(ValueError, match=message):
        sg.modified_for(sg.Landscape("x**2/2", "x"), config)


def test_noise_that_is_no_gradient_has_no_modified_loss():
    """A = (y, −x) drifts up Tr F, over all 24 orders, where (y, x) drifts down."""
    turning, good = (sg.Landscape("x**2/2 + y**2/4", "x y", noise_factor=[["y"], [x]]) for x in ("-x", "x"))
    message = "column 1 of its noise factor is not the gradient of a function of x, y: ∂/∂y of its row 1 is not ∂/∂x of"
    with pytest.raises(ValueError, match=message):
        modified_landscape(turning, 0.1, sampling="reshuffle", batch_noise=0.25)
    z, rate, start = np.array([-1.5, -0.5, 0.5, 1.5]), 1e-3, np.array([0.8, -0.6])
    z /= z.std(ddof=1)
    parts = []
    for landscape in (turning, good):
        ends = {}
        for noisy in (0.0, 1.0):
            w = np.tile(start, (24, 1))
            for place in np.array(list(itertools.permutations(range(4)))).T:
                noise = noisy * landscape.noise_factor(w)[:, :, 0] * z[place][:, None]
                w = w - rate * (landscape.gradient(w) + noise)
            ends[noisy] = w.mean(axis=0)
        parts.append((ends[1.0] - ends[0.0]) / (-4 * rate * rate / 4 * 0.75 * 2 * start))
    np.testing.assert_allclose(parts, [[-1, -1], [1, 1]], atol=0.01)
    constant = sg.Landscape("x**2/2 + y**2/4", "x y", noise_covariance=[["2", "1"], ["1", "2"]])
    assert sg.modified_for(constant, shuffled()).gradient([1.0, 2.0]) == pytest.approx([1.05, 1.025])
