"""Declared orders against measured ones, for every registered scheme; and that a wrong scheme does not pass."""

import math

import pytest
from matrix_cells import cells

from sgdsde import convergence
from sgdsde.convergence import matrix
from sgdsde.convergence.orders import most_steps
from sgdsde.schemes import declarations, registry
from sgdsde.schemes.step import Step

#: Schemes whose noise takes few values, by name: telling it from their programs takes SymPy, before the first test.
ENUMERABLE = ("weak_euler", "ri5", "weak_taylor_2")
CELLS = {cell.label: cell for cell in cells()}
#: Measured in every run of the tests: one problem per kind, strong orders, few paths.
FEW = [cell.label for cell in cells(1) if cell.which == "strong"]


def test_every_scheme_that_integrates_is_in_the_matrix() -> None:
    integrating = set(declarations())
    assert [cell.label for cell in convergence.cells()] == list(CELLS)
    assert {cell.scheme for cell in CELLS.values()} == integrating
    assert len(CELLS) == matrix.size(2)
    for name in integrating:
        declaration = declarations()[name]
        for which in ("strong", "weak"):
            for kind in getattr(declaration, which):
                assert len({c.label for c in CELLS.values() if (c.scheme, c.which, c.kind) == (name, which, kind)}) == 2


@pytest.mark.parametrize("label", FEW)
def test_strong_order(label: str) -> None:
    """At the declared order within the tolerance and four standard errors of a small sample."""
    cell = CELLS[label]
    order = cell.measure(effort=0.125)
    assert order.determined
    assert abs(order.slope - cell.declared) <= matrix.TOLERANCE + 4 * order.standard_error
    assert order.standard_error < 0.2


@pytest.mark.parametrize(
    "label",
    [
        pytest.param(
            label, marks=pytest.mark.slow("sums over most branches") if cell.scheme in ("ri5", "weak_taylor_2") else ()
        )
        for label, cell in CELLS.items()
        if cell.which == "weak" and cell.scheme in ENUMERABLE
    ],
)
def test_weak_order_without_sampling(label: str) -> None:
    """The sum over all branches of schemes whose noise takes few values has no error."""
    cell = CELLS[label]
    order = cell.measure()
    assert order.standard_error < 0.05
    assert convergence.agrees(cell, order), str(order)


@pytest.mark.slow("every order of the table in full")
@pytest.mark.parametrize("label", CELLS)
def test_order(label: str) -> None:
    """Within ±0.15 of the declaration, with a 95 % interval of at most ±0.15."""
    cell = CELLS[label]
    assert (most_steps(cell.problem, cell.scheme) is not None) == (cell.scheme in ENUMERABLE)
    order = cell.measure()
    assert convergence.agrees(cell, order), str(order)


WRONG = {
    "drift": (lambda s: s.w + 0.9 * s.drift(s.w) * s.dt + s.diffusion(s.w) * s.dW, "ornstein_uhlenbeck", 1.0),
    "noise": (lambda s: s.w + s.drift(s.w) * s.dt + 0.9 * s.diffusion(s.w) * s.dW, "sinh", 0.5),
    "interpretation": (lambda s: s.w + s.drift(s.w) * s.dt + s.diffusion(s.w) * s.dW, "sinh", 0.5),
    "Milstein": (
        lambda s: (
            s.w
            + s.drift(s.w) * s.dt
            + s.diffusion(s.w) * s.dW
            + 0.5 * s.along(s.diffusion(s.w), s.diffusion(s.w)) * s.symmetric_integrals[0, 0]
        ),
        "sinh",
        1.0,
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_changed_coefficient_is_seen(what: str, monkeypatch) -> None:
    """A term that is off, or the drift of the other integral: the measured order is not the declared one."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(declarations()))
    function, problem, order = WRONG[what]

    def wrong(step: Step) -> object:
        return function(step)

    interpretation = "stratonovich" if what == "interpretation" else "ito"
    registry.scheme(interpretation=interpretation, noise="any", strong=order, weak=1.0, source="a test")(wrong)
    if what == "drift":  # once for all: to tell what fits takes algebra
        assert "wrong" in {cell.scheme for cell in convergence.cells()}  # registering it was enough
    cell = convergence.Cell("wrong", convergence.PROBLEMS[problem], "strong", "any", order)
    measured = cell.measure(effort=0.25)
    assert measured.slope < order - matrix.TOLERANCE - 4 * measured.standard_error
    assert not convergence.agrees(cell, measured)


def test_an_exact_scheme_has_no_order() -> None:
    cell = CELLS["exact_ou, weak, ornstein_uhlenbeck"]
    assert math.isinf(cell.declared)
    order = cell.measure(effort=0.05)
    assert not order.determined
    assert convergence.agrees(cell, order)
    euler = convergence.Cell("euler_maruyama", cell.problem, "weak", "additive", math.inf)
    assert not convergence.agrees(euler, euler.measure(effort=0.05))
