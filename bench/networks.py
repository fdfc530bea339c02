"""The cost of an update of a replica on MNIST's shapes, against plain PyTorch on the same device.

    python -m bench.networks [--quick] [--device cpu cuda]

The loop is what one writes with torch.optim, one replica after the other; noisy gradient descent takes one gradient
of the weighted loss of all examples. The floor is the least work of an update, done by torch as fast as it can here, in
as many threads: the matrix products, of as many rows as are taken together, and the weights and velocities once through
memory. Speed depends on how many pixels are on: of images as many as in MNIST's, where the floor has products with
as many columns and no more; of noise all. Without --device an NVIDIA GPU is measured too where there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from itertools import product
from threading import Event
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.timing import Contender, rates, verdict
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.models import batch_indices, mlp, train
from sgdsde.models.descent import updates_per_call
from sgdsde.models.parallel import in_threads

N, WIDTHS, REPLICAS, MOMENTUM, RATE = 1000, (784, 800, 10), 2, 0.9, 0.01
#: Batch sizes and numbers of replicas, of all and of a quick run.
BATCHES, QUICK_BATCHES = (1, 8, 32, 128, 512), (8, 32)
MANY, QUICK_MANY = (1, 8, 32), (2,)
#: Bars: of the floor's speed that ours must have, and of the plain loop's time that an update may take up to B = 32.
OF_FLOOR, OF_LOOP, SMALL = 0.7, 0.5, 32
#: Share of the pixels that are not 0: in MNIST's training images, and in noise.
IMAGES = {"images": 0.191, "noise": 1.0}
#: Operations of the updates of a replica in a round: more than enough for what is done once to be little of it.
OPERATIONS = 3e10
#: On a GPU: replicas that move together, B, and the bar of "× one at a time".
TOGETHER, GPU_BATCH, GPU_BAR = 64, 32, 20


def random_images(share: float) -> Dataset:
    """Noise with MNIST's shapes, in a share of the pixels."""
    generator = np.random.default_rng(0)
    x = generator.random((N + 100, WIDTHS[0]), dtype=np.float32)
    x[generator.random(x.shape) >= share] = 0
    y = generator.integers(0, 10, N + 100)
    y[:10] = y[N : N + 10] = np.arange(10)
    return Dataset("noise", x[:N], y[:N], x[N:], y[N:], (28, 28), "uniform random numbers")


def ours(data: Dataset, config: SGDConfig, updates: int, replicas: int, device: str, dynamics: str = "sgd") -> None:
    train(mlp(*WIDTHS), data, config, updates, replicas, dynamics, device=device)


#: Rules beside SGD, and what runs them in a plain loop.
RULES: dict[str, Any] = {
    "nesterov": partial(torch.optim.SGD, momentum=MOMENTUM, nesterov=True),
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def loop(data: Dataset, config: SGDConfig, updates: int, replicas: int, device: str, optimizer_of: Any = None) -> None:
    """SGD, or another of torch's optimizers, one replica after the other."""
    x, y = torch.from_numpy(data.x_train).to(device), torch.from_numpy(data.y_train).to(device)
    for replica in range(replicas):
        model = mlp(*WIDTHS, seed=replica).to(device)
        if optimizer_of is None:
            optimizer = torch.optim.SGD(model.parameters(), config.learning_rate, config.momentum)
        else:
            optimizer = optimizer_of(model.parameters(), lr=config.learning_rate)
        for index in torch.from_numpy(batch_indices(config, updates, replica)).to(device):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[index]), y[index]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        float(sum(p.detach().sum() for p in model.parameters()))  # waits for the device


def noisy_loop(data: Dataset, config: SGDConfig, updates: int, replicas: int, device: str) -> None:
    """Noisy gradient descent: one backward pass of the weighted loss of all examples."""
    x, y = torch.from_numpy(data.x_train).to(device), torch.from_numpy(data.y_train).to(device)
    for replica in range(replicas):
        model = mlp(*WIDTHS, seed=replica).to(device)
        optimizer = torch.optim.SGD(model.parameters(), config.learning_rate, config.momentum)
        generator = torch.Generator(device).manual_seed(replica)
        for _ in range(updates):
            xi = torch.randn(N, device=device, generator=generator)
            a = 1 / N + (xi - xi.mean()) * (config.batch_noise / (N - 1)) ** 0.5
            optimizer.zero_grad()
            (a * nn.functional.cross_entropy(model(x), y, reduction="none")).sum().backward()
            optimizer.step()
        float(sum(p.detach().sum() for p in model.parameters()))


