"""Kinds of noise and of loss are told from the formulas."""

from tables import every

from sgdsde import Landscape
from sgdsde.landscapes import kinds

D = {"additive": "a", "diagonal": "d", "commutative": "c"}


@every(
    ("found", "expected"),
    [
        (Landscape("x**2", "x"), "adc"),
        (Landscape("x**2", "x", noise_covariance="1 + x**2"), "dc"),
        (Landscape("x**2", "x", {"b": 1.0}, noise_factor=[["b*x"]]), "dc"),
        (Landscape("x**2", "x", noise_factor=[["1", "x"]]), ""),  # two noises on a line: 1 and x do not commute
        (Landscape("x**2", "x", noise_factor=[["x", "2*x"]]), "c"),
        (Landscape("x*y", "x y"), "adc"),
        (Landscape("x*y", "x y", noise_factor=[["1", "2"], ["3", "4"]]), "ac"),
        (Landscape("x*y", "x y", noise_factor=[["x", "0"], ["0", "y**2"]]), "dc"),
        (Landscape("x*y", "x y", noise_factor=[["y", "0"], ["0", "x"]]), ""),
        (Landscape("x*y", "x y", noise_factor=[["x", "x"], ["y", "y"]]), "c"),
        (Landscape("x*y", "x y", noise_factor=[["x", "y"], ["y", "x"]]), "c"),
        (Landscape("x*y", "x y", noise_covariance=[["1 + x**2", "x*y/2"], ["x*y/2", "1 + y**2"]]), ""),
        (Landscape("x*y", "x y", noise_covariance="1 + x**2 + y**2"), ""),
        (Landscape("x*y", "x y", noise_factor=[["abs(x)", "0"], ["0", "max(y, 0.5)"]]), "dc"),
        (Landscape("x*y", "x y", noise_factor=[["sin(x)**2 + cos(x)**2", "0"], ["0", "1"]]), "adc"),
        (Landscape("x**2 + y**4", "x y", noise_covariance="hessian"), "dc"),
    ],
)
def test_kinds_of_noise(found: Landscape, expected: str) -> None:
    assert "".join(D[kind] for kind in D if kinds.has_kind(found.symbolic, kind)) == expected
    assert kinds.has_kind(found.symbolic, "any")


@every(
    ("loss", "quadratic"),
    [("x**2 + a*x*y", True), ("x", True), ("(x - y)**2/2 + 3*y", True), ("x**3", False), ("x**2 + cos(y)", False)],
)
def test_quadratic_losses(loss: str, quadratic: bool) -> None:
    assert kinds.is_quadratic(Landscape(loss, "x y", {"a": 2.0}).symbolic) == quadratic
