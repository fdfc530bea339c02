"""Is the SDE right for this run? Lines: what `diagnose` says of its variance, without a simulation; points: simulated.

Reshuffled batches make Brownian motion too wide, the more so the smaller ε is; bridges are right wherever ε is small.

    python examples/is_the_sde_right.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting.style import bare_figure, house_style, looks, png

BOWL = sg.Landscape("x**2/2", "x")
CASES = [("without_replacement", "brownian"), ("reshuffle", "brownian"), ("reshuffle", "epoched")]


def main(picture: Path) -> None:
    figure = bare_figure(6.4, 4.2)
    with house_style():
        axes = figure.subplots()
        for (sampling, driver), (colour, marker) in zip(CASES, looks(), strict=False):
            configs = [sg.SGDConfig(rate, 4, 64, sampling=sampling) for rate in np.geomspace(0.02, 1.0, 25)]
            found = [sg.diagnose(config, BOWL, driver=driver) for config in configs]
            axes.plot([config.learning_rate for config in configs], [1 + each.error for each in found], color=colour)
            for config, each in list(zip(configs, found, strict=True))[::8]:
                run = sg.simulate_sgd(BOWL, config, 0.0, 1600, 1024, burn_in=800)
                axes.plot(config.learning_rate, each.sde_variance / run.covariance[0, 0], marker, color=colour)
            axes.plot([], [], marker, ls="-", color=colour, label=f"{sampling}, {driver}")
        axes.set(xscale="log", yscale="log", xlabel="learning rate ε", ylabel="variance of the SDE over SGD's")
        axes.legend()
    print(sg.diagnose(sg.SGDConfig(0.1, 4, 64, momentum=0.9, sampling="reshuffle"), BOWL))
    picture.write_bytes(png(figure, dpi=110))
    print(f"\nPicture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "is_the_sde_right.png"))