def least_of_images(share: float, batch: int, updates: int, replicas: int) -> None:
    """As `least`, with products of as many columns as pixels of an image are on."""
    on = round(share * WIDTHS[0])

    def of_replica(_: int, stop: Event) -> None:
        w, v, top = torch.ones(WIDTHS[1], WIDTHS[0]), torch.ones(WIDTHS[1], WIDTHS[0]), torch.ones(WIDTHS[2], WIDTHS[1])
        x, first, out = torch.ones(batch, on), torch.ones(batch, WIDTHS[1]), torch.ones(batch, WIDTHS[2])
        some = torch.ones(WIDTHS[1], on)
        for _ in range(updates):
            torch.mm(x, some.T, out=first)
            torch.mm(first, top.T, out=out)
            torch.mm(out, top, out=first)
            torch.mm(out.T, first, out=top)
            torch.mm(first.T, x, out=some)
            w.copy_(v.mul_(MOMENTUM))

    in_threads(of_replica, range(replicas))


def least(batch: int, updates: int, replicas: int) -> None:
    """The products of all updates and their weights once through memory, and nothing else; a replica in each thread."""
    k = updates_per_call(batch, MOMENTUM)

    def of_replica(_: int, stop: Event) -> None:
        w, v, top = torch.ones(WIDTHS[1], WIDTHS[0]), torch.ones(WIDTHS[1], WIDTHS[0]), torch.ones(WIDTHS[2], WIDTHS[1])
        x, h, out = torch.ones(k * batch, WIDTHS[0]), torch.ones(k * batch, WIDTHS[1]), torch.ones(batch, WIDTHS[2])
        first = h[:batch]
        for _ in range(max(1, updates // k)):
            torch.mm(x, w.T, out=h)
            for _ in range(k):
                torch.mm(first, top.T, out=out)
                torch.mm(out, top, out=first)
                torch.mm(out.T, first, out=top)
            v.addmm_(h.T, x, beta=MOMENTUM, alpha=-1e-9)
            if k == 1:
                w.copy_(v)
            else:  # of W_t = W_0 + m φ V_0 − …, of which both are products
                torch.mm(x, v.T, out=h)
                w.addmm_(h.T, x, alpha=-1e-9)

    in_threads(of_replica, range(replicas))


def on_cpu(rounds: int, quick: bool) -> list[tuple[str, float, str]]:
    """Print the tables of SGD and the lines of other dynamics; the costs that have a bar."""
    checks = []
    for name, share in IMAGES.items():
        threads = torch.get_num_threads()
        print(f"{name}, {share:.0%} of the pixels on: 784–800–10, N = {N}, m = {MOMENTUM}, float32, {threads} threads")
        checks += of_sgd(name, share, rounds, quick)
    data = random_images(IMAGES["images"])
    return [*checks, *of_noisy_descent(data, rounds), *of_rules(data, rounds)]


def of_sgd(name: str, share: float, rounds: int, quick: bool) -> list[tuple[str, float, str]]:
    """Print updates of a replica in a second, by batch size and number of replicas."""
    print("     B    R   sgdsde train   plain loop        floor   of the floor's speed   of the loop's time")
    checks, data = [], random_images(share)
    floor_of = least if share == 1 else partial(least_of_images, share)
    for batch, replicas in product(QUICK_BATCHES if quick else BATCHES, QUICK_MANY if quick else MANY):
        config, k = SGDConfig(RATE, batch, N, MOMENTUM), updates_per_call(batch, MOMENTUM)
        calls = max(2, round(OPERATIONS / ((2 if k == 1 else 4) * 2 * k * batch * WIDTHS[0] * WIDTHS[1])))
        updates, looped = calls * k, max(4, calls * k // 8)
        found = rates(
            {
                "ours": Contender(replicas * updates, partial(ours, data, config, updates, replicas, "cpu")),
                "loop": Contender(looped, partial(loop, data, config, looped, 1, "cpu")),
                "floor": Contender(replicas * updates, partial(floor_of, batch, updates, replicas)),
            },
            rounds,
        )
        floor, cost = found.ratio("ours", "floor"), found.ratio("loop", "ours")
        print(
            f"{batch:6} {replicas:4} {found.best('ours'):12.0f}/s {found.best('loop'):10.0f}/s "
            f"{found.best('floor'):10.0f}/s {floor:22.2f} {cost:20.2f}",
            flush=True,
        )
        where = f"{name}, B = {batch}, R = {replicas}"
        checks.append((f"{where}: of the floor's speed", floor, f"≥ {OF_FLOOR}"))
        if batch <= SMALL:
            checks.append((f"{where}: of the plain loop's time", cost, f"≤ {OF_LOOP}"))
    return checks


def of_noisy_descent(data: Dataset, rounds: int) -> list[tuple[str, float, str]]:
    """Print the rates of noisy gradient descent, a step with all examples an update."""
    arguments = (data, SGDConfig(RATE, 32, N, MOMENTUM), 20, REPLICAS, "cpu")
    noisy = rates(
        {
            "ours": Contender(20 * REPLICAS, partial(ours, *arguments, "noisy_gd")),
            "loop": Contender(20 * REPLICAS, partial(noisy_loop, *arguments)),
        },
        rounds,
    )
    cost = noisy.ratio("loop", "ours")
    print(f"noisy gradient descent {noisy.best('ours'):.1f}/s, plain loop {noisy.best('loop'):.1f}/s")
    return [("an update of noisy gradient descent, of the plain loop's time", cost, "≤ 1.0")]


def of_rules(data: Dataset, rounds: int, batch: int = 32, device: str = "cpu") -> list[tuple[str, float, str]]:
    """Print the rates of other rules; their costs against torch.optim in a plain loop."""
    checks = []
    for name, optimizer in RULES.items():
        config = SGDConfig(1e-3, batch, N, MOMENTUM if name == "nesterov" else 0.0)
        arguments = (data, config, 200, REPLICAS, device)
        found = rates(
            {
                "ours": Contender(200 * REPLICAS, partial(ours, *arguments, name)),
                "loop": Contender(200 * REPLICAS, partial(loop, *arguments, optimizer)),
            },
            rounds,
        )
        print(f"{name}, B = {batch}: {found.best('ours'):.0f}/s, plain loop {found.best('loop'):.0f}/s")
        checks.append(
            (f"an update of {name} at B = {batch}, of torch.optim's in a loop", found.ratio("loop", "ours"), "≤ 1.0")
        )
    return checks


def on_gpu(data: Dataset, rounds: int) -> list[tuple[str, float, str]]:
    """Replicas together against one at a time, on one device."""
    config, updates = SGDConfig(RATE, GPU_BATCH, N, MOMENTUM), 1000
    found = rates(
        {
            "ours": Contender(TOGETHER * updates, partial(ours, data, config, updates, TOGETHER, "cuda")),
            "loop": Contender(updates, partial(loop, data, config, updates, 1, "cuda")),
        },
        rounds,
    )
    speed, name = found.ratio("ours", "loop"), torch.cuda.get_device_name()
    fast, slow = found.best("ours"), found.best("loop")
    print(f"{name}, B = {GPU_BATCH}: {TOGETHER} replicas {fast:.0f}/s, one at a time {slow:.0f}/s")
    return [(f"updates of {TOGETHER} replicas together, × one at a time", speed, f"≥ {GPU_BAR}")]


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables; exit status 1 when a bar is missed, 2 for a device that is not here."""
    parser = argparse.ArgumentParser(prog="python -m bench.networks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer batch sizes and rounds")
    parser.add_argument("--device", nargs="+", choices=("cpu", "cuda"), help="by default all that are here")
    options = parser.parse_args(arguments)
    here = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    devices = options.device or here
    if missing := [each for each in devices if each not in here]:
        parser.error(f"argument --device: torch has no {missing[0]} device here; it has {', '.join(here)}")
    rounds, checks = 2 if options.quick else 5, []
    if "cpu" in devices:
        checks += on_cpu(rounds, options.quick)
    if "cuda" in devices:
        checks += on_gpu(random_images(IMAGES["images"]), rounds)
    return verdict(checks)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
