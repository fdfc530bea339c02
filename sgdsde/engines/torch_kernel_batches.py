"""Lines of a Triton kernel that add up the examples of a batch: written out for few picks, a loop for many.

What a path keeps in memory is its own column of a buffer, which no other path's thread touches.
"""

from __future__ import annotations

from collections.abc import Callable

from sgdsde.engines.noise import ExampleBatches

#: Most picks that are written out: Floyd's are then compared in pairs, and compilers take long over more.
WRITTEN_OUT = 16


def looped(noise: ExampleBatches) -> bool:
    """Whether picks are made in a loop."""
    return noise.repeated or noise.most_picks > WRITTEN_OUT


def memory_rows(noise: ExampleBatches) -> int:
    """Rows of int32 that a path keeps: the order of a shuffle, or the picks of a batch and a bit for each example."""
    if noise.sampling == "reshuffle":
        return len(noise.table)
    if noise.sampling == "without_replacement" and looped(noise):
        return noise.most_picks + -(-len(noise.table) // 32)
    return 0


def sums(noise: ExampleBatches, name: str, place: int, words: list[str]) -> list[str]:
    """Lines that set {name}m0, … to the sums over the batch picked by these words, in float64."""
    n, columns = len(noise.table), range(noise.numbers)
    lines = [f"{name}m{j} = tl.zeros([BLOCK], tl.float64)" for j in columns]
    if noise.sampling == "reshuffle":
        lines += _epoch(noise, name, place)
    for i, word in enumerate(words):
        lines += _WRITTEN[noise.sampling](name, i, word, n, len(words))
        lines += [f"{name}m{j} += tl.load({name}table_ + ({j * n} + {name}p{i}))" for j in columns]
    return lines


def looped_sums(noise: ExampleBatches, name: str, place: int, picks: int) -> list[str]:
    """The same in a loop over draws; each step has its own."""
    n, columns = len(noise.table), range(noise.numbers)
    lines = [f"{name}m{j} = tl.zeros([BLOCK], tl.float64)" for j in columns]
    if noise.sampling == "reshuffle":
        lines += _epoch(noise, name, place)
    begin, end, group, draw, before = "0", f"{-(-picks // 4)}", f"step_ + {place}", "draw_", "0"
    if noise.repeated:  # words are those of places, of which the batch's first is {name}f
        begin, end = f"{name}f // 4", f"({name}f + {picks + 3}) // 4"
        group, draw, before = f"{name}d", "0", f"{name}f"
    lines += [
        f"for draw_ in range({begin}, {end}):",
        *([f"    {name}d = {name}f.to(tl.int64) * 0 + draw_"] if noise.repeated else []),
        f"    {', '.join(f'{name}w{i}' for i in range(4))} = words({group}, {draw}, path_, {noise.stream}, k0, k1)",
    ]
    for i in range(4):
        within = [
            f"{name}i = draw_ * 4 + {i} - {before}",
            f"{name}t = tl.zeros([BLOCK], tl.int32) + {name}i",
            f"{name}k = live_ & ({name}t >= 0) & ({name}t < {picks})",
            *_LOOPED[noise.sampling](name, f"{name}w{i}", n, picks),
            *(f"{name}m{j} += tl.load({name}table_ + ({j * n} + {name}p), {name}k, other=0)" for j in columns),
        ]
        lines += ["    " + line for line in within]
    return lines + (_clear(name, picks) if noise.sampling == "without_replacement" else [])


def _epoch(noise: ExampleBatches, name: str, place: int) -> list[str]:
    """Where in its epoch the step is, and a new shuffle where one begins."""
    n, size = len(noise.table), noise.size(0)
    return [
        f"{name}f = ((step_ + {place}) % {n // size} * {size}).to(tl.int32)",
        f"if {name}f == 0:",
        f"    for row_ in range({n}):",
        f"        tl.store({name}kept_ + row_ * paths + at_, tl.zeros([BLOCK], tl.int32) + row_, live_)",
        "    tl.debug_barrier()",
    ]


def _with_replacement(name: str, i: int, word: str, n: int, picks: int) -> list[str]:
    return [f"{name}p{i} = below({word}, {n})"]


def _without_replacement(name: str, i: int, word: str, n: int, picks: int) -> list[str]:
    lines, first = [f"{name}p{i} = below({word}, {n - picks + i + 1})"], n - picks
    if i:
        repeated = " | ".join(f"({name}p{j} == {name}p{i})" for j in range(i))
        lines.append(f"{name}p{i} = tl.where({repeated}, {first + i}, {name}p{i})")
    return lines


def _reshuffle(name: str, i: int, word: str, n: int, picks: int) -> list[str]:
    """A row that is dealt is swapped with another; it is not kept up itself, because nothing reads it again."""
    return _dealt(name, f"{name}p{i}", f"{name}f + {i}", word, n, "live_")


def _dealt(name: str, pick: str, row: str, word: str, n: int, live: str) -> list[str]:
    return [
        f"{name}o = {name}kept_ + ({row} + below({word}, {n} - ({row}))) * paths + at_",
        f"{name}h = tl.load({name}kept_ + ({row}) * paths + at_, {live}, other=0)",
        f"{pick} = tl.load({name}o, {live}, other=0)",
        f"tl.store({name}o, {name}h, {live})",
        "tl.debug_barrier()",
    ]


def _looped_with_replacement(name: str, word: str, n: int, picks: int) -> list[str]:
    return [f"{name}p = below({word}, {n})"]


def _looped_without_replacement(name: str, word: str, n: int, picks: int) -> list[str]:
    """A bit says that an example is in the batch; bits are all zero between steps."""
    mark = f"{name}o = {name}kept_ + ({picks} + ({name}p >> 5)) * paths + at_"
    held = f"{name}h = tl.load({name}o, {name}k, other=0)"
    return [
        f"{name}p = below({word}, {n - picks + 1} + {name}i)",
        mark,
        held,
        f"{name}p = tl.where(({name}h >> ({name}p & 31)) & 1 == 1, {n - picks} + {name}i, {name}p)",
        mark,
        held,
        f"tl.store({name}o, {name}h | ((tl.zeros([BLOCK], tl.int32) + 1) << ({name}p & 31)), {name}k)",
        f"tl.store({name}kept_ + {name}i * paths + at_, {name}p, {name}k)",
        "tl.debug_barrier()",
    ]


def _clear(name: str, picks: int) -> list[str]:
    return [
        f"for pick_ in range({picks}):",
        f"    {name}p = tl.load({name}kept_ + pick_ * paths + at_, live_, other=0)",
        f"    {name}o = {name}kept_ + ({picks} + ({name}p >> 5)) * paths + at_",
        f"    tl.store({name}o, tl.zeros([BLOCK], tl.int32), live_)",
        "tl.debug_barrier()",
    ]


def _looped_reshuffle(name: str, word: str, n: int, picks: int) -> list[str]:
    return _dealt(name, f"{name}p", f"{name}f + {name}i", word, n, f"{name}k")


_WRITTEN: dict[str, Callable[[str, int, str, int, int], list[str]]] = {
    "with_replacement": _with_replacement,
    "without_replacement": _without_replacement,
    "reshuffle": _reshuffle,
}
_LOOPED: dict[str, Callable[[str, str, int, int], list[str]]] = {
    "with_replacement": _looped_with_replacement,
    "without_replacement": _looped_without_replacement,
    "reshuffle": _looped_reshuffle,
}
