"""A page in the system's Chromium without a screen, driven by Playwright; tests are skipped where one is missing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: In software; as root Chromium has no sandbox of its own.
OPTIONS = [
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--js-flags=--expose-gc",
    "--enable-precise-memory-info",
]


def found() -> str:
    """The browser's place; skips where there is none, and in CI, which has none."""
    if os.environ.get("CI"):
        pytest.skip("CI has no browser")
    pytest.importorskip("playwright", reason="needs Playwright: pip install 'sgdsde[browser]'")
    place = next(filter(None, map(shutil.which, NAMES)), None)
    if place is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return place


@contextmanager
def launched() -> Iterator[object]:
    """A browser, which is closed at the end."""
    place = found()
    from playwright.sync_api import sync_playwright

    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=[*OPTIONS, *root], timeout=180_000)
        yield browser
        browser.close()


class Watched:
    """A page with what it says and asks for."""

    def __init__(self, browser, path: Path, link: str = "", **options) -> None:
        self.page = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options}).new_page()
        self.page.set_default_timeout(240_000)
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.url = path.as_uri()
        self.page.goto(f"{self.url}#{link}", wait_until="load")

    def open(self, link: str) -> None:
        """Go to a link of the same page."""
        self.page.evaluate(
            """link => new Promise((done) => {
                addEventListener("hashchange", () => done(), { once: true });
                location.hash = link;
            })""",
            link,
        )

    def states(self, updates: int) -> list:
        """Both sides' states after more updates."""
        return self.page.evaluate("n => { sgdsde.advance(n); return sgdsde.states(); }", updates)

    def wait_for(self, update: int) -> None:
        """Until a link has gone so far, and stands; asked again and again, for the page lets nobody evaluate text."""
        for _ in range(4000):
            if self.page.evaluate(f"sgdsde.world.update === {update} && play.textContent === 'Play'"):
                return
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"the page has not come to update {update}")

    def close(self) -> None:
        """Nothing was said, and nothing asked for but the file."""
        assert self.said == []
        assert {url.partition("#")[0] for url in self.asked} <= {self.url}
        self.page.context.close()
