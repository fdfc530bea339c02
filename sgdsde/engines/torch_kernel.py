"""Text of a plan's Triton kernel for `sgdsde.engines.torch_cuda`: all updates of a launch, one thread for each path.

Words are made where they are used; state, sums and constants stay in registers. Memory is touched at the ends of a
launch, for snapshots, for examples and for the order of a shuffle.
"""

from __future__ import annotations

import ast
import functools
import math

from sgdsde.codegen import SINGULAR
from sgdsde.engines.noise import ExampleBatches
from sgdsde.engines.observers import Words, cell_lines, range_lines
from sgdsde.engines.registry import Plan
from sgdsde.engines.torch_kernel_noise import lines_of, steps_together, suits

#: What the kernel is told of a launch, in this order, as int64.
NUMBERS = ("paths", "first_path", "begin", "end", "substeps", "save_every", "slot", "key0", "key1")

_TEMPLATE = """@triton.jit
def words(group, draw, path, stream, k0, k1):
    c0 = tl.zeros_like(path).to(tl.uint32)
    high = ((group >> 32) << 8) + stream
    return philox_impl(c0 + group.to(tl.uint32), c0 + draw, path.to(tl.uint32), c0 + high.to(tl.uint32), k0, k1)


@triton.jit
def pair(radius_word, angle_word):
    extension = angle_word & 0xFFFF
    {pair}
    return radius * libdevice.sinpi(angle), radius * libdevice.cospi(angle)


@triton.jit
def below(word, bound):
    return (word.to(tl.int64) * bound >> 32).to(tl.int32)


@triton.jit
def maximum(a, b):
    return tl.where((a > b) | (a != a), a, b)


@triton.jit
def minimum(a, b):
    return tl.where((a < b) | (a != a), a, b)


@triton.jit
def root_of(a, reciprocal):
    return tl.where(a == 0.0, a, a * reciprocal)


@triton.jit
def softplus(a):
    return maximum(a, tl.zeros_like(a)) + libdevice.log1p(libdevice.exp(-tl.abs(a)))


@triton.jit
def sigmoid(a):
    small = libdevice.exp(-tl.abs(a))
    return tl.where(a < 0.0, small, tl.full(a.shape, 1.0, a.dtype)) / (1.0 + small)


@triton.jit
def mended_root(pivot, diagonal):
    return libdevice.sqrt(tl.where((pivot <= 0.0) & (pivot >= -{singular} * diagonal), 0.0, pivot))


@triton.jit
def advance(
    numbers_, state_, sums_, constants_, taken_, saved_, {buffers}LOOK: tl.constexpr, SAVE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    {numbers}
    k0 = key0.to(tl.uint32)
    k1 = key1.to(tl.uint32)
    at_ = (tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)).to(tl.int64)
    path_ = (first_path + at_).to(tl.uint32)
    live_ = at_ < paths
    zero_ = tl.zeros([BLOCK], tl.{dtype})
    first_ = begin * substeps
    last_ = end * substeps
    step_ = first_ // {together} * {together}
    update_ = begin
    sub_ = begin * 0
    due_ = begin % save_every
    {load}
    while step_ < last_:
        {step}
        step_ += {together}
    {store}
"""

_WORDS = Words("tl.load(ranges_ + {})", "({}).to(tl.int64)", "tl.where({}, {}, {})")
_HALF_TURNS = 2.0**-31

