"""Smith, Kindermans, Ying & Le: a learning rate that falls and a batch size that grows train a network alike."""

from __future__ import annotations

import math

from validation.claim import Check, Finding, claim
from validation.context import Context
from validation.mnist.dont_decay.pictures import curves_picture
from validation.mnist.dont_decay.protocol import (
    CONTROL,
    FALLS,
    PROTOCOLS,
    REFERENCE,
    Case,
    Run,
    measure,
)
from validation.mnist.images import images
from validation.sizes import plans

GROWS = "B grows"


@claim(
    title="To train a network, growing the batch does what a falling learning rate does",
    statement=(
        "The SDE sees ε/B only. So a network whose batch grows by a factor a at every drop has the same training "
        "loss and test accuracy after as many epochs as one whose learning rate falls by a, with fewer updates; a "
        "mixture of both does too. This holds while ε/(1 − m) is small and B ≪ N. Where momentum remembers more "
        "updates than there are between two drops, it fails."
    ),
    formula="ε → ε/a, B   ≙   ε, B → aB      at equal epochs, s = Σ ε/(1 − m)",
    source="Smith, Kindermans, Ying & Le, arXiv 1711.00489, §3–5",
    plans=plans("dont_decay"),
)
def dont_decay(context: Context) -> Finding:
    source = images(context)
    protocol = PROTOCOLS[source.name][context.preset]
    same, fails = measure(context, protocol, source, context.progress)
    ends = [(f"training loss, {GROWS}", *run.difference("train_loss", GROWS, -1)) for run in (same[0], fails)]
    failure = Check(
        f"ln {ends[1][0]} ÷ {REFERENCE}, at the end, {fails.case}", 0.0, *ends[1][1:],
        scale=1.0, dof=protocol.replicas_of_failure - 1,
    )  # fmt: skip
    checks = [*(check for run in same for check in _alike(run)), *(_clock(run.case) for run in same), failure]
    first, schedule = same[0].case, same[0].case.schedule
    kept, kept_error = same[0].difference("test_accuracy", CONTROL, -1)
    diverged = sum(int(run.found["diverged"].sum()) for run in (*same, fails))
    return Finding(
        tuple(checks),
        headline=_label("train_loss", GROWS, first, schedule.readings_at[-1]),
        pictures=(curves_picture([*same, fails]),),
        method=(
            f"A network with {protocol.hidden} hidden ReLU units; {protocol.replicas} replicas "
            f"({protocol.replicas_of_failure} where the schedules must differ), each with its own "
            f"{first.n_examples} random images and initial weights, the same ones under every schedule: differences "
            f"are paired by replica, with Student's t. {schedule.drops} "
            f"drops by a = {schedule.factor}, {schedule.epochs} epochs apart, measured every "
            f"{schedule.epochs / schedule.readings:g} epochs and compared after the first drop. Every update draws its "
            f"batch afresh, without repeats. The accuracy is on one of {protocol.test_stride} test images. Schedules "
            "and sizes were chosen after pilot runs on other seeds."
        ),
        notes=(
            *(
                f"{run.case}: {run.case.updates(REFERENCE)} updates where ε falls, {run.case.updates(GROWS)} where B "
                "grows, for as many epochs and the same s."
                for run in (*same, fails)
            ),
            f"At {fails.case} the loss ends {math.exp(failure.measured):.2f} times as high where B grows: "
            f"{fails.case.last_updates(GROWS)} updates are left after the last drop, of which momentum remembers "
            f"{1 / (1 - fails.case.momentum):.0f}.",
            f"The control is told apart by the loss. Its test accuracy at the end is {100 * kept:+.2f} ± "
            f"{100 * kept_error:.2f} points from that of the run whose ε falls.",
            *((f"{diverged} runs diverged and count as guessing.",) if diverged else ()),
            *source.notes,
        ),
        data=source.label,
    )


def _label(quantity: str, kind: str, case: Case, epochs: float) -> str:
    what = {"train_loss": "ln training loss", "test_accuracy": "test accuracy"}[quantity]
    return f"{what}, {kind}, less {REFERENCE}, after {epochs:g} epochs, {case}"


def _alike(run: Run) -> list[Check]:
    """Loss and accuracy of the other schedules at every reading after the first drop, until which all are one."""
    schedule, dof = run.case.schedule, run.found.sizes["replica"] - 1
    return [
        Check(
            _label(quantity, kind, run.case, schedule.readings_at[reading]), 0.0,
            *run.difference(quantity, kind, reading),
            {"neither changes": run.difference(quantity, CONTROL, reading)[0]}, scale=1.0, dof=dof,
        )
        for kind in FALLS if kind != REFERENCE
        for quantity in ("train_loss", "test_accuracy")
        for reading in range(schedule.readings, len(schedule.readings_at))
    ]  # fmt: skip


def _clock(case: Case) -> Check:
    """Exact but for rounding."""
    ratio, kept = (case.clock(kind) / case.clock(REFERENCE) for kind in (GROWS, CONTROL))
    return Check(
        f"s = Σ ε/(1 − m), {GROWS} ÷ {REFERENCE}, {case}", 1.0, ratio, 0.0, {"neither changes": kept}, rounding=1e-9
    )
