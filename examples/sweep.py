"""Is it ε/B alone that decides how long SGD stays in a minimum? A sweep over ε and B that can be stopped and goes on.

Mean times to leave a well, in the SDE's own time ε × updates, over the exact time of the SDE. Cells of the same ε/B
agree with each other, while that time goes from 3 to 700. Where ε/B is large SGD takes up to a tenth longer than the
SDE: it leaves in tens of updates, and is looked at after whole ones. Results are kept beside the picture in
sweep.sqlite: stopped by Ctrl-C or by a crash, the same command goes on; run again, it only draws. On a cluster, give
sweep an executor such as "tcp://10.0.0.1:8786".

    python examples/sweep.py [picture.png]
"""

import sys
from pathlib import Path

import sgdsde as sg
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks, png
from sgdsde.sweeps import sweep

WELL = sg.Landscape("x**4/4 - x**2/2", variables="x", noise_covariance=8.0)
GRID: dict[str, list[float]] = {"learning_rate": [0.05, 0.1, 0.2], "batch_size": [1, 2, 4]}


def time_to_leave(learning_rate: float, batch_size: int, paths: int) -> dict[str, float]:
    config = sg.SGDConfig(learning_rate, batch_size, n_examples=1000)
    seed = round(1e4 * learning_rate) + batch_size  # each cell has noise of its own
    exits = sg.simulate_sgd(WELL, config, -1.0, updates=400_000, paths=paths, seed=seed, stop="x > 0.5").exits
    assert exits is not None
    found = exits.mean_time()
    exact = sg.theory.mean_exit_time(WELL, config, -1.0, stop="x > 0.5")
    times = {"sgd": found.mean, "standard_error": found.standard_error, "sde": exact}
    return {name: value * learning_rate for name, value in times.items()}


def main(picture: Path) -> None:
    found = sweep(time_to_leave, GRID, picture.with_name("sweep.sqlite"), fixed={"paths": 4000})
    print(found.to_dataframe().round(2).to_string())

    figure = bare_figure(7.5, 5.0)
    with house_style():
        axes = figure.add_subplot()
        for row, (colour, marker) in zip(found.transpose("learning_rate", ...).learning_rate, looks(), strict=False):
            cells = found.sel(learning_rate=row)
            ratio = row / cells.batch_size
            axes.errorbar(
                ratio, cells.sgd / cells.sde, 2 * cells.standard_error / cells.sde, color=colour, marker=marker,
                linestyle="-", linewidth=0.8, capsize=3, label=f"ε = {float(row):g}",
            )  # fmt: skip
        axes.axhline(1.0, color="#4D4D4D", linestyle="--", label="SDE, exact")
        axes.set(xscale="log", xlabel="ε/B", ylabel="mean time to leave, SGD ÷ SDE (bars: 2σ)")
        plain_log_ticks(axes.xaxis)
        outside_legend(axes, ncols=4)
    picture.write_bytes(png(figure, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "sweep.png"))
