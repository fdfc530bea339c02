"""Smith & Le, figure 6: the best batch size grows with the training set; in proportion to it only if more is true."""

from __future__ import annotations

from validation.claim import Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import exponent_check
from validation.mnist.images import images
from validation.mnist.rules.curves import Size, measure
from validation.mnist.rules.law import accuracy_figure, exponent_checks, facts, optima, rule


@claim(dict[str, Size])
def mnist_training_set(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    found = measure(context.part(0, 0.7), source, size, "training_set")
    yield from exponent_checks(found)
    law, where = found.laws[0], found.range(found.parts[0])
    yield exponent_check(f"exponent β, {where}, not 0", 0.0, law, {}, scale=1.0)
    tops = ", ".join(f"{found.accuracy(number).mean(axis=1).max():.3f}" for number in range(len(found.curves)))
    yield Told(facts(size, source) | {"training_set_found": optima(found), "tops": tops})
    yield Drawing("accuracy", accuracy_figure(found))
    few = size.curves[size.rules["few examples"][0][0]].n_examples
    yield Told({"few": few})
    yield from rule(context.part(0.7, 1), "few examples", f", N = {few}", "few_examples")
