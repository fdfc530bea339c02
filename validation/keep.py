"""Keeps claims of a report: numbers and pictures in validation/results/, and docs/mnist.md, which shows them.

    python -m validation.keep report mnist_learning_rate mnist_momentum

Without arguments it writes the page again from what is kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from validation.claim import ORDER
from validation.formatting import strict

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "validation" / "results", ROOT / "docs" / "mnist.md"
#: Of a run, what a reader needs to repeat it.
RUN = ("preset", "seed", "provenance")
_HEAD = """# Networks on MNIST

Made by `python -m validation.keep` from the results of runs in `validation/results/`; do not edit. What a claim checks
and how it is judged is in the report of `python -m validation`; every measured number is in the claim's JSON file.
Claims share what is trained: a time is of what claims before it had not trained.
"""


def keep(report: Path, names: Iterable[str], results: Path = RESULTS) -> None:
    """Copy claims from a report's folder.

    Raises
    ------
    ValueError
        When the report has no such claim, or it did not end; nothing is written then.
    """
    run = json.loads((report / "results.json").read_text(encoding="utf-8"))
    found = {claim["name"]: claim for claim in run["claims"]}
    wanted = list(names)
    for name in wanted:
        if name not in found or not found[name]["checks"]:
            ended = ", ".join(each for each, claim in found.items() if claim["checks"])
            raise ValueError(f"{str(report)!r} has no finished claim {name!r}; it has {ended or 'none'}")
    for name in wanted:
        content = {key: run[key] for key in RUN} | found[name]
        text = json.dumps(strict(content), indent=1, ensure_ascii=False, allow_nan=False)
        (results / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        for figure in found[name]["figures"]:
            shutil.copyfile(report / figure["file"], results / figure["file"])


def kept(results: Path = RESULTS) -> list[dict[str, Any]]:
    """Claims that are kept with their pictures, in reading order."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*.json"))]
    claims = {claim["name"]: claim for claim in found if isinstance(claim, dict)}
    return [claims[name] for name in ORDER if name in claims]


def page(claims: Sequence[dict[str, Any]]) -> str:
    """Text of docs/mnist.md."""
    parts = [_HEAD]
    for claim in claims:
        made = claim["provenance"]
        run = f"python -m validation --only {claim['name']} --preset {claim['preset']} --seed {claim['seed']}"
        parts.append(f"## {claim['title']}\n\n{claim['statement']}\n\n**{claim['verdict']}**: {claim['reason']}.\n")
        parts += [f"{note}\n" for note in claim["notes"]]
        parts += [
            f"![{figure['alt']}](../validation/results/{figure['file']})\n\n{figure['caption']}\n"
            for figure in claim["figures"]
        ]
        parts.append(f"{claim['method']}\n\nSource: {claim['source']}.\n")
        parts.append(
            f"`{run}`: {claim['seconds']:.0f} s on {made['CPUs']} CPUs, {made['date'][:10]}, torch {made['torch']}, "
            f"data: {claim['data']}.\n"
        )
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    command = argparse.ArgumentParser(prog="python -m validation.keep", description=__doc__.splitlines()[0])
    command.add_argument("report", nargs="?", type=Path, help="folder of a report")
    command.add_argument("claims", nargs="*", metavar="NAME", help="claims to keep")
    options = command.parse_args(arguments)
    if options.report is not None:
        if not options.claims:
            command.error("name the claims to keep")
        try:
            keep(options.report, options.claims)
        except (OSError, ValueError) as error:
            command.error(str(error))
    PAGE.write_text(page(kept()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
