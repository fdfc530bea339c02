"""Simulations changed on purpose: a claim must not agree with theory when its rival is the truth.

A mutation is of a claim and one of its rivals, in a file named after the claim: it patches what the claim simulates so
that the rival's prediction comes true, and every check that names this rival, and counts it, must lose its "agrees"::

    python -m tests.mutations --preset quick stationary_variance
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest

import sgdsde as sg
from validation.claim import discover
from validation.context import HERE, Context, Place
from validation.gather import gather
from validation.verdict import Ruling, Verdict, rule, thresholds

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutation:
    """What is changed, in words, and how; ``match`` is a pattern of the labels of checks whose rival it makes true."""

    claim: str
    rival: str
    words: str
    patch: Patch
    match: str = "*"


MUTATIONS: dict[tuple[str, str, str], Mutation] = {}


def mutation(claim: str, rival: str, match: str = "*") -> Callable[[Patch], Patch]:
    """Register a function that patches the simulation towards a rival; its docstring says what it changes."""

    def register(patch: Patch) -> Patch:
        MUTATIONS[claim, rival, match] = Mutation(claim, rival, (patch.__doc__ or "").strip(), patch, match)
        return patch

    return register


def load() -> dict[tuple[str, str, str], Mutation]:
    """All mutations, by claim, rival and labels."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "__main__":
            importlib.import_module(f"{__name__}.{module.name}")
    return MUTATIONS


@dataclass(frozen=True)
class Seen:
    """What a mutation did to the checks that name its rival: label → verdict before and after."""

    mutation: Mutation
    verdicts: dict[str, tuple[Verdict, Verdict]]

    @property
    def missed(self) -> list[str]:
        """Checks that agree although their rival is true."""
        return [label for label, (_, after) in self.verdicts.items() if after in (Verdict.AGREES, Verdict.EXACT)]


def rulings(name: str, preset: str, seeds: tuple[int, ...], place: Place = HERE) -> dict[str, Ruling]:
    """What each check of a claim shows, with replicas of all seeds where networks are trained."""
    claims = discover()
    claim = claims[name]
    limit = thresholds({each: found.plans[preset].tests for each, found in claims.items()})[name]
    finding = gather(claim, Context(name, preset, seeds, claim.plans[preset].size, place=place))
    return {check.label: rule(check, claim.protocol.terms(check.label), limit) for check in finding.checks}


def see(mutated: Mutation, preset: str, seeds: tuple[int, ...], before: dict[str, Ruling], place: Place = HERE) -> Seen:
    """Run the claim with its simulation changed; at one ``place``, networks that are the same are trained once."""
    with pytest.MonkeyPatch.context() as patch:
        mutated.patch(patch)
        after = rulings(mutated.claim, preset, seeds, place)
    named = {
        label for label, found in before.items() if mutated.rival in found.rivals and fnmatchcase(label, mutated.match)
    }
    return Seen(mutated, {label: (before[label].verdict, after[label].verdict) for label in sorted(named)})


def with_noise(landscape: sg.Landscape, factor: float) -> sg.Landscape:
    """The landscape with ``factor`` times its noise covariance."""
    held = landscape.noise.arguments()
    name, times = ("noise_factor", factor**0.5) if "noise_factor" in held else ("noise_covariance", factor)
    entries = held[name]
    if entries == "hessian":
        raise ValueError("F = H has no text to scale: patch the configuration instead")
    held[name] = (
        f"{times!r}*({entries})"
        if isinstance(entries, str)
        else [[f"{times!r}*({entry})" for entry in row] for row in entries]
    )
    return sg.Landscape(landscape.text, landscape.variables, landscape.parameters, **held)


def noise_scaled(
    patch: pytest.MonkeyPatch, factor: float, names: tuple[str, ...] = ("simulate_sgd", "simulate_sde")
) -> None:
    """Simulations of the library are of landscapes with ``factor`` times the noise covariance."""
    for name in names:
        original = getattr(sg, name)

        def changed(landscape: Any, *arguments: Any, original: Any = original, **options: Any) -> Any:
            return original(with_noise(landscape, factor), *arguments, **options)

        patch.setattr(sg, name, changed)
