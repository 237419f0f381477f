"""The page of a video as an analyst opens it: from file://, in a real browser, beside its footage."""

from pathlib import Path

import pytest

from reports.site import write_site
from tests.browser import IN_BROWSER, Visit
from tests.test_report_data import PARTIAL, WHOLE, write_results

pytestmark = IN_BROWSER


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(write_results(tmp_path_factory.mktemp("out"))).parent


def test_charts_of_a_whole_video_are_drawn(site: Path, visit: Visit) -> None:
    """Coverage, timeline, lanes and distribution hold as many bars as the tables have to show."""
    visit.open(site / "videos" / f"{WHOLE}.html")
    assert visit.traces("coverage") == 1
    assert visit.traces("lanes") == 5
    assert visit.traces("distribution") == 8
    assert visit.traces("timeline") == 70  # 35 seconds with judged faces: shares above, numbers below


def test_hole_is_drawn_where_it_is(site: Path, visit: Visit) -> None:
    """The hole of a partial video stands between a third and just over half of the strip."""
    visit.open(site / "videos" / f"{PARTIAL}.html")
    assert visit.traces("coverage") == 5  # three decoded stretches, a hole, a pause
    plot = visit.page.locator("[data-figure=figure-coverage]")
    area = plot.locator(".nsewdrag").first.bounding_box()
    boxes = [bar.bounding_box() for bar in plot.locator("svg .trace .point path").all()]
    assert area is not None
    places = sorted(
        (round((box["x"] - area["x"]) / area["width"], 2), round(box["width"] / area["width"], 2))
        for box in boxes
        if box is not None
    )
    expected = [(0, 20), (20, 13), (33, 7), (40, 5), (45, 15)]
    for (left, width), (start_s, length_s) in zip(places, expected, strict=True):
        assert left == pytest.approx(start_s / 60, abs=0.011)
        assert width == pytest.approx(length_s / 60, abs=0.011)


def test_hover_text_shows_a_hostile_cause_as_text(site: Path, visit: Visit) -> None:
    """Plotly's pseudo-HTML does not make bold what a cause merely spells."""
    visit.open(site / "videos" / f"{PARTIAL}.html")
    strip = visit.page.locator("[data-figure=figure-coverage]")
    hole = strip.locator("svg .trace").nth(1).locator(".point path").bounding_box()
    assert hole is not None
    visit.page.mouse.move(hole["x"] + hole["width"] / 2, hole["y"] + hole["height"] / 2, steps=3)
    hover = strip.locator(".hoverlayer .hovertext")
    hover.wait_for()
    assert "<b>corrupt</b> packets" in (hover.text_content() or "")
    assert "0:20.0 to 0:33.0" in (hover.text_content() or "")


def test_zooming_one_time_axis_moves_the_others(site: Path, visit: Visit) -> None:
    """Charts of time show the same stretch, with labels that fit it, and a double click shows all again."""
    visit.open(site / "videos" / f"{WHOLE}.html")
    ranges = "() => [...document.querySelectorAll('[data-figure]')].filter(p => p.layout.meta)"
    ranges += ".map(p => p.layout.xaxis.range.map(s => Math.round(s)))"
    area = visit.page.locator("[data-figure=figure-lanes] .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    visit.page.mouse.move(box["x"] + box["width"] / 4, y)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] / 2, y, steps=5)
    visit.page.mouse.up()
    visit.page.wait_for_function(f"() => ({ranges})().every(r => r[0] === 15 && r[1] === 30)")
    labels = visit.page.locator("[data-figure=figure-coverage] .xtick").all_text_contents()
    assert "0:20" in labels and "0:00" not in labels
    area.dblclick()
    visit.page.wait_for_function(f"() => ({ranges})().every(r => r[0] === 0 && r[1] === 60)")
