"""How paths are laid out as lanes."""

#: Paths per block; the inner loops run over them. A multiple of every vector width.
LANES = 128


#: Lanes whose batches are marked together.
MARKED = 16


def marks_size(lanes: int, examples: int) -> int:
    """Length of the uint32 memory of a byte for each example and lane, and of a last word, that counts turns."""
    return (lanes * examples + 3) // 4 + 1


def scratch_size(sampling: str, examples: int) -> int:
    """Length of the uint32 scratch that a block needs to sample batches."""
    marks = marks_size(2, examples) + marks_size(MARKED, examples)
    return {"with_replacement": 1, "without_replacement": LANES + marks, "reshuffle": examples * LANES}[sampling]
