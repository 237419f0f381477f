"""What the pages will say is what the tables say: rows as emobatch writes them, and what is read from them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, UNCERTAIN
from analytics.schema import TABLES
from reports.archive import read_archive
from reports.charts import expression_timeline
from reports.data import read_page
from reports.records import VideoPage
from reports.stored import StoredTables
from reports.timeline import LABELS, MAX_BUCKETS

HOSTILE = "</script>\"'&\u202egpj.\n%{x}<img src=x onerror=alert(1)><b>x.mp4"
HOSTILE_CAMERA = "<img src=x onerror=alert(2)>\u200f"
START = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)

WHOLE, PARTIAL, FAILED, EMPTY, COPY = (digit * 16 for digit in "abcde")
Row = dict[str, Any]


def video_row(video_id: str, **changes: Any) -> Row:
    """A row of videos: 60 s, seen in full, without a face."""
    row: Row = {
        "video_id": video_id,
        "source": f"/archive/{video_id[0]}.mp4",
        "camera": "door",
        "start_time": START,
        "start_time_source": "file name",
        "time_zone": "Europe/Berlin",
        "pts_source": "container",
        "duration_s": 60.0,
        "decoded_s": 60.0,
        "coverage": 1.0,
        "holes": [],
        "duplicate_of": None,
        "width": 1280,
        "height": 720,
        "rotation": 0,
        "codec": "h264",
        "fps": 25.0,
        "n_samples": 0,
        "n_faces": 0,
        "n_tracks": 0,
        "status": "done",
        "reason": None,
        "elapsed_s": 1.5,
        "model": "default 0123456789ab",
        "detector": "yunet 8f2383e4dd3c",
        "settings_hash": "cafe",
        "finished_at": START + timedelta(hours=9),
    }
    return row | changes


def sample_rows(video_id: str, n: int, every_s: float = 0.5) -> list[Row]:
    """n sampled frames, every_s apart."""
    facts: Row = {"video_id": video_id, "time": None, "n_faces": 0, "gate": "detected"}
    return [facts | {"sample": k, "pts_s": k * every_s} for k in range(n)]


def face_row(video_id: str, pts_s: float, track_id: int | None, smoothed: str | None, **changes: Any) -> Row:
    """A usable face, whose smoothed label is given."""
    row: Row = {
        "video_id": video_id,
        "camera": "door",
        "sample": round(pts_s * 2),
        "pts_s": pts_s,
        "time": None,
        "track_id": track_id,
        **dict.fromkeys(("x", "y", "w", "h"), 40.0),
        **dict.fromkeys(("score", "sharpness", "brightness", "yaw_deg", "pitch_deg"), 0.5),
        "usable": True,
        **dict.fromkeys(EXPRESSIONS, 1 / 7),
        "expression": "neutral",
        "confidence": 0.5,
        "smoothed_expression": smoothed,
    }
    return row | changes


def track_row(video_id: str, track_id: int, start_s: float, end_s: float, **shares: float) -> Row:
    """A track; without shares one that has no usable face."""
    return {
        "video_id": video_id,
        "camera": "door",
        "track_id": track_id,
        "start_s": start_s,
        "end_s": end_s,
        "start_time": None,
        "end_time": None,
        "n_faces": 10,
        "n_usable": 8 if shares else 0,
        "median_face_px": 48.0,
        **dict.fromkeys(EXPRESSIONS, 1 / 7 if shares else None),
        **{f"share_{label}": shares.get(label, 0.0) if shares else None for label in LABELS},
        "expression": max(shares, key=lambda label: shares[label]) if shares else UNCERTAIN,
        "confidence": 0.625 if shares else None,
        "best_pts_s": start_s,
    }


def write_rows(out: Path, table: str, rows: list[Row], name: str, partition: str = "day=2026-03-01/cam=door") -> None:
    """One Parquet file of a table, as emobatch lays it out."""
    file = out / table / partition / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=TABLES[table]), file)


def write_results(out: Path) -> Path:
    """Results of five videos: one whole with hostile names, one partial, one failed, one empty, one copy."""
    labels = ["happy"] * 20 + [UNCERTAIN] * 10 + ["neutral"] * 10
    faces = [face_row(WHOLE, k / 2, 1, label, camera=HOSTILE_CAMERA) for k, label in enumerate(labels)]
    faces += [face_row(WHOLE, 30 + k / 2, 2, "sad" if k < 30 else None, usable=k < 30) for k in range(40)]
    faces += [face_row(WHOLE, 5.0, None, None, usable=False)]
    tracks = [
        track_row(WHOLE, 1, 0.0, 19.5, happy=0.5, uncertain=0.25, neutral=0.25),
        track_row(WHOLE, 2, 30.0, 49.5, sad=1.0),
        track_row(WHOLE, 3, 50.0, 59.0),
    ]
    hole = {"start_s": 20.0, "end_s": 33.0, "kind": "hole", "cause": "<b>corrupt</b> packets"}
    pause = {"start_s": 40.0, "end_s": 45.0, "kind": "paused", "cause": "nothing recorded"}
    partial_faces = [face_row(PARTIAL, k / 2, 1, "surprise") for k in (*range(40), *range(70, 80))]
    unread = dict.fromkeys(
        ("pts_source", "duration_s", "decoded_s", "coverage", "width", "height", "rotation", "codec", "fps")
    )
    unread |= {"camera": None, "start_time": None, "start_time_source": "unknown", "time_zone": None}
    videos = {
        WHOLE: video_row(
            WHOLE, source=f"/archive/{HOSTILE}", camera=HOSTILE_CAMERA, n_samples=120, n_faces=81, n_tracks=3
        ),
        PARTIAL: video_row(
            PARTIAL,
            source="/archive/gate.mkv",
            status="partial",
            reason="13.0 s missing: corrupt packets",
            decoded_s=47.0,
            coverage=47 / 60,
            holes=[pause, hole],
            n_samples=94,
            n_faces=50,
            n_tracks=1,
        ),
        FAILED: video_row(FAILED, status="failed", reason="moov atom <not> found", **unread),
        EMPTY: video_row(EMPTY, n_samples=120),
        COPY: video_row(COPY, status="duplicate", reason="a copy of whole.mp4", duplicate_of=WHOLE, **unread),
    }
    for video_id, row in videos.items():
        write_rows(out, "videos", [row], video_id)
        write_rows(out, "samples", sample_rows(video_id, row["n_samples"]), video_id)
    write_rows(out, "faces", faces, WHOLE)
    write_rows(out, "tracks", tracks, WHOLE)
    write_rows(out, "faces", partial_faces, PARTIAL)
    write_rows(out, "tracks", [track_row(PARTIAL, 1, 0.0, 39.5, surprise=1.0)], PARTIAL)
    return out


@pytest.fixture(scope="module", name="out")
def _out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("out"))


def read(out: Path, video_id: str) -> VideoPage:
    """What the page of a video will say."""
    return read_page(StoredTables(out), next(v for v in read_archive(out).videos if v.video_id == video_id))


def test_totals_count_copies_and_unknown_durations_in_no_sum(out: Path) -> None:
    """Footage is what has a duration, less the copies, and the rest is counted."""
    totals = read_archive(out).totals
    assert dict(totals.n_by_status) == {"done": 2, "partial": 1, "failed": 1, "duplicate": 1}
    assert (totals.duration_s, totals.decoded_s, totals.n_unknown_duration) == (180.0, 167.0, 1)
    assert totals.n_tracks == 4


def test_timeline_counts_tracked_usable_faces_alone(out: Path) -> None:
    """Shares come from usable faces of tracks; a lone face and unusable ones count nowhere."""
    page = read(out, WHOLE)
    assert page.timeline is not None
    counts = dict(zip(LABELS, page.timeline.counts.sum(axis=0).tolist(), strict=True))
    assert {label: n for label, n in counts.items() if n} == {"happy": 20, "uncertain": 10, "neutral": 10, "sad": 30}
    assert page.timeline.bucket_s == 1 and len(page.timeline.counts) <= MAX_BUCKETS + 1
    assert page.timeline.n_samples[:60].tolist() == [2] * 60
    shares = {trace["name"]: trace for trace in expression_timeline(page, page.timeline)["data"]}
    assert set(shares["happy"]["y"]) == {1.0} and len(shares["uncertain"]["y"]) == 5


def test_runs_split_where_the_label_changes(out: Path) -> None:
    """A track's lane is cut at each change of the smoothed label, and unjudged stretches stay unlabelled."""
    page = read(out, WHOLE)
    runs = [(run.track_id, run.start_s, run.end_s, run.label, run.n_faces, run.n_usable) for run in page.runs]
    assert runs == [
        (1, 0.0, 10.0, "happy", 20, 20),
        (1, 10.0, 15.0, "uncertain", 10, 10),
        (1, 15.0, 20.0, "neutral", 10, 10),
        (2, 30.0, 45.0, "sad", 30, 30),
        (2, 45.0, 50.0, None, 10, 0),
    ]
    assert page.every_s == 0.5


