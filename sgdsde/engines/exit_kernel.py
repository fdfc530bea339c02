"""Text of the kernel for plans with regions: lanes whose paths have ended take the next paths.

A block of lanes works through the paths of its share. Each lane has a path and a count of steps of its own, which are
what random numbers are made from, so that a path is the same in any lane. Lanes change paths at the ends of units of
steps, which hold whole groups of draws, whole epochs and whole turns of what changes with the step.

Steps that share a group of draws are first taken at one go, with bounds in place of margins: where no bound is
positive no path can have ended, and the states are kept. Elsewhere, for a few lanes at a time, the same steps are taken
again one by one with margins. So what only margins need, uniform numbers and exponentials, is rarely made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from sgdsde.engines.exit_template import TEMPLATE
from sgdsde.engines.lane_kernel import at_step, constant_lines, draw_lines, drawn
from sgdsde.engines.lanes import LANES
from sgdsde.engines.noise import ExampleBatches, Tabulated, Uniforms
from sgdsde.engines.registry import Plan

#: What a lane is doing; from 0 on it is the region that its path ended in.
RUNNING, CENSORED, IDLE = -1, -2, -3
#: Types of the kernel's arguments, in the letters of `sgdsde.engines.machine_code`.
SIGNATURE = "iiiiiiii" + "DIII" + "DDID" + "DI" + "ii" + "Iidii" + "DWiWi" + "Dii" + "D" + "Di" + "uu"

_NAMES = re.compile(r"[A-Za-z_]\w*")
#: Lanes that are taken again together; most steps at one go, and lines that they may have together.
_WIDTH, _UNROLLED, _LINES = 32, 4, 64
#: Tables of a path that lasts to the end; fewest steps of one, and most numbers.
_TABLES, _SHORTEST, _GIVEN = 64, 16, 2**17


def units(plan: Plan) -> tuple[int, int]:
    """Steps of a group of draws, and after how many a lane may take another path."""
    made, steps = drawn(plan.noise), plan.updates * plan.substeps
    group = math.lcm(*(one.group for one in made), 1)
    given = sum(one.numbers for one in plan.noise if isinstance(one, Tabulated))
    if given:
        group = math.lcm(group, _UNROLLED)
    turn, whole = plan.period * plan.per_row if plan.scheduled else 1, -(-steps // group) * group
    if turn >= steps or any(isinstance(one, ExampleBatches) and one.scheduled for one in plan.noise):
        return group, whole
    if (
        given
    ):  # a table is made for a unit; in a short one few lanes wait for paths, and in a long one few tables are made
        length = min(max(steps // _TABLES, _SHORTEST), max(_GIVEN // (given * LANES), _SHORTEST))
        return group, -(-length // group) * group
    epochs = [
        len(one.table) // one.size(0)
        for one in plan.noise
        if isinstance(one, ExampleBatches) and one.sampling == "reshuffle"
    ]
    return group, min(math.lcm(group, turn, *epochs), whole)


def source(plan: Plan) -> str:
    """Text of the kernel's module."""
    block, d, size = plan.block, plan.dimension, plan.state_dimension
    made = drawn(plan.noise)
    late = [isinstance(one, Uniforms) for one in plan.noise]
    unrolled = math.gcd(_UNROLLED, *(one.steps for one in made))
    exact, bounds = (block.outputs[size + k * plan.regions : size + (k + 1) * plan.regions] for k in range(2))
    if unrolled * len(_needed(block.lines, (*block.outputs[:size], *bounds))) > _LINES:
        unrolled = 1
    state, width = block.arrays[:size], _WIDTH
    places = [(i, j, one.numbers) for i, one in enumerate(plan.noise) for j in range(one.numbers)]
    names = list(zip(block.arrays[size:], places, strict=True))

    def advance(outputs: Sequence[str], ahead: int, with_late: bool) -> list[str]:
        lines = _needed(block.lines, outputs)
        used = set(_NAMES.findall(" ".join([*(code for _, code in lines), *outputs])))
        draws = [
            f"{name} = n_{i}_{j}_{ahead}[lane]"
            for name, (i, j, _) in names
            if name in used and (with_late or not late[i])
        ]
        return [*draws, *(f"{name} = {code}" for name, code in lines)]

    def slices(ahead: int | None) -> list[str]:
        """Rows of the draws for these lanes: of one step, or of all that are taken at one go but the late."""
        shifts = [(0, "ahead")] if ahead is None else [(n, str(n)) for n in range(unrolled)]
        taken = [each for each in places if ahead is None or not late[each[0]]]
        begins = {(i, j, at): f"({shift} * {k} + {j}) * {LANES} + lanes" for i, j, k in taken for at, shift in shifts}
        return [f"n_{i}_{j}_{at} = z_{i}[{begin} : {begin} + {width}]" for (i, j, at), begin in begins.items()]

    rows = {**{f"a_{i}": i for i in range(size)}, "begun_": size, "which_": size + 1, "taken_": size + 2}
    rows |= {f"b_{i}": size + 3 + i for i in range(size)}
    region = f"{RUNNING}.0"
    for place, margin in reversed(list(enumerate(exact))):
        region = f"{place}.0 if {margin} > 0.0 else ({region})"
    load = [f"{name} = a_{i}[lane]" for i, name in enumerate(state)]
    fast = ["worst = -1.0", *load]
    for ahead in range(unrolled):
        now = advance((*block.outputs[:size], *bounds), ahead, False)
        now += [f"worst = {bound} if {bound} > worst else worst" for bound in bounds]  # whatever NaN comes after
        now += [f"{old} = {new}" for old, new in zip(state, block.outputs, strict=False)]
        fast += at_step(plan, ahead, now)
    goes_on = f"goes_on = which_[lane] == {RUNNING}.0"
    fast += [goes_on, "met += 1 if goes_on & (worst > 0.0) else 0"]
    fast += [f"b_{i}[lane] = {name} if goes_on else a_{i}[lane]" for i, name in enumerate(state)]
    slow = [
        *load,
        *advance(block.outputs[: size + plan.regions], 0, True),
        "here = begun_[lane] + (step + ahead + 1.0)",
        f"found = {region}",
        f"found = {CENSORED}.0 if (found == {RUNNING}.0) & (here >= total) else found",
        goes_on,
        *(
            f"a_{i}[lane] = {new} if goes_on else {old}"
            for i, (new, old) in enumerate(zip(block.outputs, state, strict=False))
        ),
        "which_[lane] = found if goes_on else which_[lane]",
        "taken_[lane] = here if goes_on else taken_[lane]",
        f"gone += 1 if goes_on & (found != {RUNNING}.0) else 0",
    ]
    draw, imports = draw_lines(plan)
    early = [line for i, each in draw if not late[i] for line in each]
    delayed = [line.strip() for i, (_, *each) in draw if late[i] for line in each]  # at any step: without the condition
    constants = constant_lines(plan, range(unrolled))
    batches = next((one for one in plan.noise if isinstance(one, ExampleBatches)), None)
    texts = {
        "imports": (0, imports),
        "draw": (8, [*(constants if plan.scheduled else []), *(early or ["pass"])]),
        "draw_late": (16, delayed or ["pass"]),
        "slices": (
            12,
            [
                *(f"{name} = a[{i * LANES} + lanes : {i * LANES} + lanes + {width}]" for name, i in rows.items()),
                *slices(0),
            ],
        ),
        "fast": (16, fast),
        "commit": (20, [f"a_{i}[lane] = b_{i}[lane]" for i in range(size)]),
        "slices_ahead": (
            16,
            [*(constant_lines(plan, ["ahead"]) if plan.scheduled else []), *slices(None)] or ["pass"],
        ),
        "slow": (20, at_step(plan, "ahead", slow)),
        "constants": (4, ["pass"] if plan.scheduled else constants or ["pass"]),
    }
    return TEMPLATE.format(
        **{name: ("\n" + " " * indent).join(parts) for name, (indent, parts) in texts.items()},
        numbers=batches.numbers if batches else 1,
        examples=len(batches.table) if batches else 1,
        z_rows=max(1, sum(one.rows for one in made)),
        size=size,
        d=d,
        group=units(plan)[0],
        given=any(isinstance(one, Tabulated) for one in plan.noise),
        unrolled=unrolled,
        parts=LANES // width,
        width=width,
        LANES=LANES,
        RUNNING=RUNNING,
        CENSORED=CENSORED,
        IDLE=IDLE,
    )


def _needed(lines: Sequence[tuple[str, str]], outputs: Iterable[str]) -> list[tuple[str, str]]:
    """Those lines of a block that some outputs need."""
    wanted = set(_NAMES.findall(" ".join(outputs)))
    kept = []
    for name, code in reversed(lines):
        if name in wanted:
            wanted |= set(_NAMES.findall(code))
            kept.append((name, code))
    return kept[::-1]
