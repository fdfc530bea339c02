"""Gradient noise along training: exact on average, covering intervals, any loop, ranks."""

import contextlib
import subprocess
import sys
from datetime import timedelta
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import binom, norm
from torch import distributed as dist
from torch import nn

import sgdsde as sg
from sgdsde.models import TwoBatchEstimates, gradient_noise, mlp, noise_covariance, per_example_gradients
from sgdsde.models.micro_batches import StepLengths

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("one_thread")]

N = 6
GENERATOR = np.random.default_rng(3)
X, Y = GENERATOR.standard_normal((N, 3)), np.array([0, 1, 1, 0, 1, 0])
cross_entropy = nn.functional.cross_entropy


def step(noise, model, parts, weights=None):
    """One step's micro-batches of the examples in `parts`."""
    model.zero_grad()
    for k, part in enumerate(parts):
        loss = cross_entropy(model(torch.tensor(X[list(part)])), torch.tensor(Y[list(part)]))
        weight = 1 / len(parts) if weights is None else weights[k]
        (loss * weight).backward()
        noise.after_micro_batch(len(part), None if weights is None else weight)
    noise.after_step()


@pytest.mark.parametrize("weights", [None, (1 / 3, 2 / 3), (50.0, 7.0)])
def test_all_steps_of_unequal_micro_batches_average_to_the_exact_numbers(weights):
    model = mlp(3, 2, seed=4).double()
    exact = noise_covariance(model, (X, Y))
    finite = gradient_noise(model, window=None, n_examples=N)
    for one, two, three in permutations(range(N), 3):
        step(finite, model, ((one,), (two, three)), weights)
    finite.close()
    found = finite.estimate()
    assert finite.steps == 120
    assert found.numerator.value == pytest.approx(exact.trace, rel=1e-12)
    assert found.denominator.value == pytest.approx(exact.squared_norm, rel=1e-12)
    population = gradient_noise(model, window=None)
    for one, two, three in permutations(range(N), 3):
        step(population, model, ((one,), (two, three)), weights)
    of_population = exact.squared_norm - exact.trace / N
    assert population.estimate().denominator.value == pytest.approx(of_population, rel=1e-12)


def drawn(gradients, steps, sizes, generator):
    """Estimates of `steps` steps at fixed weights, of an endless population of these examples."""
    noise = gradient_noise(mlp(3, 2), window=None)
    for _ in range(steps):
        means = [gradients[generator.integers(N, size=size)].mean(0) for size in sizes]
        squares = [float(g @ g) for g in means]
        noise.add_step(sizes, squares, float(np.square(np.mean(means, axis=0)).sum()))
    return noise.estimate()


@pytest.mark.parametrize("small", [1.0, 0.1])
def test_intervals_cover_and_those_of_biased_estimates_do_not(small):
    """100 seeds of 60 steps. With the gradient a tenth as long, |∇L|² cannot be told from 0 in many of them."""
    model = mlp(3, 2, seed=4).double()
    gradients = np.concatenate(list(per_example_gradients(model, (X, Y))))
    gradients = gradients - (1 - small) * gradients.mean(0)
    trace = np.var(gradients, axis=0).sum()  # the covariance of one draw, of divisor N
    truth, generator = trace / np.square(gradients.mean(0)).sum(), np.random.default_rng(0)
    covered, naive, reaching = 0, 0, 0
    for _ in range(100):
        found = drawn(gradients, 60, (1, 2, 3), generator)
        low, high = found.interval()
        covered += low <= truth <= high
        reaching += high == np.inf
        biased = TwoBatchEstimates(found.numerators, found.denominators + found.numerators * 11 / 6 / 9)  # |G|² itself
        low, high = biased.interval()
        naive += low <= truth <= high
    few = binom(100, 0.95).ppf(norm.sf(4))  # 85
    assert covered >= few, covered / 100
    assert naive < few
    assert (reaching > 25) if small < 1 else (reaching < 10)


