"""The model of a page in node, and the same runs by the NumPy engine."""

import json
import warnings
from collections.abc import Mapping

import numpy as np
from node import result_of

from sgdsde import SGDConfig, simulate_sde, simulate_sgd
from sgdsde.explore.page import model
from sgdsde.explore.scenes import named_scenes

DEFAULTS = {
    "N": 16, "B": 4, "m": 0.0, "sampling": "without_replacement", "driver": "own", "examples": "gaussian",
    "dynamics": "sgd", "sde": "sde", "l": 3, "seed": 17, "paths": 64, "hyper": {}, "hold": 0,
}  # fmt: skip


def settings_of(scene: str, **changed) -> dict:
    """Settings as a page has them."""
    known = named_scenes()[scene]
    own = {"scene": scene, "w0": list(known.w0), "parameters": dict(known.landscape.parameters)}
    return {**DEFAULTS, "lr": known.settings["lr"], **own, **changed}


def in_node(settings: Mapping, script: str) -> object:
    """What a script prints that has `world`, of these settings, and `SCENES`."""
    scene = settings["scene"]
    start = f"{model({scene: named_scenes()[scene]})}\nconst world = new World(SCENES, {json.dumps(settings)});"
    return result_of(f"{start}\nconst print = (x) => console.log(JSON.stringify(x));\n{script}")


def by_numpy(settings: Mapping, updates: int, engine: str = "numpy") -> tuple[np.ndarray, np.ndarray]:
    """(d, paths) of the SDE and of SGD after so many updates, by the front doors of the library."""
    landscape = named_scenes()[settings["scene"]].landscape.with_parameters(**settings["parameters"])
    momentum = settings["m"] if settings["dynamics"] in ("sgd", "nesterov", "signsgd", "rmsprop", "noisy_gd") else 0.0
    config = SGDConfig(settings["lr"], settings["B"], settings["N"], momentum, settings["sampling"])
    run = {"engine": engine, "seed": settings["seed"]}
    driver = None if settings["driver"] == "own" else settings["driver"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sde = simulate_sde(
            landscape, config, settings["w0"], updates, settings["paths"], dynamics=settings["sde"],
            substeps=settings["l"] or "auto", driver=driver, **run,
        )  # fmt: skip
        sgd = simulate_sgd(
            landscape, config, settings["w0"], updates, settings["paths"], dynamics=settings["dynamics"],
            examples=settings["examples"], driver=driver if settings["dynamics"] == "noisy_gd" else None,
            substeps=4 if settings["dynamics"] == "svag" else 1, **run,
        )  # fmt: skip
    return sde.final.T, sgd.final.T
