"""The table of contenders: how each integrates, how much of it at a time, and what it needs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench import loops
from bench import peer_solvers as solvers
from bench.problems import Problem, Run


@dataclass(frozen=True)
class Peer:
    """A contender.

    Attributes
    ----------
    name : str
    prepare : callable
        (problem, paths, steps) → Run; compiles what is to be compiled.
    normals : int
        To be drawn in one turn of a benchmark, which is then a fraction of a second.
    modules : tuple of str
        What it imports.
    together : bool
        Whether it takes many paths at once.
    note : str
        How it was set.
    """

    name: str
    prepare: Callable[[Problem, int, int], Run]
    normals: int
    modules: tuple[str, ...]
    together: bool = True
    note: str = ""

    @property
    def roots(self) -> list[str]:
        """Names of the packages."""
        return [module.partition(".")[0] for module in self.modules]

    def missing(self) -> str | None:
        """The first package that is not installed."""
        return next((root for root in self.roots if importlib.util.find_spec(root) is None), None)


OURS, WEAK, FLOOR = "sgdsde", "sgdsde: two-point weak Euler", "draw and add (the floor)"
_ENGINE = ("sgdsde.integration", "sgdsde.engines.numba_lanes")
PEERS = (
    Peer(OURS, loops.ours, 80_000_000, _ENGINE),
    Peer(WEAK, partial(loops.ours, scheme="weak_euler"), 80_000_000, _ENGINE),
    Peer(FLOOR, loops.draw_and_add, 80_000_000, ("bench.floor",)),
    Peer("NumPy loop", loops.numpy_loop, 6_000_000, ("numpy",)),
    Peer("torch loop", loops.torch_loop, 4_000_000, ("torch",)),
    Peer("jax.lax.scan", loops.jax_scan, 4_000_000, ("jax",), note="rbg keys, 4 steps unrolled"),
    Peer(
        "diffrax: UnsafeBrownianPath",
        solvers.diffrax,
        2_000_000,
        ("diffrax",),
        note="all paths one state, DirectAdjoint",
    ),
    Peer(
        "diffrax: the same, vmap over paths",
        partial(solvers.diffrax, vmap=True),
        1_000_000,
        ("diffrax",),
        note="each path solved on its own",
    ),
    Peer(
        "diffrax: VirtualBrownianTree",
        partial(solvers.diffrax, path="VirtualBrownianTree"),
        400_000,
        ("diffrax",),
        note="all paths one state, tol = dt/2",
    ),
    Peer(
        "torchsde: white noise",
        partial(solvers.torchsde, white=True),
        2_000_000,
        ("torchsde",),
        note="own BaseBrownian",
    ),
    Peer("torchsde: BrownianInterval", solvers.torchsde, 1_000_000, ("torchsde",), note="told its dt"),
    Peer("sdeint", solvers.sdeint, 20_000, ("sdeint",), together=False, note="itoEuler, path by path"),
    Peer(
        "jitcsde", solvers.jitcsde, 100_000, ("jitcsde",), together=False, note="its order-1.5 scheme at a fixed step"
    ),
)
