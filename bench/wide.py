"""Landscapes of arrays against loops of products: what a step costs beside the products and the normals in it.

    python -m bench.wide [--cuda]

A quadratic of d = 200 whose H and F do not commute, heavy ball with normal noise, whose step has two products with
(d, paths); a third one where the covariance is gathered. Two loops stand beside the library in the same run: `plain`,
which is what one writes with torch (its own normals, and its own threads), and `floor`, the products in place and the
library's normals, in the library's shares and threads, and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch

import sgdsde as sg
from bench.timing import Contender, rates, verdict
from sgdsde.engines.normal_table import normal_table

DIMENSION, PATHS, UPDATES, ROUNDS = 200, 2560, 400, 4
BAR = "≤ 1.1"


def problem(dimension: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """H with eigenvalues from 0.5 to 2, and F from 0 to 2, of half the rank, in another basis."""
    generator = np.random.default_rng(seed)
    one, other = (np.linalg.qr(generator.standard_normal((dimension, dimension)))[0] for _ in range(2))
    strengths = np.concatenate([np.zeros(dimension // 2), np.linspace(0.5, 2.0, dimension - dimension // 2)])
    return (one * np.linspace(0.5, 2.0, dimension)) @ one.T, (other * strengths) @ other.T


def library(config: sg.SGDConfig, wide: sg.landscapes.WideLandscape, burn_in: int, device: str) -> None:
    start = np.zeros(DIMENSION)
    sg.simulate_sgd(wide, config, start, UPDATES, PATHS, dynamics="noisy_gd", burn_in=burn_in, device=device)


def plain(config: sg.SGDConfig, matrices: list[torch.Tensor], gathers: bool) -> None:
    """v ← m v − ε(H ω + A z), ω ← ω + v, as it is written; the sums of ω and ω ωᵀ when the covariance is wanted."""
    h, a = matrices
    w = torch.zeros((DIMENSION, PATHS), dtype=h.dtype, device=h.device)
    v, first, second = torch.zeros_like(w), torch.zeros_like(w), torch.zeros_like(h)
    for _ in range(UPDATES):
        z = torch.randn_like(w)
        v = config.momentum * v - config.learning_rate * (h @ w + a @ z)
        w = w + v
        if gathers:
            first += w
            second += w @ w.T
    _wait(h)


def floor(matrices: list[torch.Tensor], gathers: bool) -> None:
    """The products and the normals of a step; on the CPU in shares, with a thread each."""
    h, a = matrices
    count = torch.get_num_threads() if h.device.type == "cpu" else 1
    edges = np.linspace(0, PATHS, 2 * count + 1).astype(int)

    def share(begin: int, end: int) -> None:
        w, v, second = (torch.zeros(shape, dtype=h.dtype) for shape in ((DIMENSION, end - begin),) * 2 + (h.shape,))
        for update in range(UPDATES):
            z = torch.from_numpy(normal_table(0, 0, DIMENSION, update, update + 1, begin, end)[0])
            v.addmm_(h, w, beta=0.9, alpha=-0.1).addmm_(a, z, alpha=-0.1)
            if gathers:
                second.addmm_(v, v.T)

    if h.device.type != "cpu":
        return plain_products(h, a, gathers)
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(share, edges[:-1], edges[1:]))
    finally:
        torch.set_num_threads(count)
    return None


def plain_products(h: torch.Tensor, a: torch.Tensor, gathers: bool) -> None:
    """On a GPU, with torch's normals."""
    w = torch.zeros((DIMENSION, PATHS), dtype=h.dtype, device=h.device)
    v, z, second = torch.zeros_like(w), torch.empty_like(w), torch.zeros_like(h)
    for _ in range(UPDATES):
        v.addmm_(h, w, beta=0.9, alpha=-0.1).addmm_(a, z.normal_(), alpha=-0.1)
        if gathers:
            second.addmm_(v, v.T)
    _wait(h)


def _wait(on: torch.Tensor) -> None:
    if on.device.type == "cuda":
        torch.cuda.synchronize()


def main(arguments: Sequence[str] = ()) -> int:
    device = "cuda" if "--cuda" in arguments else "cpu"
    config = sg.SGDConfig(0.1, batch_size=4, n_examples=1024, momentum=0.9)
    hessian, noise_covariance = problem(DIMENSION)
    wide = sg.landscapes.wide_quadratic(hessian, noise_covariance)
    matrices = [torch.tensor(each, device=device) for each in (hessian, wide.root)]
    checks = []
    for what, gathers in (("steps alone", False), ("steps and covariance", True)):
        burn_in = 0 if gathers else UPDATES - 1
        runs: dict[str, Callable[[], object]] = {
            "library": partial(library, config, wide, burn_in, device),
            "plain": partial(plain, config, matrices, gathers),
            "floor": partial(floor, matrices, gathers),
        }
        found = rates({name: Contender(PATHS * UPDATES, run) for name, run in runs.items()}, ROUNDS)
        print(f"{what}, d = {DIMENSION}, {PATHS} paths, {UPDATES} updates, {torch.get_num_threads()} threads, {device}")
        for name in runs:
            print(f"  {name:8} {1e6 / found.median(name):7.2f} µs a path-step (best {1e6 / found.best(name):.2f})")
        for other in ("plain", "floor"):
            checks.append((f"{what}, measured ÷ {other}", 1 / found.ratio("library", other), BAR))
    return verdict(checks)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
