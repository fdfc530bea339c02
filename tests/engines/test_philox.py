"""Philox4x32-10: known answers, the meaning of counters, and the normals made of its words."""

import numpy as np
import pytest
import torch
from numba import njit, uint64
from scipy import stats
from tables import every

from sgdsde.engines import lane_noise, philox, torch_noise
from sgdsde.engines.noise import GaussianIncrements, ReferenceNoise

pytestmark = pytest.mark.networks

#: Random123 1.14, tests/kat_vectors, "philox4x32 10": counter, key, words.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@njit
def lane_philox(c0, c1, c2, c3, k0, k1):
    return lane_noise.philox(c0, c1, c2, c3, k0, k1)


def with_numpy(counter: list[int], key: list[int]) -> list[int]:
    words = philox.philox(tuple(np.array([c], np.uint64) for c in counter), tuple(key))  # type: ignore[arg-type]
    return [int(word[0]) for word in words]


def with_numba(counter: list[int], key: list[int]) -> list[int]:
    return [int(word) for word in lane_philox(*map(uint64, (*counter, *key)))]


def with_torch(counter: list[int], key: list[int]) -> list[int]:
    words = torch_noise.philox(tuple(torch.tensor([c]) for c in counter), tuple(key))  # type: ignore[arg-type]
    return [int(word[0]) for word in words]


VERSIONS = [with_numpy, with_numba, with_torch]


@every("version", VERSIONS)
@every(("counter", "key", "words"), KNOWN)
def test_known_answers(version, counter: str, key: str, words: str) -> None:
    assert version(numbers(counter), numbers(key)) == numbers(words)


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_versions_agree_on_random_counters(version) -> None:
    for row in np.random.default_rng(0).integers(0, 2**32, (100, 6)).tolist():
        assert version(row[:4], row[4:]) == with_numpy(row[:4], row[4:])


def test_the_key_is_all_of_the_seed() -> None:
    assert philox.key_of(0x0123456789ABCDEF) == (0x89ABCDEF, 0x01234567)
    assert philox.key_of(2**64 - 1) == (philox.MASK, philox.MASK)


def test_counters_never_meet() -> None:
    """Group (beyond 32 bits), draw, path, stream and seed each change the words."""
    paths = np.arange(4, dtype=np.uint64)
    seen = set()
    for seed in (0, 1, 2**32):
        for stream in (philox.STREAM_NORMAL, philox.STREAM_BATCH):
            for group in (0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**40):
                block = philox.words(seed, stream, group, 3, paths)
                assert block.shape == (12, 4)
                seen |= set(block.ravel().tolist())
    assert len(seen) > 3 * 2 * 6 * 48 - 5  # 1728 words of 2³²: a chance repeat has odds 3e-4


@pytest.mark.parametrize("group", [0, 5, 2**32 - 1, 2**32, 2**40 + 3])
def test_large_groups_agree(group: int) -> None:
    expected = philox.normals(philox.words(7, philox.STREAM_NORMAL, group, 1, np.arange(128, 256, dtype=np.uint64)))
    z = np.empty(4 * lane_noise.LANES)
    fill = njit(
        lambda z, words, group, stream, k0, k1: lane_noise.fill_normals(z, words, group, 1, 128, stream, k0, k1)
    )
    fill(z, np.empty(4 * lane_noise.LANES, np.uint32), group, np.uint64(0), *map(np.uint64, philox.key_of(7)))
    np.testing.assert_allclose(z.reshape(4, -1), expected, rtol=1e-13, atol=1e-13)
    noise = torch_noise.TensorNoise(GaussianIncrements(4), 7, 256, torch.device("cpu"))
    np.testing.assert_allclose(noise(group).numpy()[:, 128:], expected, rtol=1e-13, atol=1e-13)


@every(("numbers", "steps", "draws"), [(1, 4, 1), (2, 2, 1), (3, 1, 1), (4, 1, 1), (5, 1, 2), (9, 1, 3)])
def test_layout_wastes_no_group(numbers: int, steps: int, draws: int) -> None:
    assert philox.layout(numbers) == (steps, draws)


