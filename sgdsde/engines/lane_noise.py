"""Noise for a block of lanes: Philox words, normals, and means of batches, as Numba kernels.

Same numbers as `sgdsde.engines.noise`, which says what they mean.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types, uint32, uint64
from numba.extending import overload

from sgdsde.engines.lane_math import FASTMATH, UNWRAPPED, as_bits, as_float, lane_function, signed, wide_vectors
from sgdsde.engines.lanes import LANES, MARKED
from sgdsde.engines.lanes import marks_size as _marks_size
from sgdsde.engines.noise import SIXTH
from sgdsde.engines.philox import MASK, MULTIPLIERS, ROUNDS, WEYL

#: Up to so many picks, repeats in a batch are found by comparing all pairs of a block's lanes; above, by marking.
PAIRWISE = 16
#: From so many examples for each pick on repeats are so rare that the processor guesses that there is none.
RARE = 40

_M0, _M1, _W0, _W1, _MASK, _HALF = map(uint64, (*MULTIPLIERS, *WEYL, MASK, 32))
_AT_2_52 = uint64(0x4330000000000000)  # or-ed with an integer below 2**52: the bits of 2**52 + that integer
# Chebyshev fits: −2 log((1 + t)/(1 − t)) in t; sin and cos of an angle in units of 2**-32 turns.
# fmt: off
_LOG = (
    -1.3333333333332384, -0.8000000002304958, -0.5714284807506342, -0.4444574643881156, -0.3627943379108352,
    -0.33258005856191675,
)
_SIN = (
    1.4629180792671596e-09, -5.218056424438285e-28, 5.583657738836676e-47, -2.8451784672511097e-66,
    8.457012683211849e-86, -1.6453088288612931e-105, 2.2374421319667438e-125,
)
_COS = (
    -1.0700646533233578e-18, 1.908397270486639e-37, -1.3614056422730668e-56, 5.2028283356202456e-76,
    -1.2371491791194097e-95, 1.988944809949779e-115,
)
# fmt: on
_ONE, _SIGN = uint64(0x3FF0000000000000), uint64(0x8000000000000000)
_SIXTH, _FIVE_SIXTHS, _ROOT_3 = uint64(SIXTH), uint64(2**32 - SIXTH), math.sqrt(3.0)

#: Not cached by Numba, which would not see an edit of `lane_math`; the kernels made of these are, by `machine_code`.
kernel = njit(nogil=True, fastmath=FASTMATH, error_model="numpy", **UNWRAPPED)
marks_size = kernel(_marks_size)


@lane_function
def philox(c0, c1, c2, c3, k0, k1):
    """Four words below 2**32 from a counter and a key."""
    for _ in range(ROUNDS):
        p0 = _M0 * (c0 & _MASK)
        p1 = _M1 * (c2 & _MASK)
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1, (p0 >> _HALF) ^ c3 ^ k1, p0
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return c0 & _MASK, c1 & _MASK, c2 & _MASK, c3 & _MASK


@lane_function
def radius(word, extension):
    """√(−2 log u), u = (n + ½)/2**48: log as in `lane_math`, with all factors folded in."""
    n = (word << uint64(16)) | (extension & uint64(0xFFFF))
    x = as_bits(as_float(n | _AT_2_52) - 4503599627370495.5)  # n + ½
    shifted = x - uint64(0x3FD6A09E667F3BCD)
    exponent = as_float((shifted >> uint64(52)) | _AT_2_52) - (4503599627370496.0 + 49.0)  # of u
    half = as_float(x - (shifted & uint64(0xFFF0000000000000)))  # the mantissa / 2, in [√½/2, √2/2)
    t = (half - 0.5) / (half + 0.5)
    s = t * t
    series = s * (_LOG[0] + s * (_LOG[1] + s * (_LOG[2] + s * (_LOG[3] + s * (_LOG[4] + s * _LOG[5])))))
    return math.sqrt(exponent * -1.3862943611198906 + t * (series - 4.0))


@lane_function
def sine_and_cosine_of_turn(word):
    """(sin, cos) of word / 2**32 turns: polynomials in the integer that is left beside the nearest quarter turn."""
    shifted = word + uint64(0x20000000)
    quarter = shifted >> uint64(30)
    x = as_float((shifted & uint64(0x3FFFFFFF)) | _AT_2_52) - (4503599627370496.0 + 536870912.0)
    q = x * x
    s = x * (_SIN[0] + q * (_SIN[1] + q * (_SIN[2] + q * (_SIN[3] + q * (_SIN[4] + q * (_SIN[5] + q * _SIN[6]))))))
    c = 1.0 + q * (_COS[0] + q * (_COS[1] + q * (_COS[2] + q * (_COS[3] + q * (_COS[4] + q * _COS[5])))))
    swap = (quarter & uint64(1)) == uint64(1)
    return signed(c if swap else s, quarter), signed(s if swap else c, quarter + uint64(1))


def path_at(path, lane):
    """Path of a lane: the LANES paths from a number on, or those of an array."""


def group_at(group, lane):
    """Group of steps of a lane: one for all, or those of an array."""


@overload(path_at, jit_options={"forceinline": True})
def _path_at(path, lane):
    return (lambda path, lane: path[lane]) if isinstance(path, types.Array) else (lambda path, lane: path + lane)


@overload(group_at, jit_options={"forceinline": True})
def _group_at(group, lane):
    return (lambda group, lane: group[lane]) if isinstance(group, types.Array) else (lambda group, lane: group)


@lane_function
def draw_of(group, draw, path, lane, stream, k0, k1):
    """The four words of one draw."""
    g = uint64(group_at(group, lane))
    high = stream | ((g >> _HALF) << uint64(8))
    return philox(g & _MASK, uint64(draw), uint64(path_at(path, lane)), high, k0, k1)


@kernel
def groups_of(groups, begun, step, steps):
    """groups ← (begun + step) // steps, lane by lane."""
    wide_vectors()
    for lane in range(LANES):
        groups[lane] = uint64(begun[lane] + step) // uint64(steps)


