"""Claims that measure nothing real, to test the harness that judges and reports them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from validation.claim import Check, Claim, Drawing, Found, Plan, claim
from validation.context import Context
from validation.presets import PRESETS
from validation.protocol import Protocol, Words

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

        def measure(context: Context) -> Found:
            if raises is not None:
                raise raises
            draws = np.random.default_rng(context.seed("draws")).normal(truth, 1.0, count)
            error = draws.std(ddof=1) / np.sqrt(count)
            check = Check(texts.get("label", "mean"), predicted, float(draws.mean()), float(error), {RIVAL: rival})
            yield from texts.get("checks", (check,))
            yield Drawing("mean", Figure(figsize=(1, 1)))  # of the harness: axes and text would take most of the time

        measure.__name__ = name
        words = Words(
            title=texts.get("title", f"Title of {name}"),
            statement="A mean is what it is.",
            formula=texts.get("formula", "⟨x⟩ = 2"),
            source="nobody",
            pictures={"mean": {"caption": "A mean.", "alt": "One point on a line."}},
        )
        plans = {preset: Plan(tests, 1.0) for preset in PRESETS}
        held = replace(texts.get("protocol", Protocol(rivals=(RIVAL,))), words=words)
        return claim(planned=plans, registry=registry, protocol=held)(measure)

    return make


@pytest.fixture
def with_mnist(monkeypatch):
    """MNIST's sizes, whatever this machine has: for claims whose runs are made up."""
    monkeypatch.setattr("validation.mnist.images.missing", lambda: "")
