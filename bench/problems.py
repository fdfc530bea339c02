"""The problems that every contender integrates, in two forms: a landscape, and array functions for the others."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg

#: A function of the state ω (d, …), an array of NumPy, torch or JAX.
Field = Callable[[Any], Any]
#: Integrates afresh each time it is called; returns the final states (d, paths).
Run = Callable[[], NDArray[np.float64]]


@dataclass(frozen=True)
class Equations:
    """dω = drift ds + noise: in arrays whose first axis is the component, whatever the other axes are.

    `factor(w)` is the diagonal of the noise factor, or its rows up to the diagonal when it is a lower triangle.
    """

    module: Any
    drift: Field
    noise_factor: Field

    def noise(self, w: Any, z: Any) -> Any:
        """Noise factor times z (k, …)."""
        noise_factor = self.noise_factor(w)
        if not isinstance(noise_factor, list):
            return noise_factor * z
        return self.module.stack([functools.reduce(operator.add, map(operator.mul, row, z)) for row in noise_factor])


@dataclass(frozen=True)
class Problem:
    """An SDE dω = −∇L ds + √T A dW from one start.

    Attributes
    ----------
    name, title : str
    landscape : Landscape
    w0 : tuple of float
    dt, temperature : float
    diagonal : bool
        Whether A is diagonal.
    write : callable
        (array module, column, scale) → drift and factor, scale times A; `column` makes an array of numbers (d, 1 …).
    paths : int
        Of a contender that takes all at once; with `steps` given, the number of paths follows the work instead.
    steps : int, optional
    """

    name: str
    title: str
    landscape: sg.Landscape
    w0: tuple[float, ...]
    dt: float
    temperature: float
    diagonal: bool
    write: Callable[[Any, Callable[[Sequence[float]], Any], float], tuple[Field, Field]]
    paths: int = 4096
    steps: int | None = None

    @property
    def dimension(self) -> int:
        """Components of the state, and of the noise."""
        return len(self.w0)

    def starts(self, paths: int) -> NDArray[np.float64]:
        """(d, paths): all paths at the start."""
        return np.repeat(np.array(self.w0)[:, None], paths, axis=1)

    def equations(self, module: Any, scale: float = 1.0, axes: int = 2) -> Equations:
        """In arrays of that module with so many axes; `scale` (√dt, say) goes into the noise factor."""

        def column(numbers: Sequence[float]) -> Any:
            return module.asarray(np.asarray(numbers).reshape(-1, *[1] * (axes - 1)))

        return Equations(module, *self.write(module, column, scale * self.temperature**0.5))

    def size(self, normals: int, together: bool) -> tuple[int, int]:
        """(paths, steps) of a run that draws about so many normals, of all paths together or of one after another."""
        if self.steps:
            block = 128 if together else 1
            return max(1, round(normals / (self.steps * self.dimension * block))) * block, self.steps
        paths = self.paths if together else 1
        return paths, max(100, normals // (paths * self.dimension) // 4 * 4)


def _double_well(module: Any, column: Any, scale: float) -> tuple[Field, Field]:
    return lambda w: 4 * w - 4 * w * w * w, lambda w: scale


def _full_noise(module: Any, column: Any, scale: float) -> tuple[Field, Field]:
    def drift(w: Any) -> Any:
        x, y = w[0], w[1]
        return module.stack([x - x * x * x - 0.5 * y, -y - 0.5 * x])

    def factor(w: Any) -> Any:
        x, y = w[0], w[1]
        first = module.sqrt(1 + x * x)
        below = 0.5 * x * y / first
        return [[scale * first], [scale * below, scale * module.sqrt(1 + y * y - below * below)]]

    return drift, factor


_RATES = [1 + 0.1 * i for i in range(10)]
_SPREADS = [0.5 + 0.05 * i for i in range(10)]


def _linear(module: Any, column: Any, scale: float) -> tuple[Field, Field]:
    rate, spread = column([-h for h in _RATES]), column([scale * s for s in _SPREADS])
    return lambda w: rate * w, lambda w: spread * w


def _growth(module: Any, column: Any, scale: float) -> tuple[Field, Field]:
    return lambda w: 1.5 * w, lambda w: 0.01 * scale * w


def _diagonal(entries: Sequence[str]) -> list[list[str]]:
    return [[entry if i == j else "0" for j in range(len(entries))] for i, entry in enumerate(entries)]


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            "well",
            "double well, 1-D, additive noise",
            sg.Landscape("x**4 - 2*x**2", "x", noise_covariance=1.0),
            (1.0,),
            dt=1e-3,
            temperature=0.1,
            diagonal=True,
            write=_double_well,
        ),
        Problem(
            "full",
            "2-D, full noise that depends on the state",
            sg.Landscape(
                "(x**2 - 1)**2/4 + y**2/2 + x*y/2",
                "x y",
                noise_covariance=[["1 + x**2", "x*y/2"], ["x*y/2", "1 + y**2"]],
            ),
            (1.0, 0.0),
            dt=1e-3,
            temperature=0.1,
            diagonal=False,
            write=_full_noise,
        ),
        Problem(
            "linear",
            "10-D, linear, diagonal noise",
            sg.Landscape(
                " + ".join(f"h{i}*x{i}**2/2" for i in range(10)),
                " ".join(f"x{i}" for i in range(10)),
                {f"{letter}{i}": values[i] for letter, values in (("h", _RATES), ("s", _SPREADS)) for i in range(10)},
                noise_factor=_diagonal([f"s{i}*x{i}" for i in range(10)]),
            ),
            (1.0,) * 10,
            dt=1e-3,
            temperature=0.1,
            diagonal=True,
            write=_linear,
        ),
        # du = p₁u dt + p₂u dW with p = (1.5, 0.01), u(0) = (0.1, 0.1, 0.1), 2⁸ steps of 2⁻⁸: that of DiffEqGPU.jl,
        # sde_examples/bench_gpu.jl and bench_cpu.jl of github.com/utkarsh530/GPUODEBenchmarks (arXiv 2304.06835).
        Problem(
            "growth",
            "3-D, linear, diagonal noise, 256 steps (that of DiffEqGPU.jl)",
            sg.Landscape(
                "-r*(x**2 + y**2 + z**2)/2",
                "x y z",
                {"r": 1.5, "s": 0.01},
                noise_factor=_diagonal(["s*x", "s*y", "s*z"]),
            ),
            (0.1, 0.1, 0.1),
            dt=2.0**-8,
            temperature=1.0,
            diagonal=True,
            write=_growth,
            steps=256,
        ),
    )
}
