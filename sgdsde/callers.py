"""Where in a user's code the library was called: the line that a warning names."""

from __future__ import annotations

import os
import sys

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


def stacklevel() -> int:
    """Calls from a warning to the first line outside of this library, however many rooms lie between.

    >>> stacklevel()  # of a line that is outside already
    1
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
        frame, level = frame.f_back, level + 1
    return level
