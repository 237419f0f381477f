"""The page of a video as an analyst opens it: from file://, in a real browser, beside its footage."""

import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from reports import text
from reports.site import write_site
from tests.browser import IN_BROWSER, Visit
from tests.clips import write_clip
from tests.footage import Actor, Scene
from tests.test_report_data import (
    HOSTILE,
    PARTIAL,
    WHOLE,
    face_row,
    sample_rows,
    track_row,
    video_row,
    write_results,
    write_rows,
)

pytestmark = IN_BROWSER

PLAYS, BLIND, GONE, LATE = (digit * 16 for digit in "1234")
NAME = 'it\'s <b>50%41 #1? "x"\u202e.mp4'
SCENE = Scene(
    width=640,
    height=360,
    duration_s=8.0,
    actors=(
        Actor(path=((0.0, 100.0, 120.0, 90.0), (8.0, 420.0, 160.0, 90.0))),
        Actor(path=((2.0, 500.0, 220.0, 60.0), (6.0, 500.0, 220.0, 60.0))),
    ),
)
LABELS_OF_1 = ["neutral"] * 8 + ["happy"] * 8


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(write_results(tmp_path_factory.mktemp("out"))).parent


@pytest.fixture(scope="module", name="watched")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of footage with two drawn faces: one that browsers play, one that they do not, one that is gone."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "footage").mkdir()
    write_clip(SCENE, folder / "footage" / NAME)
    write_clip(SCENE, folder / "footage" / "old.avi", codec="msmpeg4")
    # Its sound begins a second before its picture.
    write_clip(SCENE, folder / "footage" / "late.mkv", times=[1 + t for t in SCENE.times()], audio=True)
    for video_id, name, codec in (
        (PLAYS, NAME, "h264"), (BLIND, "old.avi", "msmpeg4v3"), (GONE, "it's gone.mp4", "h264"), (LATE, "late.mkv", "h264"),
    ):  # fmt: skip
        _write(folder / "out", video_id, str(folder / "footage" / name), codec)
    return write_site(folder / "out").parent


def _write(out: Path, video_id: str, source: str, codec: str) -> None:
    faces = []
    for track_id, actor in enumerate(SCENE.actors, 1):
        for k in range(16):
            if box := actor.box_at(k / 2):
                place = dict(zip("xywh", box, strict=True))
                label = LABELS_OF_1[k] if track_id == 1 else None
                faces.append(
                    face_row(video_id, k / 2, track_id, label, usable=label is not None, confidence=0.8) | place
                )
    faces.sort(key=lambda face: face["pts_s"])
    tracks = [track_row(video_id, 1, 0.0, 7.5, neutral=0.5, happy=0.5), track_row(video_id, 2, 2.0, 6.0)]
    tracks[0]["best_pts_s"] = 5.5
    size = {"width": 640, "height": 360, "duration_s": 8.0, "decoded_s": 8.0, "codec": codec}
    counts = {"n_samples": 16, "n_faces": len(faces), "n_tracks": 2}
    write_rows(out, "videos", [video_row(video_id, source=source, **size, **counts)], video_id)
    for table, rows in (("samples", sample_rows(video_id, 16)), ("faces", faces), ("tracks", tracks)):
        write_rows(out, table, rows, video_id)


@pytest.fixture(name="watching")
def _watching(watched: Path, visit: Visit) -> Visit:
    """The page of footage that plays, ready."""
    open_ready(visit, watched)
    return visit


def open_ready(visit: Visit, site: Path, fragment: str = "", video_id: str = PLAYS) -> None:
    """Open a page and wait until its player has a picture and knows when it was: only then it goes anywhere."""
    visit.open(site / "videos" / f"{video_id}.html", fragment)
    visit.page.wait_for_selector("html[data-player=ready]", timeout=20_000)


def seconds(page: Page) -> float:
    """Where the player stands, once it is there."""
    page.wait_for_function("() => !document.querySelector('.stage video').seeking")
    return float(page.evaluate("document.querySelector('.stage video').currentTime"))