class Partly(nn.Module):
    """A network with a frozen layer, a layer that is not always used, and a sparse gradient."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(2, 3, sparse=True)
        self.frozen, self.sometimes, self.last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.frozen.requires_grad_(False)

    def forward(self, x):
        hidden = torch.tanh(self.frozen(x + self.table((x[:, 0] > 0).long())))
        return self.last(self.sometimes(hidden) if x.shape[0] > 1 else hidden)


def reference(model, parts):
    """Lengths of a step by torch.autograd.grad, one micro-batch at a time."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    whole, squares = 0, []
    for part in parts:
        loss = cross_entropy(model(torch.tensor(X[list(part)])), torch.tensor(Y[list(part)]))
        given = torch.autograd.grad(loss, parameters, allow_unused=True)
        flat = torch.cat([(torch.zeros_like(p) if g is None else g.to_dense()).flatten()
                          for p, g in zip(parameters, given, strict=True)])  # fmt: skip
        squares.append(float(flat @ flat))
        whole = whole + flat / len(parts)
    return [len(part) for part in parts], squares, float(whole @ whole)


def test_a_loop_with_adamw_clipping_frozen_unused_and_sparse_parameters():
    model = Partly().double()
    dense = [p for name, p in model.named_parameters() if p.requires_grad and name != "table.weight"]
    adam, sparse = torch.optim.AdamW(dense, weight_decay=0.1), torch.optim.SparseAdam(model.table.parameters())
    noise, by_hand = gradient_noise(model, window=20), gradient_noise(model, window=20)
    by_hand.close()
    for k in range(30):
        order = np.random.default_rng(k).permutation(N)
        parts = (order[:1], order[1:3], order[3:])
        by_hand.add_step(*reference(model, parts))
        adam.zero_grad(), sparse.zero_grad()
        for part in parts:
            (cross_entropy(model(torch.tensor(X[part])), torch.tensor(Y[part])) / 3).backward()
            noise.after_micro_batch(len(part))
        torch.nn.utils.clip_grad_norm_(dense, 0.01)
        adam.step(), sparse.step()
        noise.after_step()
    found, expected = noise.estimate(), by_hand.estimate()
    assert noise.steps == 20
    np.testing.assert_allclose(found.numerators, expected.numerators, rtol=1e-10)
    np.testing.assert_allclose(found.denominators, expected.denominators, rtol=1e-9, atol=1e-12)
    assert all(each.numel() == 1 for value in vars(noise).values() if isinstance(value, list)
               for each in value if isinstance(each, torch.Tensor) and not isinstance(each, nn.Parameter))  # fmt: skip


def test_backward_takes_the_gradient_of_the_batch():
    model = mlp(3, 4, 2, seed=1).double()
    x, y = torch.tensor(X[:5]), torch.tensor(Y[:5])
    loss = cross_entropy(model(x), y)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    noise = sg.gradient_noise(model, cross_entropy)
    value = noise.backward(x, y, parts=3)
    noise.after_step()
    assert value.item() == pytest.approx(loss.item(), rel=1e-12)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    assert (noise.steps, noise.left_out) == (1, 0)
    model.zero_grad()
    noise.backward(x[:1], y[:1])  # one example is one micro-batch, and says nothing of the noise
    noise.after_step()
    assert (noise.steps, noise.left_out) == (1, 1)
    assert noise.estimate().interval() == (0, np.inf)


def test_a_step_whose_gradient_overflows_is_left_out():
    assert StepLengths(1.0, 0.5, 0.25, np.inf, 1.0).estimates(None) is None


def as_rank(rank, meet):
    """How far the estimates of two ranks are from those of one process with all four micro-batches."""
    wait = timedelta(minutes=5)
    dist.init_process_group("gloo", timeout=wait, init_method=f"file://{meet}", rank=rank, world_size=2)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = nn.Linear(3, 2).double()
            x, y = torch.randn(20, 3).double(), torch.randint(2, (20,))
        net = nn.parallel.DistributedDataParallel(model)
        noise = sg.gradient_noise(model, group=dist.group.WORLD)
        alone = sg.gradient_noise(nn.Linear(3, 2).double().requires_grad_())
        for k in range(3):
            first, last = [(0, 3), (3, 5)] if rank == 0 else [(5, 9), (9, 10)]
            net.zero_grad()
            for (a, b), waits in ((first, net.no_sync()), (last, contextlib.nullcontext())):
                part = slice(10 * (k % 2) + a, 10 * (k % 2) + b)
                with waits:
                    (cross_entropy(net(x[part]), y[part]) / 2).backward()
                noise.after_micro_batch(b - a)
            noise.after_step()
            sizes, squares, whole = [], [], 0
            for a, b in [(0, 3), (3, 5), (5, 9), (9, 10)]:
                part = slice(10 * (k % 2) + a, 10 * (k % 2) + b)
                loss = cross_entropy(model(x[part]), y[part])
                g = torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(model.parameters()))])
                sizes.append(b - a), squares.append(float(g @ g))
                whole = whole + g / 4
            alone.add_step(sizes, squares, float(whole @ whole))
        a, b = noise.estimate(), alone.estimate()
        return max(abs(a.numerators / b.numerators - 1).max(), abs(a.denominators / b.denominators - 1).max())
    finally:
        dist.destroy_process_group()


