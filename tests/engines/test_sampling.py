"""True samplings: no repeats in a batch, each example once an epoch, every example and pair equally likely."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from tables import every

from sgdsde.engines import noise as reference
from sgdsde.engines import torch_noise
from sgdsde.engines.noise import ExampleBatches, ReferenceNoise

pytestmark = pytest.mark.networks

N = 8
SAMPLINGS = ("with_replacement", "without_replacement", "reshuffle")
ENGINES = ("numba", "torch", "numpy")
LEVEL = 1e-5  # of each chi-square; some dozens of them


def unit_table(n: int) -> np.ndarray:
    """Example i is the i-th unit vector, shifted to mean zero: a batch's mean says how often each example is in it."""
    return np.eye(n) - 1 / n


def counts_of(drawn: np.ndarray, batch_size: int) -> np.ndarray:
    """(updates, k, paths) means of batches → how often each example is in each batch."""
    found = batch_size * (drawn + 1 / drawn.shape[1])
    np.testing.assert_allclose(found, found.round(), atol=1e-12)
    return found.round().astype(int)


def chi_square(observed: np.ndarray, expected: np.ndarray | float) -> float:
    observed = np.asarray(observed, float).ravel()
    expected = np.broadcast_to(expected, observed.shape)
    return float(stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), observed.size - 1))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("b", range(1, N + 1))
def test_batches_without_replacement_hold_no_example_twice(drawn, engine: str, b: int) -> None:
    counts = counts_of(drawn(engine, ExampleBatches(unit_table(N), b, "without_replacement"), 9, 300), b)
    assert set(np.unique(counts)) <= {0, 1}
    assert (counts.sum(axis=1) == b).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("b", [1, 2, 4, 8])
