import pytest

from sgdsde.explore import explore_page


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """The page with all named landscapes."""
    return explore_page(None, tmp_path_factory.mktemp("page") / "page.html")
