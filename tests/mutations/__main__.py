"""``python -m tests.mutations``: every mutation of the named claims, or of all, as a table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.mutations import load, rulings, see
from validation.context import Place


def main() -> int:
    """Run the command line; status 1 where a check agrees although its rival is true."""
    command = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    command.add_argument("claims", nargs="*")
    command.add_argument("--preset", default="quick")
    command.add_argument("--seeds", type=int, nargs="+", default=[99], help="pooled where networks are trained")
    options = command.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return table(options, Place(Path(folder)))


def table(options: argparse.Namespace, place: Place) -> int:
    """Print a row for each mutation."""
    missed, seeds = 0, tuple(options.seeds)
    print("| claim | rival made true | checks that name it | agreed before | after | still agree |")
    print("|---|---|---|---|---|---|")
    before: dict[str, dict] = {}
    for mutated in load().values():
        if options.claims and mutated.claim not in options.claims:
            continue
        if mutated.claim not in before:
            before[mutated.claim] = rulings(mutated.claim, options.preset, seeds, place)
        seen = see(mutated, options.preset, seeds, before[mutated.claim], place)
        first = sum(verdict in ("agrees", "exact") for verdict, _ in seen.verdicts.values())
        after = ", ".join(f"{n} {kind}" for kind, n in Counter(v for _, v in seen.verdicts.values()).items())
        print(
            f"| {mutated.claim} | {mutated.rival}: {mutated.words} | {len(seen.verdicts)} | {first} | {after} | "
            f"{'; '.join(seen.missed) or 'none'} |",
            flush=True,
        )
        missed += len(seen.missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