def test_a_track_out_of_sight_leaves_a_gap(out: Path) -> None:
    """Nothing is drawn for a track between two faces that lie further apart than the samples."""
    page = read(out, PARTIAL)
    assert [(run.start_s, run.end_s) for run in page.runs] == [(0.0, 20.0), (35.0, 40.0)]


def test_samples_that_are_unevenly_apart_break_no_lane(tmp_path: Path) -> None:
    """At 2.5 frames a second samples are 0.4 or 0.8 s apart; out of sight is who is not in the next one."""
    times = [0.0, 0.8, 1.2, 1.6, 2.0, 2.8, 3.2, 3.6, 4.0, 4.8]
    samples = [row | {"pts_s": pts_s} for row, pts_s in zip(sample_rows(WHOLE, 10), times, strict=True)]
    faces = [face_row(WHOLE, pts_s, 1, "happy") for pts_s in times]
    faces += [face_row(WHOLE, pts_s, 2, "sad") for pts_s in times if pts_s != 1.6]
    pause = {"start_s": 4.2, "end_s": 4.8, "kind": "paused", "cause": "nothing recorded"}
    row = video_row(WHOLE, duration_s=5.0, holes=[pause], n_samples=10, n_faces=19, n_tracks=2)
    write_rows(tmp_path, "videos", [row], WHOLE)
    write_rows(tmp_path, "samples", samples, WHOLE)
    write_rows(tmp_path, "faces", faces, WHOLE)
    write_rows(tmp_path, "tracks", [track_row(WHOLE, n, 0.0, 4.8, happy=1.0) for n in (1, 2)], WHOLE)
    page = read(tmp_path, WHOLE)
    lanes = [(run.track_id, run.start_s, run.end_s) for run in page.runs]
    assert lanes == [(1, 0.0, 4.2), (1, 4.8, 5.0), (2, 0.0, 1.6), (2, 2.0, 4.2), (2, 4.8, 5.0)]
    assert page.distribution is not None
    assert sum(page.distribution.seconds) == pytest.approx(4.4 + 4.0)


