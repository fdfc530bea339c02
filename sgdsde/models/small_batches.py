"""Small batches in a network with one hidden layer: what k updates are beside products of large matrices, compiled.

An update of four examples is some forty operations on small matrices, which take torch longer to begin than to do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sgdsde.engines.machine_code import load

#: torch's type → the letter of `machine_code` for a pointer to it.
_LETTERS = {torch.float32: "S", torch.float64: "D"}
#: ω₁X (k n, H), K (k n, k n), errors (k n, H), then b₁, W₂, b₂ and their velocities, labels, coefficients, and one
#: update's outputs (n, H) and logits (C); k, n, H, C, m.
_SIGNATURE = "XXXXXXXXXIXXXiiiid"
_SOURCE = '''"""Arrays for the compiled function."""
from numba import carray
from sgdsde.models.small_batch_kernel import descend


def run(linear, mixing, errors, bias, v_bias, matrix, v_matrix, top, v_top, labels, a, first, logits, k, n, h, c, m):
    descend(
        carray(linear, (k * n, h)), carray(mixing, (k * n, k * n)), carray(errors, (k * n, h)), carray(bias, h),
        carray(v_bias, h), carray(matrix, (c, h)), carray(v_matrix, (c, h)), carray(top, c), carray(v_top, c),
        carray(labels, k * n), carray(a, k * n), carray(first, (n, h)), carray(logits, (n, c)), k, n, h, c, m,
    )
'''


def small_batches(dtype: torch.dtype) -> Callable[..., None]:
    """The compiled function for tensors of this type: compiled once, and kept on disk."""
    return load(_SOURCE, "run", _SIGNATURE.replace("X", _LETTERS[dtype]))


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
