"""Elementary functions that LLVM can vectorise over lanes.

Numba's wheels carry no vector math library, and one scalar libm call in a lane loop stops its vectorisation; so log,
exp, sin, cos and what is made of them are polynomials here, within a few units in the last place, and with NaN and
infinity going in and coming out as they should (`tests/engines/test_lane_math.py` measures both).
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import int64, njit, types, uint64
from numba.extending import intrinsic

from sgdsde.codegen import SINGULAR

#: Fused multiply-add and no more. `nnan` and `ninf` would hide a path that leaves the finite numbers; `reassoc` would
#: undo the tricks with large constants below (it turns (A − C)·b into A·b − C·b) and gains no speed.
FASTMATH = {"contract"}

_SINGULAR = SINGULAR["float64"]
_MANTISSA_AT_2_52 = uint64(0x4330000000000000)  # bits of 2.0**52: a 52-bit integer or-ed in reads as 2**52 + integer
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_HALF_PI = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)  # Cody & Waite
_F = tuple(1.0 / math.factorial(n) for n in range(16))  # multiplied by, because LLVM divides by constants
_ROUND = 6755399441055744.0  # 1.5 · 2**52: adding it leaves the nearest integer in the low bits


@intrinsic
def as_float(typing_context: Any, bits: Any) -> Any:
    """Bits as a double."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), codegen


@intrinsic
def as_bits(typing_context: Any, x: Any) -> Any:
    """A double's bits."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), codegen


@intrinsic
def wide_vectors(typing_context: Any) -> Any:
    """Ask LLVM for 512-bit vectors in the function that calls this: on many processors it takes half of that unasked.

    llvmlite knows no such attribute by name, so it is put in as text; worth a factor of 1.4 where there is AVX-512.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


#: What kernels call is not called from Python: there is nothing to compile for that.
UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

lane_function = njit(forceinline=True, fastmath=FASTMATH, error_model="numpy", **UNWRAPPED)


@lane_function
def float_of(integer):
    """Double of a non-negative integer below 2**52."""
    return as_float(integer | _MANTISSA_AT_2_52) - 4503599627370496.0


@lane_function
def log_normal(x):
    """log(x) of a positive normal number: exponent from the bits; atanh on a mantissa in [√½, √2), Chebyshev fit."""
    shifted = as_bits(x) - uint64(0x3FE6A09E667F3BCD)
    exponent = float_of(uint64((int64(shifted) >> 52) + 2048)) - 2048.0
    mantissa = as_float(as_bits(x) - (shifted & uint64(0xFFF0000000000000)))
    t = (mantissa - 1.0) / (mantissa + 1.0)
    s = t * t
    high = 0.11111105440965027 + s * (0.09091453748916536 + s * (0.07665556291791482 + s * 0.07311978326868232))
    series = s * (0.3333333333333335 + s * (0.19999999999948034 + s * (0.1428571431376441 + s * high)))
    return exponent * _LN2_HIGH + (2.0 * t + (2.0 * t * series + exponent * _LN2_LOW))


@lane_function
def log(x):
    """log(x): −inf at 0, NaN below, infinity and NaN kept."""
    subnormal = x < 2.2250738585072014e-308
    value = log_normal(x * 18014398509481984.0 if subnormal else x) - (37.42994775023705 if subnormal else 0.0)
    value = value if x < math.inf else x
    value = value if x > 0.0 else (-math.inf if x == 0.0 else math.nan)
    return value if x == x else x


@lane_function
def exp(x):
    """exp(x): x = k ln 2 + r, Taylor in r, 2**k through the exponent bits in two halves."""
    clipped = min(max(x, -760.0), 720.0)
    shifted = clipped * 1.4426950408889634 + _ROUND
    k = shifted - _ROUND
    r = (clipped - k * _LN2_HIGH) - k * _LN2_LOW
    tail = _F[8] + r * (_F[9] + r * (_F[10] + r * (_F[11] + r * (_F[12] + r * _F[13]))))
    series = _F[3] + r * (_F[4] + r * (_F[5] + r * (_F[6] + r * (_F[7] + r * tail))))
    value = 1.0 + (r + r * r * (0.5 + r * series))
    power = int64(as_bits(shifted)) - int64(0x4338000000000000)
    half = power >> 1
    value = value * as_float(uint64((half + 1023) << 52)) * as_float(uint64((power - half + 1023) << 52))
    return value if x == x else x


@lane_function
def softplus(x):
    """log(1 + eˣ): the larger of x and 0, and log(1 + e⁻|ˣ|) with what the sum 1 + e⁻|ˣ| loses put back."""
    small = exp(-abs(x))
    total = 1.0 + small
    lost = (small - (total - 1.0)) / total
    value = (x if x > 0.0 else 0.0) + (log_normal(total) + lost)
    return value if x == x else x


@lane_function
def sigmoid(x):
    """1/(1 + e⁻ˣ)."""
    small = exp(-abs(x))
    return (small if x < 0.0 else 1.0) / (1.0 + small)


@lane_function
def sine_kernel(r):
    """sin on [−π/4, π/4], Chebyshev fit."""
    q = r * r
    high = 2.755731605459389e-06 + q * (-2.5051121875165726e-08 + q * 1.5917412836479664e-10)
    return r + r * (q * (-0.16666666666666666 + q * (0.008333333333330887 + q * (-0.0001984126983666588 + q * high))))


@lane_function
def cosine_kernel(r):
    """cos on [−π/4, π/4], Chebyshev fit."""
    q = r * r
    high = 2.48015872987077e-05 + q * (
        -2.7557317241727743e-07 + q * (2.0876140031388547e-09 + q * -1.1382184214335086e-11)
    )
    return 1.0 + q * (-0.5 + q * (0.041666666666666664 + q * (-0.0013888888888887359 + q * high)))