#: Radius √(−2 log u), u of 48 bits, and angle. In single precision a u above ½ is taken from its distance to 1, which
#: keeps the radius to 1e-7 of itself, and the angle lies in [−½, ½) turns, where it is rounded least.
_PAIR = {
    "float64": (
        "long = (radius_word.to(tl.uint64) << 16) + extension.to(tl.uint64)",
        f"radius = libdevice.sqrt(-2.0 * libdevice.log((long.to(tl.float64) + 0.5) * {2.0**-48!r}))",
        f"angle = angle_word.to(tl.float64) * {_HALF_TURNS!r}",
    ),
    "float32": (
        "rest = extension.to(tl.float32)",
        f"low = (radius_word.to(tl.float32) + (rest + 0.5) * {2.0**-16!r}) * {2.0**-32!r}",
        f"high = ((radius_word ^ 0xFFFFFFFF).to(tl.float32) + (65535.5 - rest) * {2.0**-16!r}) * {2.0**-32!r}",
        "near = radius_word >= 0x80000000",
        "small = tl.where(near, high, low)",
        "radius = libdevice.sqrt(-2.0 * tl.where(near, libdevice.log1p(-small), libdevice.log(small)))",
        f"angle = angle_word.to(tl.int32, bitcast=True).to(tl.float32) * {_HALF_TURNS!r}",
    ),
}

#: What printed code may call → what it is here, where the names differ.
_CALLED = {
    **{
        name: f"libdevice.{name}"
        for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")
    },
    **dict.fromkeys(("rsqrt", "rsqrt_of_positive"), "libdevice.rsqrt"),
    "absolute": "tl.abs",
    "power": "libdevice.pow",
    "where": "tl.where",
}


