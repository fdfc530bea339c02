"""Cases that go through one test: all of them, and the one that fails is named."""

import pytest
from tables import every


def test_all_cases_of_both_tables_run_and_the_one_that_fails_is_named():
    seen = []

    @every("a", [1, 2])
    @every(("b", "c"), [(3, 4), (5, 6)])
    def table(a, b, c):
        seen.append((a, b, c))
        assert (a, b) != (2, 5)

    with pytest.raises(AssertionError) as failed:
        table()
    assert seen == [(1, 3, 4), (1, 5, 6), (2, 3, 4), (2, 5, 6)]
    assert failed.value.__notes__ == ["b = 5, c = 6", "a = 2"]
