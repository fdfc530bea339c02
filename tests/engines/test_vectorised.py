"""Every function of the language keeps the loop over lanes vectorised: looked up in the code that LLVM makes of it."""

import re

import pytest

from sgdsde import Landscape, integrate
from sgdsde.engines import machine_code, numba_lanes

#: A call of the C library, or of LLVM's own scalar stand-in for one.
SCALAR_CALL = re.compile(r"call [^\n]*double @(llvm\.)?(exp|log|pow|sin|cos|tan|atan|sinh|cosh|tanh|sqrt)[a-z.0-9]*\(double")
VECTOR = re.compile(r"= (?:f\w+|call)[^\n]*<\d+ x double>")


def code(loss: str, monkeypatch, **noise: object) -> str:
    """Optimised LLVM code of Euler and Maruyama's kernel on a loss."""
    found: list[str] = []
    compiled = machine_code._with_numba

    def keep(*arguments: object) -> tuple[str, str]:
        symbol, text = compiled(*arguments)  # type: ignore[arg-type]
        found.append(text)
        return symbol, text

    monkeypatch.setattr(machine_code, "_with_numba", keep)
    monkeypatch.setattr(machine_code.cache, "read", lambda path: None)  # compile, whatever is kept
    integrate(Landscape(loss, "x", {"a": 1.3}, **noise), 0.5, 0.1, 8, 3)
    assert numba_lanes.LANES % 8 == 0
    return found[-1]


LOSSES = [
    "exp(-x**2)", "log(1 + x**2)", "sqrt(1 + x**2)", "sin(a*x)", "cos(x)", "tan(x/9)", "tanh(x)", "sinh(x)", "cosh(x)",
    "atan(x)**2", "(1 + x**2)**a", "(1 + x**2)**0.7", "abs(x)**1.5", "abs(x)**2.3", "1/(1 + x**2)", "max(x, a*x)",
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_with(loss: str, monkeypatch) -> None:
    text = code(loss, monkeypatch)
    advance = text[text.index("advance") :]
    assert not SCALAR_CALL.search(re.sub(r"vector.body.*?br ", "", "")), loss
    calls = [line for line in SCALAR_CALL.finditer(text) if "llvm.sqrt" not in line.group(0)]
    assert not calls, calls[0].group(0)
    assert len(VECTOR.findall(advance)) >= 10


def test_roots_in_the_noise(monkeypatch) -> None:
    text = code("x**2", monkeypatch, covariance="1 + x**2")
    assert re.search(r"call[^\n]*<\d+ x double> @llvm\.sqrt\.v\d+f64", text)


def test_a_scalar_function_would_be_seen() -> None:
    assert SCALAR_CALL.search("  %7 = call fast double @llvm.pow.f64(double %3, double %4)")
    assert SCALAR_CALL.search("  %7 = tail call double @atan(double %3)")
    assert not SCALAR_CALL.search("  %7 = call <8 x double> @llvm.sqrt.v8f64(<8 x double> %3)")
