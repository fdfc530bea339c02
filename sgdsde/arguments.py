"""Checks of numbers that a user hands in, with errors that name the argument, the value and what is accepted."""

from __future__ import annotations

import math
import numbers


def whole(name: str, value: object, least: int, multiple: int = 1) -> int:
    """A whole number from `least` on, and a multiple of `multiple`; not a bool.

    >>> whole("probes", 16, 2)
    16
    """
    good = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not good or value < least or value % multiple:  # type: ignore[operator]
        also = f" and a multiple of {multiple}" if multiple > 1 else ""
        raise ValueError(f"{name} must be an integer, at least {least}{also}, got {value!r}")
    return int(value)  # type: ignore[call-overload,no-any-return]


def positive(name: str, value: object, hint: str = "") -> float:
    """A positive finite number; not a bool. `hint` is added to the message where the value is 0.

    >>> positive("regularization", 0.5)
    0.5
    """
    good = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not good or not 0 < value < math.inf:  # type: ignore[operator]
        raise ValueError(f"{name} must be a positive number, got {value!r}{hint if good and value == 0 else ''}")
    return float(value)  # type: ignore[arg-type]
