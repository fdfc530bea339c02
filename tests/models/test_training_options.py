import numpy as np
import pytest
import torch
from tables import every
from torch import nn
from torch.nn.functional import cross_entropy

from sgdsde.config import SGDConfig
from sgdsde.data import digits
from sgdsde.dynamics import all_rules
from sgdsde.models import draw_weights, mlp, train, training
from sgdsde.models.dynamics import names
from sgdsde.models.training_plan import groups, tensor_cores

pytestmark = pytest.mark.networks

DIGITS = digits(n_train=60, seed=3)


def plain_noisy_descent(model, replica, setting, updates, rates):
    """Noisy gradient descent as anyone would write it: all gradients one by one, F's factor as a matrix."""
    weight_seed, noise_seed = np.random.SeedSequence(0, spawn_key=(replica,)).generate_state(2, np.uint64)
    net = mlp(64, 5, 10).double()
    net.load_state_dict(draw_weights(model, int(weight_seed)))
    x, y, n = torch.tensor(DIGITS.x_train).double(), torch.tensor(DIGITS.y_train), DIGITS.n_train
    generator, v = np.random.default_rng(int(noise_seed)), 0
    for k in range(updates):
        rows = []
        for i in range(n):
            loss = cross_entropy(net(x[i : i + 1]), y[i : i + 1])
            rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))]))
        g = torch.stack(rows)
        factor = (g - g.mean(0)) / np.sqrt(n - 1)
        noise = np.sqrt(setting.batch_noise) * (torch.from_numpy(generator.standard_normal(n)) @ factor)
        v = setting.momentum * v + g.mean(0) + noise
        with torch.no_grad():
            after = nn.utils.parameters_to_vector(net.parameters()) - rates[k] * v
            nn.utils.vector_to_parameters(after, net.parameters())
    return net, x, y


def test_noisy_descent_is_what_a_plain_loop_does_and_schedules_are_followed(monkeypatch):
    monkeypatch.setattr("sgdsde.models.descent.PART", {"cpu": 25})
    setting, rates = SGDConfig(0.1, 5, 60, 0.8), np.array([0.3, 0.2, 0.1, 0.4])
    model = mlp(64, 5, 10)
    runs = train(model, DIGITS, setting, 4, 2, "noisy_gd", dtype="float64", learning_rates=rates)
    for replica in range(2):
        net, x, y = plain_noisy_descent(model, replica, setting, 4, rates)
        with torch.no_grad():
            assert runs.train_loss[replica, -1].item() == pytest.approx(cross_entropy(net(x), y).item(), rel=1e-10)
            norm_of = nn.utils.parameters_to_vector(net.parameters()).norm().item()
        assert runs.weight_norm[replica, -1].item() == pytest.approx(norm_of, rel=1e-12)
    assert runs.time.item() == pytest.approx(rates.sum() / (60 * 0.2))
    assert "float64 array (4,)" in runs.attrs["learning_rates"]


DIVIDED = ("svag", "sde", "momentum_sde")


def without_momentum(dynamics):
    """Whether its rule has none, or its noise is not made for any."""
    return dynamics == "svag" or (dynamics in all_rules() and "momentum" not in all_rules()[dynamics].takes)


def options(dynamics):
    return {"substeps": 3} if dynamics in DIVIDED else {}


SETS = [digits(n_train=60, seed=s) for s in range(5)]
MODELS = [(mlp(64, 6, 10), DIGITS), (mlp(64, 6, 10), SETS)]
#: Rules do not know how a network is differentiated: one of them, and each of the noises.
OTHER = (nn.Sequential(nn.Linear(64, 6), nn.Tanh(), nn.Linear(6, 10)), SETS)


@pytest.mark.parametrize(
    ("dynamics", "model", "data"),
    [(name, *case) for name in names() for case in MODELS]
    + [(name, *OTHER) for name in names() if name == "adam" or name not in all_rules()],
)
def test_replicas_of_many_configs_are_those_of_separate_runs_alone_or_together(dynamics, model, data, monkeypatch):
    m = 0.0 if without_momentum(dynamics) else 0.5
    configs = [SGDConfig(0.1, 5, 60, m), SGDConfig(0.2, 5, 60, m), SGDConfig(0.1, 10, 60, m, "with_replacement")]
    configs += [SGDConfig(0.1, 5, 60, m / 2), configs[0]]
    arguments = {"updates": 6, "replicas": 5, "dynamics": dynamics, "evaluate_every": 4, "dtype": "float64"}
    arguments |= options(dynamics)
    mixed = train(model, data, configs, **arguments)
    for r in (1, 2, 3) if data is DIGITS else (3,):  # replica r is the same in any company
        config = configs[r]
        first = {"data": data[: r + 1] if isinstance(data, list) else data, "replicas": r + 1}
        own = train(model, config=config, **arguments | first)
        assert np.array_equal(mixed.train_loss[r], own.train_loss[r])
        assert np.array_equal(mixed.time[r], own.time)
        assert mixed.learning_rate[r] == config.learning_rate
        assert mixed.sampling[r] == config.sampling
    together = []

    def as_on_a_gpu(moving, device):
        together.extend(groups(moving, torch.device("cuda")))
        return together

    monkeypatch.setattr(training, "groups", as_on_a_gpu)
    stacked = train(model, data, configs, **arguments)
    assert len(together) < 5
    np.testing.assert_allclose(stacked.train_loss, mixed.train_loss, rtol=1e-10)
    np.testing.assert_allclose(stacked.weight_norm, mixed.weight_norm, rtol=1e-12)


