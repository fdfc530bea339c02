"""Contenders that are not libraries of others: sgdsde, the floor, and the loops that one writes by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from bench.problems import Problem, Run


def ours(problem: Problem, paths: int, steps: int, scheme: str = "euler_maruyama", engine: str = "numba") -> Run:
    return lambda: sg.integrate(
        problem.landscape, problem.w0, problem.dt * steps, steps, paths, temperature=problem.temperature,
        scheme=scheme, engine=engine,
    ).final.T  # fmt: skip


def draw_and_add(problem: Problem, paths: int, steps: int) -> Run:
    from bench.floor import floor

    return lambda: np.array(floor(problem.dimension, paths, steps))


def numpy_loop(problem: Problem, paths: int, steps: int) -> Run:
    dt, equations = problem.dt, problem.equations(np, problem.dt**0.5)

    def run() -> NDArray[np.float64]:
        generator, w = np.random.default_rng(0), problem.starts(paths)
        for _ in range(steps):
            w = w + equations.drift(w) * dt + equations.noise(w, generator.standard_normal(w.shape))
        return w

    return run


def torch_loop(problem: Problem, paths: int, steps: int) -> Run:
    import torch

    dt, equations = problem.dt, problem.equations(torch, problem.dt**0.5)

    @torch.inference_mode()
    def run() -> NDArray[np.float64]:
        generator, w = torch.Generator().manual_seed(0), torch.tensor(problem.starts(paths))
        for _ in range(steps):
            noise = torch.randn(w.shape, dtype=w.dtype, generator=generator)
            w = w + equations.drift(w) * dt + equations.noise(w, noise)
        return w.numpy()

    return run


def jax_scan(problem: Problem, paths: int, steps: int) -> Run:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    dt, equations = problem.dt, problem.equations(jnp, problem.dt**0.5)
    start = jnp.asarray(problem.starts(paths))

    def step(w: Any, key: Any) -> tuple[Any, None]:
        return w + equations.drift(w) * dt + equations.noise(w, jax.random.normal(key, w.shape)), None

    compiled = jax.jit(lambda key: jax.lax.scan(step, start, jax.random.split(key, steps), unroll=4)[0])
    return lambda: np.asarray(compiled(jax.random.key(0, impl="rbg")))
