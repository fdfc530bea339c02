"""The ladder of a network: replicas under SGD, SVAG(l), noisy gradient descent and the SDE, and how far apart."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import choice, integer, integers
from sgdsde.config import SGDConfig
from sgdsde.drivers import driver_of
from sgdsde.ladders.result import cell, quantities
from sgdsde.statistics import Distances, distances
from sgdsde.tables import Table, in_notebook

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

OBSERVABLES = ("train_loss", "test_loss", "test_accuracy", "weight_norm")
_LEAST = 2  # replicas for each observable, so that covariances are regular


@dataclass(frozen=True, eq=False, repr=False)
class NetworkLadder:
    """What :func:`network_ladder` returns; printed, it is a table.

    Attributes
    ----------
    reference : str
        The rung that distances are measured from.
    runs : dict of str to xarray.Dataset
        What :func:`sgdsde.models.train` returned for each rung; the last repeats the reference with noise of its own.
    distances : dict of str to Distances
        From the reference, of the joint law of `observables` at the end, each in units of its standard deviation over
        the reference's replicas.
    observables : tuple of str
    absent : dict of str to str
        Rungs that are not there, and why.
    """

    reference: str
    runs: Mapping[str, xr.Dataset]
    distances: Mapping[str, Distances]
    observables: tuple[str, ...]
    absent: Mapping[str, str]

    def __str__(self) -> str:
        return self._table().text()

    __repr__ = __str__
    _repr_html_ = in_notebook

    def _table(self) -> Table:
        rows: list[list[str]] = []
        for label, found in self.distances.items():
            named = quantities(found, self.observables)
            rows = rows or [["rung", *named]]
            rows.append([label, *map(cell, named.values())])
        replicas, step = (self.runs[self.reference].sizes["replica"], int(self.runs[self.reference].step[-1]))
        title = f"Distances from the {self.reference} after {step} updates, {replicas} replicas, in standard deviations"
        absent = (f"no {name}: {why}" for name, why in self.absent.items())
        return Table(rows, title, ["( ) no more than chance", *absent])


#: Dynamics whose noise is that of batches, and follows no driver.
_WITH_BATCHES = ("sgd", "svag")


def network_ladder(
    model: Any,
    data: Any,
    config: SGDConfig,
    updates: int,
    replicas: int,
    *,
    svag: Sequence[int] = (2, 4),
    substeps: int = 2,
    against: str = "SDE",
    observables: Sequence[str] = OBSERVABLES,
    initialization: str = "shared",
    driver: str | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> NetworkLadder:
    """Train replicas of a network by SGD and by each of its approximations, and measure how far their laws are apart.

    Parameters
    ----------
    model, data, config, updates, replicas, initialization
        As in :func:`sgdsde.models.train`; at least two replicas for each of the observables, and some dozens for
        distances that mean something.
    svag : sequence of int
        The l of the rungs SVAG(l).
    substeps : int
        Steps of the SDE, and of that with momentum, for an update.
    against : str
        The rung from which distances are measured.
    observables : sequence of str
        Of "train_loss", "test_loss", "train_accuracy", "test_accuracy" and "weight_norm".
    driver : str, optional
        Of the SDEs and of noisy gradient descent, as in :func:`sgdsde.models.train`.
    seed : int
        Every rung has noise of its own.
    progress : callable, optional
        Called with the fraction of the rungs that are done.
    **options
        Further arguments of :func:`sgdsde.models.train`: ``device``, ``dtype``, ``evaluate_every``.

    Returns
    -------
    NetworkLadder

    Raises
    ------
    ValueError
        When an argument is not as above; when too few replicas of the reference are left, or observables do not vary
        between them.

    Notes
    -----
    Rungs as in :func:`sgdsde.ladder`: SVAG (Li, Malladi & Arora, arXiv 2102.12470) is absent with momentum or
    reshuffled batches, and with momentum there is the SDE with momentum. SGD and SVAG take batches, the others all N
    examples in each step (Wu et al., arXiv 1906.07405).

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> found = network_ladder(mlp(64, 10), digits(n_train=50), SGDConfig(0.5, 5, 50), updates=4, replicas=8, svag=(2,))
    >>> list(found.distances)
    ['SGD', 'SVAG(2)', 'noisy GD', 'SDE again']
    """
    from sgdsde.models import train

    substeps = integer("substeps", substeps, 1)
    known = (*OBSERVABLES, "train_accuracy")
    if isinstance(observables, str) or not observables or not set(observables) <= set(known):
        raise ValueError(f"observables must be some of {', '.join(known)}, got {observables!r}")
    least = max(4, _LEAST * len(observables))
    replicas = integer("replicas", replicas, least)
    driver = driver_of(driver, config)
    cases, absent = _cases(config, integers("svag", svag, 1), substeps)
    choice("against", against, cases)
    cases[f"{against} again"] = cases[against]
    runs: dict[str, xr.Dataset] = {}
    for done, (label, (dynamics, steps)) in enumerate(cases.items(), 1):
        own = int(np.random.SeedSequence([seed, *label.encode()]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*replicas diverged.*", RuntimeWarning)  # they are counted below
            runs[label] = train(
                model, data, config, updates, replicas, dynamics, seed=own, initialization=initialization,
                substeps=steps, driver=None if dynamics in _WITH_BATCHES else driver, **options,
            )  # fmt: skip
        if progress is not None:
            progress(done / len(cases))
    samples = {label: _ends(run, observables) for label, run in runs.items()}
    for label, sample in samples.items():
        if len(sample) < least:
            if label in (against, f"{against} again"):
                raise ValueError(f"against = {against!r}: only {len(sample)} of {replicas} replicas did not diverge")
            absent[label] = f"{replicas - len(sample)} of {replicas} replicas diverged"
    base = samples[against]
    spread = base.std(axis=0, ddof=1)
    if not (spread > 0).all():
        same = ", ".join(name for name, each in zip(observables, spread, strict=True) if not each > 0)
        raise ValueError(f"observables must vary between replicas of the {against}, and these do not: {same}")
    found = {
        label: distances(sample / spread, base / spread)
        for label, sample in samples.items()
        if label != against and label not in absent
    }
    return NetworkLadder(against, runs, found, tuple(observables), absent)


def _cases(config: SGDConfig, svag: Sequence[int], substeps: int) -> tuple[dict[str, tuple[str, int]], dict[str, str]]:
    """Label → dynamics and its steps for an update, from SGD to the SDE; and what is absent."""
    cases, absent = {"SGD": ("sgd", 1)}, {}
    if config.momentum or config.permuted:
        given = f"m = {config.momentum:g}" if config.momentum else f"those of {config.sampling!r}"
        absent["SVAG"] = f"it is made for independent batches without momentum, not for {given}"
    else:
        cases |= {f"SVAG({steps})": ("svag", steps) for steps in sorted(set(svag))}
    cases["noisy GD"] = ("noisy_gd", 1)
    if config.momentum:
        cases["momentum SDE"] = ("momentum_sde", substeps)
    return cases | {"SDE": ("sde", substeps)}, absent


def _ends(run: xr.Dataset, observables: Sequence[str]) -> Array:
    """The replicas that did not diverge, at the end: (replicas, observables)."""
    table = np.stack([run[name].isel(step=-1).to_numpy() for name in observables], axis=1).astype(float)
    return np.asarray(table[np.isfinite(table).all(axis=1)])
