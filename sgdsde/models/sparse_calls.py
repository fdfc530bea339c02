"""The kernels of `sgdsde.models.sparse_kernel` as functions of addresses: compiled once, and kept on disk."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from sgdsde.engines.machine_code import load

#: torch's type → the letter of `machine_code` for a pointer to it.
_LETTERS = {torch.float32: "S", torch.float64: "D"}
_BEGINNING = '''"""Arrays for the compiled function."""
from numba import carray
from sgdsde.models.sparse_kernel import {name}


'''
_ENTRIES = "carray(columns, total), carray(values, total)"
#: Kernel → what it is called with, letters of `machine_code` (X for the numbers' type), and the arrays made of it.
_KERNELS = {
    "multiply": (
        "first, last, columns, values, matrix, out, n, d, h, total", "IIWXXXiiii",
        f"carray(first, n), carray(last, n), {_ENTRIES}, carray(matrix, (d, h)), carray(out, (n, h)), n, h",
    ),
    "turn": (
        "first, last, columns, values, begins, rows, turned, n, d, total, taken", "IIWXIWXiiii",
        f"carray(first, n), carray(last, n), {_ENTRIES}, carray(begins, d + 1), carray(rows, taken), "
        "carray(turned, taken), n, d",
    ),
    "take_away": (
        "begins, rows, turned, errors, velocity, n, d, h, taken, keep", "IWXXXiiiid",
        "carray(begins, d + 1), carray(rows, taken), carray(turned, taken), carray(errors, (n, h)), "
        "carray(velocity, (d, h)), d, h, keep",
    ),
    "descend_sparse": (
        "first, last, columns, values, matrix, v_matrix, bias, v_bias, top_matrix, v_top_matrix, top, v_top, labels, "
        "a, linear, errors, hidden, logits, begins, rows, turned, k, n, d, h, c, part, total, taken, m",
        "IIWXXXXXXXXXIXXXXXIWXiiiiiiiid",
        f"carray(first, k * n), carray(last, k * n), {_ENTRIES}, carray(matrix, (d, h)), carray(v_matrix, (d, h)), "
        "carray(bias, h), carray(v_bias, h), carray(top_matrix, (c, h)), carray(v_top_matrix, (c, h)), carray(top, c), "
        "carray(v_top, c), carray(labels, k * n), carray(a, k * n), carray(linear, (n, h)), carray(errors, (n, h)), "
        "carray(hidden, (n, h)), carray(logits, (n, c)), carray(begins, d + 1), carray(rows, taken), "
        "carray(turned, taken), k, n, d, h, c, part, m",
    ),
}  # fmt: skip


@functools.cache
def sparse_kernel(name: str, dtype: torch.dtype) -> Callable[..., None]:
    """A kernel for numbers of this type: compiled once, and kept on disk."""
    arguments, letters, arrays = _KERNELS[name]
    source = _BEGINNING.format(name=name) + f"def run({arguments}):\n    {name}({arrays})\n"
    return load(source, "run", letters.replace("X", _LETTERS[dtype]))
