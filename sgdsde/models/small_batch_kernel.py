"""k updates of a network with one hidden layer, but for the matrix of its first layer, as a Numba kernel."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from sgdsde.engines.lane_math import FASTMATH, UNWRAPPED

#: Sums over hidden units may be taken in any order: vectors of a processor add up beside each other.
kernel = njit(nogil=True, fastmath={*FASTMATH, "reassoc"}, error_model="numpy", **UNWRAPPED)


@kernel
def descend(
    linear, mixing, errors, bias, v_bias, matrix, v_matrix, top, v_top, labels, a, first, logits, k, n, h, c, m
):
    """All arrays are of one type; see `sgdsde.models.small_batches`."""
    zero, keep = bias.dtype.type(0), bias.dtype.type(m)
    fours = c - c % 4
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
            for q in range(0, fours, 4):
                s0, s1, s2, s3 = zero, zero, zero, zero
                for j in range(h):
                    s0 += matrix[q, j] * first[i, j]
                    s1 += matrix[q + 1, j] * first[i, j]
                    s2 += matrix[q + 2, j] * first[i, j]
                    s3 += matrix[q + 3, j] * first[i, j]
                logits[i, q], logits[i, q + 1], logits[i, q + 2], logits[i, q + 3] = s0, s1, s2, s3
            for q in range(fours, c):
                s0 = zero
                for j in range(h):
                    s0 += matrix[q, j] * first[i, j]
                logits[i, q] = s0
            largest = bias.dtype.type(-np.inf)
            for q in range(c):
                logits[i, q] += top[q]
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
            for q in range(0, fours, 4):
                s0, s1, s2, s3 = logits[i, q], logits[i, q + 1], logits[i, q + 2], logits[i, q + 3]
                for j in range(h):
                    errors[row, j] += (
                        s0 * matrix[q, j] + s1 * matrix[q + 1, j] + s2 * matrix[q + 2, j] + s3 * matrix[q + 3, j]
                    )
            for q in range(fours, c):
                s0 = logits[i, q]
                for j in range(h):
                    errors[row, j] += s0 * matrix[q, j]
            for j in range(h):
                errors[row, j] = errors[row, j] if first[i, j] > zero else zero
        for q in range(c):
            v_top[q] *= keep
            for i in range(n):
                v_top[q] -= logits[i, q]
            top[q] += v_top[q]
            for j in range(h):
                v_matrix[q, j] *= keep
        for i in range(0, n - n % 4, 4):  # four rows stay at hand for all classes
            for q in range(c):
                s0, s1, s2, s3 = logits[i, q], logits[i + 1, q], logits[i + 2, q], logits[i + 3, q]
                for j in range(h):
                    v_matrix[q, j] -= (
                        s0 * first[i, j] + s1 * first[i + 1, j] + s2 * first[i + 2, j] + s3 * first[i + 3, j]
                    )
        for i in range(n - n % 4, n):
            for q in range(c):
                s0 = logits[i, q]
                for j in range(h):
                    v_matrix[q, j] -= s0 * first[i, j]
        for q in range(c):
            for j in range(h):
                matrix[q, j] += v_matrix[q, j]
        for j in range(h):
            v_bias[j] *= keep
        for i in range(n):
            for j in range(h):
                v_bias[j] -= errors[before + i, j]
        for j in range(h):
            bias[j] += v_bias[j]
