"""Runs a plan on a CUDA device by the kernel of `sgdsde.engines.torch_kernel`: many updates in each launch."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import linecache
import time
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sgdsde.callers import stacklevel
from sgdsde.engines.noise import ExampleBatches
from sgdsde.engines.observers import Observed, Tally, all_finite
from sgdsde.engines.philox import key_of
from sgdsde.engines.registry import Outcome, Plan, moments_from_sums
from sgdsde.engines.torch_kernel import has_kernel, source
from sgdsde.engines.torch_kernel_batches import memory_rows

#: Paths of a program: a thread each, so that what a thread writes it alone reads.
BLOCK = 128
OPTIONS = {"num_warps": BLOCK // 32, "enable_fp_fusion": True}

_SECONDS_PER_LAUNCH = 0.1  # the longest wait after Ctrl-C
_FIRST = 64  # updates of the first launch, whose speed is not known
_TRIAL = "@triton.jit\ndef advance(x_):\n    tl.store(x_, tl.load(x_) + 1.0)\n"
_SAVED = 2**26  # bytes of snapshots that wait on the device


def suits(plan: Plan, device: torch.device) -> bool:
    """Whether this device and its torch can run the plan by a kernel."""
    return device.type == "cuda" and torch.version.hip is None and has_kernel(plan) and launches(device)


@functools.cache
def launches(device: torch.device) -> bool:
    """Whether Triton is installed and works: it needs a C compiler and Python's headers beside the device.

    Warns
    -----
    RuntimeWarning
        When it is installed and does not work.
    """
    if importlib.util.find_spec("triton") is None:
        return False
    try:
        with torch.cuda.device(device):
            compiled(_TRIAL)[(1,)](torch.zeros(1, device=device), **OPTIONS)
            torch.cuda.synchronize(device)
    except Exception as error:  # whatever a compiler, a linker or a driver may say
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        warnings.warn(
            f"Triton cannot launch a kernel on {device}, so steps are taken one at a time: {said}",
            RuntimeWarning,
            stacklevel=stacklevel(),
        )
        return False
    return True


def _language() -> dict[str, Any]:
    """What a kernel's text may name."""
    import triton  # type: ignore[import-not-found,unused-ignore]
    import triton.language as tl  # type: ignore[import-not-found,unused-ignore]
    from triton.language.extra.cuda import libdevice  # type: ignore[import-not-found,unused-ignore]
    from triton.language.random import philox_impl  # type: ignore[import-not-found,unused-ignore]

    return {"triton": triton, "tl": tl, "libdevice": libdevice, "philox_impl": philox_impl, "__name__": __name__}


@functools.lru_cache(maxsize=64)
def compiled(text: str) -> Any:
    """The function `advance` of the kernel's text; Triton compiles it when it is launched and keeps it on disk.

    The text is printed from syntax trees of our own making, under names of our own: none of a user's is run.
    """
    name = f"<sgdsde kernel {next(_COUNT)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)  # where Triton reads it from
    scope = _language()
    exec(compile(text, name, "exec"), scope)
    return scope["advance"]


_COUNT = itertools.count()


