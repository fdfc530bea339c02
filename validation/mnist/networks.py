"""What the claims on networks share: grids of cells with what sizes say of them, and what a claim tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import xarray as xr

from validation.claim import Told
from validation.context import Context
from validation.mnist.images import Images, mislabelled_words

Key = TypeVar("Key")
#: What cells take from the sizes that have it.
OF_SIZES = ("n_examples", "n_test", "hidden", "random_share", "replicas")


@dataclass(frozen=True)
class Cells:
    """Cells of one sweep: the argument `along` with its values, what else is their `own`, and how long they take."""

    along: str
    values: Sequence[Any]
    own: Mapping[str, Any] = field(default_factory=dict)
    work: float = 1.0

    def fixed(self, context: Context, source: str, size: Any) -> dict[str, Any]:
        """What is the same in all of them, with what the size says of all networks of a claim."""
        said = {name: getattr(size, name) for name in OF_SIZES if hasattr(size, name)}
        return {"source": source, "device": context.place.device, **said, **self.own}


def swept(
    context: Context,
    function: Callable[..., Any],
    source: str,
    size: Any,
    jobs: Mapping[Key, Cells],
    seed: str = "networks",
    *,
    single: bool = False,
) -> dict[Key, xr.Dataset]:
    """Each job a sweep of its own, which is kept when the next one is stopped: (along, replica, …).

    Where cells are `single`, (replica, …). Replicas of all seeds of the protocol are pooled.
    """
    found = {}
    for (key, cells), part in context.shares(list(jobs.items()), [cells.work for cells in jobs.values()]):
        run = part.sweep(function, {cells.along: cells.values}, cells.fixed(context, source, size), seed)
        found[key] = (
            run.isel({cells.along: 0}).transpose("replica", ...)
            if single
            else run.transpose(cells.along, "replica", ...)
        )
    return found


def told(
    context: Context, source: Images, size: Any, facts: Mapping[str, Any], *notes: str, undecided: str = ""
) -> Told:
    """Sizes and facts for the claim's texts, notes, and where its images are from."""
    always = {"source": source.name, "pooled": size.replicas * len(context.seeds)}
    if hasattr(size, "random_share"):
        always["mislabelled"] = mislabelled_words(size.random_share)
    return Told(asdict(size) | always | dict(facts), (*notes, *source.notes), source.label, undecided)
