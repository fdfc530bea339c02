"""Sizes of claims from their protocols: tables of TOML as the dataclasses and named tuples that claims take."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from validation.presets import PRESETS
from validation.protocol import presets_of


@dataclass(frozen=True)
class Plan:
    """What one preset of a claim does: how many checks it makes, about how long it takes on 2 cores, and its sizes."""

    tests: int
    seconds: float
    size: Any = None


def plans(name: str, kind: Any = None) -> dict[str, Plan]:
    """The plan of each preset by the protocol ``name``, with sizes of a ``kind``; a function makes its own of them."""
    held = presets_of(name)
    if missing := [preset for preset in PRESETS if "tests" not in held.get(preset, {})]:
        raise ValueError(f"protocol {name!r} does not say how many tests {', '.join(missing)} makes")
    sizes = {preset: None if kind is None else built(kind, held[preset]["size"]) for preset in PRESETS}
    return {preset: Plan(held[preset]["tests"], held[preset]["seconds"], sizes[preset]) for preset in PRESETS}


def built(kind: Any, value: Any) -> Any:
    """What TOML says, as the annotated type: tables as dataclasses, named tuples or dicts, arrays as tuples.

    Numbers stay what they are, 2 or 2.0, because seeds are named by them.

    >>> built(dict[int, tuple[float, ...]], {"2": [0.5, 1]})
    {2: (0.5, 1)}
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return built(next(each for each in arguments if each is not type(None)), value)
    if isinstance(value, Mapping) and (is_dataclass(kind) or hasattr(kind, "_fields")):
        hints = get_type_hints(kind)
        return kind(**{name: built(hints[name], item) for name, item in value.items()})
    if origin is dict:
        return {arguments[0](key): built(arguments[1], item) for key, item in value.items()}
    if origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(built(each, item) for each, item in zip(kinds, value, strict=True))
    return value
