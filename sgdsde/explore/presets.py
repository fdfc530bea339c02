"""Presets: what a lecture shows, each a scene with settings and a few words on what to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preset:
    """Settings with a title.

    Attributes
    ----------
    name : str
        In links.
    title, text : str
    scene : str
        Name of a scene.
    settings : mapping
        What differs from the scene's own; landscape parameters as ``"p.name"``.
    """

    name: str
    title: str
    text: str
    scene: str
    settings: Mapping[str, float | str] = field(default_factory=dict)


PRESETS = (
    Preset(
        "scale", "One noise scale, many settings",
        "Learning rate ε, batch size B, training set size N and momentum m come together in one number, the noise "
        "scale g = εNc/(1 − m). With “hold g” ticked, ε follows when you move B, N or m. The SDE’s variance, "
        "(g/N) F/(2h), then stays where it is for all B and m, and SGD’s too until ε comes near the edge of stability; "
        "twice as many examples halve both.",
        "quadratic", {"lr": 0.2, "B": 8, "N": 64, "hold": 1},
    ),
    Preset(
        "reshuffle", "Reshuffling cancels noise",
        "Batches of one permutation add up to the whole training set, so their noise adds up to nothing in every "
        "epoch. Brownian motion does not know that and over-predicts the variance more than twice. Choose the "
        "driver “epoched”, a Brownian bridge over each epoch, and the SDE follows.",
        "quadratic", {"lr": 0.1, "B": 4, "N": 64, "sampling": "reshuffle", "driver": "brownian"},
    ),
    Preset(
        "sharp", "Leaving a sharp minimum",
        "Both start in the sharp minimum on the left, and noise drives them over the barrier. In the long run they are "
        "more often in the flat one, though both are equally deep: it is wider. SGD even more than the SDE, for its "
        "steps are long where the loss is sharp. The mean exit times stand beside the exact ones of both.",
        "sharp_flat", {"lr": 0.2, "B": 1, "N": 64, "p.sharp": 4.0},
    ),
    Preset(
        "signs", "Signs can never climb",
        "Every example pushes by about ±0.36, and the barrier is steeper than that: SGD can never leave, however "
        "long it runs. The SDE, whose noise has the same covariance and a normal law, leaves. Choose “gaussian” "
        "examples and SGD leaves too.",
        "double_well", {"lr": 0.55, "B": 1, "N": 256, "examples": "rademacher", "p.f": 0.125},
    ),
    Preset(
        "edge", "The edge that the SDE does not have",
        "SGD on a parabola of curvature h is stable only below ε = 2(1 + m)/h, and its variance grows without bound"
        " towards that. The SDE knows of no edge. Move ε from 1.9 to 2.1.",
        "quadratic", {"lr": 1.9, "B": 16, "N": 64, "paths": 1024},
    ),
    Preset(
        "balance", "Balance",
        "The loss of two layers depends on x y alone, and without noise x² − y² hardly moves. The gradient of every"
        " example points along (y, x), so noise makes x² − y² shrink. In the SDE it does so by the same factor on "
        "every path, e^(−T σ² s) at the time s: layers become balanced. SGD, whose steps are not short, is faster.",
        "balance", {"lr": 0.1, "B": 1, "N": 64},
    ),
)  # fmt: skip
