"""Smith & Le, figure 6, at lengths of training from short to long, up to all images of MNIST."""

from __future__ import annotations

from collections.abc import Iterator

from sgdsde.plotting import BestPlace, best_places
from sgdsde.statistics import OptimumLaw
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import exponent_check
from validation.mnist.images import images
from validation.mnist.length import Measured, Size, measure
from validation.mnist.rules.law import RIVALS

#: Exponents in T of other laws than a plateau.
SHRINKING = {"as 1/√T": -0.5, "as 1/T": -1.0}
#: Lengths of which the last two doublings are made.
LAST = 3


@claim(dict[str, Size])
def mnist_training_length(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    found = measure(context, source, size)
    laws: dict[float, OptimumLaw] = {}
    for time in (time for time in size.times if len(size.at(time)) > 1):
        sets = size.at(time)
        laws[time] = found.law([(n, time) for n in sets], [float(n) for n in sets])
        yield _in_n(f"T = {time:g}", sets, laws[time])
    pair = list(size.sets)[-2:]
    longest = max(time for time in size.times if {*pair} <= {*size.at(time)})
    yield _in_n(f"largest sets, T = {longest:g}", pair, found.law([(n, longest) for n in pair], [*map(float, pair)]))
    yield from _plateaus(found)
    facts = {
        "trained": f"{size.hidden} hidden ReLU units, ε = {size.learning_rate:g}, m = {size.momentum:g}",
        "replicas": size.replicas * len(context.seeds),
        "sets": ", ".join(f"{n:,}" for n in size.sets), "times": ", ".join(f"{time:g}" for time in size.times),
        "exponents": "; ".join(
            f"T = {time:g}: β = {law.exponent:.2f} ± {law.standard_error:.2f}" for time, law in laws.items()
        ),
        "accuracies": "; ".join(_accuracy(found, n) for n in size.sets),
    }  # fmt: skip
    yield Told(facts, source.notes, source.label)
    yield Drawing("best", best_places(_places(laws, size)))


def _in_n(where: str, sets: list[int], law: OptimumLaw) -> Check:
    label = f"exponent β, {where}: N = {sets[0]} to {sets[-1]}"
    return exponent_check(label, 1.0, law, RIVALS)


def _plateaus(found: Measured) -> Iterator[Check]:
    """Whether twice and four times the length leave the best batch size where it was."""
    for n in found.size.sets:
        times = found.size.times_of(n)[-LAST:]
        law = found.law([(n, time) for time in times], times)
        label = f"exponent in T, N = {n}: T = {times[0]:g} to {times[-1]:g}"
        yield exponent_check(label, 0.0, law, SHRINKING, scale=1.0)


def _accuracy(found: Measured, n: int) -> str:
    """The best mean test accuracy and the training loss there, at the longest T."""
    time = found.size.times_of(n)[-1]
    accuracy, loss = (found.values(n, time, name).mean(axis=0) for name in ("test_accuracy", "train_loss"))
    best = int(accuracy.argmax())
    return f"N = {n:,}: {accuracy[best]:.4f} at B = {found.size.curve(n, time)[best]}, training loss {loss[best]:.2g}"


def _places(laws: dict[float, OptimumLaw], size: Size) -> list[BestPlace]:
    return [
        BestPlace(float(n), time, best.place, best.interval)
        for time, law in laws.items()
        for n, best in zip(size.at(time), law.optima, strict=True)
    ]
