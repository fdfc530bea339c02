"""How wrong is the SDE? From SGD to its stochastic differential equation, rung by rung, on a double well.

Every path starts in the right-hand well, and the noise of a batch is ±0.38 with equal odds. The slope of the barrier is
0.385 at its steepest, so SGD can never climb it. The SDE says that several per cent have left: only the covariance of
the noise is the same. SVAG(l), whose noise is nearly normal and whose steps are shorter, tends to the SDE as l grows.
Noisy gradient descent, with normal noise and SGD's long steps, errs the other way.

    python examples/how_wrong_is_the_sde.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting import ladder_chart, png

SIGNS = np.repeat([-1.0, 1.0], 32)[:, None]  # 64 examples


def main(picture: Path) -> None:
    well = sg.Landscape("x**4/4 - x**2/2", variables="x", noise_covariance=0.38**2)
    config = sg.SGDConfig(learning_rate=0.55, batch_size=1, n_examples=64)

    ladder = sg.ladder(well, config, 1.0, updates=600, paths=4096, svag=(1, 2, 4, 8, 16), examples=SIGNS)

    print(ladder)
    print("\nPaths that have left the well:")
    for label, ensemble in [("SDE", ladder.reference), *((rung.label, rung.ensemble) for rung in ladder.rungs[:-1])]:
        print(f"  {label:14}{100 * (ensemble.final < 0).mean():5.1f} %")
    picture.write_bytes(png(ladder_chart(ladder), dpi=110))
    print(f"\nPicture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("how_wrong_is_the_sde.png"))