@kernel
def fill_draw(rows, group, draw, path, stream, k0, k1):
    """rows[4·LANES] ← one draw of a group: four words for each of the LANES paths from `path` on."""
    wide_vectors()
    for lane in range(LANES):
        c0, c1, c2, c3 = draw_of(group, draw, path, lane, stream, k0, k1)
        rows[lane] = uint32(c0)
        rows[LANES + lane] = uint32(c1)
        rows[2 * LANES + lane] = uint32(c2)
        rows[3 * LANES + lane] = uint32(c3)


@kernel
def fill_words(words, group, draws, path, stream, k0, k1):
    """words[4·draws·LANES] ← random words of a group, for the LANES paths from `path` on."""
    wide_vectors()
    for draw in range(draws):
        fill_draw(words[4 * draw * LANES : 4 * (draw + 1) * LANES], group, draw, path, stream, k0, k1)


@kernel
def fill_normals(z, words, group, draws, path, stream, k0, k1):
    """z[4·draws·LANES] ← standard normals of a group, by Box and Muller; `words` is as long.

    Three short loops, because the processor's window of instructions does not hold one long chain and the next.
    """
    wide_vectors()
    fill_words(words, group, draws, path, stream, k0, k1)
    for pair in range(2 * draws):
        of_pair = words[2 * pair * LANES : 2 * (pair + 1) * LANES]
        rows = z[2 * pair * LANES : 2 * (pair + 1) * LANES]
        for lane in range(LANES):
            rows[lane] = radius(uint64(of_pair[lane]), uint64(of_pair[LANES + lane]))
        for lane in range(LANES):
            s, c = sine_and_cosine_of_turn(uint64(of_pair[LANES + lane]))
            r = rows[lane]
            rows[lane] = r * s
            rows[LANES + lane] = r * c


