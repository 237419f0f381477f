"""The queue of events in a real browser: filters, keys, verdicts, and their way through a CSV file into the tables."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser

from analytics.events.reviews import FILE, Review, append_reviews
from reports import text
from reports.site import write_site
from tests.browser import IN_BROWSER, Visit, visiting
from tests.command import emobatch, rows
from tests.test_report_data import HOSTILE, HOSTILE_CAMERA
from tests.test_review import WHEN, event_of, make_evaluated

pytestmark = IN_BROWSER

ROWS = "table.events tbody tr"
NOTE = '=HYPERLINK("x"), "ü" <img src=x onerror=alert(3)>'


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with events, of which two are reviewed."""
    folder = make_evaluated(tmp_path_factory.mktemp("queue"))
    out = folder / "out"
    crowds = [event for event in rows(out, "events") if event["rule"] == "crowding"][:2]
    append_reviews(
        out, [Review.of(crowds[0], "useful", "", HOSTILE, WHEN), Review.of(crowds[1], "unclear", NOTE, "Jo", WHEN)]
    )
    write_site(out)
    return folder


@pytest.fixture(name="queue")
def _queue(folder: Path, visit: Visit) -> Visit:
    return opened(visit, folder)


def opened(visit: Visit, folder: Path, fragment: str = "") -> Visit:
    """The page, once its scripts have listed the events."""
    visit.page.goto("about:blank")
    visit.page.goto((folder / "out" / "reports" / "events.html").as_uri() + fragment)
    visit.page.wait_for_selector("html[data-listed]")
    return visit


def column(visit: Visit, name: str) -> list[str]:
    """What stands in a column, from above."""
    return [cell.strip() for cell in visit.page.locator(f'{ROWS} td[data-label="{name}"]').all_inner_texts()]


def choose(visit: Visit, name: str, value: str) -> None:
    """Choose from a list of the filters."""
    visit.page.select_option(f"#filters [name={name}]", value)


def test_what_is_open_is_listed_first_and_filters_choose(queue: Visit, folder: Path) -> None:
    """By verdict, rule, camera, severity, day and words; Back goes back; the address can be sent to someone."""
    stored = rows(folder / "out", "events")
    assert set(column(queue, "Verdict")) == {"open"}
    assert len(column(queue, "Verdict")) == len(stored) - 2 == int(queue.page.inner_text(".n-open"))
    severities = column(queue, "Severity")
    assert severities == sorted(severities, key=["high", "medium", "low"].index)
    choose(queue, "verdict", "")
    assert len(column(queue, "Rule")) == len(stored)
    choose(queue, "rule", "crowding")
    assert set(column(queue, "Rule")) == {"crowding"}
    choose(queue, "camera", "hall")
    assert set(column(queue, "Camera")) == {"hall"}
    address = queue.page.url
    queue.page.go_back()
    assert set(column(queue, "Camera")) == {"hall", "shop"}
    opened(queue, folder, "#" + address.partition("#")[2])
    assert queue.page.input_value("#filters [name=camera]") == "hall"
    queue.page.click("#filters button[type=reset]")
    assert set(column(queue, "Verdict")) == {"open"}
    queue.page.fill("#filters [name=q]", "SHELF shop")
    assert set(column(queue, "Rule")) == {"loitering"}
    queue.page.fill("#filters [name=q]", "no such thing")
    assert "No open event is left here." in queue.page.inner_text("table.events")
    assert queue.page.locator("#review").is_hidden()
    opened(queue, folder, "#verdict=%3Cb%3E&severity=__proto__&day=2026-99&page=7&event=x&rule=")
    assert len(column(queue, "Verdict")) == len(stored) - 2


def test_times_are_those_of_the_camera(queue: Visit, folder: Path) -> None:
    """Berlin is two hours ahead of UTC in May; the one that is looked at tells it."""
    stored = rows(folder / "out", "events")
    choose(queue, "verdict", "")
    hours = {int(one[11:13]) for one in column(queue, "When")}
    assert hours == {event["time"].hour + 2 for event in stored}
    assert "UTC+02:00" in queue.page.inner_text("#review .head")


