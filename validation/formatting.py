"""Numbers as a reader wants them: as many digits as the error allows, and no NaN in JSON."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def few(words: Sequence[str], most: int = 3) -> str:
    """The first of many, and how many more there are.

    >>> few(["a", "b", "c"]), few(["a", "b", "c", "d", "e"])
    ('a; b; c', 'a; b; c; and 2 more')
    """
    shown = list(words) if len(words) <= most else [*words[:most], f"and {len(words) - most} more"]
    return "; ".join(shown)


def said(check: Mapping[str, Any]) -> str:
    """What is predicted of a check of ``results.json``: a number, or the bound that it is beyond.

    >>> said({"predicted": 0.5}), said({"predicted": -0.27, "beyond": -0.05})
    ('0.5000', '< −0.05')
    """
    bound = check.get("beyond")
    if bound is None:
        return plain(check["predicted"])
    return f"{'<' if bound < 0 else '>'} {bound:g}".replace("-", "−")


def plain(value: float, digits: int = 4) -> str:
    """``digits`` significant digits, as 1.23×10⁻⁵ outside 0.001 … 10⁵.

    >>> plain(0.0123456), plain(1234567.0), plain(0.0)
    ('0.01235', '1.235×10⁶', '0')
    """
    if value == 0 or not math.isfinite(value):
        return {0.0: "0"}.get(value, "–")
    exponent = _exponent(value, digits)
    if -4 < exponent < 5:
        return _minus(f"{value:.{max(digits - 1 - exponent, 0)}f}")
    return _minus(f"{value / 10.0**exponent:.{digits - 1}f}×10{str(exponent).translate(_SUPERSCRIPTS)}")


def with_error(value: float, error: float) -> str:
    """``value ± error``, the error with two digits and the value with as many decimals.

    >>> with_error(0.0051493, 0.0000123), with_error(4032.1, 8.04)
    ('0.005149 ± 0.000012', '4032.1 ± 8.0')
    """
    if not error > 0:
        return f"{plain(value)} (exact)"
    shared = _exponent(max(abs(value), error), 2)
    scale, suffix = (1.0, "") if -4 < shared < 5 else (10.0**shared, f"×10{str(shared).translate(_SUPERSCRIPTS)}")
    decimals = max(1 - _exponent(error / scale, 2), 0)
    text = f"{value / scale:.{decimals}f} ± {error / scale:.{decimals}f}"
    return _minus(f"({text}){suffix}" if suffix else text)


def percent(fraction: float) -> str:
    """A relative size with two digits.

    >>> percent(0.01234), percent(0.2345), percent(0.0), percent(math.inf)
    ('1.2 %', '23 %', 'exact', '–')
    """
    if fraction == 0:
        return "exact"
    if not math.isfinite(fraction):
        return "–"
    return f"{100 * fraction:.{max(1 - _exponent(100 * fraction, 2), 0)}f} %"


def sigmas(z: float) -> str:
    """A signed deviation in standard errors.

    Infinite where a number without an error is not what is predicted.

    >>> sigmas(-1.234), sigmas(12345.0), sigmas(-math.inf)
    ('−1.2 σ', '+12345 σ', '−∞ σ')
    """
    if math.isinf(z):
        return "+∞ σ" if z > 0 else "−∞ σ"
    return _minus(f"{z:+.{1 if abs(z) < 100 else 0}f} σ")


def escape(text: str) -> str:
    """Escaped for HTML, with no line break beside an operator: "1 − m" and "ε = 0.1" stay whole."""
    return re.sub(" ([−=≈·÷±]) ", "\u00a0\\1\u00a0", html.escape(text))


def strict(value: Any) -> Any:
    """The same structure with None for what strict JSON cannot say (NaN, ±∞)."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _exponent(value: float, digits: int) -> int:
    """The power of ten of ``value`` rounded to ``digits`` digits, so that 9.99 does not print as 10.0."""
    return int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
