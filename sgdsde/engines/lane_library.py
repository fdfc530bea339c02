"""Functions that kernels call, compiled by Numba once and kept: one piece of LLVM code for each function and its types.

They do not change with a landscape: a process that finds them in the cache folder loads no Numba.
"""

from __future__ import annotations

import functools
import importlib
from importlib.metadata import version as version_of
from typing import Any

import llvmlite.binding as llvm

from sgdsde import cache

#: Files that the functions are made from, and what these take numbers from.
_SOURCES = (
    *(f"engines/{name}.py" for name in ("lane_math", "lane_noise", "lane_area", "lanes", "noise", "philox")),
    *(f"engines/{name}.py" for name in ("lane_library", "lane_compiler", "machine_code")),
    *(f"models/{name}.py" for name in ("small_batch_kernel", "sparse_kernel", "scaled_rows")),
    "escapes/olim_kernel.py",
    "codegen.py",
)
#: Letters of arguments: numbers, integers with their value where it is known, and arrays as their elements and rank.
_TYPES = {"d": "float64", "i": "int64", "u": "uint64", "D": "float64", "I": "int64", "W": "uint32", "S": "float32"}


@functools.cache
def version() -> str:
    """What stands for these functions' code: of other sources, and by another Numba, it is another."""
    return f"{cache.sources(*_SOURCES)} numba {version_of('numba')} llvmlite {version_of('llvmlite')}"


@functools.cache
def helper(place: str, name: str, letters: tuple[str, ...], processor: str) -> tuple[str, bytes]:
    """Symbol and LLVM bitcode of a module's function for arguments of these kinds."""
    file = f"{cache.digest([place, name, letters, processor, version()])}.helper"
    found = cache.kept(file, lambda: b"\n".join(_compiled(getattr(importlib.import_module(place), name), letters)))
    symbol, code = found.split(b"\n", 1)
    return symbol.decode(), code


def _compiled(function: Any, letters: tuple[str, ...]) -> tuple[bytes, bytes]:
    numba: Any = importlib.import_module("numba")

    def typed(letter: str) -> Any:
        plain = getattr(numba.types, _TYPES[letter[0]])
        if not letter[1:]:
            return plain
        number = int(letter[1:])
        return numba.types.Array(plain, number, "C") if letter[0].isupper() else numba.types.literal(number)

    types = tuple(map(typed, letters))
    function.compile(types)
    made = function.overloads[types]
    symbol: str = made.fndesc.llvm_func_name
    # Where a loop stays scalar, the C library's root keeps its name, by which a process without Numba finds nothing.
    module = llvm.parse_assembly(made.library.get_llvm_str().replace("@sqrt(", "@llvm.sqrt.f64("))
    for each in module.functions:
        if each.name == symbol:
            each.linkage = "external"
            if set(letters) == {"d"}:
                each.add_function_attribute("alwaysinline")
        elif not each.is_declaration:
            each.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    machine = llvm.Target.from_default_triple().create_target_machine()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    return symbol.encode(), module.as_bitcode()