@pytest.mark.parametrize("dynamics", names())
def test_a_constant_schedule_is_the_config_itself(dynamics):
    config = SGDConfig(0.1, 5, 60)
    arguments = (mlp(64, 6, 10), DIGITS, config, 10, 2, dynamics)
    constant = train(*arguments, **options(dynamics))
    scheduled = train(*arguments, **options(dynamics), learning_rates=np.full(11, 0.1), batch_sizes=[5] * 10)
    assert np.array_equal(constant.train_loss, scheduled.train_loss)
    assert constant.time.item() == pytest.approx(scheduled.time.item(), rel=1e-14)


def test_batch_sizes_of_reshuffling_follow_their_schedule():
    """Whole epochs in batches of many sizes, against a plain loop."""
    config, sizes = SGDConfig(0.1, 5, 60, 0.9, "reshuffle"), np.array([10, 20, 30, 15, 45, 60])
    runs = train(mlp(64, 6, 10), DIGITS, config, 6, dtype="float64", batch_sizes=sizes)
    weight_seed, batch_seed = np.random.SeedSequence(0, spawn_key=(0,)).generate_state(2, np.uint64)
    net, generator = mlp(64, 6, 10).double(), np.random.default_rng(int(batch_seed))
    net.load_state_dict(draw_weights(mlp(64, 6, 10), int(weight_seed)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.tensor(DIGITS.x_train).double(), torch.tensor(DIGITS.y_train)
    for batch in np.split(np.concatenate([generator.permutation(60) for _ in range(3)]), np.cumsum(sizes)[:-1]):
        optimizer.zero_grad()
        cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    assert runs.train_loss.item() == pytest.approx(cross_entropy(net(x), y).item(), rel=1e-10)


def test_measures_of_the_user_are_taken_at_the_marks_of_each_replica_and_cannot_change_it():
    sets = [digits(n_train=60, seed=s) for s in (1, 2)]

    def first_bias(weights, x, y):
        found = weights["0.bias"][0].item()
        weights["0.bias"].fill_(np.nan)
        return found

    def slope(weights, x, y):
        leaf = {name: w.requires_grad_() for name, w in weights.items()}
        loss = cross_entropy(torch.func.functional_call(mlp(64, 10), leaf, (x,)), y)
        return sum(g.square().sum() for g in torch.autograd.grad(loss, list(leaf.values()))).sqrt()

    arguments = (mlp(64, 10), sets, SGDConfig(0.1, 5, 60), 10, 2)
    runs = train(*arguments, evaluate_every=5, measures={"first_bias": first_bias, "slope": slope})
    assert runs.first_bias.dims == ("replica", "step")
    assert len(np.unique(runs.first_bias)) == 4
    assert (runs.slope > 0).all()
    plain = train(*arguments, evaluate_every=5)
    assert np.array_equal(plain.train_loss, runs.train_loss)
    with pytest.raises(ValueError, match=r"measures\['pair'\] must return a number"):
        train(*arguments, measures={"pair": lambda w, x, y: x[:2]})


@every(
    ("changes", "message"),
    [
        ({"substeps": 0}, "substeps must be an integer of at least 1, got 0"),
        ({"substeps": 2}, "substeps must be 1 for dynamics 'sgd', whose step is an update; got 2"),
        ({"driver": "brownian"}, "driver must be left out for noise 'batches'"),
        ({"dynamics": "sde", "driver": "epoched"}, "driver must be 'brownian' for sampling"),
        ({"dynamics": "noisy_gd", "driver": "levy"}, "driver must be one of brownian, epoched"),
        ({"dynamics": "noisy_gd", "substeps": 2}, "substeps must be 1 for dynamics 'noisy_gd'"),
        ({"dynamics": "svag"}, "dynamics 'svag' is made for SGD without momentum and independent .* momentum = 0.9"),
        ({"dynamics": "svag", "config": SGDConfig(0.1, 5, 60, 0, "reshuffle")}, "got sampling = 'reshuffle'"),
        ({"learning_rates": [0.1] * 9}, "learning_rates must be a sequence of at least 10 numbers"),
        ({"learning_rates": [0.1] * 9 + [-1]}, "learning_rates must be positive and finite, got -1 at update 9"),
        ({"batch_sizes": [61] * 10}, "batch_sizes must be whole numbers of at least 1 and at most n_examples = 60"),
        ({"config": [SGDConfig(0.1, 5, 60)] * 3}, "config must be one SGDConfig or one per replica, 2, got 3"),
        ({"config": 0.1}, "config must be an SGDConfig or a sequence of them, got 0.1"),
        ({"config": [SGDConfig(0.1, 5, 60), SGDConfig(0.1, 5, 61)]}, "same n_examples in all replicas, got 60, 61"),
        (
            {"config": SGDConfig(0.1, 5, 60, 0.5), "dynamics": "adam"},
            "momentum must be 0 for dynamics 'adam', .* got 0.5",
        ),
        ({"measures": [len]}, "measures must be a mapping from names to functions"),
        ({"measures": {"train_loss": len}}, "measures must have names .* not taken already, got 'train_loss'"),
        ({"measures": {"a b": len}}, "measures must have names that are identifiers .* got 'a b'"),
        ({"measures": {"loss": 1}}, r"measures\['loss'\] must be a function of weights, x and y, got 1"),
        ({"tf32": 1}, "tf32 must be True or False, got 1"),
        ({"tf32": True}, "tf32 must be False but for float32 on a CUDA device"),
        ({"checkpoint_every": 0}, "checkpoint_every must be an integer of at least 1"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    good = {"model": mlp(64, 10), "data": DIGITS, "config": SGDConfig(0.1, 5, 60, 0.9), "updates": 10, "replicas": 2}
    with pytest.raises(ValueError, match=message):
        train(**good | changes)


@pytest.mark.parametrize("tf32", [True, False])
def test_tf32_is_set_for_the_call_alone(tf32):
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with tensor_cores(torch.device("cuda"), tf32):
        assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (tf32, tf32)
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before
    with tensor_cores(torch.device("cpu"), tf32=not before[0]):
        assert torch.backends.cuda.matmul.allow_tf32 == before[0]


def test_all_that_configs_differ_in_is_told_of_each_replica():
    configs = [
        SGDConfig(0.1, 5, 60, weight_decay=0.1, hyperparameters={"beta1": 0.5}),
        SGDConfig(0.1, 5, 60, weight_decay=0.2, hyperparameters={"beta2": 0.9}),
    ]
    runs = train(mlp(64, 6, 10), DIGITS, configs, 2, 2, "adam")
    assert runs.weight_decay.values.tolist() == [0.1, 0.2]
    np.testing.assert_array_equal(runs["hyperparameters.beta1"], [0.5, np.nan])
    np.testing.assert_array_equal(runs["hyperparameters.beta2"], [np.nan, 0.9])
    assert not {"weight_decay", "hyperparameters.beta1", "hyperparameters.beta2"} & set(runs.attrs)
    assert runs.attrs["dampening"] == 0.0


@pytest.mark.parametrize("sizes", [None, [10] * 4])
def test_noise_of_a_group_is_that_of_each_replica(sizes, monkeypatch):
    """With equal c of the configs' B, but other batches at an epoch's end, or under a schedule."""
    configs = [SGDConfig(0.1, 25, 60), SGDConfig(0.1, 25, 60, sampling="reshuffle")]
    if sizes:
        configs = [SGDConfig(0.1, 1, 60), SGDConfig(0.1, 1, 60, sampling="with_replacement")]
        assert configs[0].batch_noise == pytest.approx(configs[1].batch_noise, rel=1e-15)
    arguments = {"updates": 4, "replicas": 2, "noise": "isotropic", "dtype": "float64", "batch_sizes": sizes}
    alone = train(mlp(64, 6, 10), DIGITS, configs, **arguments)
    monkeypatch.setattr(training, "groups", lambda moving, device: groups(moving, torch.device("cuda")))
    together = train(mlp(64, 6, 10), DIGITS, configs, **arguments)
    np.testing.assert_allclose(together.train_loss, alone.train_loss, rtol=1e-10)


class Scaled(nn.Module):
    """A layer times a parameter that is a number, as a temperature that is learned, or a vector of one."""

    def __init__(self, shape):
        super().__init__()
        self.layer, self.scale = nn.Linear(64, 10), nn.Parameter(torch.full(shape, 2.0))

    def forward(self, x):
        return self.scale * self.layer(x)


@pytest.mark.parametrize("options", [{}, {"dynamics": "adam"}, {"noise": "isotropic"}, {"noise": "diagonal"}])
def test_a_parameter_may_be_a_number(options):
    vector, number = Scaled((1,)), Scaled(())
    number.load_state_dict(
        {name: v.reshape(number.state_dict()[name].shape) for name, v in vector.state_dict().items()}
    )
    runs = [
        train(model, DIGITS, SGDConfig(0.1, 5, 60), 4, initialization="shared", dtype="float64", **options)
        for model in (number, vector)
    ]
    np.testing.assert_allclose(runs[0].train_loss, runs[1].train_loss, rtol=1e-12)
    np.testing.assert_allclose(runs[0].weight_norm, runs[1].weight_norm, rtol=1e-12)
