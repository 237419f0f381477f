"""The page of a comparison of the lab as a person opens it."""

from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from reports import text
from tests.browser import IN_BROWSER, Visit
from tests.test_lab_page import page_of, run_of, without
from tests.test_report_data import HOSTILE

pytestmark = IN_BROWSER


def test_a_comparison_of_networks_is_drawn(tmp_path: Path, visit: Visit) -> None:
    """A point for each network, two lines for each run, a table of confusion each; a hostile name is a name."""
    rows = [run_of(net, seed, 0.3 + seed / 100) for net in ("lenet", HOSTILE) for seed in (20, 21)]
    rows.append(without(run_of("old", 20, 0.4), "classes", "confusion", "history", "pictures_seen"))
    visit.open(page_of(tmp_path, rows))
    page = visit.page
    assert page.locator("[data-figure=figure-cost] svg .scatterlayer .point").count() == 3
    assert page.locator("[data-figure=figure-cost] svg .errorbar").count() == 3
    for figure in ("accuracy", "loss"):
        assert page.locator(f"[data-figure=figure-{figure}] svg .js-line").count() == 8
    assert page.locator("table.confusion").count() == 2
    assert text.visible(HOSTILE) in page.locator("table").first.inner_text()
    assert page.locator("main img, main b").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_from_it(tmp_path: Path, browser: Browser, scheme: str) -> None:
    """axe-core finds nothing; a narrow screen scrolls the tables and not the page."""
    rows = [run_of(net, seed, 0.3 + seed / 100) for net in ("lenet", "tiny") for seed in (20, 21)]
    path = page_of(tmp_path, rows)
    # The policy of the pages refuses scripts from outside, axe-core among them.
    context = browser.new_context(viewport={"width": 375, "height": 800}, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    audited = context.new_page()
    audited.goto(path.as_uri())
    audited.wait_for_selector("html[data-drawn]", timeout=20_000)
    assert audited.evaluate("document.documentElement.scrollWidth") <= 375
    audited.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = audited.evaluate("axe.run({ preload: false })")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    context.close()
