"""``python -m tests.mutations``: every mutation of the named claims, or of all, as a table."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.mutations import load, rulings, see


def main() -> int:
    """Run the command line; status 1 where a check agrees although its rival is true."""
    command = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    command.add_argument("claims", nargs="*")
    command.add_argument("--preset", default="quick")
    command.add_argument("--seed", type=int, default=99)
    options = command.parse_args()
    missed = 0
    print("| claim | rival made true | checks that name it | agreed before | after | still agree |")
    print("|---|---|---|---|---|---|")
    before: dict[str, dict] = {}
    for mutated in load().values():
        if options.claims and mutated.claim not in options.claims:
            continue
        if mutated.claim not in before:
            before[mutated.claim] = rulings(mutated.claim, options.preset, options.seed)
        seen = see(mutated, options.preset, options.seed, before[mutated.claim])
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
