"""How long does SGD take to leave a minimum? Its mean exit time against the noise scale, and the law of exit times.

A double well, from the bottom to the top of the barrier. The SDE takes as long as the exact integral says, over two
orders of magnitude; Kramers' formula is 10 % short and gets better as noise gets weaker. SGD takes some 15 % longer at
any noise scale, because it looks at its place once an update: it may step over the top and back without noticing. Exit
times are exponential, which is a straight line in the second picture.

    python examples/escape.py [picture.png]
"""

import sys
from pathlib import Path

import sgdsde as sg
from sgdsde.plotting import escape_times, png, survival_curves


def main(picture: Path) -> None:
    well = sg.Landscape("x**4/4 - x**2/2", variables="x", noise_covariance=8.0)
    config = sg.SGDConfig(learning_rate=0.05, batch_size=1, n_examples=64)

    study = sg.escape_study(well, config, -1.0, stop="x > 0", batch_sizes=(1, 2, 3), paths=2000)
    print(study)

    picture.write_bytes(png(escape_times(study), dpi=110))
    print(f"\nPicture: {picture}")

    batch = 2
    runs = {label: next(run for run in study[label] if run.config.batch_size == batch) for label in study.labels}
    exact = sg.theory.mean_exit_time(well, runs["SDE"].config, -1.0, stop="x > 0")
    curves = survival_curves(
        {f"{label}, B = {batch}": run.ensemble for label, run in runs.items()}, {"exponential, exact mean": exact}
    )
    survival = picture.with_name(f"{picture.stem}_survival{picture.suffix}")
    survival.write_bytes(png(curves, dpi=110))
    print(f"Picture: {survival}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("escape.png"))