def test_keys_lead_through_the_queue_and_give_verdicts(queue: Visit, folder: Path) -> None:
    """A verdict leads on; the same key takes it back; nothing is lost when the page is loaded again."""
    keys = queue.page.keyboard
    selected = "tr.selected td[data-label='When']"
    whens = column(queue, "When")
    assert queue.page.inner_text(selected) == whens[0]
    keys.press("n")
    keys.press("n")
    keys.press("p")
    assert queue.page.inner_text(selected) == whens[1]
    keys.press("u")
    assert queue.page.inner_text(selected) == whens[2]
    keys.press("f")
    keys.press("c")
    verdicts = column(queue, "Verdict")
    assert [verdict.split("\n")[0].split(" not")[0].strip() for verdict in verdicts[1:4]] == [
        "useful",
        "false alarm",
        "unclear",
    ]
    assert int(queue.page.inner_text(".n-open")) == len(whens) - 3
    keys.press("p")
    keys.press("c")
    assert column(queue, "Verdict")[3] == "open"
    keys.press("m")
    keys.type("unf")
    keys.press("Enter")
    assert queue.page.inner_text("#pending .count") == "2"  # A note alone is no verdict, and its letters are no keys.
    keys.press("u")
    opened(queue, folder)
    assert len(column(queue, "Verdict")) == len(whens) - 3
    choose(queue, "verdict", "reviewed")
    assert any("unf" in verdict for verdict in column(queue, "Verdict"))
    keys.press("?")
    assert queue.page.locator("dialog.keys").is_visible()
    keys.press("?")
    queue.page.click("#pending [name=discard]")
    queue.page.click("#pending [name=discard]")
    assert queue.page.locator("#pending").is_hidden()
    choose(queue, "verdict", "open")
    assert column(queue, "When") == whens


def test_an_event_opens_its_video_at_its_second(queue: Visit, folder: Path) -> None:
    """By key and by link; Back comes to the same event; the page of the video leads to it, too."""
    event_id = queue.page.evaluate(
        "JSON.parse(document.getElementById('events').textContent).events.find((e) => !e.verdict).id"
    )
    (event,) = [one for one in rows(folder / "out", "events") if one["event_id"] == event_id]
    queue.page.keyboard.press("n")
    queue.page.keyboard.press("p")
    queue.page.keyboard.press("o")
    queue.page.wait_for_url(f"**/videos/{event['peak_video_id']}.html#t=*")
    fragment = queue.page.url.partition("#t=")[2].partition("&")[0]
    assert float(fragment) == pytest.approx(event["peak_pts_s"], abs=0.001)
    queue.page.wait_for_selector("html[data-player]")
    assert event["evidence"] in queue.page.inner_text(".of-events")
    queue.page.go_back()
    queue.page.wait_for_selector("html[data-listed]")
    assert event["evidence"] == queue.page.inner_text("tr.selected td.evidence")
    queue.page.goto((folder / "out" / "reports" / "videos" / f"{event['video_id']}.html").as_uri())
    item = queue.page.locator(".of-events li", has_text=event["evidence"])
    seconds = [float(link.get_attribute("data-at") or "") for link in item.locator(".jump").all()]
    wanted = [event["peak_pts_s"], event["start_s"]]
    assert event["peak_video_id"] == event["video_id"] and wanted[0] - wanted[1] >= 0.5
    assert seconds == pytest.approx(wanted, abs=0.001)  # Where to look, and since when.
    item.locator("a[href*=event]").click()
    queue.page.wait_for_selector("html[data-listed]")
    assert event["evidence"] == queue.page.inner_text("#review .evidence")


def test_verdicts_go_through_a_file_into_the_tables(queue: Visit, folder: Path, tmp_path: Path) -> None:
    """Saved, imported, drawn; then the browser lets go of them."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    keys = queue.page.keyboard
    opened(queue, copy)
    keys.press("m")
    keys.type(NOTE)
    keys.press("Escape")
    keys.press("f")
    keys.press("u")
    with queue.page.expect_download() as saved:
        queue.page.click("#pending [name=download]")
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    queue.page.click("#pending [name=copy]")
    assert queue.page.input_value("#pending textarea").splitlines() == file.read_text("utf-8").splitlines()
    told = list(csv.DictReader(io.StringIO(file.read_text("utf-8"))))
    assert (file.name, [row["verdict"] for row in told]) == ("verdicts.csv", ["false-alarm", "useful"])
    assert told[0]["note"] == f"'{NOTE}"  # A spreadsheet shall not run it.
    done = emobatch("review", "out", "--import", file, cwd=copy)
    assert (done.code, done.stderr) == (0, "")
    line = json.loads((copy / "out" / FILE).read_text("utf-8").splitlines()[2])
    assert (line["event_id"], line["verdict"], line["note"]) == (told[0]["event_id"], "false-alarm", NOTE)
    write_site(copy / "out")
    opened(queue, copy, "#verdict=false-alarm")
    assert queue.page.locator("#pending").is_hidden()
    (verdict,) = column(queue, "Verdict")
    assert NOTE in verdict
    assert "not imported yet" not in verdict
    assert queue.page.evaluate("localStorage.length") == 0


def test_an_imported_verdict_is_taken_back(queue: Visit, folder: Path, tmp_path: Path) -> None:
    """The same key once more withdraws it; once more gives it again; the withdrawal is saved and imported as one."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (first, *_) = [event["event_id"] for event in rows(copy / "out", "events")]
    assert emobatch("review", "out", first, "useful", "--note", "seen", cwd=copy).code == 0
    write_site(copy / "out")
    opened(queue, copy, f"#verdict=all&event={first}")
    n_open = int(queue.page.inner_text(".n-open"))
    pressed = queue.page.locator("#review [aria-pressed=true]")
    assert pressed.inner_text() == "useful"
    queue.page.keyboard.press("u")
    assert (pressed.count(), queue.page.inner_text("#pending .count")) == (0, "1")
    assert "as soon as that is imported" in queue.page.inner_text("#review .said")
    assert int(queue.page.inner_text(".n-open")) == n_open + 1
    queue.page.keyboard.press("u")
    assert pressed.inner_text() == "useful"
    assert queue.page.locator("#pending").is_hidden()  # As the tables have it, with its note.
    opened(queue, copy, f"#verdict=all&event={first}")
    queue.page.keyboard.press("u")
    opened(queue, copy, "#verdict=open")
    assert int(queue.page.inner_text(".n-open")) == n_open + 1 == len(column(queue, "Verdict"))
    with queue.page.expect_download() as saved:
        queue.page.click("#pending [name=download]")
    saved.value.save_as(tmp_path / "verdicts.csv")
    done = emobatch("review", "out", "--import", tmp_path / "verdicts.csv", cwd=copy)
    assert (done.code, done.stderr) == (0, "")
    write_site(copy / "out")
    opened(queue, copy, "#verdict=open")
    assert queue.page.locator("#pending").is_hidden()
    assert int(queue.page.inner_text(".n-open")) == n_open + 1 == len(column(queue, "Verdict"))


