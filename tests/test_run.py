"""A sound run, seen from outside: what it prints, writes and draws."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analytics.expressions import EXPRESSIONS, UNCERTAIN
from tests.clips import write_clip
from tests.command import Finished, emobatch, files_below, rows
from tests.footage import Actor, Scene, iou, standing

LEFT = Actor(path=standing(160, 170, 90))
# Walks, mirrored, and looks in from 1.0 to 3.0 s alone.
RIGHT = Actor(path=((1.0, 420, 180, 80), (3.0, 480, 180, 80)), mirrored=True)
TWO = Scene(duration_s=4, fps=20, actors=(LEFT, RIGHT))
EVERY = [k / 2 for k in range(8)]


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_clip(TWO, folder / "two.mp4", bframes=2)
    write_clip(Scene(duration_s=1.5, seed=3), folder / "nobody.mkv")
    return folder


@pytest.fixture(scope="module", name="first")
def _first(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Path]:
    """A run over a clip with two people, and its OUT."""
    cwd = tmp_path_factory.mktemp("first")
    return emobatch("run", footage / "two.mp4", "--out", "out", "--json", cwd=cwd), cwd / "out"


def test_exits_zero_and_prints_one_object_with_the_stable_keys(first: tuple[Finished, Path]) -> None:
    """--json prints the run's counts and nothing else on stdout."""
    done, out = first
    assert done.code == 0, done.stderr
    assert list(done.json) == [
        "run_id",
        "out",
        "videos",
        "media_s",
        "elapsed_s",
        "faces",
        "tracks",
        "events",
        "removed",
        "too_old",
        "failures",
        "left",
    ]
    assert done.json["videos"] == {"done": 1, "partial": 0, "failed": 0, "duplicate": 0, "unchanged": 0}
    assert (done.json["media_s"], done.json["out"], done.json["failures"]) == (4.0, "out", [])
    assert done.json["elapsed_s"] > 0
    assert (done.json["faces"], done.json["tracks"]) == (len(rows(out, "faces")), 2)


def test_tells_each_video_and_the_end_on_stderr(first: tuple[Finished, Path], footage: Path) -> None:
    """stderr has a line for the video, one for the sums and one with the report's path, without colours."""
    lines = first[0].stderr.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"[1/1] done {footage}/two.mp4  4.0 s, 13 faces in 2 tracks, ")
    assert lines[1].startswith("1 done: 4.0 s of footage in ")
    assert lines[2].startswith("  no camera is known of the videos looked at: ")
    assert lines[3] == "report: out/reports/index.html"
    assert "\x1b" not in first[0].stderr


def test_every_drawn_face_has_its_row(first: tuple[Finished, Path]) -> None:
    """At each sampled time there is one face a visible actor, its box over the drawn one, and no other."""
    found: dict[float, list[dict[str, Any]]] = {time: [] for time in EVERY}
    for face in rows(first[1], "faces"):
        found[face["pts_s"]].append(face)
        assert face["sample"] == face["pts_s"] * 2
        assert face["expression"] in (*EXPRESSIONS, UNCERTAIN)
        assert abs(sum(face[name] for name in EXPRESSIONS) - 1) < 1e-3
        assert face["confidence"] == max(face[name] for name in EXPRESSIONS)
    for time, faces in found.items():
        truth = [box for _, box in TWO.truth_at(time)]
        boxes = [(face["x"], face["y"], face["w"], face["h"]) for face in sorted(faces, key=lambda face: face["x"])]
        assert len(boxes) == len(truth), time
        assert all(iou(box, true) > 0.6 for box, true in zip(boxes, truth, strict=True)), time


def test_each_person_is_one_track(first: tuple[Finished, Path]) -> None:
    """The one who stands is seen throughout, the mirrored one who walks in and out from 1 to 3 s."""
    tracks = rows(first[1], "tracks")
    assert [(t["track_id"], t["start_s"], t["end_s"], t["n_faces"]) for t in tracks] == [(1, 0, 3.5, 8), (2, 1, 3, 5)]
    assert [t["n_usable"] for t in tracks] == [8, 5]
    for track in tracks:
        assert abs(track["median_face_px"] - (72 if track["track_id"] == 1 else 64)) < 12
        assert abs(sum(track[f"share_{name}"] for name in (*EXPRESSIONS, UNCERTAIN)) - 1) < 1e-3
        assert track["start_s"] <= track["best_pts_s"] <= track["end_s"]
    faces = rows(first[1], "faces")
    assert {face["track_id"] for face in faces if face["x"] < 300} == {1}
    assert {face["track_id"] for face in faces if face["x"] > 300} == {2}


def test_the_mirrored_person_is_judged_like_the_other(first: tuple[Finished, Path]) -> None:
    """A face and its mirror image look another way and wear nearly the same expression."""
    straight, mirrored = rows(first[1], "tracks")
    faces = rows(first[1], "faces")
    turns = [[f["yaw_deg"] for f in faces if f["track_id"] == number] for number in (1, 2)]
    assert sum(turns[0]) / len(turns[0]) > sum(turns[1]) / len(turns[1]) + 1, turns
    assert straight["expression"] == mirrored["expression"]
    assert max(abs(straight[name] - mirrored[name]) for name in EXPRESSIONS) < 0.25


