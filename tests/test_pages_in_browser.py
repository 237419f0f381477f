"""The pages as a person opens them: from file://, in a real browser, without a network."""

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext

from models.evaluate import Evaluation, Part
from models.groups import grouping_of
from models.scores import score
from reports import text
from reports.evaluation import write_evaluation
from reports.site import write_site
from tests.browser import IN_BROWSER, Visit, visiting
from tests.test_report_data import HOSTILE, WHOLE, write_results

pytestmark = IN_BROWSER


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(write_results(tmp_path_factory.mktemp("out"))).parent


def test_hostile_names_stay_text(site: Path, visit: Visit) -> None:
    """A video is called as it is called, in heading, title and facts; the index has a file of its own for this."""
    visit.open(site / "videos" / f"{WHOLE}.html")
    name = text.visible(HOSTILE).rpartition("/")[2]
    assert name in visit.page.locator("h1").inner_text()
    assert visit.page.title() == name
    assert text.visible(HOSTILE) in visit.page.locator("table.facts").inner_text()
    assert visit.page.locator("main img, main b").count() == 0


def test_index_leads_to_a_page_and_back(site: Path, visit: Visit) -> None:
    """The link of a video opens its page, whose link opens the index."""
    visit.open(site / "index.html")
    visit.page.locator("table.videos a", has_text="gate.mkv").click()
    visit.page.wait_for_selector("html[data-drawn]")
    assert "gate.mkv" in visit.page.locator("h1").inner_text()
    visit.page.get_by_role("link", name="emobatch", exact=True).click()
    visit.page.wait_for_selector("table.videos")
    assert visit.page.url == (site / "index.html").as_uri()


def test_policy_refuses_what_is_not_a_file_of_the_site(site: Path, context: BrowserContext) -> None:
    """Were a name to become markup after all, its script would not run and nothing would leave the machine."""
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    page.goto((site / "index.html").as_uri())
    with socket.create_server(("127.0.0.1", 0)) as outside:
        url = f"http://127.0.0.1:{outside.getsockname()[1]}/"
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'ran = 1'}))")
        page.evaluate("src => new Promise(done => Object.assign(new Image(), {src, onerror: done}))", url)
        page.evaluate("url => fetch(url).catch(() => null)", url)
        outside.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody knocked
            outside.accept()
    assert page.evaluate("typeof ran") == "undefined"
    assert len([line for line in refused if "Content Security Policy" in line]) >= 3


@pytest.mark.parametrize("width", [1280, 375])
def test_no_page_is_wider_than_its_window(site: Path, visit: Visit, width: int) -> None:
    """Wide tables scroll inside themselves; no page as a whole scrolls sideways."""
    visit.page.set_viewport_size({"width": width, "height": 844})
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 6
    for page in pages:
        visit.open(page)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, page


def test_charts_follow_the_dark_theme(site: Path, visit: Visit) -> None:
    """A change of the system's theme reaches the letters of the charts."""
    visit.open(site / "videos" / f"{WHOLE}.html")
    colours: list[Any] = []
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        ink = visit.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
        visit.page.wait_for_function(
            "ink => document.querySelector('[data-figure]').layout.font.color === ink", arg=ink
        )
        colours.append(ink)
    assert colours[0] != colours[1]


@pytest.fixture(name="evaluation")
def _evaluation(tmp_path: Path) -> Path:
    """The page of an evaluation with everything that one can have."""
    probabilities = np.random.default_rng(1).dirichlet(np.ones(7), 200).astype(np.float32)
    labels = np.arange(200, dtype=np.int32) % 7
    found = score(probabilities, labels, 0.4)
    part = Part(n=200, accuracy=0.5, macro_f1=0.4)
    names = [HOSTILE] * 150 + ["other"] * 50
    groups = {HOSTILE: grouping_of(names, labels, probabilities.argmax(axis=1), 7)}
    result = Evaluation(found, {24: part, 16: part}, groups, None).to_json()
    return write_evaluation(tmp_path, {"model": HOSTILE, "data set": "drawn"}, result)


def test_an_evaluation_is_drawn(evaluation: Path, visit: Visit) -> None:
    """Confusion, calibration, risk and sizes; a group with a hostile name is a name and nothing else."""
    visit.open(evaluation)
    result = json.loads((evaluation.parent / "evaluation.json").read_text(encoding="utf-8"))
    assert result["n"] == 200
    assert visit.page.locator("[data-figure=figure-confusion] svg .hm image").count() == 1
    assert visit.page.locator("[data-figure=figure-calibration] svg .point").count() == len(result["calibration"])
    assert visit.page.locator("[data-figure=figure-risk] svg .point").count() == len(result["risk_coverage"]) + 1
    assert visit.traces("sizes") == 6
    assert text.visible(HOSTILE) in visit.page.inner_text("h1")
    assert text.visible(HOSTILE) in visit.page.locator("table").last.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_evaluation_fits_a_phone_and_keeps_nobody_out(evaluation: Path, browser: Browser, scheme: Any) -> None:
    """No sideways scrolling at 375 px, letters of the charts in the colours of the theme, nothing serious for axe."""
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 375, "height": 800})
    with visiting(context) as visit:
        visit.open(evaluation)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 375
        ink = visit.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
        assert visit.page.evaluate("document.querySelector('[data-figure]').layout.font.color") == ink
        visit.page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
        found = visit.page.evaluate("axe.run({preload: false})")
        assert [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")] == []
    context.close()