def test_names_and_notes_stay_text(tmp_path: Path, visit: Visit) -> None:
    """Of rule, camera, reviewer and note, in list, panel, filter, precision and the page of the video."""
    folder = make_hostile(tmp_path)
    opened(visit, folder, "#verdict=all")
    assert visit.page.locator("main img").count() == 0
    assert text.visible(HOSTILE) in visit.page.inner_text("#review .head")
    assert text.visible(HOSTILE_CAMERA) in column(visit, "Camera")[0]
    assert NOTE in column(visit, "Verdict")[0]
    choose(visit, "camera", text.visible(HOSTILE_CAMERA))
    choose(visit, "rule", text.visible(HOSTILE))
    assert len(column(visit, "Rule")) == 1
    assert text.visible(HOSTILE) in visit.page.inner_text("#precision")


def make_hostile(tmp_path: Path) -> Path:
    """One event whose names want to be more than names."""
    from analytics.schema import EVENTS
    from analytics.tables import to_table, write_half
    from tests.test_report_data import WHOLE, write_results

    out = write_results(tmp_path / "out")
    event = event_of(3, 9, rule=HOSTILE, camera=HOSTILE_CAMERA, video_id=WHOLE, event_id="0123456789abcdef")
    event |= {
        "track_id": 1, "severity": "high", "evidence": HOSTILE, "tracks": [1], "videos": [WHOLE],
        "peak_video_id": WHOLE, "peak_pts_s": 4.0, "thresholds": "{}", "figures": "{}",
    }  # fmt: skip
    file = out / "events" / "day=2026-05-04" / "cam=x" / "events.parquet"
    file.parent.mkdir(parents=True)
    half = write_half(to_table("events", {name: [event[name]] for name in EVENTS.names}), file, {})
    half.replace(file)
    append_reviews(out, [Review.of(event, "useful", NOTE, HOSTILE, WHEN)])
    write_site(out)
    return tmp_path


def serious(visit: Visit) -> list[Any]:
    """What axe-core finds on the page that is open."""
    visit.page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
    found = visit.page.evaluate("axe.run({preload: false})")
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_queue_keeps_nobody_out(folder: Path, browser: Browser, scheme: Any) -> None:
    """axe-core finds nothing serious; nothing scrolls sideways on a phone; paper has no buttons."""
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    with visiting(context) as visit:
        opened(visit, folder, "#verdict=all")
        visit.page.keyboard.press("f")
        assert serious(visit) == []
        visit.page.goto((folder / "out" / "reports" / "index.html").as_uri())
        visit.page.locator(".of-events a").first.wait_for()
        assert serious(visit) == []
        visit.page.click(".of-events a")
        visit.page.wait_for_selector("html[data-listed]")
        visit.page.set_viewport_size({"width": 375, "height": 800})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 375
        visit.page.emulate_media(media="print")
        for hidden in ("#filters", "#review", "#pending"):
            assert visit.page.locator(hidden).is_hidden()
        assert visit.page.locator("table.events").is_visible()
    context.close()


def test_without_scripts_the_queue_is_read(folder: Path, browser: Browser) -> None:
    """All events of a small archive, and a word about the command."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "out" / "reports" / "events.html").as_uri())
    assert page.locator(ROWS).count() == len(rows(folder / "out", "events"))
    assert "emobatch review" in page.inner_text("main")
    assert page.locator("#filters").is_hidden()
    context.close()
