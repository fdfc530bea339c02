"""The ordered line integral method on a grid of cells, as Numba kernels; see `potential_field`.

Cells are numbered row by row, ny i + j. `medium` (2 nx − 1, 2 ny − 1, 6) holds, at their centres and half-way between
any two of them, what a step costs: M = F⁻¹ as M_xx, M_xy, M_yy; M∇L, two numbers; and |∇L| in the metric M.
"""

from __future__ import annotations

import math

from numba import njit

from sgdsde.engines.lane_math import FASTMATH, UNWRAPPED

kernel = njit(nogil=True, fastmath=FASTMATH, error_model="numpy", **UNWRAPPED)

#: What is known of a cell: nothing; a value that may fall; its value, beside cells that have none yet; its value.
UNKNOWN, CONSIDERED, FRONT, DONE = 0, 1, 2, 3
TRIES, CLOSE = 30, 1e-6  # for the place on an edge where a step begins


@kernel
def sweep(value, state, base, shortest, heap, place, medium, nx, ny, hx, hy, reach, found):
    """Values of all cells from those of the cells in `state` CONSIDERED; found[0]: the least value on the border."""
    size = 0
    for cell in range(nx * ny):
        if state[cell] == CONSIDERED:
            heap[size] = cell
            up(heap, place, value, size)
            size += 1
    found[0] = math.inf
    while size > 0:
        cell = pop(heap, place, value, size)
        size -= 1
        state[cell] = FRONT
        i, j = cell // ny, cell % ny
        if (i == 0 or j == 0 or i == nx - 1 or j == ny - 1) and value[cell] < found[0]:
            found[0] = value[cell]
        for a in range(max(i - 1, 0), min(i + 2, nx)):
            for b in range(max(j - 1, 0), min(j + 2, ny)):
                near = a * ny + b
                if state[near] == FRONT and not is_beside(state, a, b, nx, ny, CONSIDERED, UNKNOWN):
                    state[near] = DONE
        for a in range(max(i - reach, 0), min(i + reach + 1, nx)):
            for b in range(max(j - reach, 0), min(j + reach + 1, ny)):
                other = a * ny + b
                if state[other] == CONSIDERED and (a - i) ** 2 + (b - j) ** 2 <= reach * reach:
                    reached = updated(value, state, base, shortest, medium, other, cell, nx, ny, hx, hy)
                    if reached < value[other]:
                        value[other] = reached
                        up(heap, place, value, place[other])
        for a in range(max(i - 1, 0), min(i + 2, nx)):
            for b in range(max(j - 1, 0), min(j + 2, ny)):
                other = a * ny + b
                if state[other] == UNKNOWN:
                    state[other] = CONSIDERED
                    value[other] = first(value, state, base, shortest, medium, a, b, nx, ny, hx, hy, reach)
                    heap[size] = other
                    up(heap, place, value, size)
                    size += 1


@kernel
def is_beside(state, i, j, nx, ny, one, other):
    """Whether one of the eight cells around is in one of two states."""
    for a in range(max(i - 1, 0), min(i + 2, nx)):
        for b in range(max(j - 1, 0), min(j + 2, ny)):
            if state[a * ny + b] == one or state[a * ny + b] == other:
                return True
    return False


@kernel
def first(value, state, base, shortest, medium, i, j, nx, ny, hx, hy, reach):
    """Value of a cell that had none: by the best single cell of the front within reach, and edges from it."""
    cell = i * ny + j
    for a in range(max(i - reach, 0), min(i + reach + 1, nx)):
        for b in range(max(j - reach, 0), min(j + reach + 1, ny)):
            source = a * ny + b
            if state[source] == FRONT and (a - i) ** 2 + (b - j) ** 2 <= reach * reach:
                reached = value[source] + step(medium, i, j, a, b, hx, hy)
                if reached < shortest[cell]:
                    shortest[cell], base[cell] = reached, source
    return min(shortest[cell], by_edges(value, state, medium, i, j, base[cell], nx, ny, hx, hy))


@kernel
def updated(value, state, base, shortest, medium, cell, source, nx, ny, hx, hy):
    """Value of a cell by a new cell of the front: edges are tried where it is the best single cell, or beside that."""
    i, j, a, b = cell // ny, cell % ny, source // ny, source % ny
    reached = value[source] + step(medium, i, j, a, b, hx, hy)
    if reached < shortest[cell]:
        shortest[cell], base[cell] = reached, source
        return min(reached, by_edges(value, state, medium, i, j, source, nx, ny, hx, hy))
    c, d = base[cell] // ny, base[cell] % ny
    if abs(c - a) <= 1 and abs(d - b) <= 1:
        return min(reached, by_edge(value, medium, i, j, a, b, c, d, ny, hx, hy))
    return reached


