"""Fills the tables of docs/schemes.md and docs/dynamics.md: what is declared, and which orders a kept run measured.

python -m validation.tables
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sgdsde.dynamics import all_noises, all_rules
from sgdsde.dynamics.limits import LIMITS
from sgdsde.schemes import Declaration, declarations
from sgdsde.schemes.registry import ADAPTIVE_EQUATIONS, EQUATIONS
from validation.measure import TWO_SIDED

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "docs" / "schemes.md", ROOT / "docs" / "dynamics.md")
MEASURED = ROOT / "validation" / "results" / "integrator_orders.json"
#: A table stands between comments that name it.
_TABLE = re.compile(r"(<!-- table: (.+?) -->\n).*?(<!-- /table -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page with its tables made anew."""
    return _TABLE.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def measured(kept: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Scheme and order → its slope on each problem, in words, of a kept result of ``integrator_orders``."""
    found: dict[tuple[str, str], list[str]] = {}
    for check in kept["checks"]:
        label, _, exact = check["label"].partition(":")
        scheme, which, problem = label.split(", ")
        slope = f"{check['measured']:.2f} ± {TWO_SIDED * check['standard_error']:.2f}"
        found.setdefault((scheme, which), []).append(f"{'none' if exact else slope} ({problem})")
    return found


def rules() -> str:
    """Optimisers."""
    heads = ("rule", "an update", "takes", "hyperparameters", "state", "scaling", "SDE", "source")
    rows = []
    for rule in all_rules().values():
        numbers = ", ".join(f"{name} = {each.default:g}" for name, each in rule.hyperparameters.items())
        cells = [f"`{rule.name}`", rule.summary, ", ".join(rule.takes), numbers, ", ".join(rule.state), rule.scaling]
        rows.append([*cells, ", ".join(f"`{name}`" for name in rule.sdes), rule.source])
    return _table(heads, rows)


def noises() -> str:
    """What a step's gradient differs by."""
    rows = []
    for noise in all_noises().values():
        where = [*(["landscapes"] if noise.on_landscape else []), "networks"]
        name = f"`{noise.name}:number`" if noise.strength else f"`{noise.name}`"
        rows.append([name, noise.summary, ", ".join(where), "yes" if noise.divides else "no", noise.source])
    return _table(("noise", "ĝ", "on", "l steps an update", "source"), rows)


def limits() -> str:
    """SDEs of rules."""
    heads = ("`simulate_sde(dynamics=…)`", "of the rule", "integrated by", "networks")
    rows = [
        [f"`{name}`", f"`{limit.rule}`", f"`{limit.scheme}`", "yes" if limit.steps else "no"]
        for name, limit in LIMITS.items()
    ]
    return _table(heads, rows)


def schemes(equation: str, interpretation: str, kept: Mapping[str, Any] | None = None) -> str:
    """Schemes of an equation and an interpretation, with the orders of a kept result; that of this project if None."""
    slopes = measured(json.loads(MEASURED.read_text(encoding="utf-8")) if kept is None else kept)
    heads = ("scheme", "noise", "strong", "measured", "weak", "measured", "step", "source")
    known = sorted(declarations((*EQUATIONS, *ADAPTIVE_EQUATIONS)).items())
    own = [each for _, each in known if (each.equation, each.interpretation) == (equation, interpretation)]
    return _table(heads, [_scheme(each, slopes) for each in own])


def _scheme(declared: Declaration, slopes: Mapping[tuple[str, str], list[str]]) -> list[str]:
    cells = [f"`{declared.name}`", declared.noise + ("" if declared.loss == "any" else f", {declared.loss} loss")]
    for which, orders in (("strong", declared.strong), ("weak", declared.weak)):
        named = [
            ("exact" if math.isinf(order) else f"{order:g}") + ("" if kind == declared.noise else f" ({kind})")
            for kind, order in orders.items()
        ]
        cells += [", ".join(named), ", ".join(slopes.get((declared.name, which), ()))]
    extra = f" Invariant law: order {declared.invariant:g}." if declared.invariant else ""
    return [*cells, declared.summary + extra, declared.source]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') or '–' for cell in row)} |" for row in (heads, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(tuple(heads)), *lines[1:]]) + "\n"


TABLES: dict[str, Callable[[], str]] = {"rules": rules, "noises": noises, "limits": limits} | {
    f"schemes, {equation}, {sense}": partial(schemes, equation, sense)
    for equation in (*EQUATIONS, *ADAPTIVE_EQUATIONS)
    for sense in ("ito", "stratonovich")
}

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"wrote {page}")
