"""Machine code of a kernel: compiled by Numba once, kept on disk, and called through its address ever after.

A second process loads neither Numba nor SymPy: llvmlite links the object file, ctypes calls it and releases the GIL.
"""

from __future__ import annotations

import base64
import ctypes
import functools
import importlib
import json
import linecache
import threading
from collections.abc import Callable
from importlib.metadata import version as _version
from typing import Any

import llvmlite.binding as llvm

from sgdsde import cache, codegen

#: Letters of a signature: how Numba and ctypes call the type; capitals are pointers to it.
_TYPES: dict[str, tuple[str, Any]] = {
    "i": ("int64", ctypes.c_int64),
    "u": ("uint64", ctypes.c_uint64),
    "d": ("float64", ctypes.c_double),
    "I": ("int64", ctypes.c_void_p),
    "D": ("float64", ctypes.c_void_p),
    "S": ("float32", ctypes.c_void_p),
    "W": ("uint32", ctypes.c_void_p),
}


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _nothing(memory: int) -> None:
    """Stands for Numba's destructor of arrays that own memory; a kernel's arrays own none."""


@functools.cache
def _processor() -> tuple[str, str, str]:
    """Name and features of this processor, and what tells its code from others'."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.add_symbol("NRT_MemInfo_call_dtor", ctypes.cast(_nothing, ctypes.c_void_p).value)
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    return cpu, features, f"{llvm.get_default_triple()} {cpu} {features} llvmlite {_version('llvmlite')}"


def _machine() -> llvm.TargetMachine:
    """A new target machine: an engine owns the one that it is made with, and frees it."""
    cpu, features, _ = _processor()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


_LOCK = threading.Lock()


def load(source: str, name: str, signature: str) -> Callable[..., None]:
    """Return the function `name` of a module's text as a C function.

    Parameters
    ----------
    source : str
        A generated module.
    name : str
        A function in it, of numbers and pointers, returning nothing.
    signature : str
        A letter per argument: i (int64), u (uint64), d (float64), I, D, S, W (pointers to int64, float64, float32,
        uint32).
    """
    with _LOCK:  # threads that need the same function wait for one of them to make it
        return _load(source, name, signature)


@functools.cache
def _load(source: str, name: str, signature: str) -> Callable[..., None]:
    key = codegen.digest([source, name, signature, _processor()[2]])
    file = f"{key}.object.json"
    record = _record(cache.read(file))
    if record is None:
        record = _compile(source, name, signature, key)
        cache.write(file, json.dumps(record).encode())
    return _link(record, signature)


def _record(stored: bytes | None) -> dict[str, str] | None:
    """Symbol and object code as `_compile` gave them, or None."""
    try:
        found = json.loads(stored or b"null")
        return {"symbol": str(found["symbol"]), "object": str(found["object"])}
    except (ValueError, LookupError, TypeError):
        return None


def _link(record: dict[str, str], signature: str) -> Callable[..., None]:
    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(base64.b64decode(record["object"])))
    engine.finalize_object()
    # Numba's calling convention: where to put the result, where to put an exception, the arguments; 0 for success.
    types = (_TYPES[letter][1] for letter in signature)
    prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *types)
    function = prototype(engine.get_function_address(record["symbol"]))

    def call(*arguments: Any, keep: Any = (engine, empty)) -> None:  # the code lives as long as its engine
        result, exception = ctypes.c_void_p(), ctypes.c_void_p()
        status = function(ctypes.addressof(result), ctypes.addressof(exception), *arguments)
        if status != 0:
            raise RuntimeError(f"a compiled kernel failed with status {status}")

    return call


def _compile(source: str, name: str, signature: str, key: str) -> dict[str, str]:
    """Object code of a function, as text, and its symbol."""
    symbol, assembly = _with_numba(source, name, signature, key)
    module = _optimised(symbol, assembly)
    return {"symbol": symbol, "object": base64.b64encode(_machine().emit_object(module)).decode()}


def _optimised(symbol: str, assembly: str) -> llvm.ModuleRef:
    """The function and what it needs, vectorised for this processor."""
    module = llvm.parse_assembly(assembly)
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(_machine(), llvm.create_pipeline_tuning_options()))
    for needed in (f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")):
        if llvm.address_of_symbol(needed) is None:
            raise RuntimeError(f"a compiled kernel needs {needed}, which this process does not have")
    return module


def _with_numba(source: str, name: str, signature: str, key: str) -> tuple[str, str]:
    """Symbol and optimised LLVM assembly of a function of the module's text."""
    numba: Any = importlib.import_module("numba")
    from sgdsde.engines.lane_math import FASTMATH

    # The text goes from memory to Numba: a file, and what Python compiles beside it, could be another's by then.
    file = f"<sgdsde kernel {key}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for tracebacks
    scope: dict[str, Any] = {"__name__": f"sgdsde_kernel_{key}"}
    exec(compile(source, file, "exec"), scope)
    named = [(letter, getattr(numba.types, _TYPES[letter][0])) for letter in signature]
    arguments = [numba.types.CPointer(plain) if letter.isupper() else plain for letter, plain in named]
    options = {"fastmath": FASTMATH, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled = numba.njit(numba.types.void(*arguments), **options)(scope[name])
    (result,) = compiled.overloads.values()
    return result.fndesc.llvm_func_name, result.library.get_llvm_str()