#: The other rank: this file in a process of its own.
OTHER_RANK = """
import runpy, sys
print(runpy.run_path(sys.argv[1])["as_rank"](1, sys.argv[2]))
"""


@pytest.mark.slow("two processes that import torch wait for each other")
def test_two_ranks_with_accumulation_are_four_micro_batches(tmp_path):
    """This process is one of them."""
    command = [sys.executable, "-c", OTHER_RANK, __file__, str(tmp_path / "meet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert as_rank(0, tmp_path / "meet") < 1e-9
            out, _ = other.communicate(timeout=300)
        finally:
            other.kill()
    assert other.returncode == 0
    assert float(out) < 1e-9


def test_what_is_called_in_the_wrong_order_is_said():
    model = mlp(3, 2).double()
    noise = gradient_noise(model)
    with pytest.raises(RuntimeError, match=r"after_step\(\) must follow after_micro_batch"):
        noise.after_step()
    with pytest.raises(RuntimeError, match=r"after_micro_batch\(\) must follow a backward"):
        noise.after_micro_batch(1)
    step(noise, model, ((0,), (1,)))
    loss = cross_entropy(model(torch.tensor(X)), torch.tensor(Y))
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="second backward pass"):
        loss.backward()
    noise.after_micro_batch(N)
    with pytest.raises(RuntimeError, match="gradients must be zeroed before the first micro-batch"):
        noise.after_step()
    noise.close()
    model.zero_grad()
    cross_entropy(model(torch.tensor(X)), torch.tensor(Y)).backward()
    with pytest.raises(RuntimeError, match="none did"):
        noise.after_micro_batch(N)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient_noise(mlp(3, 2).requires_grad_(False)), "model must have parameters that require gradients"),
        (lambda: gradient_noise(3), "model must be a torch.nn.Module, parameters or param_groups, got int"),
        (lambda: gradient_noise(mlp(3, 2), 3), "loss must be a function"),
        (lambda: gradient_noise(mlp(3, 2), window=1), "window must be an integer of at least 2, got 1"),
        (lambda: gradient_noise(mlp(3, 2), n_examples=1), "n_examples must be"),
        (lambda: gradient_noise(mlp(3, 2)).backward(X, Y), "must be given a module and a loss"),
        (lambda: gradient_noise(mlp(3, 2), print).backward(X, Y, parts=1), "parts must be an integer of at least 2"),
        (lambda: gradient_noise(mlp(3, 2)).add_step([1], [1.0], 1.0), "sizes must be at least two"),
        (lambda: gradient_noise(mlp(3, 2)).add_step([1, 0], [1.0, 1.0], 1.0), "each of sizes must be an integer"),
        (lambda: gradient_noise(mlp(3, 2)).add_step([1, 1], [1.0], 1.0), "squared_norms must be 2 numbers"),
        (lambda: gradient_noise(mlp(3, 2)).add_step([1, 1], [1.0, 2.0], 1.0, [1.0]), "weights must be 2 numbers"),
        (lambda: gradient_noise(mlp(3, 2)).add_step([1, 1], [1.0, 2.0], np.nan), "squared_norm must be a finite"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_weights_are_given_for_all_or_for_none():
    model = mlp(3, 2).double()
    noise = gradient_noise(model.parameters())
    for weight in (0.5, None):
        cross_entropy(model(torch.tensor(X)), torch.tensor(Y)).backward()
        noise.after_micro_batch(N, weight)
    with pytest.raises(ValueError, match="weight must be given for all micro-batches of a step or for none"):
        noise.after_step()
