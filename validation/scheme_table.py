"""Writes docs/schemes.md: what every scheme declares, and what the claim `integrator_orders` measured.

    python -m validation.scheme_table [path/to/results.json]

With the results of a run, their measured orders are kept in validation/results/measured_orders.json first.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sgdsde.schemes import Declaration, declarations
from sgdsde.schemes.registry import ADAPTIVE_EQUATIONS, EQUATIONS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "schemes.md"
MEASURED = ROOT / "validation" / "results" / "measured_orders.json"

_HEAD = """# Schemes

Made by `python -m validation.scheme_table` from the declarations in `sgdsde/schemes/`; do not edit. Use a scheme by its
name: `sg.integrate(…, scheme="heun")`, `sg.simulate_sde(…, scheme="baoab")`. All integrate the same SDE in the sense of
Itô; the tape corrects the drift of Stratonovich schemes. Orders are in the step Δ. Where a kind of noise is named, the
order is for that kind: *additive* (A constant) ⊂ *commutative* ⊂ *any*, *diagonal* (A diagonal, A_ii of ω_i alone) ⊂
*commutative*. *Measured* is the slope on each problem of the claim `integrator_orders`, ± half its 95 % interval;
"none" stands for no error that could be seen. The maps of optimisers are in [dynamics.md](dynamics.md).
"""
_SECTIONS = {
    ("overdamped", "ito"): "dω = −∇L ds + √T A(ω) dW, schemes of Itô's sense",
    ("overdamped", "stratonovich"): "dω = −∇L ds + √T A(ω) dW, schemes of Stratonovich's sense",
    ("momentum", "ito"): "dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A(ω) dW",
    ("rmsprop", "ito"): "The SDE of RMSprop, in the clock of its updates",
    ("adam", "ito"): "The SDE of Adam, in the clock of its updates",
}


def kept(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Scheme, order, problem, slope and half width of each check of a run's ``results.json``."""
    (claim,) = (found for found in results["claims"] if found["name"] == "integrator_orders")
    rows = []
    for check in claim["checks"]:
        scheme, which, problem = check["label"].split(":")[0].split(", ")
        exact = ":" in check["label"]
        rows.append(
            {
                "scheme": scheme, "which": which, "problem": problem,
                "slope": None if exact else round(check["measured"], 3),
                "half_width": None if exact else round(1.96 * check["standard_error"], 3),
            }
        )  # fmt: skip
    return rows


def page(measured: Sequence[Mapping[str, Any]]) -> str:
    """Text of docs/schemes.md."""
    parts = [_HEAD]
    for (equation, interpretation), title in _SECTIONS.items():
        found = [
            declaration
            for _, declaration in sorted(declarations((*EQUATIONS, *ADAPTIVE_EQUATIONS)).items())
            if (declaration.equation, declaration.interpretation) == (equation, interpretation)
        ]
        parts.append(f"\n## {title}\n")
        parts.append("| scheme | noise | strong | measured | weak | measured | step | source |")
        parts.append("|---|---|---|---|---|---|---|---|")
        parts += [_row(declaration, measured) for declaration in found]
    return "\n".join(parts) + "\n"


def _row(declaration: Declaration, measured: Sequence[Mapping[str, Any]]) -> str:
    takes = declaration.noise + ("" if declaration.loss == "any" else f", {declaration.loss} loss")
    cells = [f"`{declaration.name}`", takes]
    for which, orders in (("strong", declaration.strong), ("weak", declaration.weak)):
        cells.append(", ".join(_declared(kind, order, declaration) for kind, order in orders.items()) or "–")
        own = [row for row in measured if (row["scheme"], row["which"]) == (declaration.name, which)]
        cells.append(", ".join(map(_slope, own)) or "–")
    extra = f" Invariant law: order {declaration.invariant:g}." if declaration.invariant else ""
    cells += [declaration.summary.replace("|", "\\|") + extra, declaration.source]
    return f"| {' | '.join(cells)} |"


def _declared(kind: str, order: float, declaration: Declaration) -> str:
    text = "exact" if math.isinf(order) else f"{order:g}"
    return text if kind == declaration.noise else f"{text} ({kind})"


def _slope(row: Mapping[str, Any]) -> str:
    if row["slope"] is None:
        return f"none ({row['problem']})"
    return f"{row['slope']:.2f} ± {row['half_width']:.2f} ({row['problem']})"


def main(arguments: Sequence[str] = ()) -> int:
    """Write the page, after keeping the results of a run if they are given."""
    parser = argparse.ArgumentParser(prog="python -m validation.scheme_table", description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", type=Path, help="results.json of a run, whose measured orders are kept")
    given = parser.parse_args(arguments).results
    if given is not None:
        try:
            found = json.dumps(kept(json.loads(given.read_text())), indent=1) + "\n"
        except (OSError, ValueError, KeyError) as error:
            parser.error(f"results must be the results.json of a run with integrator_orders, got {given}: {error!r}")
        MEASURED.parent.mkdir(exist_ok=True)
        MEASURED.write_text(found)
    PAGE.write_text(page(json.loads(MEASURED.read_text())))
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
