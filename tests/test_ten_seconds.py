"""What changed, when, on which camera, how sure: read from the screen of an index, and seen three clicks later."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import ViewportSize

from reports.clock import local
from reports.site import write_site
from tests.archive import video_id_of
from tests.browser import IN_BROWSER, Visit
from tests.test_report_data import Row, face_row, sample_rows, track_row, video_row, write_rows

pytestmark = IN_BROWSER

SCREEN: Final[ViewportSize] = {"width": 1280, "height": 900}
N: Final = 200
CAMERAS: Final = ("gate", "yard", "lobby", "dock")
FIRST: Final = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
ZONE: Final = "Europe/Berlin"
PLANTED: Final = 137
AT_S: Final = 23.0
"""When the planted track changes."""
CONFIDENCE: Final = 0.91


def _start(number: int) -> datetime:
    return FIRST + timedelta(hours=number // 4)


def _faces(number: int) -> list[Row]:
    """Two tracks each: one that stays as it is, and one that looks like a change and is a weaker one, or none."""
    one, camera = video_id_of(number), CAMERAS[number % 4]
    if number == PLANTED:
        # Twelve seconds each, and sure.
        labels = ["neutral"] * 24 + ["angry"] * 24
        sure, begin = CONFIDENCE, AT_S - 12
    else:
        begin = 11.0
        labels, sure = (
            (["neutral"] * 4 + ["happy"] * 4, 0.95),  # sure, and short
            (["sad"] * 24 + ["happy"] * 24, 0.5),  # long, and unsure
            (["neutral"] * 24 + ["uncertain"] * 12 + ["angry"] * 24, 0.95),  # nobody knows when
            (["neutral"] * 30, 0.95),
        )[number % 4 if number % 8 < 4 else 3]
    facts = {"camera": camera, "confidence": sure}
    faces = [face_row(one, begin + k / 2, 2, label, **facts) for k, label in enumerate(labels)]
    return faces + [face_row(one, k / 2, 1, "neutral", camera=camera, confidence=0.9) for k in range(20)]


@pytest.fixture(scope="module", name="index")
def _index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    videos, samples, faces, tracks = [], [], [], []
    for number in range(N):
        one, camera, of_video = video_id_of(number), CAMERAS[number % 4], _faces(number)
        facts = {"camera": camera, "start_time": _start(number), "time_zone": ZONE, "n_samples": 120}
        name = f"/archive/{camera}/{number:03}.mp4"
        videos.append(video_row(one, source=name, n_faces=len(of_video), n_tracks=2, **facts))
        samples += sample_rows(one, 120)
        faces += of_video
        tracks += [track_row(one, k, 0.0, 30.0, neutral=1.0) | {"camera": camera} for k in (1, 2)]
    for table, rows in (("videos", videos), ("samples", samples), ("faces", faces), ("tracks", tracks)):
        write_rows(out, table, rows, "part-0")
    return write_site(out)


def test_the_strongest_change_is_told_on_the_first_screen_and_one_click_away(index: Path, visit: Visit) -> None:
    """Without scrolling: what, when, on which camera, how sure; a click is at that second of that video."""
    visit.page.set_viewport_size(SCREEN)
    visit.open(index)
    row = visit.page.locator("main").get_by_role("row").filter(has_text="→").filter(has=visit.page.locator("a")).first
    box = row.bounding_box()
    assert box is not None and box["y"] + box["height"] < SCREEN["height"]

    told = row.inner_text()
    moment = local(_start(PLANTED) + timedelta(seconds=AT_S), ZONE)
    assert f"{moment:%Y-%m-%d %H:%M:%S}" in told
    assert CAMERAS[PLANTED % 4] in told and "track 2" in told
    assert re.search(r"neutral\s*→\s*angry", told) and "91 %" in told
    assert len(re.findall(r"12\.0 s", told)) == 2

    row.get_by_role("link").click()
    _is_there(visit)


def test_from_an_hour_and_a_camera_it_is_three_clicks(index: Path, visit: Visit) -> None:
    """Someone knows the day and the hour: the cell of the heat map, then the change that is left for it."""
    moment = local(_start(PLANTED) + timedelta(seconds=AT_S), ZONE)
    visit.page.set_viewport_size(SCREEN)
    visit.open(index)
    cells = visit.page.get_by_role("gridcell", name=f"{moment:%Y-%m-%d}, {moment:%H}:00")
    cells.click()
    changes = visit.page.get_by_role("row").filter(has_text="→").filter(has=visit.page.locator("a"))
    told = changes.all_inner_texts()
    assert told and all(f"{moment:%Y-%m-%d %H}:" in row for row in told)
    changes.filter(has_text="angry").get_by_role("link").click()
    _is_there(visit)


def _is_there(visit: Visit) -> None:
    """The page of the planted video is open, at the second and with the track of its change."""
    visit.page.wait_for_selector("html[data-drawn]")
    address = urlsplit(visit.page.url)
    assert Path(address.path).name == f"{video_id_of(PLANTED)}.html"
    told = parse_qs(address.fragment)
    assert float(told["t"][0]) == pytest.approx(AT_S, abs=0.5) and told["track"] == ["2"]
    assert visit.page.inner_text("h1").startswith(f"{PLANTED:03}.mp4")
