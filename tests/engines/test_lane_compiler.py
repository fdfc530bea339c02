"""Kernels' texts as LLVM code: what each statement does, beside what Python does, and the same bits as from Numba."""

import ctypes

import numpy as np
import pytest
from kept_helpers import copy_helpers
from tables import every

from sgdsde.engines import lane_compiler, machine_code

HEAD = "from numba import carray, uint64\nfrom sgdsde.engines.lane_math import *\n\n\n"


def run(body: str, *numbers: float, names: str = "a b", signature: str = "Diid") -> list[float]:
    """What a function with these lines leaves in `out`."""
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    source = f"{HEAD}def work(out_, {names.replace(' ', ', ')}, x):\n    out = carray(out_, 8)\n{lines}\n"
    out = np.zeros(8)
    machine_code.load(source, "work", signature)(out.ctypes.data, *numbers)
    return out.tolist()


def python(body: str, a: int, b: int, x: float) -> list[float]:
    """The same by Python."""
    out = [0.0] * 8
    exec(body, {"out": out, "a": a, "b": b, "x": x})
    return out


BODIES = {
    "arithmetic": "out[0], out[1], out[2] = a + 2*b, x/4 - 3, -(x - a)\nout[3] = a//3 + b % 3",
    "loops": """
total = 0
for i in range(a):
    for j in range(2, b, 2):
        if i == j:
            continue
        total += i*j
        if total > 40:
            break
out[0] = total
""",
    "while": """
k = 0
while True:
    k += 3
    if k > a or k == 9:
        break
out[0] = k
while k > 0:
    k -= 2
out[1] = k
""",
    "several names at once": "p, q, done = a, b, False\np, q = q, p\nout[0], out[1] = p, q\nout[2] = 1 if done else 2",
    "a division that must not be tried": """
every = a - a
out[0] = b // every if every > 0 else -1
if every > 0 and b // every == 0:
    out[1] = 1
out[2] = 5 if every == 0 or b % every == 1 else 6
""",
    "conditions": """
seen = (x > 0.0) & (a != b)
out[0] += 1 if seen else 0
out[1] = 1.0 if x > 2.0 else (2.0 if x > 1.0 else 3.0)
out[2] = min(a, b)
out[3] = int(x) + 1
out[4] = 7 if not seen and a >= b else 8
""",
    "a name that is first given under a condition": """
first = True
for i in range(3):
    if first:
        kept = x + i
        first = False
    out[i] = kept
""",
    "an argument that changes in a loop": """
for i in range(3):
    out[i] = a
    a -= 1
""",
}
NUMBERS = [(5, 9, 1.5), (2, 4, -0.5), (7, 3, 2.5)]


@every("body", BODIES.values())
def test_statements_do_what_python_does(body):
    for numbers in NUMBERS:
        assert run(body, *numbers) == python(body, *numbers)


def test_rows_and_slices():
    body = (
        "grid = carray(out_, (2, 4))\nrow = grid[1]\nrow[a] = x\npart = row[2 : 4]\npart[1] = 9.0\ngrid[0, b] = row[a]"
    )
    assert run(body, 0, 3, 2.5) == [0, 0, 0, 2.5, 2.5, 0, 0, 9]


