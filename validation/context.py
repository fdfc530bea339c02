"""What a running claim is given: its sizes, its seeds, a way to say how far it is, and a place for long sweeps."""

from __future__ import annotations

import hashlib
import inspect
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from validation.stores import opened, version_of

if TYPE_CHECKING:
    import xarray

T = TypeVar("T")


def derived_seed(seed: int, *labels: object) -> int:
    """A 53-bit seed that depends on ``seed`` and the labels only, so that a claim run alone draws the same numbers."""
    digest = hashlib.sha256("\0".join(str(label) for label in labels).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return int(np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0] >> np.uint64(11))


@dataclass(frozen=True)
class Place:
    """Where sweeps run and are kept.

    ``executor`` is that of :func:`sgdsde.sweeps.sweep`; networks are trained on ``device``; ``folder`` keeps the
    stores and what claims found, and without one they last for a sweep only; claims are measured ``again`` although the
    same code has measured them, where that is asked.
    """

    folder: Path | None = None
    executor: str | None = None
    device: str = "cpu"
    again: bool = False


#: In this process, and nothing kept.
HERE = Place()


@dataclass(frozen=True)
class Context:
    """Handed to a claim's function. Simulations use the first of the ``seeds``; sweeps pool the replicas of all."""

    claim: str
    preset: str
    seeds: tuple[int, ...]
    size: Any
    progress: Callable[[float], None] = lambda fraction: None
    say: Callable[[str], None] = lambda text: None
    place: Place = HERE

    def seed(self, *labels: object) -> int:
        """The seed of one simulation of this claim, named by the labels."""
        return derived_seed(self.seeds[0], self.claim, *labels)

    def common_seed(self, *labels: object) -> int:
        """A seed that claims share: what one has drawn, another need not draw again."""
        return derived_seed(self.seeds[0], *labels)

    def part(self, start: float, stop: float) -> Context:
        """The same for a part of the work, whose progress is from ``start`` to ``stop`` of the claim's."""
        return replace(self, progress=lambda fraction: self.progress(start + fraction * (stop - start)))

    def shares(self, items: Sequence[T], work: Sequence[float] | None = None) -> Iterator[tuple[T, Context]]:
        """Each item with the context of its share of the work: equal ones unless ``work`` says how much each is."""
        ends = np.cumsum([0.0, *(np.ones(len(items)) if work is None else work)])
        for item, start, stop in zip(items, ends / ends[-1], ends[1:] / ends[-1], strict=False):
            yield item, self.part(float(start), float(stop))
            self.progress(float(stop))

    def sweep(
        self,
        function: Callable[..., Any],
        grid: Mapping[str, Iterable[Any]],
        fixed: Mapping[str, Any],
        seed: str | None = None,
    ) -> xarray.Dataset:
        """:func:`sgdsde.sweeps.sweep` in the run's store: a run that was stopped goes on, and claims share cells.

        With a name of the ``seed``, the function is called with each seed of the protocol, named so, and the replicas
        of all are one dimension. Results of other code, which is the library's and the function's whole folder, stay in
        a store of their own; in the preset "full" those of a function with a version of its own last
        (`validation.stores`). RuntimeError with the first traceback where cells fail; the others are in the store then.
        """
        from sgdsde.sweeps import SweepFailures, failures, sweep

        with self._store(function) as (store, version), warnings.catch_warnings():
            warnings.simplefilter("ignore", SweepFailures)
            found = sweep(
                function, self._cells(grid, seed), store, self.place.executor, fixed=fixed, version=version,
                retry_failed=True, progress=self.progress,
            )  # fmt: skip
            if found.attrs["failed"]:
                raise RuntimeError(f"{found.attrs['failures']}\n{failures(store)[0].traceback}")
        return found if seed is None else _pooled(found)

    def remaining(
        self,
        function: Callable[..., Any],
        grid: Mapping[str, Iterable[Any]],
        fixed: Mapping[str, Any],
        seed: str | None = None,
    ) -> int:
        """How many cells of such a sweep are not in the store yet."""
        from sgdsde.sweeps import remaining

        with self._store(function) as (store, version):
            return remaining(function, self._cells(grid, seed), store, fixed=fixed, version=version)

    def _cells(self, grid: Mapping[str, Iterable[Any]], seed: str | None) -> Mapping[str, Iterable[Any]]:
        """The grid, with the seeds of the protocol where a sweep has a seed."""
        return grid if seed is None else {**grid, "seed": [derived_seed(root, seed) for root in self.seeds]}

    @contextmanager
    def _store(self, function: Callable[..., Any]) -> Iterator[tuple[Path, str | None]]:
        """The store of a function's results, and the version that they are of where it is not that of the code."""
        version = version_of(function) if self.preset == "full" else None
        with tempfile.TemporaryDirectory() as scratch:
            folder = self.place.folder or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            yield (_store_of_code(function, folder) if version is None else opened(function, folder)), version


def _store_of_code(function: Callable[..., Any], folder: Path) -> Path:
    """Named by all code that results may depend on."""
    from sgdsde.sweeps import code_version

    code = hashlib.sha256(code_version(function).text.encode())
    for path in sorted(Path(inspect.getfile(function)).parent.glob("*.py")):
        code.update(path.read_bytes())
    return folder / f"{function.__name__}-{code.hexdigest()[:12]}.sqlite"


def _pooled(found: xarray.Dataset) -> xarray.Dataset:
    """Replicas of all seeds along one dimension; what has none must not depend on the seed."""
    import xarray

    each = [found.isel(seed=number, drop=True) for number in range(found.sizes["seed"])]
    return xarray.concat(each, "replica", data_vars="minimal", coords="minimal", compat="equals")
