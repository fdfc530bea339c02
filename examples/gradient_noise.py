"""How large a batch pays while a network learns? B_simple along a training loop of one's own, by gradient accumulation.

At B_simple = Tr F/|∇L|² the noise of a batch's gradient is as long as ∇L: twice as large a batch saves steps below it,
and hardly any above it. It grows as the network learns, until ∇L cannot be told from 0: the interval then reaches ∞.

    python examples/gradient_noise.py [picture.png]
"""

import sys
from pathlib import Path

import torch

import sgdsde as sg
from sgdsde.plotting.style import bare_figure, house_style, png

data = sg.data.digits(n_train=1000)
x, y = torch.tensor(data.x_train), torch.tensor(data.y_train)
model, loss = sg.models.mlp(64, 64, 10), torch.nn.functional.cross_entropy
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
noise = sg.gradient_noise(model, window=50, n_examples=1000)
seen = []
for step in range(1, 401):
    optimizer.zero_grad()
    for part in torch.randperm(1000)[:64].chunk(4):  # gradient accumulation
        (loss(model(x[part]), y[part]) / 4).backward()  # type: ignore[no-untyped-call]
        noise.after_micro_batch(len(part))
    optimizer.step()
    noise.after_step()
    if step % 50 == 0:
        seen.append((step, *noise.estimate().interval()))
        print(f"step {step}: {noise.estimate()}")
with house_style():
    axes = (figure := bare_figure(6, 4)).subplots()
    axes.vlines(*torch.tensor(seen).clamp(max=1e6).T.tolist(), linewidth=4)
    axes.set(xlabel="updates", ylabel="B_simple, examples, 95 %", yscale="log", ylim=(20, 1e4))
picture = Path(sys.argv[1] if len(sys.argv) > 1 else "gradient_noise.png")
picture.write_bytes(png(figure))
print(f"Picture: {picture}")
