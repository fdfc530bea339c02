"""Claims that measure nothing real, to test the harness that judges and reports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sgdsde.plotting import Series, against_theory
from validation.claim import Check, Claim, Finding, Picture, Plan, claim
from validation.context import Context
from validation.presets import PRESETS
from validation.protocol import Protocol

RIVAL = "10 % larger"
MakeClaim = Callable[..., Claim]


@pytest.fixture
def registry() -> dict[str, Claim]:
    return {}


@pytest.fixture
def make_claim(registry: dict[str, Claim]) -> MakeClaim:
    """Register a fake claim: it measures the mean of normal numbers around ``truth`` and predicts ``predicted``."""

    def make(name: str, *, predicted: float = 2.0, rival: float = 2.2, truth: float = 2.0, **texts: Any) -> Claim:
        count, raises = texts.pop("count", 10_000), texts.pop("raises", None)
        tests = texts.pop("tests", 1)

        def measure(context: Context) -> Finding:
            context.progress(0.5)
            if raises is not None:
                raise raises
            draws = np.random.default_rng(context.seed("draws")).normal(truth, 1.0, count)
            error = draws.std(ddof=1) / np.sqrt(count)
            check = Check(texts.get("label", "mean"), predicted, float(draws.mean()), float(error), {RIVAL: rival})
            series = Series("measured", [1.0], [check.measured], [check.standard_error], [check.predicted])
            figure = against_theory([series], "x", "y")
            checks = texts.get("checks", (check,))
            return Finding(checks, checks[0].label, (Picture("mean", "A mean.", "One point on a line.", figure),))

        measure.__name__ = name
        return claim(
            title=texts.get("title", f"Title of {name}"),
            statement="A mean is what it is.",
            formula=texts.get("formula", "⟨x⟩ = 2"),
            source="nobody",
            plans={preset: Plan(tests, 1.0) for preset in PRESETS},
            registry=registry,
            protocol=texts.get("protocol", Protocol(rivals=(RIVAL,))),
        )(measure)

    return make
