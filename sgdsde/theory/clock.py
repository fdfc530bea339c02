"""At which temperature theory is asked, and in which unit of time it answers."""

from __future__ import annotations

from typing import NamedTuple

from sgdsde.arguments import positive
from sgdsde.config import SGDConfig


class Clock(NamedTuple):
    """T of dω = −∇L ds + √(T F) dW, and the unit of answers in its time s."""

    temperature: float
    unit: float


def clock(config: SGDConfig | float) -> Clock:
    """Read the argument `config`: SGD's numbers, with times in updates, or a bare T, with times in the SDE's time s.

    Parameters
    ----------
    config : SGDConfig or float
        T is `config.temperature`, and an update lasts `config.mean_loss_time_per_update`, ε/(1 − m).

    Raises
    ------
    ValueError
        When it is neither, the temperature is not positive, or there is weight decay, which is a term of the loss.

    Examples
    --------
    >>> clock(0.2)
    Clock(temperature=0.2, unit=1.0)
    >>> clock(SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64))
    Clock(temperature=0.0234375, unit=0.1)
    """
    if isinstance(config, SGDConfig):
        if config.weight_decay:
            raise ValueError(
                f"config must have weight_decay = 0 here, got {config.weight_decay!r}: it moves minima and saddles; "
                "give the landscape with it, sgdsde.landscapes.weight_decayed(landscape, weight_decay)"
            )
        if not config.temperature > 0:
            raise ValueError("config must have noise: with batch_size = n_examples its temperature is 0")
        return Clock(config.temperature, config.mean_loss_time_per_update)
    return Clock(positive("config", config, ", the temperature T, or an SGDConfig"), 1.0)
