"""Smith & Le eqs 3–5: the summed gradient estimated from one batch has covariance ⟨αα⟩ = N(N/B − 1)F."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, between_batches
from sgdsde.statistics import mean
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import covariance_check, series, whole
from validation.mnist.images import Images, images

N, RATE, START, NOISE = 64, 0.1, 1.5, 2.0
SAMPLINGS = {
    "with_replacement": "with replacement",
    "without_replacement": "without replacement",
    "reshuffle": "reshuffled",
}
#: Batches that are compared with one another within an epoch, and the batch sizes of those epochs.
PAIRS, EPOCH_BATCH, NETWORK_EPOCH_BATCH = ((0, 1), (0, 3), (1, 2)), 16, 250
#: Images, and directions in weight space, of the network whose gradients are used.
N_IMAGES, DIRECTIONS = 1000, 16
OFF, INDEPENDENT = "g off by 10 %", "independent batches"


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    batch_sizes: tuple[int, ...]
    draws: int
    network_batch_sizes: tuple[int, ...]
    hidden: int = 800


@claim(Size)
def noise_scale(context: Context) -> Found:
    shown = images(context)
    points = yield from _on_landscape(context)
    yield from _epochs(context)
    points += yield from _on_network(context, shown)
    facts = {"n": N, "start": START, "directions": DIRECTIONS, "images": N_IMAGES, "b": EPOCH_BATCH}
    yield Told(facts, shown.notes, f"the double well and {shown.label}")
    fine = np.geomspace(0.004, 0.97, 300)
    lines = [Line("N/B − 1", fine, 1 / fine - 1), Line("(N − 1)/B, with replacement", [0.004, 1], [250, 1])]
    x = "B/N   (share of the examples in a batch)"
    yield Drawing("batch_size", against_theory(points, x, "⟨αα⟩ / (N F)", lines, columns=2))


def _on_landscape(context: Context) -> Generator[Check, None, list[Series]]:
    """One update from one point: Δω = −ε(∇L + α/N), so ⟨αα⟩ is the covariance of Δω times N²/ε²."""
    size: Size = context.size
    well = sg.landscapes.double_well(noise_covariance="1 + x**2/2")
    noise, unit = float(well.noise_covariance([START])[0, 0]), (N / RATE) ** 2
    points = []
    for sampling, words in SAMPLINGS.items():
        found = {}
        for batch in size.batch_sizes:
            config = sg.SGDConfig(RATE, batch, N, sampling=sampling)
            run = sg.simulate_sgd(well, config, [START], 1, size.paths, seed=context.seed("landscape", sampling, batch))
            law = float(sg.theory.summed_gradient_covariance(noise, config))
            label = f"landscape, {words}, B = {batch}"
            check = covariance_check(label, run, law, {OFF: 1.1 * law}, unit=unit, rounding=unit * 1e-25)
            if law:  # no noise has no place on an axis of logarithms
                found[batch / N] = check
            yield check
        points.append(series(f"well, {words}", list(found), list(found.values()), unit=N * noise))
    return points


def _epochs(context: Context) -> Found:
    """⟨αᵢ αⱼ⟩ of the batches of two successive epochs, in units of N F."""
    bowl = sg.landscapes.quadratic(f=NOISE)
    config = sg.SGDConfig(RATE, EPOCH_BATCH, N, sampling="reshuffle")
    epoch = N // EPOCH_BATCH
    run = sg.simulate_sgd(
        bowl, config, [START], 2 * epoch, context.size.paths, seed=context.seed("epochs"), save_every=1
    )
    position = whole(run).snapshots[..., 0]  # at updates 0, 1, …
    alpha = N * ((position[:-1] - position[1:]) / RATE - position[:-1])

    def pair(i: int, j: int, words: str) -> Check:
        inside = i // epoch == j // epoch
        rivals = {OFF: -1.1, INDEPENDENT: 0.0} if inside else {"as inside an epoch": -1.0}
        product = mean(alpha[i] * alpha[j] / (N * NOISE))
        return Check.of(f"landscape, {words}, B = {EPOCH_BATCH}", -1.0 if inside else 0.0, product, rivals, scale=1.0)

    for i, j in PAIRS:
        yield pair(i, j, f"batches {i + 1} and {j + 1} of an epoch")
    yield pair(epoch - 1, epoch, "the last batch and the first of the next epoch")
    later = range(1, 2 * epoch)
    points = series("first batch against later ones", list(later), [pair(0, j, "") for j in later])
    yield Drawing("epoch", between_batches([points], epoch))


def _on_network(context: Context, shown: Images) -> Generator[Check, None, list[Series]]:
    """The same from the gradients of a freshly initialised network, along random directions of weight space."""
    from sgdsde.models import batch_errors, mlp, per_example_projections, random_directions

    size: Size = context.size
    dataset = shown.load(n_train=N_IMAGES, seed=context.seed("images"))
    model = mlp(dataset.x_train.shape[1], size.hidden, dataset.n_classes, seed=context.seed("network"))
    directions = random_directions(model, DIRECTIONS, seed=context.seed("directions"))
    gradients = per_example_projections(model, dataset, directions)
    trace = float(np.trace(gradients.covariance))
    points = []
    for sampling, words in SAMPLINGS.items():
        found = []
        for batch in size.network_batch_sizes:
            config = sg.SGDConfig(RATE, batch, N_IMAGES, sampling=sampling)
            alpha = batch_errors(gradients.projections, config, size.draws, context.seed("network", sampling, batch))
            law = float(sg.theory.summed_gradient_covariance(trace, config))
            label = f"{shown.name} network, {words}, B = {batch}"
            found.append(Check.of(label, law, _product(alpha, alpha), {OFF: 1.1 * law}))
            yield found[-1]
        x = [batch / N_IMAGES for batch in size.network_batch_sizes]
        points.append(series(f"{shown.label}, {words}", x, found, unit=N_IMAGES * trace))
    config = sg.SGDConfig(RATE, NETWORK_EPOCH_BATCH, N_IMAGES, sampling="reshuffle")
    alpha = batch_errors(gradients.projections, config, 4 * size.draws, context.seed("network", "pairs"))
    law = -N_IMAGES * trace
    for i, j in PAIRS:
        label = f"{shown.name} network, batches {i + 1} and {j + 1} of an epoch, B = {NETWORK_EPOCH_BATCH}"
        product = _product(alpha[:, [i]], alpha[:, [j]])
        yield Check.of(label, law, product, {OFF: 1.1 * law, INDEPENDENT: 0.0})
    return points


def _product(one: NDArray[np.float64], other: NDArray[np.float64]) -> sg.statistics.Estimate:
    """Summed over the directions; samples are independent."""
    return mean((one * other).sum(axis=-1).mean(axis=1))
