"""Heat maps, days and cameras in a real browser, on a phone, on paper, and for those who cannot see a screen well."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext, Locator, ViewportSize

from reports import text
from reports.names import camera_page
from tests.browser import IN_BROWSER, Visit
from tests.listed import N, choose, column, make_site, n_listed, opened
from tests.test_report_data import HOSTILE, HOSTILE_CAMERA

pytestmark = IN_BROWSER

PHONE: Final[ViewportSize] = {"width": 375, "height": 800}


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("out"))


@pytest.fixture(name="index")
def _index(site: Path, visit: Visit) -> Visit:
    return opened(visit, site / "index.html")


def test_a_cell_of_a_heat_map_filters_and_lets_go(index: Visit) -> None:
    """By day and hour, then by camera and hour; a second click shows all again."""
    cell = index.page.locator("[data-heat=heat-days] td[data-hour='14']").nth(1)
    label = cell.get_attribute("aria-label") or ""
    cell.click()
    day = label[:10]
    assert index.page.input_value("#filters [name=from]") == index.page.input_value("#filters [name=to]") == day
    assert index.page.input_value("#filters [name=hour]") == "14"
    assert {start[:10] for start in column(index, "Start")} == {day} and 0 < n_listed(index) < 20
    assert cell.get_attribute("aria-selected") == "true"
    cell.click()
    assert n_listed(index) == N
    row = index.page.locator("[data-heat=heat-cameras] tr", has_text="gate-00")
    row.locator("td[data-hour='12']").click()
    assert set(column(index, "Camera")) == {"gate-00"} == {index.page.input_value("#filters [name=camera]")}
    assert index.page.input_value("#filters [name=hour]") == "12"


def test_a_heat_map_tells_what_it_shows_and_what_it_cannot(index: Visit) -> None:
    """Counts, then a share; where there are too few tracks, words; hovering and focus tell the figures."""
    heat = index.page.locator("section", has=index.page.locator("[data-heat=heat-days]"))
    assert heat.locator("td.some").count() > 20 and heat.locator("td.few").count() == 0
    heat.locator("select.measure").select_option(label="share of happy")
    assert heat.locator("td.few").count() > 0
    few = heat.locator("td.few").first
    few.hover()
    assert "not enough data: at least 5 tracks" in index.page.inner_text(".tip")
    assert "not enough data" in (few.get_attribute("aria-label") or "")
    assert "happy" in (heat.locator("td.some").first.get_attribute("aria-label") or "")


def test_a_heat_map_can_be_walked_by_keyboard(index: Visit) -> None:
    """One stop for Tab, arrows within, Enter filters, Escape puts the figures away."""
    heat = index.page.locator("[data-heat=heat-days]")
    assert heat.locator("td[tabindex='0']").count() == 1
    heat.locator("td[tabindex='0']").focus()
    for _ in range(14):
        index.page.keyboard.press("ArrowRight")
    index.page.keyboard.press("ArrowDown")
    assert index.page.locator(".tip").is_visible()
    index.page.keyboard.press("Escape")
    assert index.page.locator(".tip").is_hidden()
    index.page.keyboard.press("Enter")
    assert index.page.input_value("#filters [name=hour]") == "14"


def test_hostile_names_stay_text_on_pages_of_many(site: Path, visit: Visit) -> None:
    """In table, list, filter, heading and hover text; nothing of them runs."""
    name = text.visible(HOSTILE).rpartition("/")[2]
    camera = text.visible(HOSTILE_CAMERA)
    for page in (
        site / "index.html",
        site / "cameras" / camera_page(HOSTILE_CAMERA),
        site / "days" / "2026-03-01.html",
    ):
        opened(visit, page, "#sort=start")
        assert name in visit.page.locator("table.videos").inner_text()
        assert camera in visit.page.locator("table.videos").inner_text()
        assert visit.page.locator("main img, main b, main video").count() == 0
    strips = visit.page.locator("[data-figure=figure-strips]")
    assert "<img" in "".join(strips.locator(".ytick text").all_text_contents())
    assert strips.locator("img").count() == 0
    visit.open(site / "index.html")
    choose(visit, "camera", camera)
    assert n_listed(visit) == 1


def test_the_day_is_drawn_and_leads_to_a_second(site: Path, visit: Visit) -> None:
    """A lane a camera with recordings and colours; a click on a colour opens the video where a track is seen."""
    visit.open(site / "days" / "2026-10-15.html")
    strips = visit.page.locator("[data-figure=figure-strips]")
    assert strips.locator(".ytick text").count() == 6
    assert visit.traces("strips") >= 40
    assert strips.locator(".hm image").count() == 6
    box = _first_cell(visit, strips)
    visit.page.mouse.move(*box)
    strips.locator(".hoverlayer .hovertext").first.wait_for()
    assert re.search(r"judged, \d+ tracks?", strips.locator(".hoverlayer").text_content() or "")
    visit.page.mouse.click(*box)
    visit.page.wait_for_url(re.compile(r"/videos/[0-9a-f]{16}\.html#t=\d+\.\d\d&track=\d+$"))


def _first_cell(visit: Visit, strips: Locator) -> tuple[float, float]:
    """The middle of the first coloured cell, on the screen."""
    strips.scroll_into_view_if_needed()
    x, y = strips.evaluate(
        """plot => {
          const trace = plot.data.find(t => t.type === "heatmap");
          const k = trace.z[0].findIndex(code => code !== null);
          const {xaxis, yaxis} = plot._fullLayout;
          const at = Date.parse(trace.x0.replace(" ", "T") + "Z") + k * trace.dx;
          const box = plot.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.d2p(at), box.top + yaxis._offset + yaxis.d2p(trace.y[0] + 0.25)];
        }"""
    )
    return float(x), float(y)


def test_days_lead_to_one_another(site: Path, visit: Visit) -> None:
    """From the list of days to a day, to the one before it, and home."""
    visit.open(site / "index.html")
    visit.page.locator("#days a").first.click()
    visit.page.wait_for_selector("h1")
    newest = visit.page.inner_text("h1")
    visit.page.locator("a[rel=prev]").click()
    visit.page.wait_for_url("**/2026-*.html")
    assert visit.page.inner_text("h1") < newest
    visit.page.get_by_role("link", name="emobatch", exact=True).click()
    visit.page.wait_for_selector("#days")


def test_a_camera_has_its_own_days_and_videos(site: Path, visit: Visit) -> None:
    """Its heat map, changes and table are of it alone, and its days are linked."""
    opened(visit, site / "cameras" / camera_page("dock-04"))
    assert set(column(visit, "Camera")) == {"dock-04"} and n_listed(visit) == 40
    assert visit.page.locator("[data-heat=heat-days] tbody tr").count() == 5
    assert visit.page.locator("#days a").count() == 5


@pytest.mark.parametrize("page", ["index.html", "days/2026-10-15.html", "cameras/" + camera_page("dock-04")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_many_fit_a_phone(site: Path, visit: Visit, page: str, scheme: Any) -> None:
    """Nothing scrolls sideways at 375 px, in either theme."""
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.set_viewport_size(PHONE)
    visit.open(site / page)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("page", ["index.html", "days/2026-10-15.html", "cameras/" + camera_page("dock-04")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_many_keep_nobody_out(site: Path, browser: Browser, page: str, scheme: Any) -> None:
    """axe-core finds nothing serious."""
    context: BrowserContext = browser.new_context(bypass_csp=True, color_scheme=scheme)
    audited = context.new_page()
    audited.goto((site / page).as_uri())
    audited.wait_for_selector("html[data-listed]")
    audited.evaluate(AXE_FILE_PATH.read_text("utf-8"))
    found = audited.evaluate("axe.run({resultTypes: ['violations']})")
    serious = [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    context.close()


def test_paper_has_no_buttons(site: Path, visit: Visit) -> None:
    """Printed, a page keeps its figures and tables and leaves filters away."""
    visit.open(site / "index.html")
    visit.page.emulate_media(media="print")
    assert visit.page.locator("#filters").is_hidden() and visit.page.locator(".top").is_hidden()
    assert visit.page.locator("table.videos").is_visible() and visit.page.locator(".shares").is_visible()
