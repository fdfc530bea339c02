"""Smith & Le eqs 3–5: the summed gradient estimated from one batch has covariance ⟨αα⟩ = N(N/B − 1)F."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, between_batches
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import covariance_check, whole
from validation.mnist.images import images
from validation.sizes import plans

N, RATE, START = 64, 0.1, 1.5
SAMPLINGS = {
    "with_replacement": "with replacement",
    "without_replacement": "without replacement",
    "reshuffle": "reshuffled",
}
#: Batches that are compared with one another within an epoch, and the batch sizes of those epochs.
PAIRS, EPOCH_BATCH, NETWORK_EPOCH_BATCH = ((0, 1), (0, 3), (1, 2)), 16, 250
#: Images, hidden units and directions in weight space of the network whose gradients are used.
N_IMAGES, HIDDEN, DIRECTIONS = 1000, 800, 16
OFF = "g off by 10 %"
Checks = dict[tuple[object, ...], Check]


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    batch_sizes: tuple[int, ...]
    draws: int
    network_batch_sizes: tuple[int, ...]
    hidden: int = HIDDEN

    def plan(self, seconds: float) -> Plan:
        batches = len(self.batch_sizes) + len(self.network_batch_sizes)
        return Plan(len(SAMPLINGS) * batches + 2 * len(PAIRS) + 1, seconds, self)


@claim(
    title="A batch of B examples is as noisy as N(N/B − 1)F",
    statement=(
        "The gradient of the summed cost, estimated from one batch and scaled up by N/B, misses the true one by α. "
        "Over batches drawn without replacement α has covariance N(N/B − 1)F, with F the covariance of single "
        "examples' gradients: from N²F/B in small batches down to nothing at B = N. With replacement it is N(N − "
        "1)F/B. Reshuffled batches are as noisy as fresh ones, but any two of one epoch are anti-correlated, by −N "
        "F. Nothing else about the gradients matters, so a network on MNIST obeys the same law."
    ),
    formula="⟨αα⟩ = N(N/B − 1) F;    of two batches of one epoch:  ⟨αᵢ αⱼ⟩ = −N F",
    source="Smith & Le, arXiv 1710.06451, equations 3–5; finite-population sampling",
    plans=plans("noise_scale", Size),
)
def noise_scale(context: Context) -> Finding:
    size: Size = context.size
    on_landscape, epochs = landscape_checks(context), epoch_covariances(context)
    context.progress(0.5)
    on_network, name, notes = network_checks(context)
    checks = on_landscape | pair_checks(epochs) | on_network
    return Finding(
        tuple(checks.values()),
        headline=checks["network", "without_replacement", size.network_batch_sizes[0]].label,
        pictures=(_scale_picture(checks, name), _pair_picture(epochs)),
        method=(
            f"On the double well x⁴/4 − x²/2 with F = 1 + x²/2: {size.paths:,} single updates from x = {START:g} for "
            f"each sampling and B, N = {N}. On the network: the gradients of {N_IMAGES:,} images through "
            f"{size.hidden} hidden ReLU units, projected on {DIRECTIONS} random directions in weight space; "
            f"{size.draws:,} batches for each sampling and B, and ⟨αα⟩ summed over the directions. With reshuffling, "
            "whole epochs are the independent samples."
        ),
        notes=notes,
        data=f"the double well and {name}",
    )


def landscape_checks(context: Context) -> Checks:
    """One update from one point: Δω = −ε(∇L + α/N), so ⟨αα⟩ is the covariance of Δω times N²/ε²."""
    size: Size = context.size
    landscape = sg.Landscape("x**4/4 - x**2/2", variables="x", covariance="1 + x**2/2")
    noise, unit = float(landscape.covariance([START])[0, 0]), (N / RATE) ** 2
    checks: Checks = {}
    for sampling, batch in product(SAMPLINGS, size.batch_sizes):
        config = sg.SGDConfig(RATE, batch, N, sampling=sampling)
        seed = context.seed("landscape", sampling, batch)
        ensemble = sg.simulate_sgd(landscape, config, [START], 1, size.paths, seed=seed)
        law = float(sg.theory.summed_gradient_covariance(noise, config))
        checks["landscape", sampling, batch] = covariance_check(
            f"landscape, {SAMPLINGS[sampling]}, B = {batch}",
            ensemble,
            law,
            {OFF: 1.1 * law},
            unit=unit,
            rounding=unit * 1e-25,
        )
    return checks


def epoch_covariances(context: Context) -> dict[tuple[int, int], tuple[float, float]]:
    """⟨αᵢ αⱼ⟩ in units of N F, with its error, for all pairs of batches of two successive epochs."""
    curvature, noise = 1.0, 2.0
    landscape = sg.Landscape("h*x**2/2", variables="x", parameters={"h": curvature}, covariance=noise)
    config = sg.SGDConfig(RATE, EPOCH_BATCH, N, sampling="reshuffle")
    updates = 2 * N // EPOCH_BATCH
    ensemble = whole(
        sg.simulate_sgd(
            landscape, config, [START], updates, context.size.paths, seed=context.seed("epochs"), save_every=1
        )
    )
    position = ensemble.to_xarray()["w"].isel(parameter=0).to_numpy()  # updates 0, 1, …
    alpha = N * ((position[:-1] - position[1:]) / RATE - curvature * position[:-1])
    return {(i, j): _mean(alpha[i] * alpha[j] / (N * noise)) for i in range(updates) for j in range(i + 1, updates)}


def pair_checks(epochs: dict[tuple[int, int], tuple[float, float]]) -> Checks:
    words = f"of an epoch, B = {EPOCH_BATCH}"
    within: Checks = {
        ("pair", i, j): Check(
            f"landscape, batches {i + 1} and {j + 1} {words}",
            -1.0,
            *epochs[i, j],
            {OFF: -1.1, "independent batches": 0.0},
        )
        for i, j in PAIRS
    }
    last = N // EPOCH_BATCH - 1
    label = f"landscape, the last batch and the first of the next epoch, B = {EPOCH_BATCH}"
    return within | {("across",): Check(label, 0.0, *epochs[last, last + 1], {"as inside an epoch": -1.0}, scale=1.0)}


def network_checks(context: Context) -> tuple[Checks, str, tuple[str, ...]]:
    """The same from the gradients of a freshly initialised network, along random directions of weight space."""
    from sgdsde.models import mlp
    from sgdsde.models.gradients import per_example_projections, random_directions

    size: Size = context.size
    shown = images(context)
    dataset = shown.load(n_train=N_IMAGES, seed=context.seed("images"))
    model = mlp(dataset.x_train.shape[1], size.hidden, dataset.n_classes, seed=context.seed("network"))
    directions = random_directions(model, DIRECTIONS, seed=context.seed("directions"))
    gradients = per_example_projections(model, dataset, directions)
    context.progress(0.8)
    centred = gradients.projections - gradients.projections.mean(axis=0)
    trace = float(np.trace(gradients.covariance))
    checks: Checks = {}
    for sampling, batch in product(SAMPLINGS, size.network_batch_sizes):
        config = sg.SGDConfig(RATE, batch, N_IMAGES, sampling=sampling)
        alpha = _alphas(centred, config, size.draws, context.seed("network", sampling, batch))
        law = float(sg.theory.summed_gradient_covariance(trace, config))
        measured = _mean((alpha**2).sum(axis=-1).mean(axis=1))
        label = f"{shown.name} network, {SAMPLINGS[sampling]}, B = {batch}"
        checks["network", sampling, batch] = Check(label, law, *measured, {OFF: 1.1 * law})
    config = sg.SGDConfig(RATE, NETWORK_EPOCH_BATCH, N_IMAGES, sampling="reshuffle")
    alpha = _alphas(centred, config, 4 * size.draws, context.seed("network", "pairs"))
    law = -N_IMAGES * trace
    for i, j in PAIRS:
        label = f"{shown.name} network, batches {i + 1} and {j + 1} of an epoch, B = {NETWORK_EPOCH_BATCH}"
        checks["network pair", i, j] = Check(
            label, law, *_mean((alpha[:, i] * alpha[:, j]).sum(axis=-1)), {OFF: 1.1 * law}
        )
    return checks, shown.label, shown.notes


def _alphas(centred: NDArray[np.float64], config: sg.SGDConfig, draws: int, seed: int) -> NDArray[np.float64]:
    """α of ``draws`` batches along each direction, (independent samples, batches in a sample, directions)."""
    from sgdsde.models import batch_indices

    together = config.n_examples // config.batch_size if config.sampling == "reshuffle" else 1
    indices = batch_indices(config, draws - draws % together, seed)
    # In pieces of a few MB: all gathered rows at once would be draws × B × directions numbers.
    pieces = np.array_split(indices, max(1, indices.size // 100_000))
    sums = np.concatenate([centred[piece].sum(axis=1) for piece in pieces])
    return (sums * config.n_examples / config.batch_size).reshape(-1, together, centred.shape[1])


def _mean(samples: NDArray[np.float64]) -> tuple[float, float]:
    return float(samples.mean()), float(samples.std(ddof=1) / np.sqrt(len(samples)))


def _scale_picture(checks: Checks, name: str) -> Picture:
    """Landscape and network in units of N F, against B/N: one curve for each way of sampling."""
    series = []
    for (place, n, title), (sampling, words) in product(
        (("landscape", N, "well"), ("network", N_IMAGES, name)), SAMPLINGS.items()
    ):
        found = {key[2]: check for key, check in checks.items() if key[:2] == (place, sampling) and check.predicted}
        batches = np.array(list(found), dtype=float)
        configs = [sg.SGDConfig(RATE, int(batch), n, sampling=sampling) for batch in batches]
        unit = np.array(
            [check.predicted / (n * c.batch_noise) for check, c in zip(found.values(), configs, strict=True)]
        )
        series.append(
            Series(
                f"{title}, {words}",
                batches / n,
                [check.measured for check in found.values()] / unit,
                [check.standard_error for check in found.values()] / unit,
                [check.predicted for check in found.values()] / unit,
            )
        )
    fine = np.geomspace(0.004, 0.97, 300)
    lines = [Line("N/B − 1", fine, 1 / fine - 1), Line("(N − 1)/B, with replacement", [0.004, 1], [250, 1])]
    figure = against_theory(series, "B/N   (share of the examples in a batch)", "⟨αα⟩ / (N F)", lines, columns=2)
    caption = (
        "Noise of one batch in units of N F. Drawn without replacement it falls faster than 1/B and vanishes at B = "
        "N; a network's gradients follow the same curve as a double well's. Bars are one standard error."
    )
    return Picture("batch_size", caption, "Points on N/B − 1 without, on (N − 1)/B with replacement.", figure)


def _pair_picture(epochs: dict[tuple[int, int], tuple[float, float]]) -> Picture:
    n = N // EPOCH_BATCH
    separations = range(1, 2 * n)
    found = [epochs[0, j] for j in separations]
    law = [-1.0 if j < n else 0.0 for j in separations]
    series = Series("first batch against later ones", separations, [f[0] for f in found], [f[1] for f in found], law)
    caption = (
        f"Reshuffled batches (B = {EPOCH_BATCH}, N = {N}): what one batch adds, the others of its epoch take back, N "
        "F each. The next epoch knows nothing of it. Bars are one standard error."
    )
    return Picture("epoch", caption, "Covariance −N F inside the epoch, none beyond.", between_batches([series], n))
