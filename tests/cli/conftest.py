import pytest


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    """Tables are of one piece, as in a pipe: workers of the tests are told of a terminal's width."""
    monkeypatch.delenv("COLUMNS", raising=False)
