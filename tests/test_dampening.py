"""How dampening here differs from torch.optim's, by the numbers that the docs give."""

from pathlib import Path

import pytest
import torch

import sgdsde as sg

ROOT = Path(__file__).parent.parent
LOSSES = {"x**2/2": lambda w: w**2 / 2, "x**4/4 - x**2/2": lambda w: w**4 / 4 - w**2 / 2}
#: Loss, start, m, d, after ten updates of torch.optim and of ours: ε = 0.1.
CASES = [
    ("x**2/2", 1.0, 0.0, 0.5, 0.349, 0.599),
    ("x**2/2", 1.0, 0.9, 0.5, -0.421, -0.311),
    ("x**2/2", 1.0, 0.9, 0.0, -0.589, -0.589),
    ("x**4/4 - x**2/2", 2.0, 0.9, 0.5, -1.644, -1.090),
    ("x**4/4 - x**2/2", 2.0, 0.9, 0.0, -1.037, -1.037),
]


def by_torch(loss, start, **options):
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], **options)
    for _ in range(10):
        optimizer.zero_grad()
        LOSSES[loss](w).backward()
        optimizer.step()
    return w.item()


@pytest.mark.parametrize(("loss", "start", "m", "d", "theirs", "own"), CASES)
def test_ten_updates_without_noise(loss, start, m, d, theirs, own):
    config = sg.SGDConfig(0.1, 64, 64, momentum=m, dampening=d)  # the whole set is the batch
    run = sg.simulate_sgd(sg.Landscape(loss, "x", covariance=1.0), config, start, 10, paths=1, engine="numpy")
    assert run.final.item() == pytest.approx(own, abs=5e-4)
    assert by_torch(loss, start, lr=0.1, momentum=m, dampening=d) == pytest.approx(theirs, abs=5e-4)
    assert by_torch(loss, start, lr=0.1 * (1 - d), momentum=m) == pytest.approx(run.final.item(), rel=1e-12)


def test_the_docs_say_so():
    for text in (sg.SGDConfig.__doc__, (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")):
        words = " ".join(text.split())
        assert "torch.optim" in words
        for _, _, m, d, theirs, own in CASES[:2]:
            for number in (theirs, own):
                assert f"{number:.3f}".replace("-", "−") in words, (m, d)
    assert "torch.optim" in (ROOT / "README.md").read_text(encoding="utf-8")
