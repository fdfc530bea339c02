"""Three Factors: ε and B may be multiplied together, up to a factor that is smaller where there are fewer examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sgdsde.statistics import Estimate
from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.formatting import with_error
from validation.measure import mean_check
from validation.mnist.breaking import broken_at, growth
from validation.mnist.exchange import ALONE, EARLY, LATE, QUANTITIES, Runs, Size, apart_figure, breaking_figure, run_all
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.signs import of_sign, of_sign_in


@claim(dict[str, Size])
def exchange_breaks(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    yield from _growths(runs)
    for n in size.n_examples:
        yield from _alike(runs, n)
        label = f"ln training loss, ε and B times {size.factors[-1]}, N = {n}"
        yield of_sign_in(label, runs.apart("train_loss", n)[:, -1], 1, size.least["train_loss"])
    facts = {
        "rate": size.base[0], "batch": size.base[1], "every_n": _listed(size.n_examples),
        "every_factor": _listed(size.factors), "late": _found(runs, LATE), "early": _found(runs, EARLY),
        "late_epoch": size.epochs * (size.readings - size.averaged + 1) / size.readings,
        "early_epoch": size.epochs / size.readings,
    }  # fmt: skip
    yield told(context, source, size, facts)
    yield Drawing("apart", apart_figure(runs))
    yield Drawing("breaking", breaking_figure(runs))


def _growths(runs: Runs) -> Iterator[Check]:
    """Exponents of N, late ones first, and of the accuracy first, at which the paper looks."""
    size = runs.size
    for when in (LATE, EARLY):
        for text, name in reversed(QUANTITIES.items()):
            apart = np.stack([runs.apart(name, n, when) for n in size.n_examples], axis=1)
            found = growth(size.factors, apart, size.margins[name], size.n_examples)
            label, least = f"exponent of N of the factor at which {text} breaks, {when}", size.least["exponent"]
            yield of_sign(label, _effect(found), 1, least, dof=len(apart) - 1)


def _alike(runs: Runs, n: int) -> Iterator[Check]:
    """That twice ε and B change nothing at equal Σ ε(k), and twice ε alone does."""
    for text, name in QUANTITIES.items():
        change = runs.apart(name, n)[:, runs.size.factors.index(ALONE)]
        rivals = {"ε alone": float(runs.alone(name, n).mean())}
        yield mean_check(f"{text}, ε and B times {ALONE}, N = {n}", change, rivals)


def _found(runs: Runs, when: str) -> str:
    """Where each quantity breaks, in words."""
    size, said = runs.size, []
    for text, name in QUANTITIES.items():
        values = (broken_at(size.factors, runs.apart(name, n, when), size.margins[name]) for n in size.n_examples)
        said.append(f"{text} at " + ", ".join(_words(each) for each in values))
    return "; ".join(said)


def _words(found: Estimate) -> str:
    value, error = _effect(found)
    return with_error(value, error) if value else "none"


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"{number:,}" for number in numbers[:-1]) + f" and {numbers[-1]:,}"


def _effect(found: Estimate) -> tuple[float, float]:
    """Value and error; unknown by 1 where nothing breaks."""
    value, error = float(found.value), float(found.standard_error)
    return (value, error) if np.isfinite(error) else (0.0, 1.0)
