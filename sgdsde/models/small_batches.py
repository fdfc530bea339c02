"""Batches in a network with one hidden layer on a CPU: all but the products of large matrices compiled.

An update of four examples is some forty operations on small matrices, which take torch longer to begin than to do. And
its time goes into reading and writing the first layer's matrix W and velocity V, far more numbers than the batch has.
Its inputs are known in advance, so W and V are touched once in k updates: with the rows X_s of the batch and δ_s of its
errors at update s, and with φ(j) = 1 + m + … + m^{j−1}, W_t = W_0 + m φ(t) V_0 − Σ_{s<t} φ(t−s) δ_sᵀX_s; and all that
update t needs is W_t X_tᵀ, from products X_s X_tᵀ.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sgdsde.engines.machine_code import load
from sgdsde.models.networks import Weights

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


@dataclass(frozen=True, eq=False)
class InARow:
    """Numbers of k updates of n examples in a row.

    Attributes
    ----------
    carried, felt, left : Tensor, (k n, 1)
        m φ(t), by what V_0 is in the W of a row's update; φ(k − t), by what the row's errors are in the last W; and
        m^{k−1−t}, in the last V.
    mixing : Tensor, (k n, k n)
        φ(t − s), by what errors of earlier updates (columns) are in later ones; 0 for the others.
    moved, kept : float
        m φ(k) and m^k, by what V_0 is in the last W and V.
    """

    carried: Tensor
    felt: Tensor
    left: Tensor
    mixing: Tensor
    moved: float
    kept: float


@functools.lru_cache(maxsize=64)
def in_a_row(k: int, n: int, momentum: float, dtype: torch.dtype, device: torch.device) -> InARow:
    """The numbers, made once."""
    powers = torch.tensor([momentum**j for j in range(k + 1)], dtype=dtype, device=device)
    phi = powers.cumsum(0) - powers
    update = torch.arange(k, device=device).repeat_interleave(n)  # that a row belongs to
    carried, felt, left = momentum * phi[update], phi[k - update], powers[k - 1 - update]
    mixing = phi[(update[:, None] - update).clamp(min=0)]
    return InARow(carried[:, None], felt[:, None], left[:, None], mixing, momentum * float(phi[k]), momentum**k)


def descend_compiled(weights: Weights, velocity: Weights, x: Tensor, y: Tensor, a: Tensor, momentum: float) -> None:
    """k updates of one replica with n examples each, x (k, n, …): changes weights and velocity in place."""
    (k, n), (wide, *others) = y.shape, weights
    matrix, speed, inputs = weights[wide][0], velocity[wide][0], x.flatten(0, 1)
    layers = [(weights[name][0], velocity[name][0]) for name in others]
    linear = torch.mm(inputs, matrix.T)
    if k == 1:
        errors = hidden_errors(linear, linear, layers, y, a, momentum)
        matrix.add_(speed.addmm_(errors.T, inputs, beta=momentum, alpha=-1))
        return
    row = in_a_row(k, n, momentum, x.dtype, x.device)
    if momentum:
        linear.addcmul_(row.carried, torch.mm(inputs, speed.T))
    mixing = torch.mm(inputs, inputs.T).mul_(row.mixing)
    errors = hidden_errors(linear, mixing, layers, y, a, momentum)
    if momentum:
        matrix.add_(speed, alpha=row.moved)
    matrix.addmm_((errors * row.felt).T, inputs, alpha=-1)
    last = 0 if momentum else (k - 1) * n  # without momentum the velocity is the last update alone
    speed.addmm_((errors[last:] * row.left[last:]).T, inputs[last:], beta=row.kept, alpha=-1)


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
        By what the errors of earlier updates (columns) change it in later ones (rows); of one update it is not read.
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
