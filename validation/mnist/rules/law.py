"""What the claims on B_opt say of their curves: checks of exponents, facts for their texts, and the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np

from sgdsde.plotting import AccuracyCurve, Figure, best_batch_size
from validation.claim import Check, Drawing, Found, Told
from validation.context import Context
from validation.measure import exponent_check
from validation.mnist.images import Images, images, mislabelled_words
from validation.mnist.rules.curves import Curve, Measured, Size, measure

#: Exponents of other laws than proportionality.
RIVALS = {"the square root": 0.5, "no dependence": 0.0}


def rule(context: Context, name: str, where: str = "", picture: str = "accuracy", parts: Sequence[str] = ()) -> Found:
    """A rule as a claim: train its curves, and hold the exponents of the whole range and of its parts against 1.

    Labels have the names of ``parts``, where there are such.
    """
    source = images(context)
    size: Size = context.size[source.name]
    found = measure(context, source, size, name)
    yield from exponent_checks(found, where, parts)
    prefix = name.replace(" ", "_")
    yield Told(facts(size, source) | {f"{prefix}_found": optima(found)}, source.notes, source.label)
    yield Drawing(picture, accuracy_figure(found))


def exponent_checks(found: Measured, where: str = "", names: Sequence[str] = ()) -> Iterator[Check]:
    """Against 1, the square root and no dependence."""
    for part, law, name in zip_longest(found.parts, found.laws, names):
        label = f"exponent {found.variable.exponent}, {f'{name}: ' if name else ''}{found.range(part)}{where}"
        yield exponent_check(label, 1.0, law, RIVALS)


def facts(size: Size, source: Images) -> dict[str, str]:
    """What texts say of what was trained."""
    labels = mislabelled_words(size.random_share)
    return {
        "trained": f"{size.hidden} hidden ReLU units is trained on random images of {source.name}{labels} to "
        f"T = εk/(1 − m) = {size.time:g}, {size.replicas} replicas of each seed at each point"
    }


def optima(found: Measured) -> str:
    """The best batch size of each curve, in examples, and the exponents."""
    symbol, places = found.variable.symbol, []
    for curve, best in zip(found.curves, found.laws[0].optima, strict=True):
        place, low, high = (_examples(curve, each) for each in (best.place, *best.interval))
        places.append(f"{place} at {symbol} = {found.variable.of(curve):g} ({low} to {high})")
    exponents = [
        f"{found.variable.exponent} = {law.exponent:.2f} ± {law.standard_error:.2f} for {found.range(part)}"
        for part, law in zip(found.parts, found.laws, strict=True)
    ]
    return f"{'; '.join(places)}. {'; '.join(exponents)} (standard errors)"


def _examples(curve: Curve, effective: float) -> str:
    """B of B', which is N where that is infinite."""
    return f"{1 / (1 / effective + 1 / curve.n_examples):.2g}" if effective else "0"


def accuracy_figure(found: Measured) -> Figure:
    """Accuracies, optima and the collapse; errors without what all points of a replica have in common."""
    drawn = []
    for number, (curve, best) in enumerate(zip(found.curves, found.laws[0].optima, strict=True)):
        accuracy, effective = found.accuracy(number), curve.effective_batch_sizes
        own = accuracy - accuracy.mean(axis=0)
        value = found.variable.of(curve)
        label = f"m = {curve.momentum:g}" if "m" in found.variable.symbol else f"{found.variable.symbol} = {value:g}"
        drawn.append(
            AccuracyCurve(
                value, label, effective, curve.noise_scale_times / effective, accuracy.mean(axis=1),
                own.std(axis=1, ddof=1) / np.sqrt(accuracy.shape[1]), best.curve[0], 1 - best.curve[1], best.place,
                best.interval,
            )
        )  # fmt: skip
    law = found.laws[0]
    known = (law.exponent, law.standard_error) if np.isfinite(law.standard_error) else None
    return best_batch_size(drawn, found.variable.words, found.variable.symbol, measured=known)