@lane_function
def signed(x, flip):
    """x with its sign changed when bit 1 of `flip` is set."""
    return as_float(as_bits(x) ^ ((flip & uint64(2)) << uint64(62)))


@lane_function
def sine_and_cosine(x):
    """(sin x, cos x) by Cody and Waite's reduction: full precision to |x| ≈ 1e5, absolute error 1e-16·|x| beyond."""
    shifted = x * 0.6366197723675814 + _ROUND
    k = shifted - _ROUND
    r = ((x - k * _HALF_PI[0]) - k * _HALF_PI[1]) - k * _HALF_PI[2]
    quarter = as_bits(shifted)
    s, c = sine_kernel(r), cosine_kernel(r)
    swap = (quarter & uint64(1)) == uint64(1)
    return signed(c if swap else s, quarter), signed(s if swap else c, quarter + uint64(1))


@lane_function
def sin(x):
    """sin(x)."""
    return sine_and_cosine(x)[0]


@lane_function
def cos(x):
    """cos(x)."""
    return sine_and_cosine(x)[1]


@lane_function
def tan(x):
    """tan(x)."""
    s, c = sine_and_cosine(x)
    return s / c


@lane_function
def sinh(x):
    """sinh(x): series where the exponentials would cancel."""
    root = exp(0.5 * abs(x))  # of eˣ: its argument is exact, that of exp(|x| − ln 2) is not
    e = (0.5 * root) * root
    q = x * x
    tail = _F[9] + q * (_F[11] + q * (_F[13] + q * _F[15]))
    near = x + x * q * (_F[3] + q * (_F[5] + q * (_F[7] + q * tail)))
    return near if q < 0.5 else math.copysign(e - 0.25 / e, x)


@lane_function
def cosh(x):
    """cosh(x)."""
    root = exp(0.5 * abs(x))  # of eˣ: its argument is exact, that of exp(|x| − ln 2) is not
    e = (0.5 * root) * root
    return e + 0.25 / e


@lane_function
def tanh(x):
    """tanh(x)."""
    bounded = min(max(x, -20.0), 20.0)
    value = sinh(bounded) / cosh(bounded)
    return value if x == x else x


@lane_function
def atan(x):
    """atan(x): reduced to |x| < tan(π/8) by a quarter or an eighth of a turn, then Moshier's rational fit (Cephes)."""
    a = abs(x)
    far, middle = a > 2.414213562373095, a > 0.66
    r = -1.0 / a if far else ((a - 1.0) / (a + 1.0) if middle else a)
    turn = 1.5707963267948966 if far else (0.7853981633974483 if middle else 0.0)
    more = 6.123233995736766e-17 if far else (3.061616997868383e-17 if middle else 0.0)
    q = r * r
    above = -64.85021904942025 + q * (
        -122.88666844901361 + q * (-75.00855792314705 + q * (-16.157537187333652 + q * -0.8750608600031904))
    )
    below = 194.5506571482614 + q * (
        485.3903996359137 + q * (432.88106049129027 + q * (165.02700983169885 + q * (24.858464901423062 + q)))
    )
    return math.copysign(turn + (r + (r * (q * above / below) + more)), x)


@lane_function
def sqrt(x):
    """√x, NaN below zero."""
    return math.sqrt(x)


@lane_function
def rsqrt_of_positive(x):
    """1/√x: a guess from the bits (relative error 0.034), a Chebyshev fit (3e-5), and a step of fourth order.

    Less than half the time of the processor's root, and a third of that of root and division. Below 2.3e-308 it is too
    small.
    """
    y = as_float(uint64(0x5FE6EB50C7B537A9) - (as_bits(x) >> uint64(1)))
    e = 1.0 - (x * y) * y
    y = y * (1.0000008525228326 + e * (0.5010954203509893 + e * 0.37522819501302834))
    e = 1.0 - (x * y) * y
    return y + (y * e) * (0.5 + e * (0.375 + e * 0.3125))


@lane_function
def rsqrt(x):
    """1/√x of any x."""
    y = rsqrt_of_positive(x)
    y = y if x < math.inf else 0.0
    return y if x > 0.0 else (math.inf if x == 0.0 else math.nan)


@lane_function
def root_of(x, reciprocal):
    """√x from x and 1/√x."""
    return x if x == 0.0 else x * reciprocal


@lane_function
def mended_root(pivot, diagonal):
    """√pivot, 0 for rounding below zero."""
    root = math.sqrt(pivot)
    return 0.0 if (pivot <= 0.0) & (pivot >= -_SINGULAR * diagonal) else root


@lane_function
def power(x, exponent):
    """x**exponent = exp(exponent log|x|), within 3e-16 (1 + |its logarithm|), relative."""
    size = log(abs(x))
    product = exponent * size
    value = exp(product)
    whole = math.floor(exponent) == exponent
    odd = math.floor(0.5 * exponent) != 0.5 * exponent
    value = (-value if odd else value) if whole & (math.copysign(1.0, x) < 0.0) else value
    value = value if (x >= 0.0) | whole | (x == -math.inf) else math.nan
    return 1.0 if (exponent == 0.0) | (x == 1.0) else value


@lane_function
def absolute(x):
    """|x|."""
    return abs(x)


@lane_function
def where(condition, a, b):
    """Select without a branch."""
    return a if condition else b


@lane_function
def maximum(a, b):
    """The larger, NaN when one is NaN."""
    larger = a if a > b else b
    return a if a != a else larger


@lane_function
def minimum(a, b):
    """The smaller, NaN when one is NaN."""
    smaller = a if a < b else b
    return a if a != a else smaller
