"""The page of schemes is what the declarations and the kept measurements make of it."""

import json

from sgdsde.schemes import declarations
from validation import scheme_table

MEASURED = json.loads(scheme_table.MEASURED.read_text())


def test_the_page_is_up_to_date() -> None:
    assert scheme_table.PAGE.read_text() == scheme_table.page(MEASURED), "run python -m validation.scheme_table"


def test_every_declared_order_was_measured() -> None:
    found = {(row["scheme"], row["which"]) for row in MEASURED}
    declared = {
        (name, which)
        for name, declaration in declarations().items()
        for which in ("strong", "weak")
        if getattr(declaration, which)
    }
    assert found == declared


def test_rows_from_a_run() -> None:
    checks = [
        {"label": "heun, strong, bent", "measured": 1.0213, "standard_error": 0.05},
        {"label": "exact_ou, weak, correlated: error at 6 steps", "measured": 1e-5, "standard_error": 1e-5},
    ]
    rows = scheme_table.kept({"claims": [{"name": "other"}, {"name": "integrator_orders", "checks": checks}]})
    assert rows == [
        {"scheme": "heun", "which": "strong", "problem": "bent", "slope": 1.021, "half_width": 0.098},
        {"scheme": "exact_ou", "which": "weak", "problem": "correlated", "slope": None, "half_width": None},
    ]
    text = scheme_table.page(rows)
    assert "1.02 ± 0.10 (bent)" in text
    assert "none (correlated)" in text
