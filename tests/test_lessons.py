"""The lessons run from top to bottom, and what they say of their numbers is true."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

LESSONS = sorted(path for path in (Path(__file__).parents[1] / "docs" / "lessons").glob("*.md") if path.stem != "index")
CELL = re.compile(r"```\{code-cell\} ipython3\n(.*?)```", re.DOTALL)
#: Standard errors that a right number may be off by: one of fifty is so by chance for one choice of seeds in 30 000.
FAR = 5.0


def bowl(scope):
    """The SDE is 5 % too narrow at εh = 0.1, and the law of finite steps is right up to the limit."""
    ratio = scope["sgd"].covariance[0, 0] / scope["sde"].covariance[0, 0]
    assert ratio == pytest.approx(1 / 0.95, abs=0.01)
    assert scope["largest_z"] < FAR


def reshuffling(scope):
    """Less than half of the variance, an SDE that is 2.3 times too wide, and one that is some 8 % off."""
    found = scope["reshuffled"].covariance[0, 0]
    assert found < 0.5 * scope["with_fresh"].covariance[0, 0]
    assert scope["too_large"] == pytest.approx(2.3, abs=0.05)
    assert found / scope["bridged"].covariance[0, 0] == pytest.approx(1.08, abs=0.02)
    assert scope["largest_z"] < FAR


def escape(scope):
    """SDE and SGD leave when their own laws say, and SGD later; so do escapes that nobody waits for."""
    sde, sgd = scope["times"]["SDE"], scope["times"]["SGD"]
    assert abs(sde.mean - scope["exact"]) < FAR * sde.standard_error + 0.01 * scope["exact"]  # of the steps
    assert abs(sgd.mean - scope["steps"]) < FAR * sgd.standard_error
    assert sgd.mean - scope["exact"] > 3 * sgd.standard_error
    assert scope["largest_z"] < FAR
    low, high = scope["rare"].interval
    assert low / 1.2 < scope["rare_exact"] < high * 1.2


def scaling_rules(scope):
    """Runs of one T end alike, one of a larger T does not, and the rule fails at large ε."""
    losses, errors = scope["losses"], scope["errors"]
    assert abs(losses[1] - losses[0]) < FAR * np.hypot(errors[0], errors[1])
    assert losses[-1] > 2 * losses[0]
    assert losses[-1] - losses[0] > FAR * np.hypot(errors[0], errors[-1])
    still, noisy = scope["still"], scope["noisy"]  # the last of the pairs has four times T
    assert noisy[0] - still[0] > FAR * np.hypot(noisy[1], still[1])


def where_it_fails(scope):
    """Every number is what the law beside it says, and the first rung is far from the SDE."""
    assert len(scope["rows"]) == 9
    assert np.abs(scope["rows"]).max() < FAR


TRUE = {check.__name__: check for check in (bowl, reshuffling, escape, scaling_rules, where_it_fails)}


def test_every_lesson_is_held_to_what_it_says():
    assert {path.stem for path in LESSONS} == set(TRUE)


@pytest.mark.networks
@pytest.mark.slow("simulations, and networks in hundreds, as a reader runs them")
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs(lesson, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("warnings.filters", [])
    scope = {}
    for cell in CELL.findall(lesson.read_text(encoding="utf-8")):
        code = "\n".join(line for line in cell.splitlines() if not line.startswith("%"))
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, lesson.name, "exec"), scope)
    TRUE[lesson.stem](scope)