class _Calls(ast.NodeTransformer):
    """Names of the device's functions, and their arguments made tensors: a bare number would be rounded to float32."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func)
        kept = 1 if name == "where" else 0  # the condition
        made: list[ast.expr] = [ast.BinOp(ast.Name("zero_"), ast.Add(), one) for one in node.args[kept:]]
        return ast.Call(ast.Name(_CALLED.get(name, name)), [*node.args[:kept], *made], [])


def device_code(code: str) -> str:
    """Text of a printed expression for the kernel."""
    return ast.unparse(ast.fix_missing_locations(_Calls().visit(ast.parse(code, mode="eval"))))


def has_kernel(plan: Plan) -> bool:
    """Whether there is a kernel for this plan.

    There is none for regions, Lévy areas, tables, schedules of batch sizes, and numbers that change with the step.
    """
    by_update = plan.rows is None or (plan.per_row == plan.substeps and len(plan.rows) >= plan.updates)
    return by_update and not plan.regions and all(map(suits, plan.noise))


def _indented(lines: list[str], columns: int = 4) -> list[str]:
    return [" " * columns + line for line in lines]


def _after(plan: Plan) -> list[str]:
    """What follows a step: observations and snapshots at the end of an update."""
    d, state = plan.dimension, plan.block.arrays
    look = [f"off{i} = {state[i]} - origin{i}" for i in range(d)]
    terms = [f"off{i}" for i in range(d)] + [f"off{i}*off{j}" for i in range(d) for j in range(i, d)]
    observers = plan.observers
    if observers.fourth:
        terms += [f"off{i}*off{i}*off{i}" for i in range(d)] + [f"(off{i}*off{i})*(off{i}*off{i})" for i in range(d)]
    if observers.regions:
        look += [f"{name} = zero_ + {device_code(code)}" for name, code in observers.regions.lines]
        terms += [f"zero_ + {device_code(code)}" for code in observers.regions.outputs]
    for h, axes in enumerate(observers.histograms):
        look += cell_lines(h, axes, lambda component: f"{state[component]}.to(tl.float64)", _WORDS)
        look += ["spot = counts_ + (cell * paths + at_)", "tl.store(spot, tl.load(spot, live_, other=0) + 1, live_)"]
    look += [f"sum{row} += {term}" for row, term in enumerate(terms)]
    store = [f"tl.store(saved_ + (slot * {d} + {i}) * paths + at_, {state[i]}.to(tl.float64), live_)" for i in range(d)]
    keep = ["due_ += 1", "if due_ == save_every:", *_indented([*store, "slot += 1", "due_ = due_ * 0"])]
    ended = ["update_ += 1", "sub_ = sub_ * 0", "if LOOK:", *_indented(look), "if SAVE:", *_indented(keep)]
    return ["sub_ += 1", "if sub_ == substeps:", *_indented(ended)]


def _constants(plan: Plan) -> list[str]:
    names = [name for name, _ in plan.block.constants]
    row = f"tl.load(taken_ + update_) * {len(names)} + " if plan.scheduled else ""
    return [f"{name} = tl.load(constants_ + ({row}{i})).to(tl.{plan.dtype})" for i, name in enumerate(names)]


def source(plan: Plan) -> str:
    """Text of the kernel."""
    block, d, size, regions = plan.block, plan.dimension, len(plan.block.outputs), plan.observers.regions
    together = functools.reduce(math.lcm, map(steps_together, plan.noise), 1)
    sums = range(d + d * (d + 1) // 2 + plan.observers.sums(d))
    lines: list[str] = []
    for place in range(together):
        made = [lines_of(one, index, place) for index, one in enumerate(plan.noise)]
        numbers = [number for one in made for number in one.numbers]
        inside = [
            *(_constants(plan) if plan.scheduled else []),
            *(line for one in made for line in one.pick),
            *(f"{name} = {number}" for name, number in zip(block.arrays[size:], numbers, strict=True)),
            *(f"{name} = {device_code(code)}" for name, code in block.lines),
            *(f"{old} = zero_ + {device_code(new)}" for old, new in zip(block.arrays, block.outputs, strict=False)),
            *_after(plan),
        ]
        lines += [line for one in made for line in one.draw]
        if together > 1:
            lines += [f"if (step_ + {place} >= first_) & (step_ + {place} < last_):", *_indented(inside)]
        else:
            lines += inside
    # In single precision sums are carried in it for one group of steps only.
    partial = plan.dtype == "float32"
    each = [f"sum{row} = tl.zeros([BLOCK], tl.{plan.dtype})" for row in sums] if partial else []
    flush = [f"total{row} += sum{row}.to(tl.float64)" for row in sums] if partial else []
    total = "total" if partial else "sum"
    load = [f"{block.arrays[i]} = tl.load(state_ + ({i} * paths + at_), live_, other=0)" for i in range(size)]
    load += [f"origin{i} = tl.load(sums_ + ({i} * paths + at_), live_, other=0).to(tl.{plan.dtype})" for i in range(d)]
    load += [f"{total}{row} = tl.load(sums_ + ({d + row} * paths + at_), live_, other=0)" for row in sums]
    load += [] if plan.scheduled else _constants(plan)
    load += range_lines(plan.observers, _WORDS)
    load += [f"{name} = {name}.to(tl.{plan.dtype})" for name, _ in regions.constants] if regions else []
    store = [f"tl.store(state_ + ({i} * paths + at_), {block.arrays[i]}, live_)" for i in range(size)]
    store += [f"tl.store(sums_ + ({d + row} * paths + at_), {total}{row}, live_)" for row in sums]
    text = {
        "pair": (4, _PAIR[plan.dtype]),
        "numbers": (4, [f"{name} = tl.load(numbers_ + {i})" for i, name in enumerate(NUMBERS)]),
        "load": (4, load),
        "step": (8, [*each, *lines, *flush]),
        "store": (4, store),
    }
    return _TEMPLATE.format(
        **{name: ("\n" + " " * indent).join(parts) for name, (indent, parts) in text.items()},
        buffers="".join(f"{buffer}, " for buffer in buffers_of(plan)),
        singular=SINGULAR[plan.dtype],
        dtype=plan.dtype,
        together=together,
    )


def buffers_of(plan: Plan) -> list[str]:
    """Names of the kernel's further arguments.

    Of each source of batches the examples and what a path keeps; of observers what they are told, and the counts.
    """
    batches = [index for index, one in enumerate(plan.noise) if isinstance(one, ExampleBatches)]
    observing = ["ranges_", "counts_"] if plan.observers.any else []
    return [*(f"q{index}{name}_" for index in batches for name in ("table", "kept")), *observing]
