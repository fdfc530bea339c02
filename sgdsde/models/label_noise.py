"""Labels that a noise changes anew in every step: what is added to the targets of the examples that are in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgdsde.dynamics.course import Course
from sgdsde.models.dynamics import NetworkDynamics
from sgdsde.models.losses import Loss

#: For each step the shifts of its examples' targets, (n, …).
Shifts = Iterator[NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class LabelNoise:
    """What changes the labels of a group of replicas.

    Attributes
    ----------
    streams : list of iterators
        Shifts of every step, one stream for each replica; none where labels stay what they are.
    classes : int
        Class numbers go round modulo this; 0 for targets that are real numbers.
    """

    streams: list[Shifts] = field(default_factory=list)
    classes: int = 0

    def __call__(self, targets: Tensor, shifts: NDArray[np.generic] | None) -> Tensor:
        """Targets (R, k, n, …) with their shifts."""
        if shifts is None:
            return targets
        moved = targets + torch.from_numpy(shifts).to(targets)
        return moved % self.classes if self.classes else moved


def classes_for(dynamics: NetworkDynamics, model: nn.Module, loss: Loss, x: Tensor, y: Tensor) -> int:
    """The number of classes that a noise of labels goes through, 0 for real targets, from a few examples.

    Raises
    ------
    ValueError
        When the noise changes labels and its strength is no probability, or the loss has neither classes nor real
        targets.
    """
    noise, strength = dynamics.dynamics.noise, dynamics.dynamics.strength
    if noise.relabel is None:
        return 0
    if loss.classes is None:
        if not y.is_floating_point():
            raise ValueError(
                f"noise {noise.name!r} changes class numbers of a loss that knows its classes, or real targets; got "
                f"integers with loss {loss.name!r}"
            )
        return 0
    if strength > 1:
        raise ValueError(
            f"noise {noise.name!r} takes a probability, at most 1, with loss {loss.name!r}; got {strength:g}"
        )
    with torch.no_grad():
        return loss.classes(tuple(model(x.to(next(model.parameters()))).shape))


def label_noise(
    dynamics: NetworkDynamics, courses: Sequence[Course], seeds: Sequence[int], shape: tuple[int, ...], classes: int
) -> LabelNoise:
    """The label noise of the replicas that have these courses and seeds; `shape` is that of one example's target."""
    relabel, strength = dynamics.dynamics.noise.relabel, dynamics.dynamics.strength
    if relabel is None:
        return LabelNoise()

    def shifts(course: Course, seed: int) -> Shifts:
        generator = np.random.default_rng(seed)
        return (relabel(strength, classes, (size, *shape), generator) for size in course.sizes())

    return LabelNoise([shifts(course, seed) for course, seed in zip(courses, seeds, strict=True)], classes)
