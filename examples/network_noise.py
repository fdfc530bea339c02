"""How does the gradient noise of a network change while it learns? Noise scales and curvature along training.

McCandlish's noise scale B_simple = Tr F/|∇L|² is the batch size at which the noise of the mean gradient is as long as
the gradient. It grows tenfold while the network learns with B = 16: ∇L vanishes faster than F does. With B = 4 noise
keeps ∇L large. F has its noise in the sharp directions: Tr(HF) is a hundred times that of isotropic noise of the same
trace, and more and more. The network is small, and the gradients of its 200 examples are all taken.

    python examples/network_noise.py [picture.png]
"""

import copy
import sys
from pathlib import Path

import torch

import sgdsde as sg
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, png

Weights = dict[str, torch.Tensor]
DATA = sg.data.digits(n_train=200)
MODEL = sg.models.mlp(64, 16, 10)


def at(weights: Weights) -> torch.nn.Module:
    """A network with these weights."""
    network = copy.deepcopy(MODEL)
    network.load_state_dict(weights)
    return network


def noise_trace(weights: Weights, x: torch.Tensor, y: torch.Tensor) -> float:
    return sg.models.noise_covariance(at(weights), DATA).trace


def noise_scale(weights: Weights, x: torch.Tensor, y: torch.Tensor) -> float:
    return sg.models.noise_scales(sg.models.noise_covariance(at(weights), DATA)).simple


def sharpness(weights: Weights, x: torch.Tensor, y: torch.Tensor) -> float:
    return float(sg.models.top_eigenpairs(sg.models.mean_hessian(at(weights), DATA), 1).values[0])


def gain(weights: Weights, x: torch.Tensor, y: torch.Tensor) -> float:
    network = at(weights)
    noise_covariance, hessian = sg.models.noise_covariance(network, DATA), sg.models.mean_hessian(network, DATA)
    return float(sg.models.alignment(noise_covariance, hessian, probes=30).gain.value)


PANELS = {
    "noise_trace": "Tr F",
    "noise_scale": "B_simple = Tr F/|∇L|²",
    "sharpness": "largest eigenvalue of H",
    "gain": "Tr(HF) over isotropic noise's",
}


def main(picture: Path) -> None:
    measures = {"noise_trace": noise_trace, "noise_scale": noise_scale, "sharpness": sharpness, "gain": gain}
    figure = bare_figure(15.0, 3.8)
    with house_style():
        panels = figure.subplots(1, len(PANELS))
        for batch_size, (colour, marker) in zip((4, 16, 64), looks(), strict=False):
            config = sg.SGDConfig(learning_rate=0.1, batch_size=batch_size, n_examples=200)
            runs = sg.models.train(MODEL, DATA, config, updates=1000, evaluate_every=125, measures=measures, seed=0)
            print(f"B = {batch_size}:", {name: f"{float(runs[name].isel(step=-1).mean()):.3g}" for name in PANELS})
            for axes, (name, title) in zip(panels, PANELS.items(), strict=True):
                axes.plot(
                    runs["step"], runs[name].isel(replica=0), color=colour, marker=marker, label=f"B = {batch_size}"
                )
                axes.set(xlabel="updates", ylabel=title)
        panels[1].set(yscale="log")
        outside_legend(panels[0])
    picture.write_bytes(png(figure, dpi=110))
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "network_noise.png"))