@kernel
def by_edges(value, state, medium, i, j, source, nx, ny, hx, hy):
    """Least value by steps from edges between a cell of the front and those of its eight neighbours in the front."""
    a, b, least = source // ny, source % ny, math.inf
    for c in range(max(a - 1, 0), min(a + 2, nx)):
        for d in range(max(b - 1, 0), min(b + 2, ny)):
            if state[c * ny + d] == FRONT and (c != a or d != b):
                least = min(least, by_edge(value, medium, i, j, a, b, c, d, ny, hx, hy))
    return least


@kernel
def step(medium, i, j, a, b, hx, hy):
    """Action of the straight step from (a, b) to (i, j), by the midpoint rule."""
    x, y = (i - a) * hx, (j - b) * hy
    i, j = i + a, j + b
    square = x * x * medium[i, j, 0] + 2 * x * y * medium[i, j, 1] + y * y * medium[i, j, 2]
    return math.sqrt(square) * medium[i, j, 5] + x * medium[i, j, 3] + y * medium[i, j, 4]


@kernel
def by_edge(value, medium, i, j, a, b, c, d, ny, hx, hy):
    """Least value at (i, j) by a step from between (a, b) and (c, d); inf where a step from one of them is the best."""
    low, rise = value[a * ny + b], value[c * ny + d] - value[a * ny + b]
    left, right = 0.0, 1.0
    at_left, reached = along(medium, i, j, a, b, c, d, rise, 0.0, hx, hy)
    at_right, reached = along(medium, i, j, a, b, c, d, rise, 1.0, hx, hy)
    if not (at_left < 0.0 < at_right):
        return math.inf
    for _ in range(TRIES):  # Illinois: regula falsi that leaves no end behind
        s = (left * at_right - right * at_left) / (at_right - at_left)
        here, reached = along(medium, i, j, a, b, c, d, rise, s, hx, hy)
        if min(s - left, right - s) < CLOSE:
            break
        if here > 0.0:
            right, at_right, at_left = s, here, at_left / 2
        else:
            left, at_left, at_right = s, here, at_right / 2
    return low + reached


@kernel
def along(medium, i, j, a, b, c, d, rise, s, hx, hy):
    """Slope in s of the value at (i, j) by a step from (1 − s)(a, b) + s(c, d), and the value less that at (a, b)."""
    i, j, tx, ty, x, y = i + a, j + b, (a - c) * hx, (b - d) * hy, (i - a) * hx, (j - b) * hy
    c, d = i - a + c, j - b + d
    x, y = x + s * tx, y + s * ty
    dxx, dxy = medium[c, d, 0] - medium[i, j, 0], medium[c, d, 1] - medium[i, j, 1]
    dyy, dx, dy = (
        medium[c, d, 2] - medium[i, j, 2],
        medium[c, d, 3] - medium[i, j, 3],
        medium[c, d, 4] - medium[i, j, 4],
    )
    more = medium[c, d, 5] - medium[i, j, 5]
    xx, xy, yy = medium[i, j, 0] + s * dxx, medium[i, j, 1] + s * dxy, medium[i, j, 2] + s * dyy
    px, py, steep = medium[i, j, 3] + s * dx, medium[i, j, 4] + s * dy, medium[i, j, 5] + s * more
    length = math.sqrt(x * x * xx + 2 * x * y * xy + y * y * yy)
    change = tx * (x * xx + y * xy) + ty * (x * xy + y * yy) + (x * x * dxx + 2 * x * y * dxy + y * y * dyy) / 2
    slope = rise + steep * change / length + length * more + tx * px + ty * py + x * dx + y * dy
    return slope, s * rise + length * steep + x * px + y * py


@kernel
def up(heap, place, value, at):
    """Restore the order of the heap after a value there has fallen."""
    cell = heap[at]
    while at > 0:
        above = (at - 1) // 2
        if value[heap[above]] <= value[cell]:
            break
        heap[at] = heap[above]
        place[heap[at]] = at
        at = above
    heap[at] = cell
    place[cell] = at


@kernel
def pop(heap, place, value, size):
    """The cell of least value, taken from a heap of that size."""
    least, cell, at = heap[0], heap[size - 1], 0
    while 2 * at + 1 < size - 1:
        below = 2 * at + 1
        if below + 1 < size - 1 and value[heap[below + 1]] < value[heap[below]]:
            below += 1
        if value[cell] <= value[heap[below]]:
            break
        heap[at] = heap[below]
        place[heap[at]] = at
        at = below
    heap[at] = cell
    place[cell] = at
    return least
