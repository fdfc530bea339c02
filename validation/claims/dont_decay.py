"""Smith, Kindermans, Ying & Le: a learning rate that falls and a batch size that grows train a network alike."""

from __future__ import annotations

import math
from collections.abc import Iterator

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.mnist.cells.schedules import CONTROL, FALLS
from validation.mnist.dont_decay import GROWS, QUANTITIES, REFERENCE, Case, Run, Size, curves_figure, run_all
from validation.mnist.images import images
from validation.mnist.networks import told


@claim(dict[str, Size])
def dont_decay(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    *same, fails = runs = run_all(context, source.name, size)
    for run in same:
        yield from _alike(run)
        yield _clock(run.case)
    label = f"ln training loss, {GROWS} ÷ {REFERENCE}, at the end, {fails.case}"
    failure = Check(label, 0.0, *fails.difference("train_loss", GROWS, -1), scale=1.0, dof=fails.dof)
    yield failure
    first, schedule = same[0], same[0].case.schedule
    kept, error = (100 * each for each in first.difference("test_accuracy", CONTROL, -1))
    diverged = sum(int(run.found["diverged"].sum()) for run in runs)
    facts = {
        "replicas": first.dof + 1, "n_examples": first.case.n_examples, "drops": schedule.drops,
        "factor": schedule.factor, "epochs": schedule.epochs, "every": schedule.epochs / schedule.readings,
        "fails": fails.case, "ratio": math.exp(failure.measured), "left": fails.case.last_updates(GROWS),
        "remembered": 1 / (1 - fails.case.momentum), "kept": f"{kept:+.2f} ± {error:.2f}",
    }  # fmt: skip
    notes = [
        f"{run.case}: {run.case.updates(REFERENCE)} updates where ε falls, {run.case.updates(GROWS)} where B grows, "
        "for as many epochs and the same s."
        for run in runs
    ]
    lost = [f"{diverged} runs diverged and count as guessing."] if diverged else []
    yield told(context, source, size, facts, *notes, *lost)
    yield Drawing("curves", curves_figure(runs))


def _alike(run: Run) -> Iterator[Check]:
    """Loss and accuracy of the other schedules at every reading after the first drop, until which all are one."""
    schedule = run.case.schedule
    for kind in FALLS:
        for quantity, what in QUANTITIES.items() if kind != REFERENCE else ():
            for reading in range(schedule.readings, len(schedule.readings_at)):
                yield Check(
                    f"{what}, {kind}, less {REFERENCE}, after {schedule.readings_at[reading]:g} epochs, {run.case}",
                    0.0,
                    *run.difference(quantity, kind, reading),
                    {"neither changes": run.difference(quantity, CONTROL, reading)[0]},
                    scale=1.0,
                    dof=run.dof,
                )


def _clock(case: Case) -> Check:
    """Exact but for rounding."""
    ratio, kept = (case.clock(kind) / case.clock(REFERENCE) for kind in (GROWS, CONTROL))
    return Check(
        f"s = Σ ε/(1 − m), {GROWS} ÷ {REFERENCE}, {case}", 1.0, ratio, 0.0, {"neither changes": kept}, rounding=1e-9
    )
