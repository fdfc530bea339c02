"""diagnose: whether the SDE is right for a run, effect by effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sgdsde.arguments import choice, integer, positive, real
from sgdsde.config import SGDConfig
from sgdsde.diagnosis import effects, schedule, tails  # noqa: F401, which fill the table
from sgdsde.diagnosis.case import Case
from sgdsde.diagnosis.judge import EQUATIONS, judged
from sgdsde.diagnosis.on_landscape import place_on
from sgdsde.diagnosis.place import Place
from sgdsde.diagnosis.result import Diagnosis
from sgdsde.drivers import DRIVERS, driver_of
from sgdsde.extras import load
from sgdsde.landscapes import Landscape, WideLandscape
from sgdsde.schedules import batch_size_schedule, learning_rate_schedule


def diagnose(
    config: SGDConfig,
    landscape: Landscape | WideLandscape | str | tuple[Any, Any],
    w0: ArrayLike | None = None,
    *,
    weights: Mapping[str, Any] | None = None,
    dynamics: str = "sde",
    driver: str = "brownian",
    examples: str | ArrayLike = "gaussian",
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    negligible: float = 0.02,
    breaks: float = 0.25,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    **network: Any,
) -> Diagnosis:
    """Is the SDE right for this run? Each effect that it leaves out, how much that is here, and what to take instead.

    Parameters
    ----------
    config : SGDConfig
        What SGD is run with.
    landscape : Landscape, WideLandscape, str, or (model, data)
        Where: a landscape, the name of one in the catalog, or a network with its examples, as
        :func:`sgdsde.models.noise_covariance` takes them.
    w0 : (d,), optional
        Of landscapes, a point in the well that is looked at. By default that of the lowest minimum that is easily
        found, or of the origin.
    weights : mapping of str to tensor, optional
        Of networks, the weights at which F and H are measured, by the names of ``model.named_parameters()``. By default
        the model's own.
    dynamics, driver : str
        The SDE that is judged, as in :func:`sgdsde.simulate_sde`: by default that of Smith & Le.
    examples : str or (N, k)
        Of landscapes, as in :func:`sgdsde.simulate_sgd`.
    learning_rates, batch_sizes : (n,), optional
        ε(k) and B(k), where there is a schedule. All rows but that of the schedule are of the config's own ε and B.
    negligible, breaks : float
        An effect is negligible where the SDE is off by less than the first, and breaks the SDE down from the second on.
    seed : int
        Of the examples, and of the probes of a network.
    progress : callable, optional
        Called with the fraction that is done of what a network takes.
    **network
        Of networks: ``updates``, how long the run is (ten epochs by default): a direction too flat to relax in it is
        taken as one that just does; ``loss``, as in :func:`sgdsde.models.train`; ``probes`` and ``steps`` of the
        Lanczos method; ``dtype``.

    Returns
    -------
    Diagnosis
        Prints as a table, with a sentence below it.

    Raises
    ------
    ValueError
        When an argument is not as above, `w0` leads to no minimum, or weights have another shape than the model's.
        A run that is unstable is no error: it is what the table says, without numbers.

    Notes
    -----
    Sizes are relative errors of the SDE's Tr Cov(ω), or of its exit times or kurtosis, by the exact laws of
    docs/theory.md at the minimum. H and F are averaged over where ω is, which is exact for quadratic losses and F. On a
    network Tr Cov(ω) is an integral over the curvature that gradient noise sees, by Lanczos' method from draws of it.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> shuffled = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64, sampling="reshuffle")
    >>> found = diagnose(shuffled, Landscape("x**2/2", "x", noise_covariance=64 / 63))
    >>> print(found.sentence)
    No: the SDE's variance is 2.31 times SGD's, by reshuffling and finite ε. With driver="epoched" it is off by −8.2 %.
    >>> found["reshuffling"].verdict, round(found.sde_variance, 6), round(found.sgd_variance, 6)
    ('breaks down', 0.011905, 0.005151)
    """
    if not isinstance(config, SGDConfig):
        raise ValueError(f"config must be an SGDConfig, got {type(config).__name__}")
    choice("dynamics", dynamics, EQUATIONS)
    driver_of(choice("driver", driver, DRIVERS), config)
    small = positive("negligible", negligible)
    limits = small, real("breaks", breaks, above=small)
    seed = integer("seed", seed, 0)
    place = _place(config, landscape, w0, weights, examples, seed, progress, network)
    rates = (
        None if learning_rates is None else learning_rate_schedule(learning_rates, len(np.atleast_1d(learning_rates)))
    )
    sizes = None if batch_sizes is None else batch_size_schedule(batch_sizes, config, len(np.atleast_1d(batch_sizes)))
    case = Case(config, place, dynamics, driver, rates, sizes)
    return judged(case, limits)


def _place(
    config: SGDConfig, landscape: Any, w0: Any, weights: Any, examples: Any, seed: int, progress: Any, network: Any
) -> Place:
    if isinstance(landscape, (Landscape, WideLandscape, str)):
        if weights is not None or network:
            name = next(iter(network), "weights")
            raise ValueError(f"{name} must be left out for a landscape: it is of networks")
        return place_on(landscape, config, w0, examples, seed)
    if not isinstance(landscape, (tuple, list)) or len(landscape) != 2:
        raise ValueError(
            f"landscape must be a Landscape, the name of one, or a pair (model, data), got {type(landscape).__name__}"
        )
    if w0 is not None:
        raise ValueError("w0 must be left out for a network: weights say where it is")
    on_network = load("sgdsde.diagnosis.on_network", "diagnose of a network")
    place: Place = on_network.place_of(*landscape, config, weights, seed=seed, progress=progress, **network)
    return place
