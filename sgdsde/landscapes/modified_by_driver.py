"""The loss that an SDE of second order has for a config: for its sampling, and for what drives the SDE."""

from __future__ import annotations

from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS, driver_of
from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.modified import with_batch_noise


def modified_for(landscape: Landscape, config: SGDConfig, driver: str | None = None) -> Landscape:
    """Return the landscape whose SDE has, at a given N/B, the mean of SGD with this config to second order in ε.

    Parameters
    ----------
    landscape : Landscape
        With a loss without kinks; for reshuffled batches with noise that is the gradient of a function for each
        example.
    config : SGDConfig
        Without momentum, dampening and weight decay; epochs are of whole batches.
    driver : str, optional
        What will drive the SDE, as in :func:`sgdsde.simulate_sde`, where it must be the same.

    Returns
    -------
    Landscape
        With the same noise and the loss L + (ε/4)(|∇L|² + κ Tr F). κ is 0 for batches that know nothing of each other.
        For reshuffled ones it is c = 1/B − 1/N with ``"brownian"``, and c − 1/B = −1/N with ``"epoched"``. ε and κ are
        the parameters ``learning_rate`` and ``batch_noise``.

    Raises
    ------
    ValueError
        When the config has what is not accepted, or as :func:`modified_landscape`.

    Notes
    -----
    Smith, Dherin, Barrett & De, arXiv 2101.12176, for the mean over all orders of an epoch. A bridge is pulled back to
    0, so that ∫A(ω) dX, in Itô's sense, has a mean: −(T/4) ∇Tr F a unit of s, T = ε/B. It is the same effect, with 1/B
    for c: added to it, the Tr F of ``"brownian"`` would count twice. The loss is for epochs that are short on the scale
    of the curvature; what the bridge brings itself is right in long ones too (docs/theory.md, §5).

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=1, n_examples=4, sampling="reshuffle")
    >>> own = Landscape("x**2/2", "x", noise_factor=[["x"]])
    >>> [modified_for(own, config, name).parameters["batch_noise"] for name in ("brownian", "epoched")]
    [0.75, -0.25]
    """
    config.require_plain("momentum", "dampening", "weight_decay")
    if config.repeated:
        raise ValueError(
            f"config must not have the sampling {config.sampling!r}: the modified loss is that of a mean over the "
            "orders of an epoch, of which each has a new one"
        )
    chosen = driver_of(driver, config)
    if not config.permuted:
        return with_batch_noise(landscape, config.learning_rate, None)
    config.require_whole_epochs()
    config.require_equal_batches()
    own = 1 / config.batch_size if DRIVERS[chosen].bridged else 0.0
    return with_batch_noise(landscape, config.learning_rate, config.batch_noise - own)