def test_uniforms_stay_inside_the_open_interval() -> None:
    low = philox.uniform(np.array([0], np.uint64), np.array([0], np.uint64))[0]
    high = philox.uniform(np.array([philox.MASK], np.uint64), np.array([philox.MASK], np.uint64))[0]
    assert low == 2.0**-49
    assert high == 1 - 2.0**-49


def test_tails_reach_beyond_those_of_32_bits() -> None:
    """A radius word of zero, alone, would be the end of 32-bit uniforms, √(2·33·ln 2) = 6.76; 16 more bits follow."""
    zero, quarter = 0, 0x40000000  # a quarter turn: sin = 1
    extreme = philox.normals(np.array([[zero], [quarter], [zero], [quarter | 0xFFFF]], np.uint64))[:, 0]
    assert extreme[0] == pytest.approx(np.sqrt(2 * 49 * np.log(2)))
    assert extreme[0] > 8.2
    assert 6.66 < extreme[2] < 6.77
    assert abs(extreme[1]) < 1e-14
    as_tensor = torch_noise._normals(torch.tensor([[zero], [quarter], [zero], [quarter | 0xFFFF]]))
    np.testing.assert_allclose(as_tensor.numpy()[:, 0], extreme, rtol=1e-13, atol=1e-14)


def test_lanes_have_the_same_tails() -> None:
    @njit
    def largest(word, extension):
        return lane_noise.radius(word, extension)

    for word, extension in [(0, 0), (0, 0xFFFF), (0, 0x40000000), (1, 5), (philox.MASK, philox.MASK)]:
        u = philox.uniform(np.array([word], np.uint64), np.array([extension], np.uint64))[0]
        assert largest(uint64(word), uint64(extension)) == pytest.approx(np.sqrt(-2 * np.log(u)), rel=1e-14)


@pytest.mark.parametrize("seed", [1, 2**63 + 5])
def test_the_normals_are_standard_normal(seed: int) -> None:
    """Moments, distribution, and its tail; 13 checks at 4.5σ together fail by chance once in 10⁴ seeds."""
    z = np.concatenate([ReferenceNoise(GaussianIncrements(4), seed, 40_000)(step).ravel() for step in range(6)])
    n = z.size
    for power, mean, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)]:
        assert abs((z**power).mean() - mean) < 4.5 * np.sqrt(variance / n), power
    assert stats.kstest(z, "norm").pvalue > 1e-5
    for bound in (2.0, 3.0, 4.0):
        odds = 2 * stats.norm.sf(bound)
        assert abs((np.abs(z) > bound).sum() - n * odds) < 4.5 * np.sqrt(n * odds) + 1


def test_paths_steps_and_numbers_are_independent() -> None:
    """Correlations of z and of z² between neighbours in every direction; 2·6 checks at 4.5σ."""
    source = ReferenceNoise(GaussianIncrements(3), 3, 20_000)
    z = np.stack([source(step) for step in range(12)])  # (step, number, path)
    for values in (z, (z**2 - 1) / np.sqrt(2)):
        pairs = {
            "steps": (values[1:], values[:-1]),
            "steps two apart": (values[2:], values[:-2]),
            "numbers of one pair": (values[:, 0], values[:, 1]),
            "numbers of two pairs": (values[:, 0], values[:, 2]),
            "paths": (values[:, :, 1:], values[:, :, :-1]),
            "blocks of paths": (values[:, :, 128:], values[:, :, :-128]),
        }
        for name, (a, b) in pairs.items():
            assert abs((a * b).mean()) < 4.5 / np.sqrt(a.size), name


def test_seeds_are_independent() -> None:
    a, b = (ReferenceNoise(GaussianIncrements(4), seed, 20_000)(0) for seed in (0, 1))
    assert abs((a * b).mean()) < 4.5 / np.sqrt(a.size)
