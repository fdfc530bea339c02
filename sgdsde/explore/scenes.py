"""Scenes: a landscape with the frame in which it is seen and what SGD is run with at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sgdsde.arguments import real
from sgdsde.explore.frames import frame_of
from sgdsde.landscapes import Landscape, catalog

#: Exits are watched inside of steps, which takes time.
LEAVING: Mapping[str, float | str] = {"paths": 1024}
#: The most dimensions that can be drawn.
DIMENSIONS = 2


@dataclass(frozen=True)
class Watched:
    """A function of ω beside the variances, whose mean at any time is known.

    Attributes
    ----------
    formula : str
        In the landscape's variables.
    mean : str
        Its mean for the SDE, in `formula`'s value at the start under the name ``start``, the temperature ``T``, the
        time ``time`` and the landscape's parameters.
    """

    formula: str
    mean: str


@dataclass(frozen=True)
class Scene:
    """A landscape to be drawn.

    Attributes
    ----------
    name, description : str
    landscape : Landscape
        Of one variable or two.
    box : ((low, high), …)
        What is drawn of each variable.
    w0 : (d,)
        Where paths start.
    settings : mapping
        What the page begins with where it differs from the page's own defaults.
    ranges : mapping of str to (low, high)
        Of parameters; by default from a tenth of the value to four times it.
    watched : Watched, optional
    """

    name: str
    description: str
    landscape: Landscape
    box: tuple[tuple[float, float], ...]
    w0: tuple[float, ...]
    settings: Mapping[str, float | str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    watched: Watched | None = None

    def range_of(self, name: str) -> tuple[float, float]:
        """The interval of a parameter's slider."""
        value = self.landscape.parameters[name]
        if name in self.ranges:
            low, high = self.ranges[name]
            return min(low, value), max(high, value)
        low, high = sorted((value / 10, value * 4)) if value else (-1.0, 1.0)
        return low, high


def scene_of(
    landscape: Landscape, w0: Sequence[float] | None = None, box: Sequence[Sequence[float]] | None = None
) -> Scene:
    """The scene of a landscape, a named one with its own frame and settings.

    Parameters
    ----------
    landscape : Landscape
        Named, or of the user's own.
    w0 : (d,), optional
        Where paths start.
    box : d pairs of float, optional
        What is drawn of each variable.

    Raises
    ------
    ValueError
        For more than two variables, a frame that is none, or a start outside of it.

    Examples
    --------
    >>> scene_of(Landscape("x**4/4 - x**2/2", "x"), w0=[-1.0]).box
    ((-2.3, 2.3),)
    """
    if landscape.dimension > DIMENSIONS:
        raise ValueError(
            f"landscape must have one variable or two to be drawn, got {landscape.dimension}: "
            f"{', '.join(landscape.variables)}"
        )
    found = _NAMED.get(landscape.name)
    known = found is not None and landscape.name in catalog.CATALOG
    scene = _own(landscape, w0) if found is None or not known else replace(found, landscape=landscape)
    if w0 is not None:
        start = landscape.point(list(w0), "w0")
        scene = replace(scene, w0=tuple(start.tolist()))
    if box is not None:
        scene = replace(scene, box=_frame(landscape, box))
    outside = any(not low <= x <= high for x, (low, high) in zip(scene.w0, scene.box, strict=True))
    if outside:
        raise ValueError(f"w0 must be inside of the box {scene.box}, got {scene.w0}")
    landscape.validate_noise(np.array([scene.w0]), "w0")
    return scene


def named_scenes() -> dict[str, Scene]:
    """The scenes of all named landscapes, and one that is not of the catalog."""
    return dict(_NAMED)


def _frame(landscape: Landscape, box: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    sides = [tuple(real("box", end) for end in side) for side in box]
    if len(sides) != landscape.dimension or any(len(side) != 2 or not side[0] < side[1] for side in sides):
        raise ValueError(f"box must be two increasing numbers for each of {', '.join(landscape.variables)}, got {box}")
    return tuple((low, high) for low, high in sides)


def _own(landscape: Landscape, w0: Sequence[float] | None) -> Scene:
    """A scene of whatever landscape."""
    found = frame_of(landscape, w0)
    given, noise = landscape.noise.in_words(landscape.dimension)
    start = ", ".join(f"{name} = {x:.6g}" for name, x in zip(landscape.variables, found.w0, strict=True))
    told = f"Your landscape, with the gradient noise {given} = {noise}. Paths start at {start}."
    return Scene(
        "",
        told,
        landscape,
        found.box,
        found.w0,
        {"lr": found.learning_rate, "B": 1, **(LEAVING if found.wells > 1 else {})},
    )


def _catalogued(name: str, box: Sequence[tuple[float, float]], w0: Sequence[float], **settings: float | str) -> Scene:
    description = catalog.CATALOG[name].description
    given: dict[str, float] = {key: settings.pop(key) for key in ("scale", "spread") if key in settings}  # type: ignore[misc]
    landscape = catalog.named(name, noise_covariance=None, noise_factor=None, **given)
    ranges = {"a": (0.1, 2.0), "angle": (0.0, 3.1416), "depth": (0.0, 0.4), "bend": (-1.0, 1.0), "r": (0.0, 2.0)}
    return Scene(name, description, landscape, tuple(box), tuple(w0), settings, ranges)


_NAMED: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        _catalogued("quadratic", [(-1.0, 1.0)], [0.8], lr=0.1, B=4),
        _catalogued("double_well", [(-2.2, 2.2)], [-1.0], lr=0.2, B=1, **LEAVING),
        _catalogued("sharp_flat", [(-1.9, 2.2)], [-1.0], lr=0.1, B=1, **LEAVING),
        _catalogued("multiplicative", [(-3.0, 3.0)], [1.0], lr=0.2, B=1),
        _catalogued("quadratic_2d", [(-1.6, 1.6), (-1.6, 1.6)], [1.2, -1.0], lr=0.05, B=1),
        _catalogued("valley", [(-1.5, 1.5), (-0.6, 1.6)], [1.2, 0.3], lr=0.02, B=1),
        _catalogued("mueller_brown", [(-1.5, 1.2), (-0.4, 2.0)], [-0.5, 1.4], lr=0.1, B=1, scale=0.003, **LEAVING),
        _catalogued("zhu_two_bowls", [(-2.2, 1.8), (-2.2, 1.8)], [1.0, 1.0], lr=0.004, B=1, spread=0.2, **LEAVING),
        Scene(
            "balance",
            "Two layers in one number: only the product x y matters, and the noise is along (y, x)",
            Landscape(
                "(x*y - 1)**2/2", "x y", {"sigma": 1.0}, noise_factor=[["sigma*y"], ["sigma*x"]], name="balance",
            ),
            ((-0.2, 2.4), (-0.2, 2.4)),
            (2.0, 0.5),
            {"lr": 0.1, "B": 4},
            {"sigma": (0.0, 3.0)},
            Watched("x**2 - y**2", "start*exp(-T*sigma**2*time)"),
        ),
    )
}  # fmt: skip
