"""Machine code of a kernel: made once, kept on disk, and called through its address ever after.

A second process loads neither Numba nor SymPy: llvmlite links the object file, ctypes calls it and releases the GIL.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version as _version
from typing import Any

import llvmlite.binding as llvm

from sgdsde import cache
from sgdsde.engines import lane_compiler, lane_library

#: Letters of a signature as ctypes calls them; capitals are pointers.
_TYPES: dict[str, Any] = {
    "i": ctypes.c_int64,
    "u": ctypes.c_uint64,
    "d": ctypes.c_double,
    **dict.fromkeys("IDSW", ctypes.c_void_p),
}


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _nothing(memory: int) -> None:
    """Stands for Numba's destructor of arrays that own memory; a kernel's arrays own none."""


#: What kernels call: where Numba is not loaded nothing is found by name, neither what LLVM calls for loops over memory.
_GIVEN = {
    "NRT_MemInfo_call_dtor": _nothing,
    "memset": ctypes.memset,
    "memmove": ctypes.memmove,
    "memcpy": ctypes.memmove,
}


@functools.cache
def _processor() -> tuple[str, str, str]:
    """Name and features of this processor, and what tells its code from others'."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name, function in _GIVEN.items():
        llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
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
    file = f"{cache.digest([source, name, signature, _processor()[2], lane_library.version()])}.object"
    return _link(cache.kept(file, lambda: _compile(source, name, signature)), name, signature)


def _link(code: bytes, name: str, signature: str) -> Callable[..., None]:
    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(None, *(_TYPES[letter] for letter in signature))
    function = prototype(engine.get_function_address(name))

    def call(*arguments: Any, keep: Any = (engine, empty)) -> None:  # the code lives as long as its engine
        function(*arguments)

    return call


def _compile(source: str, name: str, signature: str) -> bytes:
    """Object code of a function."""
    return bytes(_machine().emit_object(_optimised(*_modules(source, name, signature), name)))


def _modules(source: str, name: str, signature: str) -> tuple[llvm.ModuleRef, list[llvm.ModuleRef]]:
    """The function with the elementary functions that it calls, and other functions, which are optimised already."""
    inner: dict[str, bytes] = {}
    outer: dict[str, bytes] = {}

    def symbol_of(place: str, function: str, kinds: tuple[str, ...]) -> str:
        symbol, code = lane_library.helper(place, function, kinds, _processor()[2])
        (inner if set(kinds) == {"d"} else outer)[symbol] = code
        return symbol

    module = llvm.parse_assembly(lane_compiler.llvm_code(source, name, signature, symbol_of))
    for code in inner.values():
        module.link_in(llvm.parse_bitcode(code))
    return module, [llvm.parse_bitcode(code) for code in outer.values()]


def _optimised(module: llvm.ModuleRef, others: Sequence[llvm.ModuleRef], name: str) -> llvm.ModuleRef:
    """The function and what is left of what it calls, vectorised for this processor."""
    _internalise(module, name)
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = True
    builder = llvm.create_pass_builder(_machine(), tuning)
    builder.getModulePassManager().run(module, builder)
    for other in others:
        module.link_in(other)
    _internalise(module, name)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    for needed in (f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")):
        if llvm.address_of_symbol(needed) is None:
            raise RuntimeError(f"a compiled kernel needs {needed}, which this process does not have")
    return module


def _internalise(module: llvm.ModuleRef, name: str) -> None:
    for function in module.functions:
        if not function.is_declaration and function.name != name:
            function.linkage = "internal"