def click_chart(page: Page, figure: str, at_s: float, share_of_height: float) -> None:
    """Click on a chart of eight seconds, at a second and a share of the height of its area."""
    area = page.locator(f"[data-figure=figure-{figure}] .nsewdrag").last
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * at_s / 8, box["y"] + box["height"] * share_of_height)


def boxes(page: Page) -> dict[int, dict[str, Any]]:
    """The boxes over the picture, by track: their words, and their edges in px of the footage."""
    found: list[dict[str, Any]] = page.evaluate(
        """() => {
          const video = document.querySelector('.stage video');
          const frame = video.getBoundingClientRect();
          const scale = Math.min(frame.width / video.videoWidth, frame.height / video.videoHeight);
          const left = frame.left + (frame.width - video.videoWidth * scale) / 2;
          const top = frame.top + (frame.height - video.videoHeight * scale) / 2;
          return [...document.querySelectorAll('.box:not([hidden])')].map((box) => {
            const b = box.getBoundingClientRect();
            return { track: Number(box.dataset.track), words: box.textContent, style: getComputedStyle(box).borderTopStyle,
              colour: getComputedStyle(box).borderTopColor, scale,
              edges: [(b.left - left) / scale, (b.top - top) / scale, b.width / scale, b.height / scale] };
          });
        }"""
    )
    return {box["track"]: box for box in found}


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
        assert left == pytest.approx(start_s / 60, abs=0.015)
        assert width == pytest.approx(length_s / 60, abs=0.015)


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


def test_a_click_on_a_lane_shows_its_second(watching: Visit) -> None:
    """On a bar and beside it: the player goes there, the track is chosen, and the address leads there again."""
    page = watching.page
    click_chart(page, "lanes", 5.0, 0.25)
    assert seconds(page) == pytest.approx(5.0, abs=0.1)
    assert "track=1" in page.url and "#t=" in page.url
    assert page.locator("tr.selected[data-track='1']").count() == 1
    click_chart(page, "lanes", 1.0, 0.75)  # track 2 is not there yet
    assert seconds(page) == pytest.approx(1.0, abs=0.1)
    assert page.locator("output.track").inner_text() == "2"


@pytest.mark.parametrize(("figure", "share"), [("coverage", 0.5), ("timeline", 0.5), ("coverage", 0.98)])
def test_a_click_on_any_chart_of_time_shows_its_second(watching: Visit, figure: str, share: float) -> None:
    """Wherever a chart has a time axis; a line stands at that second in all of them."""
    click_chart(watching.page, figure, 3.0, share)
    assert seconds(watching.page) == pytest.approx(3.0, abs=0.1)
    lines = watching.page.locator(".chart > .now")
    assert lines.count() == 3
    for other in ("coverage", "timeline", "lanes"):
        chart = watching.page.locator(f"[data-figure=figure-{other}]")
        line, area = chart.locator(".now").bounding_box(), chart.locator(".nsewdrag").first.bounding_box()
        assert line is not None and area is not None
        assert line["x"] + line["width"] / 2 == pytest.approx(area["x"] + area["width"] * 3 / 8, abs=3)


def test_rows_and_changes_lead_to_their_second(watching: Visit) -> None:
    """A row of the table, a link in it, and a change of expression."""
    page = watching.page
    page.locator(".changes li").click()
    assert seconds(page) == pytest.approx(4.0, abs=0.05)
    page.locator("tr[data-track='2'] td").last.click()
    assert seconds(page) == pytest.approx(2.0, abs=0.05)
    page.locator("tr[data-track='1'] a", has_text="0:05.5").click()
    assert seconds(page) == pytest.approx(5.5, abs=0.05)
    assert page.url.endswith("#t=5.5&track=1")
    assert "2026-03-01 23:00:05 UTC+01:00" in page.locator(".readout").inner_text()