@kernel
def fill_signs(z, words, group, draws, rows, path, stream, k0, k1):
    """z[rows·LANES] ← ±1, a bit of the group's words each."""
    wide_vectors()
    fill_words(words, group, draws, path, stream, k0, k1)
    for n in range(rows):
        word, row, place = row_of(words, n // 32), row_of(z, n), uint64(63 - n % 32)
        for lane in range(LANES):
            row[lane] = as_float(_ONE | ((uint64(word[lane]) << place) & _SIGN))


@kernel
def fill_three_points(z, words, group, draws, path, stream, k0, k1):
    """z[4·draws·LANES] ← ±√3 with odds 1/6 each, else 0."""
    wide_vectors()
    fill_words(words, group, draws, path, stream, k0, k1)
    for lane in range(4 * draws * LANES):
        word = uint64(words[lane])
        z[lane] = -_ROOT_3 if word < _SIXTH else (_ROOT_3 if word >= _FIVE_SIXTHS else 0.0)


@kernel
def words_of(words, place, group, fresh, picks, draws, stream, path, k0, k1):
    """The words of the step at a place of its group, picks·LANES of them, drawn when the group is new."""
    wide_vectors()
    if place == 0 or fresh:
        fill_words(words, group, draws, path, stream, k0, k1)
    return words[place * picks * LANES : (place + 1) * picks * LANES]


@kernel
def row_of(rows, i):
    """Row i. As a slice, because a sum of signed indices could be negative for all that LLVM knows: no vector code."""
    wide_vectors()
    return rows[i * LANES : (i + 1) * LANES]


@kernel
def fill_uniforms(z, words, group, draws, path, stream, k0, k1):
    """z[4·draws·LANES] ← numbers uniform in (0, 1)."""
    wide_vectors()
    fill_words(words, group, draws, path, stream, k0, k1)
    for lane in range(4 * draws * LANES):
        z[lane] = (float(words[lane]) + 0.5) * 2.3283064365386963e-10  # 2⁻³²


@kernel
def below(row, bound):
    """Turn the words of a row into integers uniform below `bound`."""
    wide_vectors()
    for lane in range(LANES):
        row[lane] = uint32((uint64(row[lane]) * bound) >> _HALF)


@kernel
def add_picks(z, chosen, picks, table):
    """z[k·LANES] += the sum of the table's columns at the picks; table (k, N).

    Eight lanes at a time, their sums in registers: for all that LLVM knows a sum in memory could lie in the table.
    """
    wide_vectors()
    for component in range(table.shape[0]):
        column = table[component]
        for lane in range(0, LANES, 8):
            total = z[component * LANES + lane : component * LANES + lane + 8]
            a, b, c, d = total[0], total[1], total[2], total[3]
            e, f, g, h = total[4], total[5], total[6], total[7]
            for i in range(picks):
                row = chosen[i * LANES + lane : i * LANES + lane + 8]
                a += column[row[0]]
                b += column[row[1]]
                c += column[row[2]]
                d += column[row[3]]
                e += column[row[4]]
                f += column[row[5]]
                g += column[row[6]]
                h += column[row[7]]
            total[0], total[1], total[2], total[3] = a, b, c, d
            total[4], total[5], total[6], total[7] = e, f, g, h


@kernel
def fill_with(z, value):
    """z ← value."""
    wide_vectors()
    for i in range(z.size):
        z[i] = value


@kernel
def scale(z, weight):
    """z ← weight z."""
    wide_vectors()
    for i in range(z.size):
        z[i] *= weight


@kernel
def mean_of_picks(z, chosen, picks, weight, table):
    """z[k·LANES] ← weight × the sum of the table's columns at the picks; table (k, N)."""
    wide_vectors()
    fill_with(z, 0.0)
    add_picks(z, chosen, picks, table)
    scale(z, weight)


@kernel
def fill_picks(rows, group, draw, path, bound, growth, stream, k0, k1):
    """rows[4·LANES] ← one draw as four picks: integers uniform below bound, bound + growth, …, for each path."""
    wide_vectors()
    b0, b1 = uint64(bound) & _MASK, uint64(bound + growth) & _MASK
    b2, b3 = uint64(bound + 2 * growth) & _MASK, uint64(bound + 3 * growth) & _MASK
    for lane in range(LANES):
        c0, c1, c2, c3 = draw_of(group, draw, path, lane, stream, k0, k1)
        rows[lane] = uint32(c0 * b0 >> _HALF)
        rows[LANES + lane] = uint32(c1 * b1 >> _HALF)
        rows[2 * LANES + lane] = uint32(c2 * b2 >> _HALF)
        rows[3 * LANES + lane] = uint32(c3 * b3 >> _HALF)


@kernel
def means_of_steps(z, chosen, steps, picks, weight, table):
    """z[steps·k·LANES] ← means of the batches of several steps, whose picks follow one another."""
    wide_vectors()
    rows = table.shape[0] * LANES
    for step in range(steps):
        batch = chosen[step * picks * LANES : (step + 1) * picks * LANES]
        mean_of_picks(z[step * rows : (step + 1) * rows], batch, picks, weight, table)


@kernel
def with_replacement(z, words, scratch, table, picks, weight, group, steps, draws, stream, path, k0, k1):
    """Independent picks; those of a large batch are made and used four at a time, which stay in the cache."""
    wide_vectors()
    n = table.shape[1]
    if steps > 1:
        fill_words(words, group, draws, path, stream, k0, k1)
        for i in range(steps * picks):
            below(row_of(words, i), uint64(n))
        means_of_steps(z, words, steps, picks, weight, table)
        return
    four = words[: 4 * LANES]
    fill_with(z, 0.0)
    for draw in range(draws):
        fill_picks(four, group, draw, path, n, 0, stream, k0, k1)
        add_picks(z, four, min(4, picks - 4 * draw), table)
    scale(z, weight)


@kernel
def repeats_by_comparing(chosen, picks, n, repeated):
    """Floyd's rule for few picks: compare each with those before it, all lanes at once."""
    wide_vectors()
    for i in range(1, picks):
        mine, last = row_of(chosen, i), uint32(n - picks + i)
        for lane in range(LANES):
            repeated[lane] = 0
        for q in range(i):
            other = row_of(chosen, q)
            for lane in range(LANES):
                repeated[lane] |= uint32(1) if other[lane] == mine[lane] else uint32(0)
        for lane in range(LANES):
            mine[lane] = last if repeated[lane] != uint32(0) else mine[lane]


@kernel
def repeats_by_marking(chosen, picks, n, scratch):
    """Floyd's rule for many picks: a byte for each example and each of 16 lanes, that says who took it last.

    Sixteen lanes at a time, one cache line of picks after the other, so that they do not wait for each other. The last
    word of `scratch` counts turns from call to call; after 255 of them all bytes are cleared.
    """
    wide_vectors()
    marks, turn = scratch.view(np.uint8), scratch[scratch.size - 1]
    for first in range(0, LANES, MARKED):
        turn += uint32(1)
        if turn > uint32(255):
            for i in range(n * MARKED):
                marks[i] = 0
            turn = uint32(1)
        for i in range(picks):
            mine, last = chosen[i * LANES + first : i * LANES + first + MARKED], uint32(n - picks + i)
            for lane in range(MARKED):
                t = mine[lane]
                t = last if marks[uint64(t) * MARKED + lane] == turn else t
                mine[lane] = t
                marks[uint64(t) * MARKED + lane] = turn
    scratch[scratch.size - 1] = turn


@kernel
def fill_two(rows, group, first, path, lane, bound, stream, k0, k1):
    """rows[4·16] ← picks of eight draws of one lane and of the next, each below one more than that before it."""
    wide_vectors()
    g, h = uint64(group_at(group, lane)), uint64(group_at(group, lane + 1))
    p, q = uint64(path_at(path, lane)), uint64(path_at(path, lane + 1))
    high_g, high_h = stream | ((g >> _HALF) << uint64(8)), stream | ((h >> _HALF) << uint64(8))
    for i in range(16):
        draw, other = uint64(first) + uint64(i & 7), i >= 8
        low, high = (h if other else g) & _MASK, high_h if other else high_g
        c0, c1, c2, c3 = philox(low, draw, q if other else p, high, k0, k1)
        b = uint64(bound) + uint64(4) * draw
        rows[i] = uint32(c0 * (b & _MASK) >> _HALF)
        rows[16 + i] = uint32(c1 * ((b + uint64(1)) & _MASK) >> _HALF)
        rows[32 + i] = uint32(c2 * ((b + uint64(2)) & _MASK) >> _HALF)
        rows[48 + i] = uint32(c3 * ((b + uint64(3)) & _MASK) >> _HALF)


@lane_function
def taken(marks, lane, pick, last, turn):
    """Floyd's rule for one pick of one of two lanes: what is taken, and marked."""
    pick = last if marks[uint64(pick) * 2 + lane] == turn else pick
    marks[uint64(pick) * 2 + lane] = turn
    return pick


def _means_of_rare_repeats(many):
    """Floyd's algorithm and the mean at one go, for two lanes at a time, whose marks stay in the fastest cache.

    A byte for each example and each of the two lanes says who took it last, counted as in `repeats_by_marking`. Random
    words are made for 32 picks, in vectors, while the processor is still at work on the picks before. Where columns of
    the table are `many`, what was picked is kept for those after the first.
    """

    @kernel
    def means(z, words, scratch, table, picks, weight, group, stream, path, k0, k1):
        wide_vectors()
        n = table.shape[1]
        marks, turn, column = scratch.view(np.uint8), scratch[scratch.size - 1], table[0]
        rows, chosen = words[:64], words[64 : 64 + 2 * picks]
        for lane in range(0, LANES, 2):
            turn += uint32(1)
            if turn > uint32(255):
                for i in range(2 * n):
                    marks[i] = 0
                turn = uint32(1)
            a, b, last = 0.0, 0.0, uint32(n - picks)
            for first in range(0, picks, 32):
                fill_two(rows, group, first // 4, path, lane, n - picks + 1, stream, k0, k1)
                left = min(32, picks - first)
                for i in range(left // 4):
                    four = rows[i : i + 56]
                    for j in range(4):
                        t = taken(marks, uint64(0), four[16 * j], last, turn)
                        u = taken(marks, uint64(1), four[16 * j + 8], last, turn)
                        a += column[t]
                        b += column[u]
                        if many:
                            chosen[2 * (first + 4 * i + j)] = t
                            chosen[2 * (first + 4 * i + j) + 1] = u
                        last += uint32(1)
                for i in range(left // 4 * 4, left):
                    t = taken(marks, uint64(0), rows[i // 4 + i % 4 * 16], last, turn)
                    u = taken(marks, uint64(1), rows[i // 4 + i % 4 * 16 + 8], last, turn)
                    a += column[t]
                    b += column[u]
                    if many:
                        chosen[2 * (first + i)] = t
                        chosen[2 * (first + i) + 1] = u
                    last += uint32(1)
            z[lane], z[lane + 1] = weight * a, weight * b
            for component in range(1, table.shape[0]):
                further = table[component]
                a, b = 0.0, 0.0
                for i in range(picks):
                    a += further[chosen[2 * i]]
                    b += further[chosen[2 * i + 1]]
                z[component * LANES + lane], z[component * LANES + lane + 1] = weight * a, weight * b
        scratch[scratch.size - 1] = turn

    return means


means_of_one_column, means_of_columns = map(_means_of_rare_repeats, (False, True))


@kernel
def without_replacement(z, words, scratch, table, picks, weight, group, steps, draws, stream, path, k0, k1):
    """Floyd's algorithm."""
    wide_vectors()
    n = table.shape[1]
    if steps > 1:
        fill_words(words, group, draws, path, stream, k0, k1)
        for i in range(steps * picks):
            below(row_of(words, i), uint64(n - picks + i % picks + 1))
        for step in range(steps):
            repeats_by_comparing(words[step * picks * LANES : (step + 1) * picks * LANES], picks, n, scratch[:LANES])
        means_of_steps(z, words, steps, picks, weight, table)
        return
    of_two = scratch[LANES : LANES + marks_size(2, n)]
    if picks > PAIRWISE and n >= RARE * picks:
        if table.shape[0] == 1:
            means_of_one_column(z, words, of_two, table, picks, weight, group, stream, path, k0, k1)
        else:
            means_of_columns(z, words, of_two, table, picks, weight, group, stream, path, k0, k1)
        return
    for draw in range(draws):
        four = words[4 * draw * LANES : 4 * (draw + 1) * LANES]
        fill_picks(four, group, draw, path, n - picks + 4 * draw + 1, 1, stream, k0, k1)
    if picks <= PAIRWISE:
        repeats_by_comparing(words, picks, n, scratch[:LANES])
    else:
        repeats_by_marking(words, picks, n, scratch[LANES + of_two.size :])
    mean_of_picks(z, words, picks, weight, table)


@kernel
def deal(orders, chosen, first, picks, n):
    """One step's share of the Fisher–Yates shuffles; orders (LANES·N); `chosen` ← the examples dealt."""
    wide_vectors()
    if first == 0:
        for lane in range(LANES):
            order = orders[lane * n : (lane + 1) * n]
            for i in range(n):
                order[i] = i
    for lane in range(LANES):
        order = orders[lane * n : (lane + 1) * n]
        for i in range(picks):
            place = first + i
            other = uint64(place) + ((uint64(chosen[i * LANES + lane]) * uint64(n - place)) >> _HALF)
            dealt = order[other]
            order[other] = order[place]
            order[place] = dealt
            chosen[i * LANES + lane] = dealt


@kernel
def reshuffle(z, words, scratch, table, picks, weight, first, place, group, fresh, draws, stream, path, k0, k1):
    """Each example once an epoch, of which `first` were dealt before; `scratch` is one block's until its epoch ends."""
    wide_vectors()
    chosen = words_of(words, place, group, fresh, picks, draws, stream, path, k0, k1)
    deal(scratch, chosen, first, picks, table.shape[1])
    mean_of_picks(z, chosen, picks, weight, table)


@kernel
def shuffle_once(z, words, scratch, table, picks, weight, first, stream, path, k0, k1):
    """The same with words that belong to places of the permutation, so that each epoch has that of the first."""
    wide_vectors()
    begin = first // 4
    for group in range(begin, (first + picks + 3) // 4):
        rows = words[4 * (group - begin) * LANES : 4 * (group - begin + 1) * LANES]
        fill_words(rows, group, 1, path, stream, k0, k1)
    chosen = words[first % 4 * LANES : (first % 4 + picks) * LANES]
    deal(scratch, chosen, first, picks, table.shape[1])
    mean_of_picks(z, chosen, picks, weight, table)
