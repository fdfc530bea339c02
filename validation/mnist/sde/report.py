"""What the report says of the claim ``mnist_sde``, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sgdsde.statistics import Distance
from validation.mnist.sde.checks import Difference, dynamics_label, readings, run_label, welch
from validation.mnist.sde.protocol import (
    APPROXIMATIONS,
    ISOTROPIC,
    NOISELESS,
    NOISY,
    SDE,
    SGD,
    STRONGER,
    SVAG,
    Protocol,
    Runs,
)


def method(protocol: Protocol) -> str:
    """What was run."""
    rate, b = protocol.smallest, protocol.batch_size
    return (
        f"A network with {protocol.hidden} hidden ReLU units, one set of {protocol.n_examples:,} random training "
        "images and one set of initial weights for all runs, m = 0, batches drawn with replacement: c = (N − 1)/(NB). "
        f"At ε = {rate:g}, B = {b}: {run_label(protocol, SVAG, rate)}, noisy gradient descent (normal noise of SGD's "
        f"covariance, one step for an update) and the SDE in {protocol.substeps} steps of Euler and Maruyama for an "
        f"update, on {protocol.replicas} replicas each; SGD, and noisy gradient descent with B = {b * 2 // 3}, which "
        f"is g × 1.5, on {protocol.batch_replicas}; gradient descent with isotropic noise, ε√(c Tr F(ω)/P) z, on "
        f"{protocol.other_replicas}. At larger ε, B ∝ ε, so that g and the SDE stay the same: SGD on "
        f"{protocol.batch_replicas}, the others on {protocol.other_replicas}. Numbers are read at T = εk = "
        f"{', '.join(f'{t:g}' for t in protocol.times)}; test accuracy on {protocol.n_test:,} images; Tr Cov(ω) is "
        "over all weights, p are the class probabilities of the first 100 test images; the largest eigenvalue is by "
        f"14 steps of Lanczos' method, on {protocol.curvatures} replicas. Means are compared by Welch's test. N, ε and "
        "B were chosen after pilot runs on other seeds, numbers of replicas after first runs on two of the seeds."
    )


def wrong_notes(runs: Runs, protocol: Protocol) -> tuple[str, ...]:
    """How the four dynamics and the wrong noises did at the end, at the smallest ε."""
    rate = protocol.smallest
    names = (SGD, *APPROXIMATIONS, STRONGER, ISOTROPIC)
    loss, spread = (
        {name: readings(runs[name, rate], statistic)[:, -1] for name in names}
        for statistic in ("train_loss", "weight_spread")
    )
    quiet = float(readings(runs[NOISELESS, rate], "train_loss")[0, -1])
    excess = {name: float(values.mean()) - quiet for name, values in loss.items()}
    against = "; ".join(
        f"{run_label(protocol, name, rate)} {_plus_minus(welch(loss[name], loss[SGD]), 4)}" for name in APPROXIMATIONS
    )
    wrong = "; ".join(
        f"{name} {100 * excess[name] / excess[SGD]:.1f} % of that excess and "
        f"{spread[name].mean() / spread[SGD].mean():.2f} times SGD's spread of weights"
        for name in (STRONGER, ISOTROPIC)
    )
    return (
        f"At ε = {rate:g} and T = {protocol.time:g} the training loss under SGD is {quiet + excess[SGD]:.4f}, "
        f"{excess[SGD]:.4f} above gradient descent's. Differences from SGD's, with standard errors: {against}. Wrong "
        f"noises have: {wrong}.".replace("-", "−"),
    )


def rate_notes(
    runs: Runs, protocol: Protocol, distances: Mapping[str, Sequence[tuple[Distance, Distance]]]
) -> tuple[str, ...]:
    """How far each dynamics is from the SDE at each larger ε."""
    reference, notes = readings(runs[SDE, protocol.smallest], "train_loss")[:, -1], []
    for i, rate in enumerate(protocol.learning_rates[1:], 1):
        found = []
        for name in (SGD, NOISY, SVAG):
            away = welch(readings(runs[name, rate], "train_loss")[:, -1], reference)
            loss, outputs = distances[name][i]
            found.append(
                f"{dynamics_label(protocol, name, rate)} {_plus_minus(away, 3)} (W1 {loss.value:.3f} ± "
                f"{loss.standard_error:.3f}, energy distance of outputs {outputs.value:.3f} ± "
                f"{outputs.standard_error:.3f})"
            )
        notes.append(
            f"ε = {rate:g}, B = {protocol.batch_size * protocol.multiple(rate)}, training loss at the end less the "
            f"SDE's, with standard errors: {'; '.join(found)}.".replace("-", "−")
        )
    return tuple(notes)


def _plus_minus(found: Difference, digits: int) -> str:
    return f"{found.value:+.{digits}f} ± {found.standard_error:.{digits}f}"
