"""The mean of SGD over all orders of an epoch, summed one by one: for the claim ``reshuffled_drift``."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

import sgdsde as sg
from sgdsde.convergence.spectral import Grid
from sgdsde.whitened import whitened_examples
from validation.measure import Array


@dataclass(frozen=True)
class Scene:
    """A landscape on which every example has a loss, where SGD starts, N and B, and a grid for functions of ω."""

    landscape: sg.Landscape
    w0: tuple[float, ...]
    n_examples: int
    batch: int
    grid: Grid

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return self.n_examples // self.batch

    @property
    def table(self) -> Array:
        """(N, k): the examples, none of which is like another."""
        steps = np.linspace(-1.0, 1.3, self.n_examples)[:, None]
        width = self.landscape.noise_dimension
        return np.asarray(whitened_examples(np.concatenate([steps, steps**2], 1)[:, :width], self.n_examples, width))

    def config(self, rate: float, sampling: str = "reshuffle") -> sg.SGDConfig:
        return sg.SGDConfig(rate, self.batch, self.n_examples, sampling=sampling)

    def orders(self, sampling: str) -> Array:
        """(all courses of an epoch, n, k): the noise of its batches."""
        n, b = self.n_examples, self.batch
        if sampling == "reshuffle":
            courses = {
                tuple(tuple(sorted(p[i : i + b])) for i in range(0, n, b)) for p in itertools.permutations(range(n))
            }
        else:
            courses = set(itertools.product(itertools.combinations(range(n), b), repeat=self.updates))
        return np.asarray(self.table[np.array(sorted(courses))].mean(axis=2))

    def ends(self, rate: float, starts: Array, sampling: str = "reshuffle") -> Array:
        """(courses, p, d): where an epoch from each of (p, d) starts ends."""
        orders = self.orders(sampling)
        w = np.broadcast_to(starts, (len(orders), *starts.shape)).reshape(-1, starts.shape[1])
        for z in np.repeat(orders, len(starts), axis=0).transpose(1, 0, 2):
            noise = np.einsum("pik,pk->pi", self.landscape.noise_factor(w), z)
            w = w - rate * (self.landscape.gradient(w) + noise)
        return np.asarray(w.reshape(len(orders), *starts.shape))

    def mean(self, rate: float, epochs: int) -> Array:
        """E ω after so many epochs, (d,), by Chebyshev polynomials in the place of what came before."""
        values = self.grid.nodes
        reached = self.ends(rate, values)
        self.grid.require(reached)
        for _ in range(epochs - 1):
            found = self.grid.values(self.grid.coefficients(values), reached.reshape(-1, values.shape[1]))
            values = found.reshape(reached.shape).mean(axis=0)
        first = self.ends(rate, np.array([self.w0]))[:, 0]
        return np.asarray(self.grid.values(self.grid.coefficients(values), first).mean(axis=0))

    def flow(self, rate: float, epochs: int, share: float | None) -> Array:
        """ω at the end of the flow down L + (ε/4)(|∇L|² + share × c Tr F), without the square for None."""
        landscape = self.landscape
        if share is not None:
            modified = sg.modified_for(landscape, self.config(rate), "brownian")
            landscape = modified.with_parameters(batch_noise=share * modified.parameters["batch_noise"])
        span = (0.0, rate * self.updates * epochs)
        return np.asarray(
            solve_ivp(lambda _, w: -landscape.gradient(w), span, self.w0, rtol=1e-12, atol=1e-14).y[:, -1]
        )

    def part(self, rate: float, sampling: str) -> float:
        """How much of what Tr F adds to the mean of an epoch is there."""
        plain, whole = (self.flow(rate, 1, share) for share in (0.0, 1.0))
        away = self.ends(rate, np.array([self.w0]), sampling).mean(axis=0)[0] - plain
        return float(away @ (whole - plain) / ((whole - plain) @ (whole - plain)))


def part_without_slopes(rate: float) -> float:
    """The same on `NO_SLOPE`, whose noise is no gradient, so that no loss has its drift."""
    scene, w = NO_SLOPE, np.array([NO_SLOPE.w0])
    trace_slope = 2 * w[0]  # Tr F = x² + y²
    whole = -rate * scene.updates * rate / 4 * scene.config(rate).batch_noise * trace_slope
    plain = sg.modified_landscape(scene.landscape, rate)
    span = (0.0, rate * scene.updates)
    flow = solve_ivp(lambda _, at: -plain.gradient(at), span, scene.w0, method="DOP853", rtol=1e-12, atol=1e-14)
    away = scene.ends(rate, w).mean(axis=0)[0] - flow.y[:, -1]
    return float(away @ whole / (whole @ whole))


def at_zero(rates: Array, values: Array) -> float:
    """A polynomial through values at all rates, at the rate 0."""
    return float(np.linalg.solve(np.vander(rates, increasing=True), values)[0])


SCENES = {
    "quartic, N = 4, B = 1": Scene(
        sg.Landscape("x**4/4 + x**2/2", "x", noise_factor=[["1 + x**2/2"]]), (0.7,), 4, 1, Grid(((-1.6, 1.6),), 36)
    ),
    "quartic, N = 6, B = 2": Scene(
        sg.Landscape("x**4/4 + x**2/2", "x", noise_factor=[["1 + x**2/2"]]), (0.7,), 6, 2, Grid(((-1.6, 1.6),), 36)
    ),
    "two dimensions, N = 4, B = 1": Scene(
        sg.Landscape(
            "x**2/2 + y**2/4 + x**2*y**2/8", ["x", "y"], noise_factor=[["y + cos(x)", "x/2"], ["x", "1/2"]]
        ),
        (0.8, -0.6), 4, 1, Grid(((-1.8, 1.8), (-1.8, 1.8)), 16),
    ),
}  # fmt: skip
#: A turning noise: A = (y, −x) is the gradient of no function.
NO_SLOPE = Scene(
    sg.Landscape("x**2/2 + y**2/4", ["x", "y"], noise_factor=[["y"], ["-x"]]),
    (0.8, -0.6), 4, 1, Grid(((-1.8, 1.8), (-1.8, 1.8)), 3),
)  # fmt: skip
