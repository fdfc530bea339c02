"""Products of matrices with inputs that are mostly 0, and updates with them, as Numba kernels; see `inputs`."""

from __future__ import annotations

from numba import njit

from sgdsde.engines.lane_math import FASTMATH, UNWRAPPED
from sgdsde.models.scaled_rows import BYTES, less_rows, moved_by_rows, scaled_rows
from sgdsde.models.small_batch_kernel import descend

kernel = njit(nogil=True, fastmath=FASTMATH, error_model="numpy", **UNWRAPPED)
#: Vectors that are summed at once: with eight, two additions a cycle need not wait for each other.
MANY = 8
_sum_many, _sum_one = scaled_rows(MANY), scaled_rows(1)
_less_many, _less_one = less_rows(MANY), less_rows(1)
_move_many, _move_one = moved_by_rows(MANY), moved_by_rows(1)


@kernel
def multiply(first, last, columns, values, matrix, out, n, h):
    """out[i] = Σ_e values[e] matrix[columns[e]] over e of row i. Columns outside: what rows share stays in cache."""
    lanes = BYTES // values.itemsize
    j = 0
    while j + MANY * lanes <= h:
        for i in range(n):
            _sum_many(out, i, j, matrix, columns, values, first[i], last[i])
        j += MANY * lanes
    while j + lanes <= h:
        for i in range(n):
            _sum_one(out, i, j, matrix, columns, values, first[i], last[i])
        j += lanes
    for i in range(n):
        for q in range(j, h):
            total = values.dtype.type(0)
            for e in range(first[i], last[i]):
                total += values[e] * matrix[columns[e], q]
            out[i, q] = total


@kernel
def turn(first, last, columns, values, begins, rows, turned, n, d):
    """The same numbers by columns: of column p `turned` from begins[p] to begins[p + 1], in `rows`."""
    for p in range(d + 1):
        begins[p] = 0
    for i in range(n):
        for e in range(first[i], last[i]):
            begins[columns[e] + 1] += 1
    for p in range(d):
        begins[p + 1] += begins[p]
    for i in range(n):
        for e in range(first[i], last[i]):
            p = columns[e]
            rows[begins[p]], turned[begins[p]] = i, values[e]
            begins[p] += 1
    for p in range(d, 0, -1):  # each has moved on to where the next begins
        begins[p] = begins[p - 1]
    begins[0] = 0


@kernel
def take_away(begins, rows, turned, errors, velocity, d, h, keep):
    """velocity ← keep velocity − Σ_i x_i ⊗ errors_i, (d, h): row after row, as memory is read best."""
    kept, lanes = velocity.dtype.type(keep), BYTES // turned.itemsize
    for p in range(d):
        begin, end, j = begins[p], begins[p + 1], 0
        while j + MANY * lanes <= h:
            _less_many(velocity, p, j, errors, rows, turned, begin, end, kept)
            j += MANY * lanes
        while j + lanes <= h:
            _less_one(velocity, p, j, errors, rows, turned, begin, end, kept)
            j += lanes
        for q in range(j, h):
            velocity[p, q] *= kept
            for e in range(begin, end):
                velocity[p, q] -= turned[e] * errors[rows[e], q]


@kernel
def move(begins, rows, turned, errors, velocity, matrix, d, h, keep):
    """`take_away`, then matrix ← matrix + velocity, both once through memory."""
    kept, lanes = velocity.dtype.type(keep), BYTES // turned.itemsize
    for p in range(d):
        begin, end, j = begins[p], begins[p + 1], 0
        while j + MANY * lanes <= h:
            _move_many(velocity, p, j, errors, rows, turned, begin, end, kept, matrix)
            j += MANY * lanes
        while j + lanes <= h:
            _move_one(velocity, p, j, errors, rows, turned, begin, end, kept, matrix)
            j += lanes
        for q in range(j, h):
            velocity[p, q] *= kept
            for e in range(begin, end):
                velocity[p, q] -= turned[e] * errors[rows[e], q]
            matrix[p, q] += velocity[p, q]


@kernel
def descend_sparse(
    first, last, columns, values, matrix, v_matrix, bias, v_bias, top_matrix, v_top_matrix, top, v_top, labels, a,
    linear, errors, hidden, logits, begins, rows, turned, k, n, d, h, c, part, m,
):  # fmt: skip
    """k updates of n examples of a network with one hidden layer, its first matrix (d, h)."""
    for t in range(k):
        begin, end = t * n, (t + 1) * n
        multiply(first[begin:end], last[begin:end], columns, values, matrix, linear, n, h)
        descend(
            linear, linear, errors, bias, v_bias, top_matrix, v_top_matrix, top, v_top, labels[begin:end],
            a[begin:end], hidden, logits, 1, n, h, c, m,
        )  # fmt: skip
        for s in range(0, n, part):
            e = min(n, s + part)
            since, until = first[begin + s : begin + e], last[begin + s : begin + e]
            turn(since, until, columns, values, begins, rows, turned, e - s, d)
            if e < n:
                take_away(begins, rows, turned, errors[s:e], v_matrix, d, h, m if s == 0 else 1.0)
            else:
                move(begins, rows, turned, errors[s:e], v_matrix, matrix, d, h, m if s == 0 else 1.0)
