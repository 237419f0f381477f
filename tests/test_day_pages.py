"""The page of a day is of that day: what went on before midnight, or behind it, is on the pages of other days."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.archive import Archive, read_archive
from reports.clock import local_epoch_s, stretches_of
from reports.overview_page import camera_html, day_html
from reports.recordings import recordings
from reports.site import write_site
from reports.strips import of_day
from tests.test_report_data import WHOLE, Row, track_row, video_row, write_rows
from tests.test_reports import Reader

HOUR: Final = 3600.0
NOON: Final = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
"""12:00 in Berlin."""
SPRING: Final = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
"""01:30 in Berlin; at 02:00 it is 03:00."""
AUTUMN: Final = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
"""01:30 in Berlin; at 03:00 it is 02:00."""


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.floats(0, 7 * 86_400),
    st.sampled_from(["Europe/Berlin", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "UTC", None]),
    st.floats(0, 1),
)
def test_stretches_tell_the_clock_at_every_second(
    start: datetime, length_s: float, zone: str | None, at: float
) -> None:
    """They follow one another through the recording, and within each the clock shows what it shows."""
    begin = start.replace(tzinfo=UTC)
    stretches = stretches_of(begin, length_s, zone)
    assert stretches[0].from_s == 0 and stretches[-1].to_s == length_s and len(stretches) <= 2
    assert all(one.to_s == after.from_s for one, after in pairwise(stretches))
    second = at * length_s
    (there,) = [one for one in stretches if one.from_s <= second][-1:]
    told = local_epoch_s(begin + timedelta(seconds=second), zone)
    near_a_cut = any(0 < abs(second - one.from_s) < 1e-5 for one in stretches)
    assert near_a_cut or there.begin + second - there.from_s == pytest.approx(told, abs=1e-4)


def archive_of(out: Path, video: Row, tracks: list[Row]) -> Archive:
    """One video, written and read again."""
    write_rows(out, "videos", [video], WHOLE)
    write_rows(out, "tracks", tracks, WHOLE)
    return read_archive(out)


def noon_to_noon(out: Path) -> Archive:
    """24 hours from noon on, six of which are lost on the second day; happy on the first day, sad on the second."""
    hole = {"start_s": 14 * HOUR, "end_s": 20 * HOUR, "kind": "hole", "cause": "lost"}
    tracks = [track_row(WHOLE, k, k * HOUR, k * HOUR + 4.5, happy=1.0) for k in range(6)]
    tracks += [
        track_row(WHOLE, k + 10, (12.5 + k / 10) * HOUR, (12.5 + k / 10) * HOUR + 4.5, sad=1.0) for k in range(5)
    ]
    tracks += [track_row(WHOLE, 20, 12 * HOUR - 45, 12 * HOUR + 45, neutral=1.0), track_row(WHOLE, 21, 60.0, 65.0)]
    facts = {"duration_s": 24 * HOUR, "decoded_s": 18 * HOUR, "coverage": 0.75, "status": "partial", "holes": [hole]}
    video = video_row(WHOLE, start_time=NOON, n_samples=int(36 * HOUR), n_faces=1, n_tracks=13, **facts)
    return archive_of(out, video, tracks)


def of_days(archive: Archive) -> dict[str, Archive]:
    """What the page of each day sums up."""
    return {day: replace(archive.part(places), day=day) for day, places in archive.days.items()}


def test_a_day_sums_what_went_on_that_day(tmp_path: Path) -> None:
    """Footage, coverage, tracks and judged time of the days add up to those of the recording."""
    archive = noon_to_noon(tmp_path)
    first, second = of_days(archive).values()
    assert (first.totals.duration_s, first.totals.decoded_s) == pytest.approx((12 * HOUR, 12 * HOUR))
    assert (second.totals.duration_s, second.totals.decoded_s) == pytest.approx((12 * HOUR, 6 * HOUR))
    # One track goes on over midnight, one could not be judged.
    assert (first.totals.n_tracks, second.totals.n_tracks, archive.totals.n_tracks) == (8, 6, 13)
    assert first.shares is not None and second.shares is not None and archive.shares is not None
    assert first.shares.seconds + second.shares.seconds == pytest.approx(archive.shares.seconds)
    assert (first.shares.n_tracks, second.shares.n_tracks) == (7, 6)
    happy, sad = (archive.labels.index(name) for name in ("happy", "sad"))
    assert first.shares.share[sad] == 0 == second.shares.share[happy]
    assert first.shares.share[happy] == pytest.approx(6 / 6.5)


def test_pages_of_days_say_the_sums_of_the_day(tmp_path: Path) -> None:
    """In the totals, in the distribution, and in the calendar that leads to them."""
    noon_to_noon(tmp_path)
    site = write_site(tmp_path).parent
    first, second = (Reader(site / "days" / f"2026-03-0{k}.html").text for k in (1, 2))
    assert "Footage 12.0 h Coverage 100 %" in first and "Tracks 8 " in first
    assert "Footage 12.0 h Coverage 50 %" in second and "Tracks 6 " in second
    assert "happy 92 %" in first and "sad 0 %" in first and "happy 0 %" in second
    links = [attrs for tag, attrs in Reader(site / "index.html").elements if tag == "a" and attrs.get("title")]
    assert [str(attrs["title"]).split(", ")[1] for attrs in links] == ["6 tracks", "8 tracks"]


@pytest.mark.parametrize(
    ("start", "hours"),
    [(SPRING, {1: 0.5, 3: 1.0, 4: 1.0, 5: 0.5}), (AUTUMN, {1: 0.5, 2: 2.0, 3: 0.5})],
)
def test_what_was_recorded_stands_in_the_hours_that_the_clock_showed(
    tmp_path: Path, start: datetime, hours: dict[int, float]
) -> None:
    """None in the hour that summer time leaves out, two hours in the one that comes twice; so do tracks."""
    track = track_row(WHOLE, 1, 0.0, 3 * HOUR, happy=1.0)
    video = video_row(WHOLE, start_time=start, duration_s=3 * HOUR, decoded_s=3 * HOUR, n_faces=1, n_tracks=1)
    archive = archive_of(tmp_path, video, [track])
    for cells, column in ((archive.recorded, "recorded"), (archive.cells, "happy")):
        total = float(cells[column].sum())
        found = {int(row["hour"]): row[column] / total * 3 for row in cells.to_dict("records")}
        assert found == pytest.approx(hours)
    assert archive.cells["n_tracks"].tolist() == [1] * len(hours)
    day = start.date() + timedelta(days=start is AUTUMN)
    (of_day_,) = of_days(archive).values()
    assert of_day_.day == day.isoformat()
    assert (of_day_.totals.duration_s, of_day_.totals.decoded_s) == pytest.approx((3 * HOUR, 3 * HOUR))


def test_an_hour_from_half_past_one_ends_at_half_past_three_in_spring(tmp_path: Path) -> None:
    """Bars, holes and links behind the switch are an hour further on the clock, and no further in the video."""
    hole = {"start_s": 2400.0, "end_s": 3000.0, "kind": "hole", "cause": "lost"}
    facts = {"duration_s": HOUR, "decoded_s": 3000.0, "coverage": 0.83, "status": "partial", "holes": [hole]}
    video = video_row(WHOLE, start_time=SPRING, n_faces=1, n_tracks=1, **facts)
    archive = archive_of(tmp_path, video, [track_row(WHOLE, 4, 0.0, HOUR, happy=1.0)])
    midnight = float(np.datetime64("2026-03-29", "s").astype(np.int64))
    traces = {trace["name"]: trace for trace in recordings(archive, midnight, {"door": 0})}
    assert traces["partial"]["base"] == ["2026-03-29 01:30:00", "2026-03-29 03:00:00"]
    assert traces["partial"]["x"] == [1_800_000, 1_800_000]
    assert (traces["hole"]["base"], traces["hole"]["x"]) == (["2026-03-29 03:10:00"], [600_000])
    assert "1 hole" in traces["hole"]["text"][0]
    (lane,) = (trace for trace in of_day(archive, "2026-03-29")["data"] if trace["type"] == "heatmap")
    links = {k: link for k, link in enumerate(lane["customdata"][0]) if link}
    assert list(links) == [*range(18, 24), *range(36, 42)]
    assert links[36].endswith("#t=1800.000&track=4")


def test_the_hour_that_comes_twice_is_one_bar(tmp_path: Path) -> None:
    """Of one video, not of two."""
    archive = archive_of(tmp_path, video_row(WHOLE, start_time=AUTUMN, duration_s=3 * HOUR), [])
    midnight = float(np.datetime64("2026-10-25", "s").astype(np.int64))
    (bars,) = recordings(archive, midnight, {"door": 0})
    assert (bars["base"], bars["x"]) == (["2026-10-25 01:30:00"], [7_200_000])
    assert bars["text"][0].endswith("1 video")


def test_a_recording_reaches_into_the_day_in_which_it_ends_by_the_clock(tmp_path: Path) -> None:
    """From 23:30 on, 30 minutes before the clock of Cairo is put forward at midnight: it ends at 01:10, not at 00:10."""
    start = datetime(2026, 4, 23, 21, 30, tzinfo=UTC)
    video = video_row(WHOLE, start_time=start, duration_s=1800.0, time_zone="Africa/Cairo")
    assert list(archive_of(tmp_path / "a", video, []).days) == ["2026-04-23"]
    archive = archive_of(tmp_path / "b", video | {"duration_s": 2400.0, "decoded_s": 2400.0}, [])
    assert list(archive.days) == ["2026-04-23", "2026-04-24"]
    assert archive.recorded[["day", "hour"]].to_numpy().tolist() == [["2026-04-23", 23], ["2026-04-24", 1]]


def test_a_damaged_file_is_told_on_the_pages_of_days_and_cameras(tmp_path: Path) -> None:
    """As on the index; and a page is another one once it is not damaged any more."""
    archive = noon_to_noon(tmp_path)
    file = tmp_path / "tracks" / "day=2026-03-01" / "cam=door" / "other.parquet"
    file.write_bytes(b"PAR1")
    damaged = read_archive(tmp_path)
    told = "tracks/day=2026-03-01/cam=door/other.parquet"
    for name, part in of_days(damaged).items():
        for html in (day_html(part, name, None, None, {}), camera_html(part, "door", {})):
            assert "1 file of the tables cannot be read" in html and told in html
        assert part.digest() != archive.part(archive.days[name]).digest()
