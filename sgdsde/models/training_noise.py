"""Gradient noise in anybody's training loop, from the micro-batches or ranks that are there anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn

from sgdsde.arguments import integer
from sgdsde.models.gradient_lengths import trained
from sgdsde.models.step_gradients import GradientNoise


def gradient_noise(
    model: nn.Module | Iterable[Any],
    loss: Callable[[Any, Any], Tensor] | None = None,
    *,
    window: int | None = 100,
    n_examples: int | None = None,
    group: Any = None,
) -> GradientNoise:
    """Measure B_simple = Tr F/|∇L|² along any PyTorch training, from the gradients that it takes anyway.

    Parameters
    ----------
    model : torch.nn.Module, or iterable
        What is trained; or its parameters, or an optimizer's `param_groups`. Frozen parameters are left out.
    loss : callable, optional
        (outputs, y) → mean loss of a batch, for :meth:`GradientNoise.backward` only.
    window : int, optional
        The last steps, at least 2, over which numerator and denominator are averaged; None: all.
    n_examples : int, optional
        N, where batches are drawn from N examples without replacement, reshuffled or not: |∇L|² is then that of the N
        examples. None: that of the population that they are from, smaller by Tr F/N.
    group : torch.distributed.ProcessGroup, optional
        Of ranks that average their gradients, as `DistributedDataParallel` makes them do, each with its own part of
        the batch; ``torch.distributed.group.WORLD``, say. None: one process.

    Returns
    -------
    GradientNoise

    Raises
    ------
    ValueError
        When there is no parameter that requires a gradient, or an argument is not as above.

    Notes
    -----
    McCandlish et al., arXiv 1812.06162, appendix A.1: (|G|² − Σ w²|g|²)/((Σ w)² − Σ w²), of a step's gradient
    G = Σ w_j g_j and those of its micro-batches, has the mean |∇L|², and the rest of the lengths gives Tr F; both
    without bias, for micro-batches of any sizes. Each is averaged over steps before they are divided, and the interval
    is Fieller's, (x, ∞) where |∇L|² may be 0; while weights move it is of the ratio of the averages.
    A hook notes the length of each parameter's gradient before it is added to ``.grad``, so that no gradient is kept;
    that takes two passes over the gradients for each micro-batch, and one transfer of numbers from the device a step.
    Optimizer, momentum and clipping do not matter. What mixes the examples of a batch (batch normalisation) makes its
    gradient no mean of theirs, and B_simple what it seems to be.

    Examples
    --------
    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.randn(512, 3, generator=generator)
    >>> y = x.sum(1, keepdim=True) + torch.randn(512, 1, generator=generator)
    >>> model = nn.Linear(3, 1)
    >>> optimizer, noise = torch.optim.SGD(model.parameters(), lr=0.01), gradient_noise(model)
    >>> for xs, ys in zip(x.split(32), y.split(32)):
    ...     optimizer.zero_grad()
    ...     for xi, yi in zip(xs.chunk(4), ys.chunk(4)):
    ...         (nn.functional.mse_loss(model(xi), yi) / 4).backward()
    ...         noise.after_micro_batch(len(xi))
    ...     optimizer.step()
    ...     noise.after_step()
    >>> noise.steps, noise.estimate().numerator.value > 0
    (16, True)
    """
    parameters = trained(model)
    if loss is not None and not callable(loss):
        raise ValueError(f"loss must be a function of (outputs, y), got {loss!r}")
    window = None if window is None else integer("window", window, 2)
    n_examples = None if n_examples is None else integer("n_examples", n_examples, 2)
    return GradientNoise(parameters, model if isinstance(model, nn.Module) else None, loss, window, n_examples, group)