def test_the_row_of_the_video_says_what_the_other_tables_hold(first: tuple[Finished, Path], footage: Path) -> None:
    """Counts, size, duration and coverage of a sound clip."""
    (video,) = rows(first[1], "videos")
    samples = rows(first[1], "samples")
    assert [(s["sample"], s["pts_s"]) for s in samples] == [(k, k / 2) for k in range(8)]
    # Nothing moves until the one who walks comes in at 1.0 s, nor after they have left.
    assert [s["gate"] for s in samples] == ["detected", "held", *["detected"] * 6]
    assert [s["n_faces"] for s in samples] == [len(TWO.truth_at(time)) for time in EVERY]
    assert (video["n_samples"], video["n_faces"], video["n_tracks"]) == (8, 13, 2)
    assert (video["width"], video["height"], video["fps"], video["rotation"]) == (640, 360, 20, 0)
    assert (video["duration_s"], video["decoded_s"], video["coverage"], video["holes"]) == (4, 4, 1, [])
    assert (video["status"], video["reason"], video["source"]) == ("done", None, str(footage / "two.mp4"))
    assert (video["camera"], video["start_time"], video["start_time_source"]) == (None, None, "unknown")


def test_leaves_the_pages_and_the_record_of_the_run(first: tuple[Finished, Path]) -> None:
    """Index, the video's page, shared assets, and what --json printed as the run's record; no picture anywhere."""
    done, out = first
    (video,) = rows(out, "videos")
    files = files_below(out)
    pages = {"index.html", f"videos/{video['video_id']}.html", "assets/plotly.min.js"}
    assert {f"reports/{page}" for page in pages} <= files
    assert video["video_id"] in (out / "reports" / "index.html").read_text(encoding="utf-8")
    record = json.loads((out / "runs" / f"{done.json['run_id']}.json").read_text(encoding="utf-8"))
    assert {key: record[key] for key in done.json} == done.json
    assert {Path(file).suffix for file in files} == {
        ".parquet",
        ".html",
        ".js",
        ".css",
        ".json",
        ".log",
        ".md",
        ".jsonl",
    }


def test_a_second_run_gives_the_same_bytes(first: tuple[Finished, Path], footage: Path, tmp_path: Path) -> None:
    """Into another OUT: faces, samples and tracks byte for byte, videos but for elapsed_s and finished_at."""
    assert emobatch("run", footage / "two.mp4", "-o", "other", "-q", cwd=tmp_path) == Finished(0, "", "")
    other, out = tmp_path / "other", first[1]
    for table in ("faces", "samples", "tracks"):
        files = files_below(out / table)
        assert files == files_below(other / table)
        assert all((out / table / file).read_bytes() == (other / table / file).read_bytes() for file in files)
    assert _lasting(rows(out, "videos")) == _lasting(rows(other, "videos"))


def test_running_twice_in_one_out_leaves_one_row_a_video(footage: Path, tmp_path: Path) -> None:
    """The rows of the second run stand in place of the first's, a video without a face included."""
    done = [emobatch("run", footage, "--out", "out", cwd=tmp_path) for _ in range(2)]
    assert [d.code for d in done] == [0, 0], done[0].stderr
    assert [d.stdout for d in done] == ["", ""]
    out = tmp_path / "out"
    assert sorted(Path(video["source"]).name for video in rows(out, "videos")) == ["nobody.mkv", "two.mp4"]
    assert (len(rows(out, "faces")), len(rows(out, "tracks")), len(rows(out, "samples"))) == (13, 2, 11)
    assert len(list((out / "runs").glob("*.json"))) == 2


def test_a_file_found_twice_is_one_video(footage: Path, tmp_path: Path) -> None:
    """Sources that overlap name each file once, whichever way they spell its path."""
    sources = (footage, footage / "two.mp4", f"{footage}/../{footage.name}/*.mp4")
    done = emobatch("run", *sources, "--out", "out", "--every", "2", "--json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert done.json["videos"] == {"done": 2, "partial": 0, "failed": 0, "duplicate": 0, "unchanged": 0}


def test_the_samples_follow_every(footage: Path, tmp_path: Path) -> None:
    """--every 1/3 samples the first frame at or after each third of a second."""
    assert emobatch("run", footage / "nobody.mkv", "--out", "out", "--every", "1/3", cwd=tmp_path).code == 0
    assert [round(s["pts_s"], 3) for s in rows(tmp_path / "out", "samples")] == [0, 0.36, 0.68, 1.0, 1.36]


def test_the_demo_prints_the_path_of_its_report(tmp_path: Path) -> None:
    """`emobatch demo` runs its own clip and prints one absolute path, which exists."""
    done = emobatch("demo", "--out", "d", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert done.stdout == f"{tmp_path}/d/reports/index.html\n"
    assert Path(done.stdout.strip()).is_file()
    (video,) = rows(tmp_path / "d", "videos")
    assert video["status"] == "done"
    assert video["n_tracks"] >= 1
    assert all(pq.ParquetFile(file).metadata.num_rows >= 0 for file in (tmp_path / "d").rglob("*.parquet"))


def test_report_draws_the_pages_again_from_the_tables(first: tuple[Finished, Path], tmp_path: Path) -> None:
    """After the pages are gone, `emobatch report` draws the same ones."""
    before = (first[1] / "reports" / "index.html").read_bytes()
    (first[1] / "reports" / "index.html").unlink()
    done = emobatch("report", first[1], cwd=tmp_path)
    assert (done.code, done.stdout.strip()) == (0, str(first[1] / "reports" / "index.html"))
    assert (first[1] / "reports" / "index.html").read_bytes() == before


def _lasting(videos: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in video.items() if k not in ("elapsed_s", "finished_at")} for video in videos]
