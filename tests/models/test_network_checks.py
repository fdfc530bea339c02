"""Which networks are refused, and what the errors say; README's list of them is of what is here."""

import numpy as np
import pytest
import torch
from tables import every
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from sgdsde.config import SGDConfig
from sgdsde.data import digits
from sgdsde.models import mean_hessian, mlp, noise_covariance, per_example_gradients, train, two_batch_estimates

pytestmark = [
    pytest.mark.networks,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),  # of torch.func.vmap
]

DATA = digits(n_train=60)
CONFIG = SGDConfig(0.1, 10, 60)
DOORS = {
    "train": lambda model: train(model, DATA, CONFIG, 10**9, initialization="shared"),
    "noise_covariance": lambda model: noise_covariance(model, DATA),
    "mean_hessian": lambda model: mean_hessian(model, DATA),
    "per_example_gradients": lambda model: per_example_gradients(model, DATA),
    "two_batch_estimates": lambda model: two_batch_estimates(model, DATA, (5, 50), 10),
}


class Written(nn.Module):
    """A network as a function of (itself, x), with modules and buffers of its own."""

    def __init__(self, forward, *inner, **buffers):
        super().__init__()
        self.written, self.inner = forward, nn.ModuleList(inner or [mlp(64, 10)])
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, x):
        return self.written(self, x)


def counting(self, x):
    self.calls += 1
    return self.inner[0](x)


def running_mean(self, x):
    with torch.no_grad():
        self.mean.mul_(0.9).add_(0.1 * x.mean(0))
    return self.inner[0](x - self.mean)


def clamped(self, x):
    with torch.no_grad():
        self.inner[0][0].weight.clamp_(-10, 10)  # changes nothing now
    return self.inner[0](x)


def noisy(self, x):
    return self.inner[0](x) + torch.from_numpy(np.random.default_rng().standard_normal(10)).to(x)


def frozen():
    model = mlp(64, 16, 10)
    model[0].weight.requires_grad_(False)
    return model


def gradient_hook():
    model = mlp(64, 16, 10)
    model[0].weight.register_hook(lambda gradient: 2 * gradient)
    return model


def starting_with(layer):
    return nn.Sequential(layer, nn.Linear(64, 10))


def images(*layers):
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 2, 3), *layers, nn.Flatten(), nn.Linear(72, 10))


REFUSALS = {
    "batch normalisation": (
        lambda: starting_with(nn.BatchNorm1d(64)),
        "sum over examples, which BatchNorm1d undoes at 0: it ties .* take GroupNorm or LayerNorm",
    ),
    "its function": (
        lambda: Written(lambda self, x: self.inner[0](functional.batch_norm(x, None, None, training=True))),
        "model must accept a single example too: Expected more than 1 value per channel",
    ),
    "instance normalisation with a memory": (
        lambda: images(nn.InstanceNorm2d(2, track_running_stats=True)),
        r"leave its parameters and buffers as they are .* 2\.running_mean changed; .* call model\.eval\(\)",
    ),
    "mean of the batch": (
        lambda: Written(lambda self, x: self.inner[0](x - x.mean(0))),
        r"its outputs for an example depend on the others of the batch: \(1, 10\) alone, by ",
    ),
    "size of the batch": (lambda: Written(lambda self, x: self.inner[0](x) / len(x)), "depend on the others of the"),
    "squeezed batch": (lambda: Written(lambda self, x: self.inner[0](x.squeeze())), r"of the batch: \(10,\) alone"),
    "dropout": (
        lambda: starting_with(nn.Dropout()),
        "sum over examples, which Dropout undoes at 0: the loss at .* remove it, call",
    ),
    "its function on few": (
        lambda: Written(lambda self, x: self.inner[0](functional.dropout(x, 1e-9))),
        r"model must draw no random numbers, as torch\.nn\.functional\.dropout does",
    ),
    "leaks at random": (lambda: starting_with(nn.RReLU()), "model must draw no random numbers"),
    "random numbers from elsewhere": (lambda: Written(noisy), "the same outputs for the same inputs, two calls differ"),
    "counter": (
        lambda: Written(counting, calls=torch.zeros(())),
        "buffers as they are when it is called, calls changed",
    ),
    "running mean": (lambda: Written(running_mean, mean=torch.zeros(64)), "when it is called, mean changed"),
    "clamped weights": (lambda: Written(clamped), r"when it is called, inner\.0\.0\.weight changed"),
    "spectral norm": (
        lambda: starting_with(nn.utils.parametrizations.spectral_norm(nn.Linear(64, 64))),
        r"when it is called, 0\.parametrizations\.weight\.0\._u changed",
    ),
    "frozen weights": (frozen, r"requires_grad=True, got 1 frozen, such as 0\.weight"),
    "hook on a gradient": (gradient_hook, r"no hooks on gradients, as they would not be called: 0\.weight has one"),
    "no weights": (nn.Flatten, "model must have parameters, .* got none"),
    "lazy": (lambda: nn.LazyLinear(10), r"model must have shapes, weight has none yet: call model\(x\)"),
    "meta": (lambda: nn.Linear(64, 10, device="meta"), "real numbers, weight is torch.float32 on meta"),
    "complex": (lambda: nn.Linear(64, 10, dtype=torch.complex64), "real numbers, weight is torch.complex64 on cpu"),
    "a tuple": (lambda: Written(lambda self, x: (self.inner[0](x),)), "one tensor of real numbers, got tuple"),
    "classes": (
        lambda: Written(lambda self, x: self.inner[0](x).argmax(1)),
        "one tensor of real numbers, got torch.int64",
    ),
    "one row": (lambda: Written(lambda self, x: self.inner[0](x).sum(0)), r"a row for each example, got \(10,\)"),
    "detached": (lambda: Written(lambda self, x: self.inner[0](x).detach()), "got detached ones"),
    "data parallel": (lambda: nn.DataParallel(mlp(64, 10)), r"got a DataParallel: hand in its \.module"),
    "convolution on flat inputs": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 10)),
        r"model must accept inputs of shape \(n, 64\) of float(32|64), as digits has: its Conv2d at 0 was given "
        r"\(n, 64\) of float(32|64) and takes \(n, 1, height, width\); begin with nn\.Unflatten\(1, \(1, 8, 8\)\)\. "
        "RuntimeError: Expected 3D",
    ),
    "too wide a layer": (lambda: mlp(64, 6, 10)[:1].append(nn.Linear(7, 10)), r"its Linear at 1 .* takes \(n, …, 7\)"),
    "an embedding": (lambda: nn.Sequential(nn.Embedding(17, 4)), "takes whole numbers below 17"),
    "own error": (lambda: Written(lambda self, x: {}["no such"]), "as digits has: its Written was given .* KeyError"),
}


