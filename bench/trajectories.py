"""SGD and its SDE as simulators of the same thing: what each costs for an estimate to 1 %, and what the SDE gets wrong.

    python -m bench.trajectories [--quick] [--rounds 7] [--out bench-results]

Cost is the time of a path-step, with moments gathered, times the path-steps after which the relative standard error is
1 %, from the spread over independent paths; starting and compiling are left out. The stationary covariance is that of a
quadratic with curvature 1, ε h = ε; the mean trajectory that of a double well. The bias is that of the law which a
simulator estimates, exactly, against the law of SGD. Every estimate is checked against its own exact law.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import trajectory_covariance, trajectory_means
from bench.pictures import trajectory_panels
from bench.trajectory_costs import DELTA, Comparison, Effort
from bench.trajectory_covariance import BASE, SETTINGS
from sgdsde.engines.numba_lanes import available_cores
from sgdsde.plotting.style import png

QUICK = Effort(rounds=3, turn=0.03, spread=0.1, relaxations=20, mean_paths=8192, batches=(1, 8, 128))
_SHORT = {"without_replacement": "fresh, none twice", "with_replacement": "with replacement", "reshuffle": "reshuffled"}


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def show(comparison: Comparison) -> None:
    """Print the prices of a comparison."""
    sgd, fresh = comparison.sgd, next(iter(comparison.sgd))
    batches = list(sgd[fresh])
    base = 8 if 8 in batches else batches[len(batches) // 2]
    print(f"\n{comparison.title}   (cores had: {comparison.cores:.1f} of {available_cores()})")
    print(f"  ms to {DELTA:.0%} (ns per path-step){'':13}" + "".join(f"{f'B = {b}':>17}" for b in batches))
    for sampling, costs in sgd.items():
        cells = (f"{_short(cost.milliseconds)} ({_short(cost.step)})" for cost in costs.values())
        print(f"  SGD {_SHORT[sampling]:39}" + "".join(f"{cell:>17}" for cell in cells))
    print(f"  {f'at B = {base}':42} {'ms':>8} {'ns':>6} {'path-steps':>11} {'SGD costs':>10}   bias: fresh  reshuffled")
    for label, cost in [(f"SGD {_SHORT[fresh]}", sgd[fresh][base])] + [
        (name, by_sampling[fresh][base]) for name, by_sampling in comparison.sde.items()
    ]:
        times = sgd[fresh][base].milliseconds / cost.milliseconds
        biases = [of[base].bias for s, of in comparison.sde.get(label, {}).items() if s in (fresh, "reshuffle")]
        print(
            f"  {label:42} {_short(cost.milliseconds):>8} {_short(cost.step):>6} {cost.steps:11.3g} {times:8.3g} ×   "
            + "".join(f"{each:+11.1%}" for each in biases)
        )


def show_crossovers(comparisons: Sequence[Comparison]) -> None:
    """Print, for each comparison, sampling and scheme, from which B on SGD is the dearer."""
    print("\nB from which the SDE is the cheaper simulator (range over rounds)")
    print(f"always: at every B that was run; never: at none; *: but there its bias reaches more than {DELTA:.0%}")
    for comparison in comparisons:
        print(f"\n  {comparison.title:50}" + "".join(f"{_SHORT[sampling]:>20}" for sampling in comparison.sgd))
        for name in comparison.sde:
            cells = (str(comparison.crossover(sampling, name)) for sampling in comparison.sgd)
            print(f"    {name:48}" + "".join(f"{cell:>20}" for cell in cells))


def show_checks(comparisons: Sequence[Comparison]) -> bool:
    """Print whether the estimates agree with their own exact laws."""
    checks = [check for comparison in comparisons for check in comparison.checks]
    missed = [check for check in checks if not check.met]
    for check in missed:
        print(f"  MISSED {check.name}: {check.z:+.1f} standard errors from its exact law")
    worst, blind = max(abs(check.z) for check in checks), max(check.detectable for check in checks)
    print(
        f"  {'MISSED' if missed else 'met   '} {len(checks) - len(missed)} of {len(checks)} estimates are within 4 "
        f"standard errors of their own exact laws; the furthest is {worst:.1f} away, each would have shown {blind:.1%}"
    )
    return not missed


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables, draw the figure; exit status 1 when an estimate is not what its simulator claims."""
    parser = argparse.ArgumentParser(prog="python -m bench.trajectories", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer settings, batch sizes and rounds; a minute")
    parser.add_argument("--rounds", type=int, help=f"default {Effort.rounds}, with --quick {QUICK.rounds}")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder of the figure")
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else Effort()
    if options.rounds:
        effort = replace(effort, rounds=options.rounds)
    settings = [BASE, replace(BASE, momentum=0.9), replace(BASE, learning_rate=0.01)] if options.quick else SETTINGS
    print(f"{platform.machine()}, {available_cores()} cores; costs are medians over {effort.rounds} rounds")
    print("\nThe stationary covariance of a quadratic, and the mean trajectory of a double well")
    comparisons = []
    for setting in settings:
        comparisons.append(trajectory_covariance.compare(setting, effort))
        show(comparisons[-1])
    for comparison in trajectory_means.compare(effort):
        comparisons.append(comparison)
        show(comparison)
    show_crossovers(comparisons)
    print()
    passed = show_checks(comparisons)
    options.out.mkdir(parents=True, exist_ok=True)
    picture = options.out / "trajectories.png"
    picture.write_bytes(png(trajectory_panels(comparisons)))
    print(f"\n{picture}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
