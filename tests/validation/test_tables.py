"""Tables of the docs are what the declarations and the kept orders make of them, and what the pages show runs."""

import json
import re

import pytest

from sgdsde.dynamics import registry
from sgdsde.schemes import declarations
from sgdsde.schemes import registry as schemes
from validation import tables


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.stem)
def test_pages_are_up_to_date(page) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == tables.filled(text), "run python -m validation.tables"


def test_every_table_with_rows_is_on_a_page() -> None:
    shown = {name for page in tables.PAGES for name in re.findall("<!-- table: (.+?) -->", page.read_text("utf-8"))}
    assert shown == {name for name, table in tables.TABLES.items() if table().count("\n") > 2}


def test_every_declared_order_was_measured() -> None:
    declared = {
        (name, which)
        for name, declaration in declarations().items()
        for which in ("strong", "weak")
        if getattr(declaration, which)
    }
    assert set(tables.measured(json.loads(tables.MEASURED.read_text(encoding="utf-8")))) == declared


def test_rows_from_a_run() -> None:
    checks = [
        {"label": "euler_maruyama, strong, bent", "measured": 1.0213, "standard_error": 0.05},
        {"label": "exact_ou, weak, correlated: error at 6 steps", "measured": 1e-5, "standard_error": 1e-5},
    ]
    text = tables.schemes("overdamped", "ito", {"checks": checks})
    assert "1.02 ± 0.10 (bent)" in text
    assert "none (correlated)" in text


def test_what_is_shown_of_dynamics_runs(capsys: pytest.CaptureFixture[str]) -> None:
    kept = [(table, dict(table)) for table in (registry._RULES, registry._NOISES, schemes._REGISTRY)]
    try:
        space: dict[str, object] = {}
        for code in re.findall(r"```python\n(.*?)```", tables.PAGES[1].read_text(encoding="utf-8"), re.DOTALL):
            exec(code, space)
        printed = capsys.readouterr().out
        assert printed.count("Ensemble") == 3
    finally:
        for table, before in kept:
            table.clear()
            table.update(before)
