"""What a page of many videos lists, and what it says of the rest."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reports import overview_page, rows
from reports.archive import read_archive
from reports.changes import MOST_OF_A_VIDEO
from reports.heat import by_day_and_hour
from reports.overview_page import camera_html
from reports.records import Change
from tests.test_report_data import START, WHOLE, Row, track_row, video_row, write_rows
from tests.test_reports import Reader


def listed(out: Path, monkeypatch: pytest.MonkeyPatch, most_others: int) -> tuple[list[str], str]:
    """Names of the listed videos of ten, two of which are newest enough, and what the page says."""
    monkeypatch.setattr(rows, "MOST", 2)
    monkeypatch.setattr(overview_page, "MOST_LISTED", 2)
    monkeypatch.setattr(rows, "MOST_OTHERS", most_others)
    odd: dict[int, Row] = {
        1: {"status": "partial"},
        3: {"status": "failed"},
        4: {"start_time": None},
        5: {"status": "failed"},
    }
    videos = [
        video_row(f"{k:016x}", **{"start_time": START + timedelta(hours=k), "source": f"/{k}.mp4", **odd.get(k, {})})
        for k in range(10)
    ]
    write_rows(out, "videos", videos, "part-0")
    archive = read_archive(out)
    names = rows.rows_of(archive)["videos"]["name"]
    page = out / "page.html"
    page.write_text(camera_html(archive, "door", {}), "utf-8")
    return names, Reader(page).text


def test_what_failed_is_listed_however_old_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is what is partial, and what has no start and is on the page of no day; the page says what it leaves out."""
    names, words = listed(tmp_path, monkeypatch, 100)
    assert names == ["9.mp4", "8.mp4", "5.mp4", "3.mp4", "1.mp4", "4.mp4"]
    assert "Not all are listed here: the newest 2, and of the others 4 that failed, are partial" in words


def test_the_worst_of_the_others_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even these are too many."""
    names, _ = listed(tmp_path, monkeypatch, 3)
    assert names == ["9.mp4", "8.mp4", "5.mp4", "3.mp4", "1.mp4"]


def test_a_page_says_that_changes_are_the_strongest_and_rounds_none_up(tmp_path: Path) -> None:
    """Their number is of those that are kept; a link leads to the very frame, and nobody is more sure than the video's page says."""
    write_rows(tmp_path, "videos", [video_row(WHOLE, n_faces=1)], WHOLE)
    change = Change(WHOLE, 3, 12.348, "neutral", "happy", 4.0, 5.0, 0.999)
    archive = replace(read_archive(tmp_path), changes=(change,))
    assert rows.rows_of(archive)["changes"][0][2] == 12.348 and rows.rows_of(archive)["changes"][0][-1] == 99
    page = tmp_path / "page.html"
    page.write_text(camera_html(archive, "door", {}), "utf-8")
    found = Reader(page)
    assert f"Of each video the strongest {MOST_OF_A_VIDEO} at most are counted" in found.text
    assert "99 %" in found.text and "Sure 100 %" not in found.text
    links = [attrs["href"] for tag, attrs in found.elements if tag == "a" and "#t=" in str(attrs.get("href"))]
    assert links == [f"../videos/{WHOLE}.html#t=12.348&track=3"]


def test_a_small_share_is_told_from_none(tmp_path: Path) -> None:
    """Less than half a percent is no nought."""
    write_rows(tmp_path, "videos", [video_row(WHOLE)], WHOLE)
    tracks = [track_row(WHOLE, k, 2.0 * k, 2.0 * k + 5, happy=0.996, sad=0.004) for k in range(5)]
    write_rows(tmp_path, "tracks", tracks, WHOLE)
    archive = read_archive(tmp_path)
    days = by_day_and_hour(archive)
    assert days is not None
    shares = {label: days["shares"][k][0][23] for k, label in enumerate(archive.labels)}
    assert (shares["happy"], shares["sad"], shares["fear"]) == (100, 0.5, 0)