class Launcher:
    """A plan's state, sums and buffers on a device, and the launches that advance them."""

    def __init__(self, plan: Plan, first: int, device: torch.device, dtype: torch.dtype) -> None:
        d, self.plan, self.first, self.device = plan.dimension, plan, first, device
        self.kernel = compiled(source(plan))
        self.state = torch.tensor(plan.start, dtype=dtype, device=device)
        watch, rows = plan.observers, 2 * d + d * (d + 1) // 2 + plan.observers.sums(d)
        self.sums = torch.zeros((rows, plan.paths), dtype=torch.float64, device=device)
        self.sums[:d] = self.state[:d]
        constants = np.atleast_1d(np.asarray(plan.constants, np.float64)).ravel()
        self.constants = torch.tensor([0.0] if not constants.size else constants, dtype=torch.float64, device=device)
        self.taken = torch.as_tensor(np.zeros(1, np.int64) if plan.rows is None else plan.rows, device=device)
        self.slots = max(1, min(plan.snapshots, _SAVED // (8 * d * plan.paths)))
        shape = (self.slots if plan.save_every else 0, d, plan.paths)
        self.saved = torch.empty(shape, dtype=torch.float64, device=device)
        self.buffers: list[Tensor] = []
        for one in plan.noise:
            if isinstance(one, ExampleBatches):
                self.buffers.append(torch.as_tensor(one.table.T.copy(), device=device))
                self.buffers.append(torch.zeros((memory_rows(one), plan.paths), dtype=torch.int32, device=device))

        self.counts = torch.zeros((watch.cells, plan.paths), dtype=torch.int64, device=device)
        if watch.any:
            self.buffers.append(torch.tensor([*watch.numbers(), 0.0], dtype=torch.float64, device=device))
            self.buffers.append(self.counts)

    def __call__(self, begin: int, end: int) -> Tensor:
        """Run these updates; the snapshots that fall due in them, at most `slots`."""
        plan, every = self.plan, self.plan.save_every
        told = (plan.paths, self.first, begin, end, plan.substeps, every or 1, 0, *key_of(plan.seed))
        numbers = torch.tensor(told, dtype=torch.int64, device=self.device)
        self.kernel[(-(-plan.paths // BLOCK),)](
            numbers, self.state, self.sums, self.constants, self.taken, self.saved, *self.buffers,
            LOOK=begin >= plan.burn_in, SAVE=bool(every), BLOCK=BLOCK, **OPTIONS,
        )  # fmt: skip
        return self.saved[: end // every - begin // every if every else 0]

    def start_observing(self) -> None:
        """Take the present state as the point about which sums are taken."""
        self.sums[: self.plan.dimension] = self.state[: self.plan.dimension]


def run(plan: Plan, first_path: int, device: torch.device, dtype: torch.dtype) -> Outcome:
    """Paths `first_path`, first_path + 1, … of a run; the lengths of launches change nothing in the numbers."""
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():  # where Triton launches
        return _run(plan, first_path, device, dtype)


def _run(plan: Plan, first_path: int, device: torch.device, dtype: torch.dtype) -> Outcome:
    d, every = plan.dimension, plan.save_every
    launcher = Launcher(plan, first_path, device, dtype)
    saved = np.full((plan.snapshots, plan.paths, d), np.nan)
    if every:
        saved[0] = plan.start[:d].T
    begin, length = 0, _FIRST
    while begin < plan.updates:
        if begin == plan.burn_in:
            launcher.start_observing()
        end = min(begin + length, plan.burn_in if begin < plan.burn_in else plan.updates)
        if every:
            end = min(end, (begin // every + launcher.slots + 1) * every - 1)
        clock = time.perf_counter()
        found = launcher(begin, end).transpose(1, 2).cpu().numpy()
        if every:
            saved[begin // every + 1 : end // every + 1] = found
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        growth = min(8.0, _SECONDS_PER_LAUNCH / max(time.perf_counter() - clock, 1e-9))
        begin, length = end, max(_FIRST, int(length * growth))
        plan.progress(begin / plan.updates)
        if not launcher.state.isfinite().all(dim=0).any():
            break
    plan.progress(1.0)
    sums: NDArray[np.float64] = launcher.sums.cpu().numpy()
    state, count, pairs = launcher.state.double().cpu().numpy(), plan.updates - plan.burn_in, d * (d + 1) // 2
    reference, first, second, more = np.split(sums, np.cumsum([d, d, pairs]))
    mean, covariance = moments_from_sums(reference, first, second, count)
    tally = Tally.of(plan.observers, launcher.counts.cpu().numpy(), all_finite(state, sums))
    observed = Observed.from_sums(plan.observers, first, second, more, count, tally)
    return Outcome(state, mean, covariance, saved, observed=observed)
