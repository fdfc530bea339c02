"""How each library of others integrates a problem; it is imported only when it is asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.problems import Problem, Run


class Unsuited(Exception):
    """The contender cannot integrate this problem; the message says why."""


def diffrax(problem: Problem, paths: int, steps: int, path: str = "UnsafeBrownianPath", vmap: bool = False) -> Run:
    """All paths as one state, or each path solved on its own under vmap."""
    import diffrax as dfx
    import jax
    import jax.numpy as jnp
    import lineax

    jax.config.update("jax_enable_x64", True)
    dt, time = problem.dt, problem.dt * steps
    equations = problem.equations(jnp, axes=1 if vmap else 2)
    start = jnp.asarray(problem.w0) if vmap else jnp.asarray(problem.starts(paths))
    shape = jax.ShapeDtypeStruct(start.shape, start.dtype)

    def solve(key: Any) -> Any:
        options = {"t0": 0.0, "t1": time, "tol": dt / 2} if path == "VirtualBrownianTree" else {}
        brownian = getattr(dfx, path)(shape=shape, key=key, **options)
        terms = dfx.MultiTerm(
            dfx.ODETerm(lambda t, w, args: equations.drift(w)),
            dfx.ControlTerm(
                lambda t, w, args: lineax.FunctionLinearOperator(partial(equations.noise, w), shape), brownian
            ),
        )
        return dfx.diffeqsolve(
            terms, dfx.Euler(), 0.0, time, dt, start, stepsize_controller=dfx.ConstantStepSize(),
            saveat=dfx.SaveAt(t1=True), adjoint=dfx.DirectAdjoint(), max_steps=steps + 8,
        ).ys[0]  # fmt: skip

    compiled = jax.jit((lambda key: jax.vmap(solve)(jax.random.split(key, paths)).T) if vmap else solve)
    return lambda: np.asarray(compiled(jax.random.key(0)))


def torchsde(problem: Problem, paths: int, steps: int, white: bool = False) -> Run:
    """With torchsde's own Brownian motion, or a handwritten one that draws each increment afresh."""
    import torch
    import torchsde as ts

    equations, size, time = problem.equations(torch), (paths, problem.dimension), problem.dt * steps

    class Sde:
        noise_type, sde_type = "diagonal" if problem.diagonal else "general", "ito"

        def f_and_g_prod(self, t: Any, w: Any, increment: Any) -> tuple[Any, Any]:
            return equations.drift(w.T).T, equations.noise(w.T, increment.T).T

    class WhiteNoise(ts.BaseBrownian):  # type: ignore[misc]
        shape, dtype, device, levy_area_approximation = size, torch.float64, torch.device("cpu"), "none"

        def __init__(self) -> None:
            self.generator = torch.Generator().manual_seed(0)

        def __call__(self, ta: Any, tb: Any = None, return_U: bool = False, return_A: bool = False) -> Any:
            return torch.randn(size[::-1], dtype=self.dtype, generator=self.generator).T * float(tb - ta) ** 0.5

        def __repr__(self) -> str:
            return "WhiteNoise()"

    def interval() -> Any:
        return ts.BrownianInterval(0.0, time, size, dtype=torch.float64, entropy=0, dt=problem.dt)

    @torch.inference_mode()
    def run() -> NDArray[np.float64]:
        start = torch.tensor(problem.starts(paths)).T
        brownian = WhiteNoise() if white else interval()
        final = ts.sdeint(Sde(), start, [0.0, time], bm=brownian, method="euler", dt=problem.dt)[-1]
        return np.asarray(final.numpy().T)

    return run


def sdeint(problem: Problem, paths: int, steps: int) -> Run:
    import sdeint as si

    equations, times = problem.equations(np, axes=1), np.arange(steps + 1) * problem.dt
    size, start = problem.dimension, np.array(problem.w0)

    constant = np.eye(size) * equations.noise_factor(start) if np.isscalar(equations.noise_factor(start)) else None

    def matrix(w: Any, t: float) -> Any:
        if constant is not None:
            return constant
        factor, table = equations.noise_factor(w), np.zeros((size, size))
        if isinstance(factor, list):
            for i, row in enumerate(factor):
                table[i, : i + 1] = row
        else:
            table.flat[:: size + 1] = factor
        return table

    def run() -> NDArray[np.float64]:
        generator = np.random.default_rng(0)
        found = [
            si.itoEuler(lambda w, t: equations.drift(w), matrix, start, times, generator=generator)[-1]
            for _ in range(paths)
        ]
        return np.array(found).T

    return run


def jitcsde(problem: Problem, paths: int, steps: int) -> Run:
    """Its step is fixed by refusing none: the tolerances are infinite and the largest step is dt."""
    if not problem.diagonal:
        raise Unsuited("diagonal noise only")
    if not shutil.which(os.environ.get("CC", "cc")):
        raise Unsuited("no C compiler, which it needs")
    import jitcsde as js

    equations = problem.equations(np, axes=1)
    state = np.array([js.y(i) for i in range(problem.dimension)])
    factor = np.broadcast_to(equations.noise_factor(state), state.shape)
    solver = js.jitcsde(list(equations.drift(state)), list(factor), verbose=False)
    # Its compilation is a setup script, which would read the pyproject.toml of the current folder.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        solver.compile_C()
    solver.set_integration_parameters(
        first_step=problem.dt, max_step=problem.dt, min_step=problem.dt * 1e-6, decrease_threshold=np.inf,
        increase_threshold=0.0,
    )  # fmt: skip

    def run() -> NDArray[np.float64]:
        found = []
        for path in range(paths):
            solver.set_seed(path)
            solver.set_initial_value(np.array(problem.w0), 0.0)
            found.append(solver.integrate(problem.dt * steps))
        return np.array(found).T

    return run
