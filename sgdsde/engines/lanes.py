"""How paths are laid out as lanes."""

#: Paths per block; the inner loops run over them. A multiple of every vector width.
LANES = 128


def scratch_size(sampling: str, examples: int) -> int:
    """Length of the uint32 scratch that a block needs to sample batches."""
    return {"with_replacement": 1, "without_replacement": LANES + 4 * examples + 1, "reshuffle": examples * LANES}[sampling]
