"""A warning names the user's own line, whichever front door it came through."""

import sys
import warnings

from tables import every

import sgdsde as sg
from sgdsde.callers import stacklevel

CONFIG = sg.SGDConfig(0.1, 1, 64)
BOWL, CLIFF = sg.Landscape("x**2/2", "x"), sg.Landscape("-x**4", "x")
FEW = {"engine": "numpy", "paths": 5}
NOWHERE = {"stop": "x > 9"}


def here():
    """The line that calls this."""
    return sys._getframe(1).f_lineno


CALLS = {
    "coarse steps": lambda: (here(), sg.simulate_sde(BOWL, CONFIG, 0.0, 5, substeps=1, **FEW)),
    "none left, SDE": lambda: (here(), sg.simulate_sde(BOWL, CONFIG, 0.0, 5, **NOWHERE, **FEW)),
    "none left, SGD": lambda: (here(), sg.simulate_sgd(BOWL, CONFIG, 0.0, 5, **NOWHERE, **FEW)),
    "none left, study": lambda: (here(), sg.escape_study(BOWL, CONFIG, 0.0, "x > 9", updates=5, **FEW)),
    "diverged, SGD": lambda: (here(), sg.simulate_sgd(CLIFF, CONFIG, 3.0, 50, **FEW)),
    "diverged, time": lambda: (here(), sg.integrate(CLIFF, 3.0, 50.0, 50, 5, engine="numpy")),
    "unstable": lambda: (here(), sg.simulate_sgd(sg.Landscape("50*x**2", "x"), CONFIG, 0.0, 5, **FEW)),
    "coarse cells": lambda: (here(), sg.theory.FokkerPlanck(BOWL, 1e-4, (-2.0, 2.0), 20)),
}


@every("name", CALLS)
def test_a_warning_names_the_line_that_called(name):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        line, _ = CALLS[name]()
    assert seen
    assert {(each.filename, each.lineno) for each in seen} == {(__file__, line)}


def test_a_folder_whose_name_only_begins_like_the_library_is_the_users():
    found = {}
    exec(compile("def f(level):\n return level()", sg.__file__.replace("/__init__.py", "_of_mine.py"), "exec"), found)
    assert found["f"](stacklevel) == 1
