"""The page of dynamics is what the declarations make of it, and what it shows runs."""

import re

import pytest

from sgdsde.dynamics import registry
from sgdsde.schemes import registry as schemes
from validation import dynamics_table


def test_the_page_is_up_to_date() -> None:
    found = dynamics_table.PAGE.read_text(encoding="utf-8")
    assert found == dynamics_table.page(), "run python -m validation.dynamics_table"


def test_what_it_shows_runs(capsys: pytest.CaptureFixture[str]) -> None:
    kept = [(table, dict(table)) for table in (registry._RULES, registry._NOISES, schemes._REGISTRY)]
    try:
        space: dict[str, object] = {}
        for code in re.findall(r"```python\n(.*?)```", dynamics_table.page(), re.DOTALL):
            exec(code, space)
        printed = capsys.readouterr().out
        assert printed.count("Ensemble") == 3
    finally:
        for table, before in kept:
            table.clear()
            table.update(before)
