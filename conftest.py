"""Tests and doctests where an extra is not installed: what needs it is not collected, or skipped.

A test that needs torch is marked `networks`, or takes the engine ``"torch"`` as a parameter and so is marked here. A
module in which all do says ``pytestmark = pytest.mark.networks``, or a list that begins so, and is not even imported
where torch is missing.
"""

import importlib
import importlib.util
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.doctest import DoctestItem

from sgdsde.extras import missing_extra

ROOT = Path(__file__).parent
WITH_TORCH = importlib.util.find_spec("torch") is not None
WHOLE = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.networks\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without torch, leave out modules of tests that need it, and other modules that cannot be imported."""
    if WITH_TORCH or collection_path.suffix != ".py" or collection_path.name == "conftest.py":
        return None
    place = collection_path.relative_to(ROOT)
    if place.name.startswith("test_"):
        return True if WHOLE.search(collection_path.read_text(encoding="utf-8")) else None
    try:
        importlib.import_module(".".join(place.with_suffix("").parts))
    except ModuleNotFoundError as error:
        return missing_extra(error) or None
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what has the engine "torch" as a parameter."""
    given = getattr(getattr(item, "callspec", None), "params", {}).values()
    if any(isinstance(value, str) and value == "torch" for value in given):
        item.add_marker(pytest.mark.networks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Skip a doctest that an extra is missing for."""
    try:
        return (yield)
    except Exception as error:
        failures = getattr(error, "failures", [error])
        causes = [getattr(each, "exc_info", (None, None))[1] for each in failures]
        found = next(filter(missing_extra, causes), None)
        if not isinstance(item, DoctestItem) or found is None:
            raise
    pytest.skip(str(found))
