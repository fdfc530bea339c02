"""What a grid of runs says of itself: how low the loss is, what could be told apart, and what more would cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from validation.claim import Check
from validation.mnist.sde.grid import Key
from validation.mnist.sde.grid_checks import STATISTICS, label
from validation.mnist.sde.grid_runs import Runs
from validation.mnist.sde.runs import NOISELESS, SDE, SGD
from validation.protocol import Protocol
from validation.ruling import margin_of

#: Standard errors at which a number is called decided.
SIGMAS = 5.0


def notes(runs: Runs, made: Sequence[Check], protocol: Protocol) -> Iterator[str]:
    """All of them."""
    margins = {each.label: margin_of(each, protocol.terms(each.label)) for each in made}
    yield from lowness(runs)
    yield from power(runs, made, margins)
    yield cost(runs, made, margins)


def lowness(runs: Runs) -> Iterator[str]:
    """The last training loss of gradient descent, and of SGD at the smallest ε of each row."""
    for hidden in runs.size.widths:
        texts = []
        for key in (runs.quiet(hidden), *slowest(runs, hidden)):
            loss, accuracy = (float(runs.of(key, name)[..., -1].mean()) for name in ("train_loss", "train_accuracy"))
            run = key.run if key.run == NOISELESS else f"{label(runs.size, key)}, ε/B = 1/{key.ratio}"
            texts.append(f"{loss:.3f} by {run} (training accuracy {accuracy:.3f})")
        yield f"{hidden} units, training loss at s = {runs.size.time:g}: {', '.join(texts)}."


def slowest(runs: Runs, hidden: int) -> Iterator[Key]:
    """SGD at the smallest ε of each row."""
    for row in runs.size.rows:
        yield Key(SGD, hidden, row.ratio, row.learning_rates[0])


def power(runs: Runs, made: Sequence[Check], margins: Mapping[str, float]) -> Iterator[str]:
    """How far each rival is from the SDE, in standard errors of SGD's distance from it at the smallest ε.

    The least of all widths and windows, for each row and statistic.
    """
    for key in slowest(runs, next(iter(runs.size.widths))):
        texts = []
        for words in STATISTICS[runs.sampling].values():
            start = f"{words}, {label(runs.size, key)} against {SDE}, "
            held = [each for each in made if each.label.startswith(start) and each.label.endswith(f"1/{key.ratio}")]
            told = ", ".join(
                f"{rival} {min(abs(each.rivals[rival] - each.predicted) / each.standard_error for each in held):.0f}"
                for rival in held[0].rivals
            )
            error = max(each.standard_error / margins[each.label] for each in held)
            texts.append(f"{words}: {told}, one being {error:.0%} of the margin or less")
        yield (
            f"How many standard errors of SGD's distance from the SDE rivals are away from it at least, at ε = "
            f"{key.rate:g}, ε/B = 1/{key.ratio}: {'; '.join(texts)}."
        )


def cost(runs: Runs, made: Sequence[Check], margins: Mapping[str, float]) -> str:
    """How many times as many replicas what is undecided at the smallest ε needs, if what was measured is true."""
    starts = {f", {label(runs.size, key)} against {SDE}, " for key in slowest(runs, next(iter(runs.size.widths)))}
    held = [each for each in made if any(start in each.label for start in starts)]
    times = {}
    for each in held:
        # What is next to the margin itself no number of replicas decides.
        left = abs(margins[each.label] - abs(each.measured - each.predicted))
        times[each.label] = (SIGMAS * each.standard_error / left) ** 2
    needed = {words: count for words, count in times.items() if count > 1}
    if not needed:
        return (
            f"All {len(held)} numbers at the smallest ε are within the margin or beyond, by {SIGMAS:g} standard errors."
        )
    listed = "; ".join(f"{words}: {count:.2g}" for words, count in sorted(needed.items(), key=lambda item: item[1]))
    return (
        f"Of {len(held)} numbers at the smallest ε {len(needed)} are undecided at {SIGMAS:g} standard errors. Times as "
        f"many replicas that would decide them, if what was measured is true: {listed}."
    )


def facts(runs: Runs) -> dict[str, object]:
    """What texts name."""
    size = runs.size
    apart = size.time / size.looks
    return {
        "n_examples": size.n_examples, "seeds": runs.seeds, "time": size.time, "window": size.time / size.windows,
        "reference": size.reference_rate, "step": size.reference_rate / size.substeps,
        "isotropic": size.isotropic_rate, "apart": apart, "kept": apart * size.kept_every,
        "largest": max(size.widths), "units": ", ".join(map(str, size.widths)),
        "replicas": "; ".join(
            f"{hidden} units: SGD {of.sgd}, SDE {of.sde}, others {of.others}, isotropic noise {of.isotropic}"
            for hidden, of in size.widths.items()
        ),
        "rows": "; ".join(
            f"ε/B = 1/{row.ratio}: ε = {', '.join(f'{rate:g}' for rate in row.learning_rates)}, that is B = "
            f"{', '.join(str(row.batch(rate)) for rate in row.learning_rates)}"
            for row in size.rows
        ),
        "epochs": " and ".join(f"{size.n_examples / row.ratio:g}" for row in size.rows),
    }  # fmt: skip
