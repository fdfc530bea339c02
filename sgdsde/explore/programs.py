"""The programs of a page: every dynamics that it offers, as the tape has it for a landscape, printed for JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sgdsde import schemes
from sgdsde.dynamics import limits
from sgdsde.dynamics.pairs import NAMED, Dynamics
from sgdsde.dynamics.registry import all_noises, all_rules
from sgdsde.engines import javascript
from sgdsde.landscapes import Landscape
from sgdsde.regions import parse_regions

#: What stands beside the SDE: rules with batches, and pairs that have a name.
RULES = ("sgd", "nesterov", "rmsprop", "adam", "adamw", "signsgd", "lion", "noisy_gd", "svag")
#: The SDEs, those of which the driver may be epoched, and that of which exits are counted inside a step.
SDES, EPOCHED, BRIDGED = tuple(limits.LIMITS), ("sde", "momentum_sde", "noisy_gd"), "sde"
#: The parameters that say where paths of one dimension leave a minimum.
LEAVE = ("leave_below", "leave_above")


@dataclass(frozen=True)
class Printed:
    """A program in JavaScript, with what the page must know to run it.

    Attributes
    ----------
    code : str
        Of `sgdsde.engines.javascript.program`.
    told : dict
        For JSON. ``state``: number of components; ``draws``: name → numbers, in the block's order; ``parameters``:
        names of the numbers p0, p1, …; ``equation``; ``carries``: names of the vectors beside ω; ``numbers``: default
        and interval of each hyperparameter; ``takes``: whether it takes momentum; ``exits``: whether it has margins.
    """

    code: str
    told: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{{...{json.dumps(self.told)}, code: {self.code}}}"  # names of our own making


def programs(landscape: Landscape) -> Iterator[tuple[str, Printed]]:
    """(name, program): names are those of dynamics, with ``" epoched"`` and ``" exits"`` after them."""
    for name in SDES:
        limit = limits.LIMITS[name]
        _, declaration = limits.find(name)
        hyperparameters = all_rules()[limit.rule].hyperparameters
        numbers = {key: hyperparameters[key] for key in declaration.numbers}
        drivers = (False, True) if name in EPOCHED else (False,)
        for epoched in drivers:
            suffix = " epoched" if epoched else ""
            takes = declaration.equation in ("overdamped", "momentum")
            yield name + suffix, _printed(declaration, landscape, numbers, takes, epoched=epoched)
            if name == BRIDGED and landscape.dimension == 1:
                yield f"{name}{suffix} exits", _printed(declaration, landscape, numbers, takes, epoched, exits=True)
    for name in RULES:
        own, noise = NAMED.get(name, (name, "batches"))
        rule = all_rules()[own]
        options = {"momentum": 0.5} if "momentum" in rule.takes and name != "svag" else {}
        defaults = {key: each.default for key, each in rule.hyperparameters.items()}
        declaration = Dynamics(name, rule, all_noises()[noise], {**options, **defaults}).declaration()
        for epoched in (False, True) if name in EPOCHED else (False,):
            yield (
                name + (" epoched" if epoched else ""),
                _printed(declaration, landscape, rule.hyperparameters, bool(options), epoched),
            )


def _printed(
    declaration: schemes.Declaration,
    landscape: Landscape,
    numbers: Mapping[str, Any],
    takes: bool,
    epoched: bool = False,
    exits: bool = False,
) -> Printed:
    if exits:
        landscape = with_ends(landscape)
        below, above = ends_of(landscape)
        (x,) = landscape.variables
        regions = parse_regions({"below": f"{x} < {below}", "above": f"{x} > {above}"}, [x, *landscape.parameters])
        program = schemes.build(declaration, landscape, regions, bridge=True, epoched=epoched)
    else:
        program = schemes.build(declaration, landscape, epoched=epoched)
    told = {
        "state": program.state_dimension,
        "draws": program.draws,
        "parameters": sorted(landscape.parameters),
        "equation": declaration.equation,
        "carries": list(declaration.auxiliary),
        "numbers": {key: [each.default, each.low, min(each.high, 1.0)] for key, each in numbers.items()},
        "takes": takes,
        "exits": exits,
        "summary": (declaration.function.__doc__ or "").strip().partition("\n")[0],
    }
    return Printed(javascript.program(program.block, program.state_dimension + program.regions), told)


def with_ends(landscape: Landscape) -> Landscape:
    """The same landscape with two more parameters, where paths leave; named so that none is taken."""
    taken, names = {*landscape.variables, *landscape.parameters}, list(LEAVE)
    while taken & set(names):
        names = [f"{name}_" for name in names]
    parameters = {**landscape.parameters, **dict.fromkeys(names, 0.0)}
    return Landscape(landscape.text, landscape.variables, parameters, **landscape.noise.arguments())


def ends_of(landscape: Landscape) -> tuple[str, str]:
    """The names of these two parameters."""
    low, high = list(landscape.parameters)[-2:]
    return low, high
