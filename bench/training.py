"""Updates per second of replica training on MNIST's shapes, against a plain PyTorch loop over replicas.

    python -m bench.training

The floor is the arithmetic: the matrix products of an update, as fast as torch multiplies matrices of that size here.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from bench.timing import Contender, rates
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.models import batch_indices, mlp, train

N, WIDTHS, REPLICAS = 1000, (784, 800, 10), 2


def random_images() -> Dataset:
    """Noise with MNIST's shapes: speed does not depend on what is in the images."""
    generator = np.random.default_rng(0)
    x = generator.random((N + 100, WIDTHS[0]), dtype=np.float32)
    y = generator.integers(0, 10, N + 100)
    y[:10] = y[N : N + 10] = np.arange(10)
    return Dataset("noise", x[:N], y[:N], x[N:], y[N:], (28, 28), "uniform random numbers")


def plain_loop(data: Dataset, config: SGDConfig, updates: int) -> None:
    """What one writes with torch.optim.SGD, one replica after the other."""
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    for replica in range(REPLICAS):
        model = mlp(*WIDTHS, seed=replica)
        optimizer = torch.optim.SGD(model.parameters(), config.learning_rate, config.momentum)
        for index in batch_indices(config, updates, replica):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[index]), y[index]).backward()
            optimizer.step()


def products(batch: int, updates: int) -> None:
    """The five matrix products of an update, and nothing else."""
    x, w = torch.ones(batch, WIDTHS[0]), torch.ones(WIDTHS[1], WIDTHS[0])
    h, v = torch.ones(batch, WIDTHS[1]), torch.ones(WIDTHS[2], WIDTHS[1])
    out = torch.ones(batch, WIDTHS[2])
    for _ in range(REPLICAS * updates):
        x @ w.T, h @ v.T, out @ v, out.T @ h, h.T @ x


def main() -> int:
    """Print the table; there is no bar to miss."""
    data = random_images()
    print(f"784–800–10, N = {N}, m = 0.9, float32, {REPLICAS} replicas, {torch.get_num_threads()} threads")
    print("     B   sgdsde train   plain loop   matrix products   against the loop   against the floor")
    for batch in (1, 4, 16, 64, 256):
        config, updates = SGDConfig(0.01, batch, N, momentum=0.9), max(20, 400 // batch)

        def ours(config: SGDConfig = config, updates: int = updates) -> None:
            train(mlp(*WIDTHS), data, config, updates, REPLICAS)

        def loop(config: SGDConfig = config, updates: int = updates) -> None:
            plain_loop(data, config, updates)

        def floor(batch: int = batch, updates: int = updates) -> None:
            products(batch, updates)

        work = REPLICAS * updates
        found = rates(
            {"ours": Contender(work, ours), "loop": Contender(work, loop), "floor": Contender(work, floor)}, 3
        )
        print(
            f"{batch:6} {found.best('ours'):12.0f}/s {found.best('loop'):10.0f}/s {found.best('floor'):15.0f}/s "
            f"{found.ratio('ours', 'loop'):16.2f} × {found.ratio('ours', 'floor'):17.2f} ×"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
