"""What there is to choose on a page: the one table of it, which the page has too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sgdsde.arguments import choice, integer, real
from sgdsde.config import SAMPLINGS
from sgdsde.drivers import DRIVERS
from sgdsde.explore.frames import RATE
from sgdsde.explore.programs import RULES, SDES
from sgdsde.explore.scenes import Scene

#: By the names that links have. The driver "own" is that of the sampling; l = 0 steps stand for those of errors of 1 %.
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "sampling": tuple(SAMPLINGS),
    "driver": ("own", *DRIVERS),
    "examples": ("gaussian", "rademacher", "student_t:5", "student_t:3"),
    "dynamics": RULES,
    "sde": SDES,
    "N": (8, 16, 32, 64, 128, 256, 512, 1024),
    "m": (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98),
    "l": (0, 1, 2, 4, 8, 16, 32, 64),
    "paths": (64, 256, 1024, 4096),
    "hold": (0, 1),
}
#: The least and the largest B; the largest seed that JavaScript can count to.
BATCH, LARGEST_SEED = (1, 1024), 2**53 - 1
#: Where a scene says nothing else.
USUAL: Mapping[str, Any] = {
    "lr": 0.1, "B": 4, "N": 64, "m": 0, "sampling": "without_replacement", "driver": "own", "examples": "gaussian",
    "dynamics": "sgd", "sde": "sde", "l": 0, "paths": 4096, "seed": 0, "hold": 0,
}  # fmt: skip


def checked(settings: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """Settings that a page can begin with.

    Raises
    ------
    ValueError
        For a name that is none, and a value that is not among the choices or out of its range.

    Examples
    --------
    >>> from sgdsde.explore.scenes import named_scenes
    >>> checked({"dynamics": "adam", "p.h": 2.0}, named_scenes()["quadratic"])
    {'dynamics': 'adam', 'p.h': 2.0}
    """
    parameters = [f"p.{name}" for name in scene.landscape.parameters]
    for name, value in settings.items():
        choice("settings", name, (*USUAL, *parameters))
        if name in CHOICES and value not in CHOICES[name]:
            known = ", ".join(map(str, CHOICES[name]))
            raise ValueError(f"settings[{name!r}] must be one of {known}, got {value!r}")
        if name == "lr":
            real("settings['lr']", value, *RATE)
        elif name in ("B", "seed"):
            integer(f"settings[{name!r}]", value, *((0, LARGEST_SEED) if name == "seed" else BATCH))
        elif name in parameters:
            real(f"settings[{name!r}]", value, *scene.range_of(name.removeprefix("p.")))
    return dict(settings)