@every("door", DOORS)
@every("refused", REFUSALS)
def test_what_is_no_sum_over_examples_is_refused_before_anything_runs(refused, door):
    make, message = REFUSALS[refused]
    model = make()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        DOORS[door](model)
    assert torch.equal(state, torch.get_rng_state())


def compiled():
    return torch.compile(mlp(64, 10))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("make", "name"),
    [(lambda: torch.jit.script(mlp(64, 10)), "Script"), (compiled, "Optimized")],
)
def test_scripted_and_compiled_modules_are_refused(make, name):
    model = make()
    for door in DOORS.values():
        with pytest.raises(ValueError, match=f"model must be of plain torch.nn.Modules, got a {name}Module"):
            door(model)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.steps, self.last = kind(8, 6, batch_first=True), nn.Linear(6, 10)

    def forward(self, x):
        return self.last(self.steps(x.view(-1, 8, 8))[0][:, -1])


def branching(self, x):
    return self.inner[0](x) if float(x.detach().sum()) > 0 else -self.inner[0](x)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_recurrent_layers_have_a_hessian_but_no_gradients_beside_each_other(kind):
    model = Recurrent(kind)
    for door in ("train", "noise_covariance"):
        with pytest.raises(ValueError, match=r"can differentiate for one \w+ beside the other, by torch\.func\.vmap"):
            DOORS[door](model)
    H, weights = mean_hessian(model, DATA), list(model.double().parameters())
    x, y = torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train)
    v = np.random.default_rng(0).standard_normal(H.n_parameters)
    slopes = torch.autograd.grad(functional.cross_entropy(model(x), y), weights, create_graph=True)
    along = torch.cat([g.flatten() for g in slopes]) @ torch.from_numpy(v)
    wanted = torch.cat([g.flatten() for g in torch.autograd.grad(along, weights)])
    np.testing.assert_allclose(H.product(v), wanted.numpy(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("door", ["train", "noise_covariance", "per_example_gradients"])
def test_a_branch_on_numbers_is_refused(door):
    with pytest.raises(ValueError, match=r"by torch\.func\.vmap, torch says: vmap: .* data-dependent control flow"):
        list(DOORS[door](Written(branching)))


def test_what_torch_cannot_differentiate_forward_is_named_where_it_is_asked_for():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(64, 6)), nn.Tanh(), nn.Linear(6, 10))
    F, v = noise_covariance(model, DATA), np.ones(64 * 6 + 6 + 6 + 70)
    assert F.trace > 0
    with pytest.raises(ValueError, match=r"that torch can differentiate forward, by torch\.func\.jvp, torch says"):
        F.product(v)
    with pytest.raises(ValueError, match="that torch can differentiate twice, the second time forward, torch says"):
        mean_hessian(model, DATA).product(v)


