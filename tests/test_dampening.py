"""Dampening is torch.optim's: the first update is whole, and without momentum all are."""

import pytest
import torch

import sgdsde as sg

pytestmark = pytest.mark.networks

LOSSES = {"x**2/2": lambda w: w**2 / 2, "x**4/4 - x**2/2": lambda w: w**4 / 4 - w**2 / 2}


def by_torch(loss, start, **options):
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], **options)
    for _ in range(10):
        optimizer.zero_grad()
        LOSSES[loss](w).backward()
        optimizer.step()
    return w.item()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("m", [0.0, 0.9])
@pytest.mark.parametrize("d", [0.0, 0.5])
def test_ten_updates_without_noise(loss, m, d):
    config = sg.SGDConfig(0.1, 64, 64, momentum=m, dampening=d)  # the whole set is the batch
    run = sg.simulate_sgd(sg.Landscape(loss, "x", noise_covariance=1.0), config, 1.5, 10, paths=1, engine="numpy")
    assert run.final.item() == pytest.approx(by_torch(loss, 1.5, lr=0.1, momentum=m, dampening=d), rel=1e-12)


def test_the_first_update_apart_it_divides_the_learning_rate():
    damped, divided = sg.SGDConfig(0.1, 4, 64, momentum=0.9, dampening=0.5), sg.SGDConfig(0.05, 4, 64, momentum=0.9)
    assert (damped.temperature, damped.time_per_update) == (divided.temperature, divided.time_per_update)
    plain = sg.SGDConfig(0.1, 4, 64, dampening=0.5)
    assert plain.temperature == sg.SGDConfig(0.1, 4, 64).temperature
