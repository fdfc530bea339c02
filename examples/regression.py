"""Gradient noise keeps a network above its smallest loss, and averaging the weights takes the noise off again.

Regression on noisy targets, where gradients of single examples do not vanish: at one learning rate the loss with B = 2
stays a third above that with B = 50, and the moving average of the same run's weights comes down to it.

    python examples/regression.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import sgdsde as sg
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, png

X = np.random.default_rng(0).uniform(-1, 1, (400, 1))
Y = np.sin(4 * X) + 0.3 * np.random.default_rng(1).standard_normal(X.shape)
DATA, MODEL = sg.data.Dataset("a wave", X[:200], Y[:200], X[200:], Y[200:]), sg.models.mlp(1, 20, 1)


def main(picture: Path) -> None:
    figure = bare_figure(8.0, 4.0)
    with house_style():
        axes = figure.subplots()
        for batch_size, (colour, marker) in zip((2, 50), looks(), strict=False):
            config = sg.SGDConfig(learning_rate=0.05, batch_size=batch_size, n_examples=200)
            runs = sg.models.train(MODEL, DATA, config, 2000, 2, evaluate_every=200, loss="mse", ema=0.99)
            for name, line in (("train_loss", "-"), ("ema_train_loss", ":")):
                label = f"B = {batch_size}{', averaged weights' if 'ema' in name else ''}"
                axes.plot(runs.step, runs[name].mean("replica"), line, color=colour, marker=marker, label=label)
                print(f"{label}: {float(runs[name].isel(step=slice(5, None)).mean()):.3g}")
        axes.set(xlabel="updates", ylabel="training loss", yscale="log")
        outside_legend(axes)
    picture.write_bytes(png(figure, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "regression.png"))
