"""What a running claim is given: its sizes, its seeds, and a way to say how far it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


def derived_seed(seed: int, *labels: object) -> int:
    """A 53-bit seed that depends on ``seed`` and the labels only, so that a claim run alone draws the same numbers."""
    digest = hashlib.sha256("\0".join(str(label) for label in labels).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return int(np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0] >> np.uint64(11))


@dataclass(frozen=True)
class Context:
    """Handed to a claim's function."""

    claim: str
    preset: str
    root_seed: int
    size: Any
    progress: Callable[[float], None] = lambda fraction: None
    say: Callable[[str], None] = lambda text: None

    def seed(self, *labels: object) -> int:
        """The seed of one simulation of this claim, named by the labels."""
        return derived_seed(self.root_seed, self.claim, *labels)
