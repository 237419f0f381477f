"""A real browser for the tests of pages: where it is, how it is started, and what a visit to a page remembers."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Where pages must be tested (.ci/run sets it) a missing browser is an error, not a skip.
_NEEDS_NO_BROWSER: Final = CHROMIUM is None and "EMOBATCH_NEEDS_BROWSER" not in os.environ
IN_BROWSER: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(_NEEDS_NO_BROWSER, reason="no Chromium here: install it to test the pages"),
]
"""The `pytestmark` of a file of browser tests; the fixtures `browser`, `context` and `visit` are in conftest.py."""

_QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


@dataclass
class Visit:
    """An open page and everything it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: Path, fragment: str = "") -> None:
        """Go to a page and wait until its charts, if it has any, are drawn."""
        self.page.goto(path.as_uri() + fragment)
        if self.page.locator("[data-figure]").count():
            self.page.wait_for_selector("html[data-drawn]", timeout=20_000)

    def traces(self, figure: str) -> int:
        """Number of drawn bars of a figure."""
        return self.page.locator(f"[data-figure=figure-{figure}] svg .trace .point path").count()


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium, without a window and without anything that it does of itself."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield browser
        browser.close()


def _complaints(said: ConsoleMessage) -> list[str]:
    """Most tests have results and no footage. The browser says that it is missing, and so does the page."""
    missing = "ERR_FILE_NOT_FOUND" in said.text and said.location["url"].startswith("file:///archive/")
    return [] if missing else [f"{said.type}: {said.text}"]


@contextmanager
def visiting(context: BrowserContext) -> Iterator[Visit]:
    """A page that is watched; at the end it must not have complained, opened a dialog or asked for more than files."""
    visit = Visit(context.new_page())
    visit.page.on("console", lambda said: visit.complaints.extend(_complaints(said)))
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("dialog", lambda dialog: visit.complaints.append(f"dialog: {dialog.message}"))
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    yield visit
    outside = [url for url in visit.requests if not url.startswith(("file://", "data:"))]
    assert not visit.complaints, visit.complaints
    assert not outside, outside
    assert visit.requests, "no page was opened"
