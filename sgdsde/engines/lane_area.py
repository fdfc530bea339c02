"""Lévy areas for a block of lanes, as Numba kernels: a kernel for each method of `sgdsde.engines.levy_area`.

Same numbers as there, which says what they mean. Arrays are rows of LANES: `out` has the k(k − 1)/2 areas, `z` the k
increments, `normals` what the method needs, used up; each may be longer. There is at least one term.
"""

from __future__ import annotations

import math

from sgdsde.engines.lane_math import wide_vectors
from sgdsde.engines.lane_noise import kernel, row_of
from sgdsde.engines.lanes import LANES

_ROOT_2, _TURN, _ALL = math.sqrt(2.0), 2.0 * math.pi, math.pi**2 / 6.0


@kernel
def fourier(out, z, normals, k, terms):
    """The terms, and nothing for the tail."""
    wide_vectors()
    for i in range(k * (k - 1) // 2 * LANES):
        out[i] = 0.0
    for r in range(terms):
        weight = 1.0 / (_TURN * (r + 1))
        pair = 0
        for j in range(k):
            x_j, y_j, z_j = row_of(normals, 2 * k * r + j), row_of(normals, 2 * k * r + k + j), row_of(z, j)
            for other in range(j + 1, k):
                x, y, z_l = row_of(normals, 2 * k * r + other), row_of(normals, 2 * k * r + k + other), row_of(z, other)
                area = row_of(out, pair)
                pair += 1
                for lane in range(LANES):
                    one = x_j[lane] * (y[lane] - _ROOT_2 * z_l[lane])
                    area[lane] += weight * (one - x[lane] * (y_j[lane] - _ROOT_2 * z_j[lane]))


@kernel
def tail_scale(terms):
    """√(2ρ)/2π."""
    rest = _ALL
    for r in range(1, terms + 1):
        rest -= 1.0 / (float(r) * float(r))
    return math.sqrt(2.0 * rest) / _TURN


@kernel
def add_tail(out, z, linear, g, scale, k):
    """out += scale × (g_jl + z_j linear_l − linear_j z_l)."""
    wide_vectors()
    pair = 0
    for j in range(k):
        z_j, linear_j = row_of(z, j), row_of(linear, j)
        for other in range(j + 1, k):
            area, own, z_l, linear_l = row_of(out, pair), row_of(g, pair), row_of(z, other), row_of(linear, other)
            pair += 1
            for lane in range(LANES):
                crossed = z_j[lane] * linear_l[lane] - linear_j[lane] * z_l[lane]
                area[lane] += scale * (own[lane] + crossed)


@kernel
def turn(linear, factor, z, g, k):
    """linear ← −G z / (1 + √(1 + |z|²)), G the antisymmetric matrix of g; `factor` (LANES) is room to work."""
    wide_vectors()
    for lane in range(LANES):
        factor[lane] = 1.0
    for j in range(k):
        z_j, row = row_of(z, j), row_of(linear, j)
        for lane in range(LANES):
            factor[lane] += z_j[lane] * z_j[lane]
            row[lane] = 0.0
    for lane in range(LANES):
        factor[lane] = 1.0 / (1.0 + math.sqrt(factor[lane]))
    pair = 0
    for j in range(k):
        z_j, row_j = row_of(z, j), row_of(linear, j)
        for other in range(j + 1, k):
            own, z_l, row_l = row_of(g, pair), row_of(z, other), row_of(linear, other)
            pair += 1
            for lane in range(LANES):
                share = own[lane] * factor[lane]
                row_j[lane] -= share * z_l[lane]
                row_l[lane] += share * z_j[lane]


@kernel
def wiktorsson(out, z, normals, k, terms):
    """Normals of the tail's covariance given z. The rows of the first term, once added up, are room to work."""
    wide_vectors()
    if k < 2:
        return
    fourier(out, z, normals, k, terms)
    g = normals[2 * k * terms * LANES :]
    turn(normals, row_of(normals, k), z, g, k)
    add_tail(out, z, normals, g, tail_scale(terms), k)


@kernel
def mrongowius_roessler(out, z, normals, k, terms):
    """What of the tail is linear in z, and independent normals for the rest."""
    wide_vectors()
    fourier(out, z, normals, k, terms)
    tail = normals[2 * k * terms * LANES :]
    add_tail(out, z, tail, tail[k * LANES :], tail_scale(terms), k)
