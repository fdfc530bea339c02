"""Problems whose minimum fits every example, each with examples of different curvature, and their limits of ε."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde import studies
from sgdsde.models import LinearRegression
from sgdsde.studies import second_moment_growth
from sgdsde.theory import mean_square_stability_limit, stability_limit
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]

#: In one dimension h_i = 1 ± SPREAD, half of the examples each; in two, H_i = MEAN + Σ z_ik PARTS[k], z normal.
SPREAD = 0.7
MEAN, PARTS = np.diag([1.0, 0.6]), np.array([[[0.5, 0.2], [0.2, 0.0]], [[0.0, 0.3], [0.3, 0.4]]])
EXAMPLES, INPUTS, HIDDEN, FITTED = 64, (20, 5), 10, 8
#: Of the SDE's time, and steps of a scheme of weak order 2 in it.
PIECE, STEPS = 0.05, 2


@dataclass(frozen=True)
class Problem:
    """Hessians or Jacobians of the examples, and ln growth of E|ω − ω*|² per update as measured for a config."""

    parts: Array
    factored: bool
    measure: partial[Array]

    @cached_property
    def mean(self) -> Array:
        """H."""
        j = self.parts
        return np.einsum("nka,nkb->ab", j, j) / len(j) if self.factored else np.asarray(j.mean(axis=0))

    def limit(self, config: sg.SGDConfig, dynamics: str = "sgd") -> float:
        return mean_square_stability_limit(self.parts, config, dynamics, factored=self.factored)

    def rivals(self, config: sg.SGDConfig) -> dict[str, float]:
        """Other limits of ε, by name."""
        still = replace(config, momentum=0.0)
        return {
            "2(1 + m)/λ_max": stability_limit(self.mean, config),
            "the SDE": self.limit(config, "sde"),
            "(1 + m) times that without momentum": (1 + config.momentum) * self.limit(still),
        }


def _line() -> Problem:
    # SGD draws ĝ = h ω + A(ω) z̄ from whitened z_i: with A = s ω each example's curvature is h + s z_i.
    well = sg.Landscape("x**2/2", "x", noise_factor=[[f"{SPREAD}*x"]])
    z = whitened_examples("rademacher", EXAMPLES, 1, 0)
    measure = partial(_on_landscape, well, np.zeros(1), examples=z)
    return Problem(np.eye(1) + SPREAD * z[:, :, None], False, measure)


def _plane() -> Problem:
    loss = " + ".join(f"{MEAN[i, i]}*{x}**2/2" for i, x in enumerate("xy"))
    factor = [[f"{part[i, 0]}*x + {part[i, 1]}*y" for part in PARTS] for i in range(2)]
    z = whitened_examples("gaussian", EXAMPLES, len(PARTS), 0)
    well = sg.Landscape(loss, "x y", noise_factor=factor)
    measure = partial(_on_landscape, well, np.zeros(2), examples=z)
    return Problem(MEAN + np.einsum("nk,kab->nab", z, PARTS), False, measure)


def _on_landscape(landscape: Any, minimum: Array, config: sg.SGDConfig, **options: Any) -> Array:
    return second_moment_growth(landscape, config, minimum, **{"simulate": sg.simulate_sgd} | options)


def of_sde(
    landscape: Any, config: sg.SGDConfig, w0: Array, pieces: int, paths: int, seed: int, **_: Any
) -> sg.Ensemble:
    """The SDE at the config's temperature, in the place of SGD, over so many PIECEs of its time and not updates.

    Over an update, which is long where ε is large, E ω⁴ grows beyond what any sample has.
    """
    return sg.integrate(
        landscape, w0, pieces * PIECE, pieces * STEPS, paths, temperature=config.temperature, scheme="weak_taylor_2",
        seed=seed,
    )  # fmt: skip


def _regression() -> Problem:
    x = np.random.default_rng(0).standard_normal(INPUTS)
    problem = LinearRegression.from_examples(x, x @ np.ones(INPUTS[1]))
    return Problem(x[:, None], True, partial(_on_landscape, problem.landscape(), problem.optimum))


def _network() -> Problem:
    generator = np.random.default_rng(5)
    x, y = generator.standard_normal((FITTED, 2)), generator.standard_normal((FITTED, 1))
    data = sg.data.Dataset("noise", x, y, x, y)
    model = fitted(sg.models.mlp(2, HIDDEN, 1, seed=1).double(), data)
    _, jacobians = sg.models.output_jacobians(model, data.x_train)
    return Problem(np.sqrt(2) * jacobians, True, partial(studies.network_second_moment_growth, model, data))


def fitted(model: Any, data: sg.data.Dataset, most: int = 200) -> Any:
    """The model at weights that fit all examples to rounding, by Levenberg & Marquardt; RuntimeError if not."""
    import torch

    w, damping, least = torch.nn.utils.parameters_to_vector(model.parameters()).detach(), 1e-2, np.inf
    step = torch.zeros_like(w)
    for _ in range(most):
        torch.nn.utils.vector_to_parameters(w - step, model.parameters())
        outputs, jacobians = sg.models.output_jacobians(model, data.x_train)
        off = (outputs - data.y_train.reshape(outputs.shape)).ravel()
        if off @ off < least:
            w, least, damping, error = w - step, float(off @ off), damping / 4, off
            j = jacobians.reshape(len(off), -1)
        else:
            damping *= 4
        if least < 1e-28:
            return model
        step = torch.as_tensor(j.T @ np.linalg.solve(j @ j.T + damping * np.eye(len(j)), error))
    raise RuntimeError(f"the network does not fit its examples: the squared error is {least:.3g}")


#: By kind of problem.
PROBLEMS: dict[str, Callable[[], Problem]] = {
    "one dimension": _line, "two dimensions": _plane, "linear regression": _regression, "ReLU network": _network,
}  # fmt: skip
