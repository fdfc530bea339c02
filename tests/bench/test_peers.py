"""The contenders of `bench.peers` integrate the same equations, and none is dropped in silence."""

import numpy as np
import pytest
import torch
from tables import every

from bench.contenders import OURS, PEERS, Peer
from bench.loops import numpy_loop, ours
from bench.peer_solvers import Unsuited
from bench.peers import Bar, check, measure, show
from bench.problems import PROBLEMS

pytestmark = pytest.mark.networks


@every("module", [np, torch])
@every("problem", PROBLEMS.values())
def test_arrays_and_landscape_are_one_equation(problem, module):
    generator = np.random.default_rng(1)
    w, z = generator.standard_normal((2, problem.dimension, 5))
    equations = problem.equations(module, scale=0.3)
    drift, noise = equations.drift(module.asarray(w)), equations.noise(module.asarray(w), module.asarray(z))
    factor = 0.3 * problem.temperature**0.5 * problem.landscape.noise_factor(w.T)
    np.testing.assert_allclose(np.asarray(drift), -problem.landscape.gradient(w.T).T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.asarray(noise), np.einsum("pij,jp->ip", factor, z), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["full", "linear"])
def test_final_states_agree_in_mean_and_variance(name):
    paths, steps = 4096, 60
    ends = [ours(PROBLEMS[name], paths, steps, engine="numpy")(), numpy_loop(PROBLEMS[name], paths, steps)()]
    for power in (1, 2):
        values = [(end - end.mean(axis=1, keepdims=True) * (power == 2)) ** power for end in ends]
        error = np.hypot(*(value.std(axis=1) for value in values)) / np.sqrt(paths)
        assert (abs(values[0].mean(axis=1) - values[1].mean(axis=1)) < 5 * error).all()


def test_a_run_is_as_large_as_its_problem_says():
    assert PROBLEMS["well"].size(normals=8_192_000, together=True) == (4096, 2000)
    assert PROBLEMS["well"].size(normals=5000, together=False) == (1, 5000)
    assert PROBLEMS["growth"].size(normals=256 * 3 * 1280, together=True) == (1280, 256)


def _unsuited(problem, paths, steps):
    raise Unsuited("on no account")


def _result(capsys, *peers):
    peers = (Peer(OURS, numpy_loop, 1, ("numpy",)), *peers)
    result = measure(PROBLEMS["well"], peers, rounds=1)
    show(result, peers)
    return result, capsys.readouterr().out


def test_missing_and_unsuited_peers_are_reported(capsys):
    missing = Peer("absent", numpy_loop, 1, ("no_such_package.part",))
    unsuited = Peer("choosy", _unsuited, 1, ("numpy",))
    result, printed = _result(capsys, missing, unsuited)
    assert "not installed (no_such_package)" in printed
    assert "on no account" in printed
    assert check(Bar("well", OURS, ("absent",), 2), result) is None
    assert "not measured" in capsys.readouterr().out


@pytest.mark.parametrize(("least", "word"), [(1e-9, "met"), (1e9, "MISSED")])
def test_bars_are_met_or_missed(least, word, capsys):
    result, _ = _result(capsys, Peer("twin: a", numpy_loop, 1, ("numpy",)), Peer("twin: b", numpy_loop, 1, ("numpy",)))
    assert check(Bar("well", OURS, ("twin",), least), result) is (word == "met")
    printed = capsys.readouterr().out
    assert word in printed
    assert "the fastest is twin" in printed


def test_each_peer_needs_something_and_has_a_name_of_its_own():
    assert all(peer.modules for peer in PEERS)
    assert len({peer.name for peer in PEERS}) == len(PEERS)
