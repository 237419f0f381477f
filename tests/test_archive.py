"""What the pages of many videos are made of: parts of the archive, rows for scripts, lanes of a day, failures."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from reports.archive import Archive, read_archive
from reports.heat import by_camera, by_day_and_hour
from reports.hours import LEAST_TRACKS
from reports.morning import failures_of
from reports.nights import Night
from reports.overview_page import day_html
from reports.recordings import MOST_BARS, Bar, within
from reports.records import Change
from reports.rows import newest_first, note_of, rows_of
from reports.site import write_site
from reports.strips import BUCKET_S, of_day
from tests.many import make_archive
from tests.test_report_data import (
    COPY,
    EMPTY,
    FAILED,
    PARTIAL,
    START,
    WHOLE,
    Row,
    track_row,
    video_row,
    write_results,
    write_rows,
)
from tests.test_reports import Reader

NIGHT = Night(START, 1.0, 1.0, (), (), (), False)


def archive_of(out: Path, videos: list[Row], tracks: list[Row] | None = None) -> Archive:
    """Rows, written and read again."""
    write_rows(out, "videos", videos, "part-0")
    write_rows(out, "tracks", tracks or [], "part-0")
    return read_archive(out)


def ids(n: int) -> list[str]:
    """Ids of that many videos."""
    return [f"{k:016x}" for k in range(n)]


@pytest.fixture(scope="module", name="many")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    out = tmp_path_factory.mktemp("many")
    make_archive(out, 600, 50, 2)
    return read_archive(out)


def test_a_recording_over_midnight_is_on_the_pages_of_both_days(tmp_path: Path) -> None:
    """Local midnight counts, and what ends with the day is no part of the next."""
    before, over = ids(2)
    start = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)  # 23:00 in Berlin
    videos = [
        video_row(before, start_time=start, duration_s=3600.0),
        video_row(over, start_time=start, duration_s=3601.0),
    ]
    archive = archive_of(tmp_path, videos)
    days = {day: {archive.videos[place].video_id for place in places} for day, places in archive.days.items()}
    assert days == {"2026-03-01": {before, over}, "2026-03-02": {over}}


def test_parts_hold_the_rows_of_their_videos(many: Archive) -> None:
    """Each track is in the part of its camera, by the place of its video there."""
    parts = [many.part(places) for places in many.cameras.values()]
    assert sum(len(part.tracks) for part in parts) == len(many.tracks) > 500
    for part in parts:
        cameras = {part.videos[place].camera for place in part.tracks["video"]}
        assert cameras <= {part.videos[0].camera}
    assert many.part(next(iter(many.cameras.values()))).digest() == parts[0].digest() != parts[1].digest()


def test_newest_come_first_and_undated_last(tmp_path: Path) -> None:
    """The order of the table before anyone sorts it."""
    a, b, c, d = ids(4)
    videos = [
        video_row(a, start_time=START),
        video_row(b, start_time=None, source="/y.mp4"),
        video_row(c, start_time=START + timedelta(days=1)),
        video_row(d, start_time=None, source="/x.mp4"),
    ]
    archive = archive_of(tmp_path, videos)
    assert [archive.videos[k].video_id for k in newest_first(archive)] == [c, a, d, b]
    assert rows_of(archive)["videos"]["id"] == [c, a, d, b] and rows_of(archive)["n_undated"] == 2


def test_changes_carry_the_moment_of_the_cameras_clock(tmp_path: Path) -> None:
    """Also behind midnight, and where summer time began meanwhile; one of unknown start has none."""
    a, b = ids(2)
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    videos = [video_row(a, start_time=start, duration_s=7200.0, n_faces=1), video_row(b, start_time=None, n_faces=1)]
    archive = archive_of(tmp_path, videos)
    changes = tuple(Change(one, 2, 3600.5, "neutral", "happy", 4.0, 5.0, 0.629) for one in (a, b))
    rows = rows_of(Archive(archive.videos, archive.tracks, archive.labels, changes))
    moments = [change[3] for change in rows["changes"]]
    assert moments == [datetime(2026, 3, 29, 3, 30, tzinfo=UTC).timestamp(), -1]
    labels = [rows["labels"].index(label) for label in ("neutral", "happy")]
    assert rows["changes"][0] == [0, 2, 3600.5, moments[0], *labels, 4.0, 5.0, 62]


def test_each_change_is_told_on_the_page_of_its_own_day(tmp_path: Path) -> None:
    """Also where a recording goes on over midnight and is listed on both days."""
    start = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
    archive = archive_of(tmp_path, [video_row(WHOLE, start_time=start, duration_s=3600.0, n_faces=1)])
    changes = tuple(Change(WHOLE, 1, at_s, "neutral", "happy", 4.0, 5.0, 0.6) for at_s in (60.0, 1799.5, 1800.0))
    told = Archive(archive.videos, archive.tracks, archive.labels, changes)
    found = {}
    for day in told.days:
        page = tmp_path / f"{day}.html"
        page.write_text(day_html(told, day, None, None, {}), "utf-8")
        found[day] = [change[2] for change in Reader(page).figures["rows"]["changes"]]
    assert found == {"2026-03-01": [60.0, 1799.5], "2026-03-02": [1800.0]}


def test_reason_and_holes_stand_in_the_row_of_a_video_without_a_page(tmp_path: Path) -> None:
    """What a page would draw is said in words where there is none."""
    holes = [{"start_s": s, "end_s": s + 2.0, "kind": "hole", "cause": "lost"} for s in (1.0, 11.0, 21.0, 31.0)]
    pause = [{"start_s": 50.0, "end_s": 55.0, "kind": "paused", "cause": "nothing recorded"}]
    facts = {"status": "partial", "reason": "8.0 s missing", "holes": holes + pause}
    archive = archive_of(tmp_path, [video_row(WHOLE, **facts), video_row(PARTIAL, n_faces=1, **facts)])
    notes = {video.video_id: note_of(video) for video in archive.videos}
    assert notes[PARTIAL] == "8.0 s missing"
    assert str(notes[WHOLE]).startswith("8.0 s missing; 4 holes of 0:08.0: the longest 0:01.0 to 0:03.0, 0:11.0")


def test_heat_tells_recorded_from_seen_and_few_from_enough(tmp_path: Path) -> None:
    """An hour with four judged tracks has a count and no shares; one with five has both; others were recorded or not."""
    a, b = ids(2)
    start = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)  # 21:00 in Berlin
    videos = [
        video_row(a, start_time=start, duration_s=7200.0, decoded_s=7200.0, camera="x"),
        video_row(b, start_time=start + timedelta(days=2), camera="y"),
    ]
    tracks = [track_row(a, k, 10.0 * k, 10.0 * k + 5, happy=1.0) for k in range(1, 5)]
    tracks += [track_row(a, k, 3600 + 10.0 * k, 3605 + 10.0 * k, happy=0.5, sad=0.5) for k in range(5, 10)]
    archive = archive_of(tmp_path, videos, tracks)
    days = by_day_and_hour(archive)
    assert days is not None and days["names"] == ["2026-03-03", "2026-03-01"] and days["least"] == LEAST_TRACKS == 5
    happy, sad = (days["shares"][archive.labels.index(label)][1] for label in ("happy", "sad"))
    assert days["tracks"][1][20:24] == [0, 4, 5, 0]
    assert (happy[21:23], sad[21:23]) == ([-1, 50], [-1, 50])
    assert days["recorded"][1][20:24] == [0, 60, 60, 0] and days["recorded"][0][21] == 1
    cameras = by_camera(archive)
    assert cameras is not None and cameras["names"] == ["x", "y"] and cameras["tracks"][0][22] == 5


def test_nothing_is_invented_for_undated_videos(tmp_path: Path) -> None:
    """Neither days nor heat maps; the index says how to get them."""
    archive = archive_of(tmp_path, [video_row(WHOLE, start_time=None, time_zone=None)])
    assert archive.days == {} and by_day_and_hour(archive) is None and by_camera(archive) is None
    index = Reader(write_site(tmp_path))
    assert "emobatch.toml" in index.text and "docs/cameras.md" in index.text
    assert not (tmp_path / "reports" / "days").exists()


def test_a_day_of_fifty_cameras_is_a_figure_that_plotly_takes(many: Archive) -> None:
    """A lane a camera, at most 288 points each, every property known to Plotly, and links to seconds of videos."""
    day, places = next(iter(many.days.items()))
    part = many.part(places)
    figure = of_day(part, day)
    assert figure is not None
    lanes = [trace for trace in figure["data"] if trace["type"] == "heatmap"]
    assert 20 <= len(lanes) <= 50 and len(figure["layout"]["yaxis"]["ticktext"]) == 50
    assert {len(trace["z"][0]) for trace in lanes} == {86400 // BUCKET_S}
    for trace in lanes:
        for code, link in zip(trace["z"][0], trace["customdata"][0], strict=True):
            assert (code is None) == (not link)
            assert not link or (link.endswith(tuple("0123456789")) and ".html#t=" in link)
    drawn = go.Figure(figure).to_plotly_json()
    del drawn["layout"]["template"]
    assert [trace["type"] for trace in drawn["data"]] == [trace["type"] for trace in figure["data"]]


def test_a_day_of_one_minute_files_is_one_bar(tmp_path: Path) -> None:
    """1,440 files of a camera that follow one another are drawn as what they are: a day that was recorded."""
    start = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    videos = [video_row(one, start_time=start + timedelta(minutes=k)) for k, one in enumerate(ids(1440))]
    archive = archive_of(tmp_path, videos)
    figure = of_day(archive.part(archive.days["2026-03-02"]), "2026-03-02")
    assert figure is not None
    (bars,) = figure["data"]
    assert (bars["base"], bars["x"]) == (["2026-03-02 00:00:00"], [86_400_000])
    assert "1,440 videos" in bars["text"][0]


def test_bars_are_joined_until_they_are_few_enough() -> None:
    """However scattered the recordings are, a kind has at most so many bars, and none reaches out of the day."""
    bars = [Bar(k % 7, -100 + 11.0 * k, -95 + 11.0 * k) for k in range(9000)]
    found = within(bars, 0.0)
    assert len(found) <= MOST_BARS
    assert min(bar.begin for bar in found) >= 0 and max(bar.end for bar in found) <= 86400
    assert {bar.lane for bar in found} == set(range(7))


def test_failures_of_a_reason_stand_together_new_ones_first(tmp_path: Path) -> None:
    """Four that share a reason but for its numbers are one row; what the last run told of comes first."""
    failed: list[Row] = [
        video_row(one, status="failed", reason=f"{k}.5 s missing", camera=f"c{k}", source=f"/{k}.mp4")
        for k, one in enumerate(ids(6))
    ]
    videos = [*failed, video_row(WHOLE, status="partial", reason="cut off", coverage=0.5, source="/new.mp4")]
    night = Night(START, 1.0, 1.0, (), (("/new.mp4", "cut off"),), (), False)
    rows = failures_of(archive_of(tmp_path, videos), [night])
    assert [(row.status, len(row.videos), row.n_new, row.is_same) for row in rows] == [
        ("partial", 1, 1, True),
        ("failed", 6, 0, False),
    ]
    assert rows[1].cameras == "c0, c1, c2 and 3 others" or rows[1].cameras.endswith("and 3 others")
    assert rows[1].find == "#status=failed&q=s+missing"
    assert rows[1].when == "2026-03-01 23:00"


def test_the_archive_of_five_says_what_its_tables_say(tmp_path: Path) -> None:
    """Status, coverage, notes and pages of each video, from the rows that scripts read."""
    rows = rows_of(read_archive(write_results(tmp_path)))
    columns: dict[str, list[Any]] = rows["videos"]
    places = {one: k for k, one in enumerate(columns["id"])}
    status = {one: rows["statuses"][columns["status"][k]] for one, k in places.items()}
    assert status == {WHOLE: "done", PARTIAL: "partial", FAILED: "failed", EMPTY: "done", COPY: "duplicate"}
    assert columns["coverage"][places[PARTIAL]] == 783 and columns["coverage"][places[FAILED]] == -1
    assert (columns["day"][places[FAILED]], columns["start"][places[WHOLE]]) == (-1, 23 * 3600)
    assert json.loads(json.dumps(rows)) == rows