def test_words_are_unsigned():
    source = (
        f"{HEAD}def work(out_, k):\n    out = carray(out_, 2)\n    out[0] = k*uint64(3)\n    out[1] = out[0] // 2\n"
    )
    out = np.zeros(2, np.uint32)
    machine_code.load(source, "work", "Wu")(out.ctypes.data, 2**31 - 1)
    assert out.tolist() == [3 * (2**31 - 1) % 2**32, 3 * (2**31 - 1) % 2**32 // 2]


def test_functions_that_numba_compiles():
    assert run("out[0] = sin(x) + exp(where(x > 1.0, 0.5, 1.0))", 0, 0, 2.0)[0] == pytest.approx(
        np.sin(2.0) + np.exp(0.5), rel=1e-15
    )


REFUSED = "import os; out.sort(); del x; with x: pass; out[0] = [x]; out[0] = x**2; return x; out[0] = a < b < x"


@every("line", REFUSED.split("; "))
def test_what_no_kernel_has_is_refused(line):
    source = f"{HEAD}def work(out_, a, b, x):\n    out = carray(out_, 8)\n    {line}\n"
    with pytest.raises((NotImplementedError, KeyError, ValueError, AssertionError)):
        lane_compiler.llvm_code(source, "work", "Diid", str)


def test_a_name_has_one_type():
    with pytest.raises(NotImplementedError, match="'total' is first 'i' and then 'd'"):
        run("total = 0\nfor i in range(a):\n    total += x", 1, 1, 1.0)


def by_numba(source: str, name: str, signature: str):
    """A kernel's text, compiled by Numba as a whole."""
    import numba

    from sgdsde.engines.lane_math import FASTMATH

    types = {"i": numba.types.int64, "u": numba.types.uint64, "d": numba.types.float64}
    pointers = {"I": numba.types.int64, "D": numba.types.float64, "W": numba.types.uint32}
    arguments = [types[x] if x in types else numba.types.CPointer(pointers[x]) for x in signature]
    scope: dict[str, object] = {}
    exec(source, scope)
    function = numba.cfunc(numba.types.void(*arguments), fastmath=FASTMATH, error_model="numpy")(scope[name])
    kinds = {"i": ctypes.c_int64, "u": ctypes.c_uint64, "d": ctypes.c_double}
    prototype = ctypes.CFUNCTYPE(None, *(kinds.get(x, ctypes.c_void_p) for x in signature))
    call = prototype(function.address)
    return lambda *given, keep=function: call(*given)


@pytest.mark.slow("half a minute of Numba's type inference")
@pytest.mark.parametrize("kind", ["sde", "sgd", "exits"])
def test_the_same_bits_as_from_numba(kind, monkeypatch):
    import sgdsde as sg
    from sgdsde.engines import numba_exits, numba_lanes

    well = sg.Landscape("x**4/4 - x**2/2 + sin(x)/9 + max(x, 2*x)**2/9", "x", noise_covariance="1 + x**2/2")
    config = sg.SGDConfig(0.1, 4, 64, momentum=0.5)

    def made():
        if kind == "sgd":
            return sg.simulate_sgd(well, config, -1.0, 40, 200, save_every=1)
        stop = {"a": "x > 0", "b": "x < -2"} if kind == "exits" else None
        return sg.integrate(well, -1.0, 4.0, 43, 200, save_every=1, stop=stop)

    ours = made()
    for engine in (numba_lanes, numba_exits):
        monkeypatch.setattr(engine, "load", by_numba)
    theirs = made()
    np.testing.assert_array_equal(ours.snapshots, theirs.snapshots)
    np.testing.assert_array_equal(ours.path_covariance, theirs.path_covariance)
    assert np.isfinite(ours.snapshots).any()


def test_a_text_is_compiled_without_numba(tmp_path):
    """Once what it calls is kept, a new landscape needs no Numba, and SymPy alone of what is slow to load."""
    import os
    import subprocess
    import sys

    import sgdsde as sg

    sg.integrate(sg.Landscape("1.5*x**2", "x"), 1.0, 0.1, 10, 3)  # its helpers are kept from now on
    copy_helpers(tmp_path / "code")
    code = (
        "import sys, sgdsde as sg\n"
        "sg.integrate(sg.Landscape('2.5*x**2', 'x'), 1.0, 0.1, 10, 3)\n"
        "print('numba' in sys.modules, 'torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"SGDSDE_CACHE_DIR": str(tmp_path / "code")}, check=True,
        capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert found == ["False"] * 3
    assert len(list((tmp_path / "code").glob("*.object"))) == 1
