"""Checks of numbers and words that a user hands in; errors name the argument, the value and what is accepted.

One rule for all numbers: a number is a Python number, a NumPy scalar, or an array or tensor without axes. A bool is
none, nor is text, nor a complex number, nor an array with axes, be it of one element.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Numbers that steps are made of are within these, or zero: their products and squares are then float64 numbers too.
SMALLEST, LARGEST = 1e-150, 1e150
#: Most steps of a run: more are not counted exactly in float64, nor told apart by the counter of the random numbers.
MOST_STEPS = 2**53


def as_integer(value: object) -> int | None:
    """The integer that this is, or None; 3.0 is none.

    >>> import numpy as np
    >>> as_integer(np.array(3)), as_integer(3.0), as_integer(True)
    (3, None, None)
    """
    try:
        return operator.index(value) if _plain(value) else None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def as_real(value: object) -> float | None:
    """The finite real number that this is, or None.

    >>> import numpy as np
    >>> as_real(np.array(2.5)), as_real(np.array([2.5])), as_real("2.5"), as_real(float("inf"))
    (2.5, None, None, None)
    """
    try:
        number = float(value) if _plain(value) else math.nan  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(value: Any) -> bool:
    """Whether it may be a real number, by its type: of arrays and tensors those of numbers, without axes."""
    if isinstance(value, (bool, str, bytes, bytearray, complex)) or getattr(value, "shape", ()) != ():
        return False
    kind = getattr(value, "dtype", None)
    return kind is None or (
        getattr(kind, "kind", "f") in "iuf" and not str(kind).startswith(("torch.bool", "torch.complex"))
    )


def moderate(name: str, value: float) -> float:
    """The number, when it is zero or its size is between `SMALLEST` and `LARGEST`.

    >>> moderate("time / steps", 1e-170)
    Traceback (most recent call last):
    ValueError: time / steps must be between 1e-150 and 1e+150, so that its square is a number too, got 1e-170
    """
    if value and not SMALLEST <= abs(value) <= LARGEST:
        raise ValueError(
            f"{name} must be between {SMALLEST:g} and {LARGEST:g}, so that its square is a number too, got {value:g}"
        )
    return value


def check_steps(updates: int, substeps: int = 1, name: str = "updates", each: str = "substeps") -> None:
    """ValueError when there are more steps than can be counted.

    >>> check_steps(2**40, 2**20)
    Traceback (most recent call last):
    ValueError: updates × substeps must be at most 2**53 = 9007199254740992 steps, got 1152921504606846976
    """
    if updates * substeps > MOST_STEPS:
        product = f"{name} × {each}" if substeps > 1 else name
        raise ValueError(f"{product} must be at most 2**53 = {MOST_STEPS} steps, got {updates * substeps}")


def integer(name: str, value: object, least: int, most: int | None = None, *, multiple: int = 1, also: str = "") -> int:
    """An integer from `least` to `most`, and a multiple of `multiple`; 3.0 is none. `also`: what else is accepted.

    >>> integer("probes", 16, 2)
    16
    >>> integer("burn_in", -1, 0, 99)
    Traceback (most recent call last):
    ValueError: burn_in must be an integer from 0 to 99, got -1
    """
    number = as_integer(value)
    if number is None or number < least or (most is not None and number > most) or number % multiple:
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        divisor = f" and a multiple of {multiple}" if multiple > 1 else ""
        raise ValueError(f"{name} must be an integer {bounds}{divisor}{also}, got {value!r}")
    return number


def integers(name: str, values: Any, least: int, most: int | None = None) -> tuple[int, ...]:
    """The integers of a sequence, each from `least` to `most`, in the order that they have.

    >>> integers("batch_sizes", [4, 1, 2], 1)
    (4, 1, 2)
    >>> integers("batch_sizes", (1, 0.5), 1)
    Traceback (most recent call last):
    ValueError: each of batch_sizes must be an integer of at least 1, got 0.5
    """
    listed = isinstance(values, Sequence) and not isinstance(values, (str, bytes))
    if not (listed or len(getattr(values, "shape", ())) == 1):  # of arrays those with one axis
        raise ValueError(f"{name} must be a sequence of integers such as (1, 2, 4), got {values!r}")
    return tuple(integer(f"each of {name}", value, least, most) for value in values)


def real(
    name: str,
    value: object,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    also: str = "",
) -> float:
    """A finite real number in [`least`, `most`] and in (`above`, `below`); not a bool. `also`: what else is accepted.

    >>> real("momentum", 0.9, 0, below=1)
    0.9
    >>> real("momentum", 1.0, 0, below=1)
    Traceback (most recent call last):
    ValueError: momentum must be a finite real number of at least 0 and below 1, got 1.0
    """
    number = as_real(value)
    if number is None or not (least <= number <= most and above < number < below):
        limits = (("of at least", least), ("above", above), ("of at most", most), ("below", below))
        bounds = "".join(f" and {word} {limit:g}" for word, limit in limits if math.isfinite(limit))
        if math.isfinite(least) and math.isfinite(most):
            bounds = f" from {least:g} to {most:g}"
        raise ValueError(f"{name} must be a finite real number{bounds.removeprefix(' and')}{also}, got {value!r}")
    return number


def positive(name: str, value: object, also: str = "") -> float:
    """A positive finite number; not a bool. `also` follows what is accepted in the message.

    >>> positive("regularization", 0.5)
    0.5
    """
    number = as_real(value)
    if number is None or not number > 0:
        raise ValueError(f"{name} must be a positive finite number{also}, got {value!r}")
    return number


def boolean(name: str, value: object, *, numbers: bool = False) -> bool:
    """True or False; no number stands for it, but where `numbers` says so 1 and 0, as netCDF keeps them.

    >>> boolean("bridge", True), boolean("drop_last", 1, numbers=True)
    (True, True)
    """
    if isinstance(value, bool):
        return value
    number = as_integer(value) if numbers else None
    if number not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return number == 1


def choice(name: str, value: object, known: Iterable[str], also: str = "") -> str:
    """One of the `known` words, which the message lists in this order. `also`: what else is accepted.

    >>> choice("dynamics", "sde", ("sde", "sgd"))
    'sde'
    >>> choice("dynamics", "svag", ("sde", "sgd"))
    Traceback (most recent call last):
    ValueError: dynamics must be one of sde, sgd, got 'svag'
    """
    words = tuple(known)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}{also}, got {value!r}")
    return value


def as_array(value: Any) -> NDArray[Any]:
    """`value` as an array of NumPy; of a tensor its numbers, wherever they lie, without the graph they belong to.

    TypeError, ValueError or RuntimeError where it is none: a tensor may hold shapes only, as on the device "meta".

    >>> as_array([1, 2])
    array([1, 2])
    """
    import numpy as np

    if not (hasattr(value, "detach") and hasattr(value, "cpu")):  # no tensor of torch, which this room does not import
        return np.asarray(value)
    plain = value.detach().cpu()
    return np.asarray(plain.float() if str(plain.dtype) == "torch.bfloat16" else plain)  # which NumPy does not have


def real_array(name: str, value: object, wanted: str = "an array of real numbers") -> NDArray[np.float64]:
    """An array of float64; ValueError for complex numbers, whose imaginary part NumPy would drop, text and others.

    >>> real_array("weights", [1, 2])
    array([1., 2.])
    >>> real_array("weights", [1 + 2j])
    Traceback (most recent call last):
    ValueError: weights must be an array of real numbers, got list
    """
    import numpy as np

    try:
        array = as_array(value)
        objects = array.ravel().tolist() if array.dtype == object else []
        if array.dtype.kind not in "biufO" or any(isinstance(each, (str, bytes, type(None))) for each in objects):
            raise TypeError
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(f"{name} must be {wanted}, got {_kind(value)}{_reason(value, error)}") from None


def _kind(value: object) -> str:
    """What is no array of real numbers, in a few words."""
    kind = str(getattr(value, "dtype", "object"))
    short = repr(value) if isinstance(value, (str, bytes, complex, type(None))) else type(value).__name__
    return short if kind == "object" else kind


def _reason(value: object, error: Exception) -> str:
    """Why a tensor has no numbers, as torch says it; other libraries' words say less than the kind."""
    return f": {str(error).partition(chr(10))[0]}" if hasattr(value, "detach") and str(error) else ""
