"""k updates of a network with one hidden layer, but for the matrix of its first layer, as a Numba kernel."""

from __future__ import annotations

import math

import numpy as np

from sgdsde.engines.lane_noise import kernel


@kernel
def descend(
    linear, mixing, errors, bias, v_bias, matrix, v_matrix, top, v_top, labels, a, first, logits, k, n, h, c, m
):
    """All arrays are of one type; see `sgdsde.models.small_batches`."""
    zero, keep = bias.dtype.type(0), bias.dtype.type(m)
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
            largest = bias.dtype.type(-np.inf)
            for q in range(c):
                total = zero
                for j in range(h):
                    total += matrix[q, j] * first[i, j]
                logits[i, q] = total + top[q]
                largest = max(largest, logits[i, q])
            whole = zero
            for q in range(c):
                logits[i, q] = bias.dtype.type(math.exp(logits[i, q] - largest))
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
