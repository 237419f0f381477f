"""The zone of an event over the footage, as an analyst sees it who comes from the queue: in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from analytics.events.finding import find_events
from analytics.events.store import write_events
from reports.archive import read_archive
from reports.events import read_queue
from reports.zones import drawn_zones, zones_of
from tests.browser import IN_BROWSER, Visit
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.footage import Actor, Scene
from tests.planted import ZONE
from tests.test_events import LOITERING, only, scene
from tests.test_events import standing as stands

pytestmark = IN_BROWSER

NAME = '<b>shelf</b> "1"\u202e'
CORNERS = [[0.25, 0.125], [0.75, 0.125], [0.75, 1.0], [0.25, 1.0]]
CONFIG = f"""[run]
sources = ["clip.mp4"]
camera = "door"
[[zone]]
name = {json.dumps(NAME)}
camera = "door"
points = {CORNERS}
[[rule]]
name = "stays"
zone = {json.dumps(NAME)}
dwell = 3
"""
LINES = "svg.zones g:not([hidden])"


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that comes into the zone at two seconds and leaves it at seven, of ten; and a video without events."""
    folder = tmp_path_factory.mktemp("zones")
    path = ((0.0, 60.0, 180.0, 90.0), (2.0, 300.0, 180.0, 90.0), (7.0, 340.0, 180.0, 90.0), (9.0, 580.0, 180.0, 90.0))
    write_clip(Scene(duration_s=10, fps=5, actors=(Actor(path=path),)), folder / "clip.mp4")
    (folder / "emobatch.toml").write_text(CONFIG, encoding="utf-8")
    done = emobatch("run", "--json", cwd=folder)
    assert (done.code, done.json["events"]) == (0, 1)
    return folder


def ready(page: Page) -> None:
    """Wait until the player has a picture and stands where it was asked to."""
    page.wait_for_selector("html[data-player=ready]", timeout=20_000)
    page.wait_for_function("() => !document.querySelector('.stage video').seeking")


def test_the_zone_of_an_event_is_outlined_while_it_goes_on(folder: Path, visit: Visit) -> None:
    """At the second to which the queue leads; not before and after it; with the boxes of faces, on and off by b."""
    (event,) = rows(folder / "out", "events")
    page = visit.page
    page.goto((folder / "out" / "reports" / "events.html").as_uri())
    page.wait_for_selector("html[data-listed]")
    page.click("#review a.open")
    ready(page)
    page.wait_for_selector(LINES)
    assert page.locator(f"{LINES} polygon").last.get_attribute("points") == "0.25,0.125 0.75,0.125 0.75,1 0.25,1"
    assert page.locator(".zone").inner_text() == '<b>shelf</b> "1"\\u202e'
    assert page.locator(".box:not([hidden])").count() == 1
    frame, outline = (page.locator(one).last.bounding_box() for one in (".stage video", f"{LINES} polygon"))
    assert frame is not None and outline is not None
    assert outline["x"] - frame["x"] == pytest.approx(0.25 * frame["width"], abs=4)
    assert outline["width"] == pytest.approx(0.5 * frame["width"], abs=8)
    page.keyboard.press("b")
    assert page.locator(LINES).count() == page.locator(".zone:not([hidden])").count() == 0
    assert "Boxes and zones off" in page.inner_text(".said")
    page.keyboard.press("b")
    assert page.locator(LINES).count() == 1
    for seconds in (event["start_s"] - 0.5, event["end_s"] + 0.5):
        page.evaluate(f"location.hash = 't={seconds}'")
        page.wait_for_function(f"() => !document.querySelector('{LINES}')")
        assert not page.locator(".zone").is_visible()


def test_a_page_without_a_zone_has_no_outline(folder: Path, visit: Visit, tmp_path: Path) -> None:
    """Nothing is drawn where no event names one."""
    (tmp_path / "clip.mp4").symlink_to(folder / "clip.mp4")
    text = '[run]\nsources = ["clip.mp4"]\ncamera = "door"\n[[rule]]\nname = "stays"\ndwell = 3\n'
    (tmp_path / "emobatch.toml").write_text(text, encoding="utf-8")
    assert emobatch("run", "--json", cwd=tmp_path).json["events"] == 1
    (page,) = (tmp_path / "out" / "reports" / "videos").glob("*.html")
    visit.page.goto(f"{page.as_uri()}#t=4")
    ready(visit.page)
    visit.page.wait_for_selector(".box:not([hidden])")
    assert visit.page.locator("svg.zones").count() == 0
    visit.page.keyboard.press("b")
    assert visit.page.inner_text(".said") == "Boxes off"


def test_an_event_over_two_files_has_its_zone_in_both(tmp_path: Path) -> None:
    """From second 885 of the one to second 55 of the other; two events of one zone are no two zones."""
    scene(tmp_path, [stands(885, 955), stands(300, 400)], hours=0.5)
    write_events(tmp_path, find_events(tmp_path, only(LOITERING)).items, {"emobatch.version": "1"})
    archive = read_archive(tmp_path)
    queue = read_queue(tmp_path, archive)
    one, other = sorted(archive.videos, key=lambda video: str(video.start_time))
    (name, points, spans), (_, same, more) = (
        zones_of(queue.by_video[video.video_id], video)[0] for video in (one, other)
    )
    assert (name, points, same) == ("shelf", ZONE, ZONE)
    expected = [[300_000, 400_000], [885_000, 955_000]]
    assert [ms for span in spans for ms in span] == pytest.approx([ms for span in expected for ms in span], abs=2500)
    assert more == [pytest.approx([-15_000, 55_000], abs=2500)]


@pytest.mark.parametrize(
    "told", ["", "[]", "{}", '{"zones": 3}', '{"zones": {"a": 3}}', '{"zones": {"a": [["x", 1]]}}', '{"zones": null}']
)
def test_a_table_that_knows_no_zones_has_none(told: str) -> None:
    """It may be older than they are."""
    assert drawn_zones(told) == []
