"""The page as one file: programs, scripts, style and words in it, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from sgdsde import codegen, expression
from sgdsde.engines import javascript
from sgdsde.explore.choices import CHOICES, LARGEST_SEED, USUAL, checked
from sgdsde.explore.frames import RATE
from sgdsde.explore.presets import PRESETS
from sgdsde.explore.programs import RULES, SDES, programs, with_ends
from sgdsde.explore.scenes import Scene, Watched, named_scenes, scene_of
from sgdsde.landscapes import Landscape

#: What computes, without a page around it; then what draws and listens.
MODEL = ("generator", "linear", "line", "batch_law", "updates", "basins", "model", "statistics", "world")
PAGE = ("settings", "pictures", "contours", "numbers", "controls", "main")
QUANTITIES = ("loss", "gradient", "hessian", "noise_covariance", "noise_factor")
#: The name of a scene of the user's own.
OWN = "own"


def explore_page(
    landscape: Landscape | None,
    path: str | Path,
    *,
    w0: Sequence[float] | None = None,
    box: Sequence[Sequence[float]] | None = None,
    settings: Mapping[str, float | str] | None = None,
) -> Path:
    """Write a page that runs SDE and SGD side by side: one file, which opens from disk in a browser, without a server.

    Parameters
    ----------
    landscape : Landscape or None
        Of one variable or two: what the page opens with, beside the landscapes of its presets. None for these alone.
    path : str or Path
        Of the file, which is written anew.
    w0 : (d,), optional
        Where paths start.
    box : d pairs of float, optional
        What is drawn of each variable.
    settings : mapping, optional
        What the page begins with, by the names that its links have (`sgdsde.explore.choices`): ``lr`` for ε, ``B``,
        ``N``, ``m``, ``sampling``, ``driver``, ``examples``, ``dynamics``, ``sde``, ``l`` for its steps, ``paths``,
        ``seed``, and ``p.name`` for a parameter.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ValueError
        For a landscape of more than two variables, a frame or start that do not fit, or settings that there are none.

    Notes
    -----
    The programs are those of the tape, printed by `sgdsde.engines.javascript`, with the random numbers of
    `sgdsde.engines.noise`: path p of a seed is the path that :func:`sgdsde.simulate_sgd` takes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = explore_page(Landscape("x**2/2", "x"), Path(folder) / "page.html")
    ...     size = page.stat().st_size
    >>> size < 1_000_000
    True
    """
    target = Path(path)
    scenes = scenes_for(landscape, w0, box)
    begun = checked(settings or {}, next(iter(scenes.values())))
    target.write_text(page(scenes, begun), encoding="utf-8")
    return target


def scenes_for(
    landscape: Landscape | None, w0: Sequence[float] | None = None, box: Sequence[Sequence[float]] | None = None
) -> dict[str, Scene]:
    """The scenes of a page by their names, that of the landscape first; then those of presets."""
    known = named_scenes()
    wanted = {preset.scene: known[preset.scene] for preset in PRESETS}
    if landscape is None:
        return {**wanted, **known}
    own = scene_of(landscape, w0, box)
    if own.name in wanted:  # its own noise or parameters may differ from those of the presets
        same = own.landscape == wanted[own.name].landscape and own.box == wanted[own.name].box
        return {own.name: own, **wanted} if same else {OWN: own, **wanted}
    return {own.name or OWN: own, **wanted}


def page(scenes: Mapping[str, Scene], settings: Mapping[str, float | str]) -> str:
    """The text of the page; it opens with the first scene."""
    folder = resources.files("sgdsde.explore")
    script = "\n".join(
        [
            '"use strict";',
            "(() => {",
            model(scenes),
            f"const FIRST = {_json(dict(settings))};",
            *_scripts(PAGE),
            "})();",
        ]
    )
    style = (folder / "style.css").read_text(encoding="utf-8")
    found = (folder / "page.html").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {"POLICY": html.escape(policy), "STYLE": style, "SCRIPT": script}
    for name, text in parts.items():
        found = found.replace(f"{{{{{name}}}}}", text, 1)
    return found


def model(scenes: Mapping[str, Scene]) -> str:
    """All that a page computes with, and nothing that needs a page: the scenes, by `SCENES`, and the scripts."""
    listed = ",\n".join(f"{_json(name)}: {_scene(scene)}" for name, scene in scenes.items())
    presets = [
        {"name": p.name, "title": p.title, "text": p.text, "scene": p.scene, "settings": dict(p.settings)}
        for p in PRESETS
    ]
    tables = {
        "RULES": RULES, "SDES": SDES, "PRESETS": presets, "CHOICES": dict(CHOICES), "USUAL": dict(USUAL),
        "RATE": RATE, "LARGEST_SEED": LARGEST_SEED,
    }  # fmt: skip
    named = [f"const {name} = {_json(table)};" for name, table in tables.items()]
    return "\n".join([javascript.runtime(), *_scripts(MODEL), *named, f"const SCENES = {{\n{listed}\n}};"])


@functools.lru_cache(maxsize=64)
def _programs(landscape: Landscape) -> str:
    return ",\n".join(f"{_json(name)}: {printed}" for name, printed in programs(landscape))


def _scene(scene: Scene) -> str:
    landscape = scene.landscape
    names = sorted(landscape.parameters)
    told = {
        "name": scene.name, "title": landscape.name, "description": scene.description.replace("`", ""),
        "texts": [f"L = {landscape.text}", " = ".join(landscape.noise.in_words(landscape.dimension))],
        "variables": list(landscape.variables), "box": scene.box, "w0": scene.w0, "settings": dict(scene.settings),
        "parameters": [
            {"name": name, "value": landscape.parameters[name], "range": scene.range_of(name)} for name in names
        ],
        "noiseDimension": landscape.noise_dimension,
        "leave": list(with_ends(landscape).parameters)[-2:] if landscape.dimension == 1 else None,
    }  # fmt: skip
    formulas = ", ".join(f"{name}: {javascript.formulas(landscape.block(name))}" for name in QUANTITIES)
    watched = _watched(scene.watched, landscape) if scene.watched else "null"
    return f"{{...{_json(told)}, watched: {watched}, formulas: {{{formulas}}},\nprograms: {{{_programs(landscape)}}}}}"


def _watched(watched: Watched, landscape: Landscape) -> str:
    names = sorted(landscape.parameters)
    value = _formula(watched.formula, landscape.variables, names)
    mean = _formula(watched.mean, ("start", "T", "time"), names)
    return f"{{name: {_json(watched.formula)}, formula: {value}, mean: {mean}}}"


def _formula(text: str, variables: Iterable[str], parameters: Sequence[str]) -> str:
    """An expression as a formula of w0, w1, … and p0, p1, …."""
    import sympy as sp

    symbols = {name: sp.Symbol(f"w{i}", real=True) for i, name in enumerate(variables)}
    arrays = [str(symbol) for symbol in symbols.values()]
    symbols |= {name: sp.Symbol(f"p{i}", real=True) for i, name in enumerate(parameters)}
    value = expression.to_sympy(expression.parse(text, list(symbols)), symbols)
    scalars = [f"p{i}" for i, _ in enumerate(parameters)]
    return javascript.formulas(codegen.lower([(["out0"], [value])], scalars, arrays))


def _scripts(names: Iterable[str]) -> list[str]:
    folder = resources.files("sgdsde.explore") / "scripts"
    return [(folder / f"{name}.js").read_text(encoding="utf-8") for name in names]


def _json(value: Any) -> str:
    """JSON that ends no script: without ``<``, and without what JavaScript takes for ends of lines."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
