"""What the claims on B_opt say of their curves: checks, the texts that are alike, and pictures."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import AccuracyCurve, best_batch_size
from validation.claim import Check, Finding, Picture
from validation.context import Context
from validation.mnist.images import images, mislabelled_words
from validation.mnist.rules.curves import VARIABLES, Curve, Measured, Variable, measure
from validation.mnist.rules.protocols import PROTOCOLS

#: Exponents of other laws than proportionality.
RIVALS = {"the square root": 0.5, "no dependence": 0.0}


def rule_finding(context: Context, rule: str, more: str = "") -> Finding:
    """A rule as a claim: train its curves, and hold the exponent against 1. `more` is said of the method."""
    source, variable = images(context), VARIABLES[rule]
    found = measure(context, source, PROTOCOLS[source.name][context.preset], rule, variable)
    check = exponent_check(found, variable)
    return Finding(
        (check,),
        headline=check.label,
        pictures=(accuracy_picture(found, variable),),
        method=f"{method(found, variable)} {more}".strip(),
        notes=source.notes,
        data=source.label,
        undecided=undecided(found, variable),
    )


def exponent_check(found: Measured, variable: Variable, where: str = "") -> Check:
    """α against 1, the square root and no dependence."""
    values = ", ".join(f"{variable.of(curve):g}" for curve in found.curves)
    label = f"exponent α, {variable.symbol} = {values}{where}"
    return Check(label, 1.0, found.optima.exponent, found.optima.exponent_error, RIVALS, dof=found.optima.dof)


def accuracy_picture(found: Measured, variable: Variable, name: str = "accuracy") -> Picture:
    """Accuracies, optima and the collapse."""
    curves = [_drawn(found, number, variable) for number in range(len(found.curves))]
    caption = (
        "Left: test accuracy against batch size, mean and standard error over replicas (most of which is common to all "
        "points: the replicas' images differ), the smooth curve, and its maximum with the 95 % interval. Middle: the "
        "maxima with the law of proportionality. Right: the same accuracies against the noise scale g; where only g "
        "matters the curves are one."
    )
    alt = f"Accuracy peaks at a batch size that grows with {variable.symbol}."
    return Picture(name, caption, alt, best_batch_size(curves, variable.words, variable.symbol))


def _drawn(found: Measured, number: int, variable: Variable) -> AccuracyCurve:
    curve, accuracy = found.curves[number], found.accuracy(number)
    low, high = found.optima.interval[number]
    effective = curve.effective_batch_sizes
    symbol, value = variable.symbol, variable.of(curve)
    label = f"m = {curve.momentum:g}" if symbol.startswith("1/") else f"{symbol} = {value:g}"
    return AccuracyCurve(
        value, label, effective, curve.noise_scale_times / effective, accuracy.mean(axis=1),
        accuracy.std(axis=1, ddof=1) / np.sqrt(accuracy.shape[1]), *found.optima.smooth[number],
        float(found.optima.place[number]), (float(low), float(high)),
    )  # fmt: skip


def method(found: Measured, variable: Variable, exponent: str = "α") -> str:
    """How it was measured, and what the optima are."""
    protocol, r = found.protocol, found.protocol.replicas
    at = "; ".join(
        f"{_rounded(curve, found.optima.place[i])} at {variable.symbol} = {variable.of(curve):g} "
        f"(95 %: {_rounded(curve, found.optima.interval[i, 0])} to {_rounded(curve, found.optima.interval[i, 1])})"
        for i, curve in enumerate(found.curves)
    )
    low, high = found.optima.exponent_interval
    labels = mislabelled_words(protocol.random_share)
    return (
        f"Best batch sizes found: {at}. {exponent} = {found.optima.exponent:.2f}, 95 % interval {low:.2f} to "
        f"{high:.2f}. A network with {protocol.hidden} hidden ReLU units is trained on random images{labels} to "
        f"T = εk/(1 − m) = {protocol.time:g}, {r} replicas at each point, each with its own images and initial "
        "weights, the same ones at every point; accuracy on the whole test set. B_opt is the maximum of a local "
        "quadratic in log B through the mean accuracies; errors are from a bootstrap over replicas, which are training "
        f"sets and seeds, with Student's t for {r - 1} degrees of freedom. B' = 1/c is the batch size with which "
        "g = εN/(B'(1 − m)) is "
        "exact."
    )


def undecided(found: Measured, variable: Variable) -> str:
    """Where an optimum is at an end of its grid."""
    outside = [c for c, inside in zip(found.curves, found.optima.bracketed, strict=True) if not inside]
    values = ", ".join(f"{variable.of(curve):g}" for curve in outside)
    return f"the best batch size lies outside the grid at {variable.symbol} = {values}" if outside else ""


def _rounded(curve: Curve, effective: float) -> str:
    return f"{float(curve.batch_size(np.asarray(effective))):.2g}"
