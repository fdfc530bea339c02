"""Lines of a Triton kernel that make the numbers of one step: what `sgdsde.engines.noise` says, in registers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sgdsde.engines.noise import SIXTH, ExampleBatches, GaussianIncrements, Noise, Signs, ThreePoints
from sgdsde.engines.philox import bits_layout, layout
from sgdsde.engines.torch_kernel_batches import looped, looped_sums, sums


@dataclass(frozen=True)
class Lines:
    """How a step gets the numbers of a source.

    Attributes
    ----------
    draw : list of str
        Run for every place of a group, in or out of the run.
    pick : list of str
        Run for steps of the run alone.
    numbers : list of str
        Code of the step's numbers.
    """

    draw: list[str]
    pick: list[str]
    numbers: list[str]


def steps_together(source: Noise) -> int:
    """Steps that share a group of draws; signs are read from their group wherever the step is in it."""
    if isinstance(source, ExampleBatches):
        return source.layout(source.most_picks)[0]
    return 1 if isinstance(source, Signs) else layout(source.numbers)[0]


def suits(source: Noise) -> bool:
    """Whether there are lines for this source."""
    if isinstance(source, ExampleBatches):
        return not source.scheduled
    return type(source) in _LINES


def lines_of(source: Noise, index: int, place: int) -> Lines:
    """The kernel's lines that draw the numbers of the source with this index, for a step `place` into its group."""
    made: Lines = _LINES[type(source)](source, f"q{index}", place)
    return made


def _words(name: str, place: int, of: tuple[int, int], stream: int) -> list[str]:
    """Words of the group of (steps, draws) that the step is in."""
    steps, draws = of
    return [
        f"{', '.join(f'{name}w{4 * draw + i}' for i in range(4))} = "
        f"words((step_ + {place}) // {steps}, {draw}, path_, {stream}, k0, k1)"
        for draw in range(draws)
    ]


def _new(name: str, place: int, of: tuple[int, int], stream: int) -> list[str]:
    """The same where a group begins; nothing at the other places."""
    return [] if place % of[0] else _words(name, place, of, stream)


def _gaussian(noise: GaussianIncrements, name: str, place: int) -> Lines:
    k, (steps, draws) = noise.numbers, layout(noise.numbers)
    lines = _new(name, place, (steps, draws), noise.stream)
    if lines:
        lines += [f"{name}n{i}, {name}n{i + 1} = pair({name}w{i}, {name}w{i + 1})" for i in range(0, steps * k, 2)]
    return Lines(lines, [], [f"{name}n{place % steps * k + i}" for i in range(k)])


def _three_points(noise: ThreePoints, name: str, place: int) -> Lines:
    k, (steps, draws) = noise.numbers, layout(noise.numbers)
    words = [f"{name}w{place % steps * k + i}" for i in range(k)]
    low, high, root = SIXTH, 2**32 - SIXTH, math.sqrt(3.0)
    numbers = [f"tl.where({w} < {low}, zero_ - {root}, tl.where({w} >= {high}, zero_ + {root}, zero_))" for w in words]
    return Lines(_new(name, place, (steps, draws), noise.stream), [], numbers)


def _signs(noise: Signs, name: str, place: int) -> Lines:
    """Steps that share bits take fewer than 32 together, all of the first word."""
    k, (steps, draws) = noise.numbers, bits_layout(noise.numbers)
    lines = _words(name, place, (steps, draws), noise.stream)
    lines.append(f"{name}b = ((step_ + {place}) % {steps} * {k}).to(tl.uint32)")
    return Lines(lines, [], [f"zero_ + 1.0 - 2.0 * ({name}w{i // 32} >> ({name}b + {i % 32}) & 1)" for i in range(k)])


def _batch_mean(noise: ExampleBatches, name: str, place: int) -> Lines:
    size = noise.size(0)
    picks = noise.picks(size)
    steps, draws = noise.layout(picks)
    if looped(noise):
        draw, pick = [], looped_sums(noise, name, place, picks)
    else:
        draw = _new(name, place, (steps, draws), noise.stream)
        pick = sums(noise, name, place, [f"{name}w{place % steps * picks + i}" for i in range(picks)])
    numbers = [f"zero_ + ({name}m{j} * {noise.weight(size)!r}).to(zero_.dtype)" for j in range(noise.numbers)]
    return Lines(draw, pick, numbers)


_LINES: dict[type, Callable[[Any, str, int], Lines]] = {
    GaussianIncrements: _gaussian,
    Signs: _signs,
    ThreePoints: _three_points,
    ExampleBatches: _batch_mean,
}
