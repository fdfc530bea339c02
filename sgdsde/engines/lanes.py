"""How paths are laid out as lanes."""

#: Paths per block; the inner loops run over them. A multiple of every vector width.
LANES = 128


#: Lanes whose batches are marked together.
MARKED = 16


def scratch_size(sampling: str, examples: int) -> int:
    """Length of the uint32 scratch that a block needs to sample batches."""
    marks = MARKED * examples // 4 + 1
    return {"with_replacement": 1, "without_replacement": LANES + marks, "reshuffle": examples * LANES}[sampling]