@pytest.mark.parametrize("size", [(1280, 900), (375, 700), (1000, 400)])
def test_boxes_lie_on_the_faces(watched: Path, visit: Visit, size: tuple[int, int]) -> None:
    """Whatever the window, also between two samples, and beside what is drawn around the picture."""
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    for at_s, expected in ((3.0, {1: "neutral", 2: None}), (5.25, {1: "happy", 2: None}), (7.5, {1: "happy"})):
        open_ready(visit, watched, f"#t={at_s}&track=1")
        seconds(visit.page)
        visit.page.wait_for_selector(".box:not([hidden])")
        found = boxes(visit.page)
        assert set(found) == set(expected)
        for track_id, label in expected.items():
            truth = SCENE.actors[track_id - 1].box_at(at_s)
            assert truth is not None
            tolerance = 2 + 2 / found[track_id]["scale"]
            assert found[track_id]["edges"] == pytest.approx(truth, abs=tolerance)
            words = f"{label} 80 %" if label else "not judged"
            assert found[track_id]["words"] == f"track {track_id} · {words}"
            assert found[track_id]["style"] == ("solid" if label else "dashed")


def test_time_is_counted_from_the_first_picture(watched: Path, visit: Visit) -> None:
    """Where the sound begins a second earlier the player is asked for a second more."""
    open_ready(visit, watched, "#t=3&track=1", LATE)
    visit.page.wait_for_function("() => document.querySelector('.stage video').currentTime > 3.9")
    assert seconds(visit.page) == pytest.approx(4.0, abs=0.05)
    assert visit.page.locator(".readout .moment").inner_text() == "0:03.0"
    truth = SCENE.actors[0].box_at(3.0)
    assert boxes(visit.page)[1]["edges"] == pytest.approx(truth, abs=5)