ACCEPTED = {
    "batch normalisation for evaluation": lambda: starting_with(nn.BatchNorm1d(64)).eval(),
    "dropout for evaluation": lambda: starting_with(nn.Dropout()).eval(),
    "constant buffer": lambda: Written(lambda self, x: self.inner[0](x - self.mean), mean=torch.full((64,), 0.3)),
    "layer normalisation": lambda: starting_with(nn.LayerNorm(64)),
    "groups": lambda: images(nn.GroupNorm(2, 2)),
    "instances": lambda: images(nn.InstanceNorm2d(2)),
    "attention": lambda: nn.Sequential(
        nn.Unflatten(1, (8, 8)), nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval(),
        nn.Flatten(), nn.Linear(64, 10),
    ),
}  # fmt: skip


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_what_is_a_sum_over_examples_is_taken_and_stays_as_it_is(accepted):
    model = ACCEPTED[accepted]()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    runs = train(model, DATA, CONFIG, 2, initialization="shared")
    assert np.isfinite(runs.train_loss).all()
    assert noise_covariance(model, DATA).trace > 0
    assert mean_hessian(model, DATA).n_parameters == sum(p.numel() for p in model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not model._forward_pre_hooks


def test_tied_weights_are_one_weight():
    first, last = nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False)
    last.weight = first.weight
    model = nn.Sequential(first, nn.Tanh(), last, nn.Linear(64, 10))
    runs = train(model, DATA, SGDConfig(0.1, 60, 60), 1, initialization="shared", dtype="float64")
    net, x, y = model.double(), torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train)
    functional.cross_entropy(net(x), y).backward()
    with torch.no_grad():
        for p in net.parameters():
            p.sub_(p.grad, alpha=0.1)
        assert runs.train_loss.item() == pytest.approx(functional.cross_entropy(net(x), y).item(), rel=1e-12)


def test_labels_of_every_data_set_must_fit_the_model():
    binary = [digits(n_train=60), digits(n_train=60, seed=1)]
    zeros = {"y_train": np.zeros(60, dtype=int), "y_test": np.zeros(597, dtype=int)}
    binary[0] = type(binary[0])(**{**vars(binary[0]), **zeros})
    with pytest.raises(ValueError, match=r"logits of shape \(n, classes ≥ 10\)"):
        train(mlp(64, 2), binary, CONFIG, 10, 2)


@pytest.mark.parametrize("door", ["noise_covariance", "mean_hessian", "per_example_gradients", "two_batch_estimates"])
def test_every_door_but_training_takes_the_same_forms_of_data(door):
    x, y = torch.tensor(DATA.x_train).double(), torch.tensor(DATA.y_train)
    model, v = mlp(64, 10), np.linspace(-1, 1, 650) ** 3
    take = {
        "noise_covariance": lambda data: noise_covariance(model, data).trace,
        "mean_hessian": lambda data: mean_hessian(model, data).product(v),
        "per_example_gradients": lambda data: torch.cat(list(per_example_gradients(model.double(), data))),
        "two_batch_estimates": lambda data: two_batch_estimates(model, data, (5, 50), 2).numerators,
    }[door]
    forms = (DATA, (x, y), (x.numpy(), y.numpy()), (x.tolist(), y.tolist()), [x, y[:, None]], [(x, y)])
    forms += (((x[:20], y[:20]), (x[20:], y[20:])),)
    for form in forms[1:]:
        np.testing.assert_allclose(take(form), take(forms[0]), rtol=1e-12, atol=1e-14)
    wrong = {
        r"data\[0\], the inputs, must be finite, got inf at \[3, 1\]": (
            x.index_put((torch.tensor(3), torch.tensor(1)), torch.tensor(torch.inf).double()),
            y,
        ),
        r"data\[1\]\[0\], the inputs, must be finite, got nan at \[0, 0\]": [(x, y), (x * torch.nan, y)],
        r"data\[1\], the targets, must be one class number for each of 60 examples, got \(5,\)": (x, y[:5]),
        r"data must be .* got a TensorDataset": TensorDataset(x, y),
        r"data must be .* got a Tensor \(60, 64\)": x,
        r"data must be .* got a list of Dataset": [DATA, DATA],
        r"data must be .* got a str": "digits",
        r"data must be .* got an empty tuple": (),
    }
    for message, data in wrong.items():
        with pytest.raises(ValueError, match=message) as refused:
            take(data)
        assert len(str(refused.value)) < 300
