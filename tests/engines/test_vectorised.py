"""Every function of the language keeps the loop over lanes vectorised: looked up in the code that LLVM makes of it."""

import re

import pytest

from sgdsde import Landscape, integrate
from sgdsde.engines import machine_code

#: A call of the C library, or of LLVM's stand-in for one that the processor has no instruction for.
SCALAR_CALL = re.compile(r"call [^\n]*double @(llvm\.)?(exp|log|pow|sin|cos|tan|atan|sinh|cosh|tanh)[a-z.0-9]*\(")
VECTOR = re.compile(r"= (?:f|tail call|call)[^\n]*<\d+ x double>")


def code(loss: str, monkeypatch, **noise: object) -> str:
    """Optimised LLVM code of Euler and Maruyama's kernel on a loss."""
    found: list[str] = []
    optimised = machine_code._optimised

    def keep(*given: object) -> object:
        module = optimised(*given)
        found.append(str(module))
        return module

    monkeypatch.setattr(machine_code, "_optimised", keep)
    machine_code._load.cache_clear()
    monkeypatch.setattr(machine_code.cache, "read", lambda path: None)  # compile, whatever is kept
    integrate(Landscape(loss, "x", {"a": 1.3}, **noise), 0.5, 0.1, 8, 3)
    return found[-1]


LOSSES = [
    "exp(-x**2) + log(1 + x**2) + sqrt(1 + x**2)",
    "sin(a*x) + cos(x) + tan(x/9)",
    "tanh(x) + sinh(x/2) + cosh(x) + atan(x)**2",
    "(1 + x**2)**a + (1 + x**2)**0.7 + abs(x)**1.5 + abs(x)**2.3",
    "1/(1 + x**2) + max(x, a*x)**2",
    "softplus(3*x) + x*sigmoid(a*x) + log(cosh(x)) + log(1 + a*exp(-3*x) + exp(x))",
]


@pytest.fixture(scope="module")
def plain() -> int:
    """Vector instructions of a kernel whose drift is linear."""
    with pytest.MonkeyPatch.context() as patch:
        return len(VECTOR.findall(code("x**2", patch)))


@pytest.mark.slow("what is looked at is the compilation itself, never at hand")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_with(loss: str, plain: int, monkeypatch) -> None:
    text = code(loss, monkeypatch)
    assert not SCALAR_CALL.search(text)
    assert len(VECTOR.findall(text)) > plain > 50


def test_roots_in_the_noise(plain: int, monkeypatch) -> None:
    text = code("x**2", monkeypatch, noise_covariance="1 + x**2")
    assert len(re.findall(r"call[^\n]*<\d+ x double> @llvm\.sqrt", text)) > 1


def test_a_scalar_function_would_be_seen() -> None:
    assert SCALAR_CALL.search("  %7 = call fast double @llvm.pow.f64(double %3, double %4)")
    assert SCALAR_CALL.search("  %7 = tail call double @atan(double %3)")
    assert not SCALAR_CALL.search("  %7 = call <8 x double> @llvm.exp.v8f64(<8 x double> %3)")