def test_tracks_weigh_by_their_judged_time(out: Path) -> None:
    """Each track adds its shares of the time that its usable faces stand for; one without any is left out."""
    distribution = read(out, WHOLE).distribution
    assert distribution is not None
    seconds = dict(zip(LABELS, distribution.seconds, strict=True))
    # 40 usable faces, half a second each; then 30 of 40.
    assert (seconds["happy"], seconds[UNCERTAIN], seconds["neutral"], seconds["sad"]) == (10, 5, 5, 15)
    assert (distribution.n_judged, distribution.n_left_out) == (2, 1)


def test_the_last_face_counts_where_no_duration_is_known(tmp_path: Path) -> None:
    """A time axis that ends with the last face holds it, however many digits its time has."""
    times = [0.0, 0.5, 0.98765467]
    write_rows(tmp_path, "videos", [video_row(WHOLE, duration_s=None)], WHOLE)
    write_rows(tmp_path, "faces", [face_row(WHOLE, t, 1, "happy") for t in times], WHOLE)
    timeline = read(tmp_path, WHOLE).timeline
    assert timeline is not None and timeline.counts.sum() == 3


def test_newest_row_of_a_video_counts(tmp_path: Path) -> None:
    """A row that was left behind in another partition is not a second video."""
    moved = video_row(WHOLE, camera="yard", finished_at=START + timedelta(days=2))
    write_rows(tmp_path, "videos", [moved], WHOLE, "day=2026-03-01/cam=a")
    write_rows(tmp_path, "videos", [video_row(WHOLE)], WHOLE)
    assert [video.camera for video in read_archive(tmp_path).videos] == ["yard"]


def test_folder_without_results_is_refused(tmp_path: Path) -> None:
    """The error names the folder and what to name instead."""
    with pytest.raises(UsageError, match=r"holds no results: name the folder"):
        read_archive(tmp_path)