def test_reshuffling_gives_each_example_once_an_epoch(drawn, engine: str, b: int) -> None:
    epochs = 5
    counts = counts_of(drawn(engine, ExampleBatches(unit_table(N), b, "reshuffle"), epochs * N // b, 300), b)
    assert (counts.sum(axis=1) == b).all()
    assert set(np.unique(counts)) <= {0, 1}
    assert (counts.reshape(epochs, N // b, N, 300).sum(axis=1) == 1).all()


#: Of epochs of N = 8: all of it in equal batches, in others, and not all of it, in batches of one size and of several.
EPOCHS = {"2": 2, "3": 3, "8": 8, "5 + 3": [5, 3], "1 + 4 + 3, 2 + 6": [1, 4, 3, 2, 6], "3 + 4, 7": [3, 4, 7]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sizes", EPOCHS)
def test_a_repeated_permutation_is_the_same_in_every_epoch(drawn, engine: str, sizes: str) -> None:
    """Batches are its pieces, one after the other, whatever their sizes; paths have permutations of their own."""
    of, updates = EPOCHS[sizes], 20
    given = of if isinstance(of, int) else np.array((of * updates)[:updates])
    each = np.broadcast_to(given, updates)
    noise = ExampleBatches(unit_table(N), given, "reshuffle", repeated=True)
    found = drawn(engine, noise, updates, 300)
    counts = np.stack([counts_of(found[[k]], int(each[k]))[0] for k in range(updates)])
    places, end = [], N  # which examples were dealt before each batch ended
    for size, batch in zip(each, counts, strict=True):
        if end + size > N:
            begun, end = np.zeros_like(batch), 0
        begun, end = begun + batch, end + size
        places.append((end, begun))
    assert all(begun.max() == 1 for _, begun in places)
    for end in {end for end, _ in places}:
        same = [begun for other, begun in places if other == end]
        assert len(same) > 1
        assert all((begun == same[0]).all() for begun in same)
    first = places[0][1]
    assert each[0] == N or len(np.unique(first, axis=1).T) == math.comb(N, int(each[0]))  # 8 to 56 of 300 paths


@pytest.mark.parametrize("engine", ENGINES)
def test_epochs_end_where_the_next_batch_does_not_fit(drawn, engine: str) -> None:
    """Epochs of 8 examples hold 3 + 4, or 7, or 2·3: nothing twice in an epoch, and as many as it holds."""
    for sizes, epochs in ((np.array([3, 4, 7] * 5), [2, 1] * 5), (3, [2] * 5)):
        updates = sum(epochs)
        each = np.broadcast_to(sizes, updates)
        found = drawn(engine, ExampleBatches(unit_table(N), sizes, "reshuffle"), updates, 300)
        counts = np.stack([counts_of(found[[k]], int(each[k]))[0] for k in range(updates)])
        for end, length in zip(np.cumsum(epochs), epochs, strict=True):
            epoch = counts[end - length : end].sum(axis=0)
            assert epoch.max() == 1
            assert (epoch.sum(axis=0) == each[end - length : end].sum()).all()


@pytest.mark.parametrize("sizes", [1, 2, [3, 1]])
def test_a_repeated_permutation_makes_every_order_equally_likely(sizes) -> None:
    n, paths = 4, 60_000
    given, steps = (sizes, n // sizes) if isinstance(sizes, int) else (np.array(sizes), len(sizes))
    source = ReferenceNoise(ExampleBatches(unit_table(n), given, "reshuffle", repeated=True), 2, paths)
    order = np.concatenate([reference._reshuffle(source, source.noise, step) for step in range(steps)])
    codes = np.bincount((order * n ** np.arange(n)[:, None]).sum(axis=0))
    assert (codes > 0).sum() == 24
    assert chi_square(codes[codes > 0], paths / 24) > LEVEL


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("b", [1, 2, 3, 5, 11])
def test_with_replacement_repeats_as_often_as_it_should(drawn, engine: str, b: int) -> None:
    counts = counts_of(drawn(engine, ExampleBatches(unit_table(N), b, "with_replacement"), 12, 300), b)
    assert (counts.sum(axis=1) == b).all()
    times = np.bincount(counts.ravel(), minlength=b + 1)
    odds = stats.binom.pmf(np.arange(b + 1), b, 1 / N)
    kept = odds * counts.size > 10
    # Counts of one batch are negatively correlated, which makes this χ² smaller than its law: the check is one-sided.
    assert chi_square(times[kept], odds[kept] * counts.size) > LEVEL
    if b > 1:
        assert counts.max() > 1


@every("sampling", SAMPLINGS)
@every("b", [1, 2, 3, 5, 7])
def test_every_example_and_every_pair_is_as_likely(sampling: str, b: int) -> None:
    """Uniform over examples and, in a batch, over pairs: for Floyd's algorithm that is what could go wrong."""
    n = 12 if sampling == "reshuffle" else N
    b = {5: 4, 7: 6}.get(b, b) if sampling == "reshuffle" else b
    source = ReferenceNoise(ExampleBatches(unit_table(n), b, sampling), 4, 20_000)
    for step in range(3):
        picked = reference._PICK[sampling](source, source.noise, step)
        chosen = np.bincount(picked.ravel(), minlength=n)
        assert chi_square(chosen, picked.size / n) > LEVEL
        for i, j in itertools.islice(itertools.combinations(range(len(picked)), 2), 6):
            joint = np.bincount(picked[i] * n + picked[j], minlength=n * n).reshape(n, n)
            if sampling == "with_replacement":
                assert chi_square(joint, joint.sum() / n**2) > LEVEL
                continue
            assert np.trace(joint) == 0
            if len(picked) == 2 or sampling == "reshuffle":  # with Floyd, places of larger batches are not uniform
                pairs = (joint + joint.T)[np.triu_indices(n, 1)]
                assert chi_square(pairs, joint.sum() / pairs.size) > LEVEL


@pytest.mark.parametrize("b", [2, 3, 4, 6])
def test_floyd_makes_every_subset_equally_likely(b: int) -> None:
    n, paths = 7, 60_000
    source = ReferenceNoise(ExampleBatches(unit_table(n), b, "without_replacement"), 9, paths)
    picked = reference._PICK["without_replacement"](source, source.noise, 2)
    k = len(picked)
    assert k == min(b, n - b)
    masks = np.bincount((1 << picked).sum(axis=0), minlength=2**n)
    subsets = [sum(1 << i for i in subset) for subset in itertools.combinations(range(n), k)]
    assert masks[subsets].sum() == paths
    assert chi_square(masks[subsets], paths / len(subsets)) > LEVEL


def test_reshuffling_makes_every_order_equally_likely() -> None:
    n, paths = 5, 60_000
    source = ReferenceNoise(ExampleBatches(unit_table(n), 1, "reshuffle"), 2, paths)
    for epoch in (0, 3):
        order = np.stack([reference._reshuffle(source, source.noise, epoch * n + place)[0] for place in range(n)])
        codes = np.bincount((order * n ** np.arange(n)[:, None]).sum(axis=0))
        assert (codes > 0).sum() == 120
        assert chi_square(codes[codes > 0], paths / 120) > LEVEL


def test_epochs_and_paths_have_orders_of_their_own() -> None:
    source = ReferenceNoise(ExampleBatches(unit_table(6), 1, "reshuffle"), 2, 30_000)
    first, later = (reference._reshuffle(source, source.noise, step)[0] for step in (0, 6))
    for a, b in [(first, later), (first[1:], first[:-1])]:
        assert chi_square(np.bincount(a * 6 + b, minlength=36), a.size / 36) > LEVEL


@every("sampling", SAMPLINGS)
@every("seed", [3, 2**40 + 1])
def test_consecutive_batches_are_independent_unless_reshuffled(sampling: str, seed: int) -> None:
    source = ReferenceNoise(ExampleBatches(unit_table(6), 2, sampling), seed, 30_000)
    a, b = (reference._PICK[sampling](source, source.noise, step)[0] for step in (3, 4))
    joint = np.bincount(a * 6 + b, minlength=36).reshape(6, 6)
    if sampling == "reshuffle":
        assert np.trace(joint) == 0  # one epoch: 3, 4, 5
        joint = joint[~np.eye(6, dtype=bool)]
        assert chi_square(joint, 1000) > LEVEL
    else:
        expected = np.multiply.outer(joint.sum(axis=1), joint.sum(axis=0)) / joint.sum()
        statistic = ((joint - expected) ** 2 / np.maximum(expected, 1e-9))[expected > 0].sum()
        assert stats.chi2.sf(statistic, 25) > LEVEL


def test_torch_picks_the_same_examples() -> None:
    for sampling, b in itertools.product(SAMPLINGS, (1, 2, 3, 6)):
        noise = ExampleBatches(unit_table(12), b, sampling)
        slow, fast = ReferenceNoise(noise, 5, 50), torch_noise.TensorNoise(noise, 5, 50, torch.device("cpu"))
        for step in range(15):
            expected = reference._PICK[sampling](slow, noise, step)
            assert (torch_noise._PICK[sampling](fast, noise, step).numpy() == expected).all()


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("b", [1, 2, 3, 23, 24, 25, 26, 30, 36, 48, 71, 72])
def test_engines_draw_the_same_batches(drawn, sampling: str, b: int) -> None:
    """One column of numbers of which no two different sums agree, and batches on both sides of every switch inside."""
    n = 72
    if sampling == "reshuffle" and n % b:
        b = {23: 4, 25: 6, 26: 8, 30: 9, 48: 12, 71: 18}[b]
    table = np.sqrt(np.arange(1.0, n + 1))[:, None]
    table -= table.mean()
    noise = ExampleBatches(table, b, sampling)
    expected = drawn("numpy", noise, 11, 200, seed=2**64 - 1)
    for engine in ("numba", "torch"):
        found = drawn(engine, noise, 11, 200, seed=2**64 - 1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(table).max())


@pytest.mark.parametrize("columns", [1, 2])
def test_batches_whose_repeats_are_rare(drawn, columns: int) -> None:
    """Those taken two lanes at a time; and after one another those that are and those that are not, in one memory.

    Every batch size of the schedule has another rest of 4 and of 32, and each step is as many turns as a marking byte
    holds in four.
    """
    n = 1400
    table = np.sqrt(np.arange(1.0, n * columns + 1)).reshape(n, columns)
    table -= table.mean(axis=0)
    sizes = np.array([35, 17, 700, 32, 33, 34, 36, 1370, 16, 24, 64] * 3)
    noise = ExampleBatches(table, sizes, "without_replacement")
    found, expected = (drawn(which, noise, len(sizes), 131, seed=2**64 - 1) for which in ("numba", "numpy"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_full_batch_without_replacement_has_exactly_no_noise(drawn) -> None:
    table = np.random.default_rng(0).standard_normal((10, 1))
    for engine in ENGINES:
        assert (drawn(engine, ExampleBatches(table, 10, "without_replacement"), 5, 7) == 0).all()
