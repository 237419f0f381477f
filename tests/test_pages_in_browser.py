"""The pages as a person opens them: from file://, in a real browser, without a network."""

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext

from models.evaluate import Evaluation, Part
from models.scores import score
from reports import text
from reports.evaluation import write_evaluation
from reports.site import write_site
from tests.browser import IN_BROWSER, Visit
from tests.test_report_data import EMPTY, FAILED, HOSTILE, HOSTILE_CAMERA, PARTIAL, WHOLE, write_results

pytestmark = IN_BROWSER


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(write_results(tmp_path_factory.mktemp("out"))).parent


def test_hostile_names_stay_text(site: Path, visit: Visit) -> None:
    """Names are read as they are, on the page and in the hover text of a chart."""
    visit.open(site / "index.html")
    assert text.visible(HOSTILE) in visit.page.locator("table.videos").inner_text()
    assert text.visible(HOSTILE_CAMERA) in visit.page.locator("table.videos").inner_text()
    visit.open(site / "videos" / f"{WHOLE}.html")
    name = text.visible(HOSTILE).rpartition("/")[2]
    assert visit.page.locator("h1").inner_text() == name
    assert visit.page.title() == name
    assert text.visible(HOSTILE) in visit.page.locator("table.facts").inner_text()
    assert visit.page.locator("main img, main b").count() == 0


def test_index_leads_to_a_page_and_back(site: Path, visit: Visit) -> None:
    """The link of a video opens its page, whose link opens the index."""
    visit.open(site / "index.html")
    visit.page.locator("table.videos a", has_text="gate.mkv").click()
    visit.page.wait_for_selector("html[data-drawn]")
    assert visit.page.locator("h1").inner_text() == "gate.mkv"
    visit.page.get_by_role("link", name="All videos").click()
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


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("video_id", [WHOLE, PARTIAL, FAILED, EMPTY, None])
def test_no_page_is_wider_than_its_window(site: Path, visit: Visit, width: int, video_id: str | None) -> None:
    """Wide tables scroll inside themselves; the page as a whole never scrolls sideways."""
    visit.page.set_viewport_size({"width": width, "height": 844})
    visit.open(site / "videos" / f"{video_id}.html" if video_id else site / "index.html")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


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


def test_an_evaluation_is_drawn(tmp_path: Path, visit: Visit) -> None:
    """Confusion, calibration, risk and sizes; a group with a hostile name is a name and nothing else."""
    probabilities = np.random.default_rng(1).dirichlet(np.ones(7), 200).astype(np.float32)
    found = score(probabilities, np.arange(200, dtype=np.int32) % 7, 0.4)
    part = Part(n=200, accuracy=0.5, macro_f1=0.4)
    result = Evaluation(found, {24: part, 16: part}, {HOSTILE: part}, None).to_json()
    visit.open(write_evaluation(tmp_path, {"model": HOSTILE, "data set": "drawn"}, result))
    assert visit.page.locator("[data-figure=figure-confusion] svg .hm image").count() == 1
    assert visit.page.locator("[data-figure=figure-calibration] svg .point").count() == len(found.calibration)
    assert visit.page.locator("[data-figure=figure-risk] svg .point").count() == len(found.risk_coverage) + 1
    assert visit.traces("sizes") == 6
    assert text.visible(HOSTILE) in visit.page.inner_text("h1")
    assert text.visible(HOSTILE) in visit.page.locator("table").last.inner_text()
    assert json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))["n"] == 200
