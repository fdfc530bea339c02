"""The checks of the claim ``three_factors``, from the runs of its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from validation.claim import Check
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.cells.descent import descent
from validation.mnist.three_factors.analysis import at_level, at_loss, direction, present, slopes
from validation.mnist.three_factors.protocol import Protocol, Run

Array = NDArray[np.float64]
#: The loss of one that guesses, of ten classes: what a diverged replica is taken to have.
GUESS = np.log(10)
#: What is compared at equal training loss: the words of a check and the variable; logarithms but for the accuracy.
COMPARED = {
    "ln tr H": "trace",
    "ln distance Σ ε(k)": "distance",
    "test accuracy": "test_accuracy",
}


@dataclass(frozen=True)
class Found:
    """The runs of a protocol, and those of each share of random labels."""

    protocol: Protocol
    runs: dict[Run, xr.Dataset]
    memories: dict[float, dict[Run, xr.Dataset]]

    def at_loss(self, run: Run, name: str) -> Array:
        """A variable at the level of training loss, (replica,); NaN where it was not reached."""
        return at_loss(self.runs[run], name, self.protocol.level)

    def slopes(self, name: str) -> Array:
        """Slopes of the logarithm of a variable at the level against ln(ε/B), (replica,)."""
        values = np.array([self.at_loss(run, name) for run in self.protocol.scan])
        return slopes(np.log([run.ratio for run in self.protocol.scan]), values)

    def missing(self) -> list[str]:
        """Runs of which a replica did not reach the level where it is compared."""
        plan = self.protocol
        largest = max(plan.scaled)
        compared = {*plan.scan, *(r for f, r in plan.scaled.items() if f != largest), *plan.cycles}
        found = [str(run) for run in compared if np.isnan(self.at_loss(run, "trace")).any()]
        found += [str(run) for run in plan.scan if np.isnan(self.at_loss(run, "largest")).any()]
        return sorted({*found, *(text for share in plan.memories for text in self._missing_in(share))})

    def _missing_in(self, share: float) -> list[str]:
        level = self.protocol.memory_level
        runs = self.memories[share].items()
        return [f"{100 * share:g} % random, {run}" for run, r in runs if np.isnan(_trace(r, level)).any()]


def measured(context: Context, source: str, plan: Protocol) -> Found:
    """Run the protocol."""
    fixed = {
        "source": source, "n_examples": plan.n_examples, "hidden": plan.hidden, "period": plan.period,
        "n_test": plan.n_test, "replicas": plan.replicas, "seed": context.seed("replicas"),
        "device": context.place.device,
    }  # fmt: skip
    clean = dict.fromkeys([*plan.scan, *plan.scaled.values(), *plan.cycles, plan.alone, plan.hottest])
    jobs = [(0.0, run) for run in clean] + [(share, run) for share, runs in plan.memories.items() for run in runs]
    found: dict[tuple[float, Run], xr.Dataset] = {}
    for done, (share, run) in enumerate(jobs):
        level = plan.memory_level if share else plan.level
        own = {**fixed, "random_share": share, "level": level, "largest": run in plan.scan and not share}
        own |= {"distance": run.distance, "readings": run.readings}
        found[share, run] = context.sweep(descent, {"setting": [run.setting]}, own).isel(setting=0)
        context.progress((done + 1) / len(jobs))
    memories = {share: {run: found[share, run] for run in runs} for share, runs in plan.memories.items()}
    return Found(plan, {run: found[0.0, run] for run in clean}, memories)


def sharpness_checks(found: Found) -> list[Check]:
    """(a) The slopes against ε/B."""
    names = {"ln λ_max": "largest", "ln tr H": "trace"}
    return [
        _different(f"slope of {text} against ln(ε/B)", direction(present(found.slopes(name)), -1))
        for text, name in names.items()
    ]


def scaling_checks(found: Found) -> list[Check]:
    """(b) ε and B times 2 change nothing; times the largest factor, training fails."""
    plan = found.protocol
    one, largest = plan.scaled[1], max(plan.scaled)
    checks = _same("ε and B times 2", found, one, plan.scaled[2], plan.alone, "ε doubled alone")
    lowest = {f: found.runs[plan.scaled[f]]["train_loss"].min("reading").fillna(GUESS) for f in (1, largest)}
    loss = {f: np.log(each.to_numpy()) for f, each in lowest.items()}
    fails = _different(f"ln lowest training loss, ε and B times {largest}", direction(loss[largest] - loss[1], 1))
    return [*checks, fails]


def cycle_checks(found: Found) -> list[Check]:
    """(c) A cycle of B does what the cycle of ε does."""
    rates, sizes = found.protocol.cycles
    return _same("cycle of B for one of ε", found, rates, sizes, found.protocol.hottest, "constant at the largest ε/B")


def memory_checks(found: Found) -> list[Check]:
    """(d) Random labels: at equal distance fewer are learnt at higher ε/B, at equal loss the network is less sharp."""
    plan, checks = found.protocol, []
    for share, runs in found.memories.items():
        x = np.log([run.ratio for run in runs])
        early = np.array([at_level(r, "memorised", "distance", plan.early) for r in runs.values()])
        traces = np.array([_trace(r, plan.memory_level) for r in runs.values()])
        for text, values in (("accuracy on random labels", early), ("ln tr H", traces)):
            label = f"slope of {text} against ln(ε/B), {100 * share:g} % random"
            checks.append(_different(label, direction(present(slopes(x, values)), -1)))
    return checks


def memory_notes(found: Found, share: float) -> list[str]:
    """What the paper has rise with ε/B, and fall: sentences with measured slopes; they test nothing."""
    runs, texts = found.memories[share], []
    x = np.log([run.ratio for run in runs])
    for name, text, against, value in (
        ("test_accuracy", "test accuracy at accuracy 0.5 on the random labels", "memorised", 0.5),
        ("test_accuracy", "test accuracy at accuracy 0.8 on the random labels", "memorised", 0.8),
        ("memorised", "accuracy on the random labels at training accuracy 0.8", "train_accuracy", 0.8),
    ):
        values = slopes(x, np.array([at_level(r, name, against, value) for r in runs.values()]))
        reached = values[np.isfinite(values)]
        if len(reached) < 2:
            texts.append(f"{100 * share:g} % random labels: {text} is not there in two replicas or more.")
            continue
        mean, error = mean_and_error(reached)
        texts.append(
            f"{100 * share:g} % random labels: {text} changes by {mean:+.4f} ± {error:.4f} with ln(ε/B), "
            f"over {len(reached)} replicas."
        )
    return texts


def _same(what: str, found: Found, one: Run, other: Run, control: Run, rival: str) -> list[Check]:
    """Checks that `other` is like `one` at equal training loss, and `control` is not."""
    checks = []
    for text, name in COMPARED.items():
        base, tried, wrong = (found.at_loss(run, name) for run in (one, other, control))
        reference = float(present(base).mean()) if name == "test_accuracy" else 0.0
        value, error = mean_and_error(present(tried - base))
        wrongly = float(present(wrong - base).mean())
        dof = np.isfinite(tried - base).sum() - 1
        numbers = (reference, reference + value, error, {rival: reference + wrongly})
        checks.append(Check(f"{text}, {what}", *numbers, scale=1.0, dof=dof))
    return checks


def _different(label: str, values: Array) -> Check:
    """That there is no dependence is to be rejected."""
    value, error = mean_and_error(values)
    return Check(label, 0.0, value, error, scale=1.0, dof=len(values) - 1)


def _trace(runs: xr.Dataset, level: float) -> Array:
    return at_loss(runs, "trace", level)


Checks = Callable[[Found], list[Check]]
PARTS: tuple[Checks, ...] = (sharpness_checks, scaling_checks, cycle_checks, memory_checks)
