"""Small batches in a network with one hidden layer: what k updates are beside products of large matrices, compiled.

An update of four examples is some forty operations on small matrices, which take torch longer to begin than to do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sgdsde.engines.machine_code import load

#: torch's type → NumPy's name, and the letter of `machine_code` for a pointer to it.
_TYPES = {torch.float32: ("float32", "S"), torch.float64: ("float64", "D")}
#: ω₁X (k n, H), K (k n, k n), errors (k n, H), then b₁, W₂, b₂ and their velocities, labels, coefficients, and one
#: update's outputs (n, H) and logits (C); k, n, H, C, m.
_SIGNATURE = "XXXXXXXXXIXXXiiiid"
_SOURCE = '''"""k updates of a network with one hidden layer, but for the matrix of its first layer."""

import math

import numpy as np
from numba import carray


def descend(
    linear, mixing, errors, bias, v_bias, matrix, v_matrix, top, v_top, labels, a, first, logits, k, n, h, c, m
):
    linear, errors = carray(linear, (k * n, h)), carray(errors, (k * n, h))
    mixing, matrix, v_matrix = carray(mixing, (k * n, k * n)), carray(matrix, (c, h)), carray(v_matrix, (c, h))
    bias, v_bias, top, v_top = carray(bias, h), carray(v_bias, h), carray(top, c), carray(v_top, c)
    labels, a, first, logits = carray(labels, k * n), carray(a, k * n), carray(first, (n, h)), carray(logits, (n, c))
    zero, keep = np.REAL(0), np.REAL(m)
    for t in range(k):
        before = t * n
        for i in range(n):
            row = before + i
            for j in range(h):
                first[i, j] = linear[row, j] + bias[j]
            for s in range(0, before - before % 4, 4):
                c0, c1, c2, c3 = mixing[row, s], mixing[row, s + 1], mixing[row, s + 2], mixing[row, s + 3]
                for j in range(h):
                    first[i, j] -= (
                        c0 * errors[s, j] + c1 * errors[s + 1, j] + c2 * errors[s + 2, j] + c3 * errors[s + 3, j]
                    )
            for s in range(before - before % 4, before):
                c0 = mixing[row, s]
                for j in range(h):
                    first[i, j] -= c0 * errors[s, j]
            for j in range(h):
                first[i, j] = max(first[i, j], zero)
            largest = np.REAL(-np.inf)
            for q in range(c):
                total = zero
                for j in range(h):
                    total += matrix[q, j] * first[i, j]
                logits[i, q] = total + top[q]
                largest = max(largest, logits[i, q])
            whole = zero
            for q in range(c):
                logits[i, q] = np.REAL(math.exp(logits[i, q] - largest))
                whole += logits[i, q]
            for q in range(c):
                logits[i, q] *= a[row] / whole
            logits[i, labels[row]] -= a[row]
            for j in range(h):
                errors[row, j] = zero
            for q in range(c):
                slope = logits[i, q]
                for j in range(h):
                    errors[row, j] += slope * matrix[q, j]
            for j in range(h):
                errors[row, j] = errors[row, j] if first[i, j] > zero else zero
        for q in range(c):
            for j in range(h):
                v_matrix[q, j] *= keep
            v_top[q] *= keep
            for i in range(n):
                slope = logits[i, q]
                v_top[q] -= slope
                for j in range(h):
                    v_matrix[q, j] -= slope * first[i, j]
            top[q] += v_top[q]
            for j in range(h):
                matrix[q, j] += v_matrix[q, j]
        for j in range(h):
            v_bias[j] *= keep
        for i in range(n):
            for j in range(h):
                v_bias[j] -= errors[before + i, j]
        for j in range(h):
            bias[j] += v_bias[j]
'''


def small_batches(dtype: torch.dtype) -> Callable[..., None]:
    """The compiled function for tensors of this type: compiled once, and kept on disk."""
    name, letter = _TYPES[dtype]
    return load(_SOURCE.replace("REAL", name), "descend", _SIGNATURE.replace("X", letter))


def hidden_errors(
    linear: Tensor,
    mixing: Tensor,
    layers: list[tuple[Tensor, Tensor]],
    y: Tensor,
    a: Tensor,
    momentum: float,
) -> Tensor:
    """Errors (k n, H) of the hidden layer over k updates; all weights but the first matrix are moved in place.

    Parameters
    ----------
    linear : Tensor, (k n, H)
        What the hidden layer is given where errors of earlier updates are left out, without its bias.
    mixing : Tensor, (k n, k n)
        By what the errors of earlier updates (columns) change it in later ones (rows).
    layers : list of (parameter, velocity)
        Of b₁ (H), W₂ (C, H) and b₂ (C).
    y, a : Tensor, (k, n)
        Labels and coefficients.
    momentum : float
        m.
    """
    (k, n), (c, h) = y.shape, layers[1][0].shape
    errors, first, logits = torch.empty_like(linear), linear.new_empty(n, h), linear.new_empty(n, c)
    moved = [tensor for pair in layers for tensor in pair]
    kept = [linear.contiguous(), mixing.contiguous(), errors, *moved, y.contiguous(), a.contiguous(), first, logits]
    assert all(tensor.is_contiguous() for tensor in moved)
    small_batches(linear.dtype)(*(tensor.data_ptr() for tensor in kept), k, n, h, c, momentum)
    return errors
