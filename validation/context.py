"""What a running claim is given: its sizes, its seeds, a way to say how far it is, and a place for long sweeps."""

from __future__ import annotations

import hashlib
import inspect
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray


def derived_seed(seed: int, *labels: object) -> int:
    """A 53-bit seed that depends on ``seed`` and the labels only, so that a claim run alone draws the same numbers."""
    digest = hashlib.sha256("\0".join(str(label) for label in labels).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return int(np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0] >> np.uint64(11))


@dataclass(frozen=True)
class Place:
    """Where sweeps run and are kept.

    ``executor`` is that of :func:`sgdsde.sweeps.sweep`; networks are trained on ``device``; ``folder`` keeps the
    stores, and without one they last for a sweep only.
    """

    folder: Path | None = None
    executor: str | None = None
    device: str = "cpu"


#: In this process, and nothing kept.
HERE = Place()


@dataclass(frozen=True)
class Context:
    """Handed to a claim's function."""

    claim: str
    preset: str
    root_seed: int
    size: Any
    progress: Callable[[float], None] = lambda fraction: None
    say: Callable[[str], None] = lambda text: None
    place: Place = HERE

    def seed(self, *labels: object) -> int:
        """The seed of one simulation of this claim, named by the labels."""
        return derived_seed(self.root_seed, self.claim, *labels)

    def common_seed(self, *labels: object) -> int:
        """A seed that claims share: what one has in the store, another need not run again."""
        return derived_seed(self.root_seed, *labels)

    def part(self, start: float, stop: float) -> Context:
        """The same for a part of the work, whose progress is from ``start`` to ``stop`` of the claim's."""
        return replace(self, progress=lambda fraction: self.progress(start + fraction * (stop - start)))

    def sweep(
        self,
        function: Callable[..., Any],
        grid: Mapping[str, Iterable[Any]],
        fixed: Mapping[str, Any],
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> xarray.Dataset:
        """:func:`sgdsde.sweeps.sweep` in the run's store: a run that was stopped goes on, and claims share cells.

        Results of other code, which is the library's and the function's whole folder, stay in a store of their own.
        RuntimeError with the first traceback where cells fail; the others are in the store then.
        """
        from sgdsde.sweeps import SweepFailures, code_version, failures, sweep

        code = hashlib.sha256(code_version(function).text.encode())
        for path in sorted(Path(inspect.getfile(function)).parent.glob("*.py")):
            code.update(path.read_bytes())
        with tempfile.TemporaryDirectory() as scratch:
            folder = self.place.folder or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            store = folder / f"{function.__name__}-{code.hexdigest()[:12]}.sqlite"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SweepFailures)
                found = sweep(
                    function, grid, store, self.place.executor, fixed=fixed, retry_failed=True, progress=progress
                )
            if found.attrs["failed"]:
                raise RuntimeError(f"{found.attrs['failures']}\n{failures(store)[0].traceback}")
        return found
