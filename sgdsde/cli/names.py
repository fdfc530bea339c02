"""What the arguments of the library are called on the command line."""

from __future__ import annotations

import re

#: Arguments of the library, as its messages name them → what they are called on the command line.
OPTIONS = {
    "box": "--box",
    "curvature": "--curvature",
    "noise_covariance": "--noise-covariance",
    "dtype": "--dtype",
    "device": "--device",
    "driver": "--driver",
    "drop_last": "--drop-last",
    "engine": "--engine",
    "examples": "--examples",
    "noise_factor": "--noise-factor",
    "landscape": "LOSS",
    "loss": "LOSS",
    "momentum": "--momentum",
    "parameters": "--parameter",
    "paths": "--paths",
    "regularization": "--regularization",
    "sampling": "--sampling",
    "seed": "--seed",
    "settings": "--set",
    "start": "--w0",
    "substeps": "--substeps",
    "updates": "--updates",
    "variables": "--variables",
}
#: The same for names that mean nothing else and so may be replaced wherever they stand in a message.
UNMISTAKABLE = {
    "batch_size": "--batch-size",
    "burn_in": "--burn-in",
    "learning_rate": "--learning-rate",
    "n_examples": "--n-examples",
    "w0": "--w0",
}


def on_the_command_line(message: str) -> str:
    """A message of the library, with its arguments called as the command line calls them."""
    message = re.sub(rf"\b({'|'.join(UNMISTAKABLE)})\b", lambda found: UNMISTAKABLE[found[0]], message)
    message = re.sub(r"^\w+", lambda found: OPTIONS.get(found[0], found[0]), message)
    return re.sub(r"^(--\w+)\['([^']+)'\]", r"\1 \2", message)  # one of several that an option takes by name
