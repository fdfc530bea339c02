"""Machine code of kernels: linked once whatever the threads, and freed with no harm to what is still in use."""

import ctypes
import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sgdsde as sg
from sgdsde import cache
from sgdsde.engines import machine_code

SOURCE = '''"""Writes a number."""
from numba import carray


def put(out_, value):
    carray(out_, 1)[0] = value + {}
'''


@pytest.fixture
def linked(monkeypatch):
    """How often code was linked."""
    counted, link = [], machine_code._link
    monkeypatch.setattr(machine_code, "_link", lambda *given: counted.append(given) or link(*given))
    machine_code._load.cache_clear()
    yield counted
    machine_code._load.cache_clear()


def _put(call, value):
    found = ctypes.c_int64()
    call(ctypes.addressof(found), value)
    return found.value


def test_threads_that_need_the_same_function_link_it_once(linked):
    machine_code.load(SOURCE.format(0), "put", "Ii")  # on disk from here on: linking is all that is left
    for amount in range(8):
        machine_code._load.cache_clear()
        linked.clear()
        with ThreadPoolExecutor(8) as pool:
            calls = list(pool.map(lambda _: machine_code.load(SOURCE.format(0), "put", "Ii"), range(8)))
        assert len(linked) == 1
        assert [_put(call, amount) for call in calls] == [amount] * 8


def test_code_that_is_dropped_takes_nothing_with_it(linked):
    kept = machine_code.load(SOURCE.format(1), "put", "Ii")
    for amount in range(2, 6):
        assert _put(machine_code.load(SOURCE.format(amount), "put", "Ii"), 40) == 40 + amount
        machine_code._load.cache_clear()
        gc.collect()
    assert _put(kept, 40) == 41


def test_damaged_object_code_is_compiled_anew_and_never_linked(linked, monkeypatch, tmp_path):
    """Cut or with a bit flipped, an object file may crash the linker or, worse, run."""
    monkeypatch.setenv("SGDSDE_CACHE_DIR", str(tmp_path / "code"))
    cache.directory.cache_clear()
    try:
        assert _put(machine_code.load(SOURCE.format(7), "put", "Ii"), 1) == 8
        (file,) = (tmp_path / "code").glob("*.object")
        whole = file.read_bytes()
        size = len(whole)
        flipped = [whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1 :] for at in range(3, size, size // 10)]
        for damaged in [*(whole[: size * part // 10] for part in range(10)), *flipped, b"\xff\xfe" + whole]:
            file.write_bytes(damaged)
            machine_code._load.cache_clear()
            linked.clear()
            assert _put(machine_code.load(SOURCE.format(7), "put", "Ii"), 1) == 8
            assert file.read_bytes() != damaged
            assert [code for code, *_ in linked] == [cache.read(file.name)]
    finally:
        cache.directory.cache_clear()


def test_a_kernel_finds_all_that_it_calls_where_numba_is_not_loaded(monkeypatch):
    """Seven regions in the plane: the loop that draws for them stays scalar, and called the C library's root.

    Numba, once loaded, tells LLVM where that is; a process that finds compiled helpers in the cache does not load it.
    """
    plane = sg.Landscape("(x**2 - 1)**2/4 + y**2 + x*y/2", "x y",
        noise_factor=[["0.5 + x**2/4", "0.1*y"], ["0.3", "0.8*(1 + y**2)"]])  # fmt: skip
    stop = {"right": "x > 1.3", "up": "y > 0.3", "left": "x < -1.3", "oblique": "x + 2*y < -0.5",
        "disc": "x**2 + y**2 > 5", "wedge": "x > 1.25 and y < -0.4", "parallel": "x > 1.35"}  # fmt: skip
    made, load = [], machine_code.load
    monkeypatch.setattr("sgdsde.engines.numba_exits.load", lambda *given: made.append(given) or load(*given))
    runs = [
        sg.simulate_sde(plane, sg.SGDConfig(0.1, 1, 64), [1.0, 0.0], 20, 40, substeps=16, stop=stop, engine=engine)
        for engine in ("numba", "numpy")
    ]
    np.testing.assert_array_equal(runs[0].exits.region, runs[1].exits.region)
    np.testing.assert_allclose(runs[0].final, runs[1].final, rtol=1e-9, atol=1e-12)
    found = {name: machine_code.llvm.address_of_symbol(name) for name in machine_code._GIVEN}
    monkeypatch.setattr(machine_code.llvm, "address_of_symbol", found.get)
    assert machine_code._compile(*made[0])


def test_what_llvm_calls_for_memory_is_known_where_numba_is_not_loaded():
    told = """
import sys
from sgdsde.engines import machine_code
machine_code._processor()
assert "numba" not in sys.modules
print(all(machine_code.llvm.address_of_symbol(name) for name in ("memset", "memcpy", "memmove")))
"""
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "True\n"