def test_keys_lead_through_the_footage(watching: Visit) -> None:
    """Tracks at their best moment, changes, five seconds, boxes; what was chosen is said to who cannot see it."""
    page = watching.page
    said = page.locator(".said")
    for key, at_s, words in (
        ("n", 5.5, "Track 1, neutral 62 %"), ("n", 2.0, "Track 2, not judged"), ("]", 2.0, "last track"),
        ("p", 5.5, "Track 1"), (",", 4.0, "from neutral to happy"), ("ArrowLeft", 0.0, ""), (".", 4.0, "to happy"),
        ("ArrowRight", 8.0, ""), (".", 8.0, "No later change"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert seconds(page) == pytest.approx(at_s, abs=0.05), key
        assert words in said.inner_text()
    page.keyboard.press("p")
    page.keyboard.press("n")
    page.wait_for_selector(".box:not([hidden])")
    page.keyboard.press("b")
    assert page.locator(".box:not([hidden])").count() == 0
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("n")  # The list of keys is read, nothing else happens.
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert seconds(page) == pytest.approx(2.0, abs=0.05)


def test_keys_are_left_to_inputs(watching: Visit) -> None:
    """Whoever types does not jump; a key with control is the browser's."""
    page = watching.page
    page.evaluate("document.querySelector('main').prepend(document.createElement('input'))")
    page.locator("main > input").type("npb, .")
    assert page.locator("main > input").input_value() == "npb, ."
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+b")
    assert "#" not in page.url
    assert page.locator("[data-key=b]").get_attribute("aria-pressed") == "true"


def test_space_plays_and_the_boxes_follow(watching: Visit) -> None:
    """While it plays the line moves and the box goes along with the face."""
    page = watching.page
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.stage video').currentTime > 1.5")
    page.keyboard.press(" ")
    at_s = seconds(page)
    page.wait_for_function("() => !document.querySelector('.readout .moment').textContent.startsWith('0:00')")
    page.wait_for_timeout(300)
    assert page.evaluate("document.querySelector('.stage video').paused")
    assert boxes(page)[1]["edges"] == pytest.approx(SCENE.actors[0].box_at(at_s), abs=5)


@pytest.mark.parametrize(
    "fragment",
    [
        "#t=abc",
        "#t=99999&track=77",
        "#<b>",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("#t=1e999", "#track=1", "#t=-5", "#t=3&track=x")),
    ],
)
def test_a_foreign_address_does_no_harm(watched: Path, visit: Visit, fragment: str) -> None:
    """What is no second is none; beyond the end is the end."""
    open_ready(visit, watched, fragment)
    assert 0 <= seconds(visit.page) <= 8.1


@pytest.mark.parametrize(
    ("video_id", "words"), [(BLIND, "few know its format (msmpeg4v3)"), (GONE, "may have been moved")]
)
def test_footage_that_does_not_play(watched: Path, browser: Browser, video_id: str, words: str) -> None:
    """The page says so, and clicks choose the second of a command that plays it elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((watched / "videos" / f"{video_id}.html").as_uri() + "#t=1.5&track=1")
    page.wait_for_selector("html[data-drawn]")
    page.wait_for_selector(".elsewhere:not([hidden])")
    assert words in page.locator(".why").inner_text()
    assert not page.locator(".stage video").is_visible() and not page.locator("[data-key=b]").is_visible()
    click_chart(page, "lanes", 5.0, 0.25)
    name = "old.avi" if video_id == BLIND else "it's gone.mp4"
    command = shlex.split(page.locator(".mpv code").inner_text())
    assert command[0] == "mpv" and command[2] == str(watched.parents[1] / "footage" / name)
    assert float(command[1].removeprefix("--start=")) == pytest.approx(5.0, abs=0.1)
    assert page.locator(".readout .moment").inner_text() == "0:" + f"{float(command[1][8:]):04.1f}"
    page.locator(".copy").click()
    page.wait_for_function("() => document.querySelector('.said').textContent !== ''")
    assert page.locator(".box:not([hidden])").count() == 0
    assert errors == []
    context.close()


def test_an_object_without_a_link_says_so(tmp_path: Path, visit: Visit) -> None:
    """No player, no request; what may be done about it."""
    _write(tmp_path, PLAYS, "s3://bucket/a.mp4", "h264")
    visit.open(write_site(tmp_path).parent / "videos" / f"{PLAYS}.html", "#t=2")
    assert visit.page.locator("video").count() == 0
    assert "--link-footage" in visit.page.locator(".elsewhere").inner_text()
    assert visit.page.locator(".readout .moment").inner_text() == "0:02.0"
    visit.page.keyboard.press("n")
    assert visit.page.locator(".readout .moment").inner_text() == "0:05.5"


def test_a_hostile_name_stays_text_and_is_found(watching: Visit) -> None:
    """The footage of a name with quotes, marks and brackets plays, and the page shows every character."""
    page = watching.page
    assert page.locator("h1").inner_text() == text.visible(NAME)
    assert page.locator("main b").count() == 0
    assert page.evaluate("document.querySelector('.stage video').videoWidth") == 640
    for character in ("\u202e",):
        assert character not in page.content()


def test_hostile_names_are_shown_as_they_are(site: Path, visit: Visit) -> None:
    """No element comes of them, and no other name."""
    visit.open(site / "videos" / f"{WHOLE}.html")
    name = text.visible(HOSTILE).rpartition("/")[2]
    assert visit.page.locator("h1").inner_text() == name
    assert visit.page.title() == name
    assert text.visible(HOSTILE) in visit.page.locator("table.facts").inner_text()
    assert visit.page.locator("main img, main b").count() == 0


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("video_id", [PLAYS, BLIND])
def test_the_page_is_as_wide_as_its_window(watched: Path, visit: Visit, width: int, video_id: str) -> None:
    """Wide tables scroll inside themselves."""
    visit.page.set_viewport_size({"width": width, "height": 700})
    visit.open(watched / "videos" / f"{video_id}.html", "#t=3&track=1")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_there_is_no_player_and_the_charts_can_be_read(watching: Visit) -> None:
    """Dark letters, whatever the theme."""
    page = watching.page
    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_function("() => document.querySelector('[data-figure]').layout.font.color === '#111'")
    assert not page.locator(".player").is_visible()
    assert page.locator("[data-figure=figure-lanes] svg").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("video_id", [PLAYS, BLIND])
def test_nothing_keeps_people_from_using_it(watched: Path, browser: Browser, video_id: str, scheme: Any) -> None:
    """axe-core finds nothing serious, with a track chosen."""
    # The policy of the pages refuses scripts from outside, axe-core among them.
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True, color_scheme=scheme)
    audited = context.new_page()
    audited.goto((watched / "videos" / f"{video_id}.html").as_uri() + "#t=3&track=1")
    audited.wait_for_selector("html[data-drawn]")
    audited.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = audited.evaluate("axe.run({ preload: false })")
    serious = [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    context.close()
    assert serious == []
