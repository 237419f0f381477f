"""What waits below OUT for the last segment of a long video: damage there costs a segment, never the video."""

import os
import random
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from analytics.records import FaceRows, Pulse, SampleRows
from analytics.tables import prepare
from jobs.options import RunOptions
from jobs.pipeline import SegmentRows, plan_file
from jobs.unfinished import FOLDER, forget, forget_abandoned, save_plan, save_rows, segments_kept
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.footage import Actor, Scene, standing
from tests.kill_points import METADATA, Filed, write

ONE = "0" * 15 + "1"


@pytest.fixture(name="waiting")
def _waiting(tmp_path: Path) -> Path:
    """A video of three segments, of which the first two were read."""
    write_clip(Scene(64, 48, 2.0, 30.0), tmp_path / "clip.mp4", gop=10)
    options = RunOptions(sources=(), out=tmp_path / "out", segment=Fraction(10))
    plan, segments = plan_file(tmp_path / "clip.mp4", options, Pulse())
    assert len(segments) == 3
    folder = options.out / FOLDER / f"{ONE}-happy-10"
    save_plan(folder, plan, segments, None)
    for number in (0, 1):
        save_rows(folder, number, nothing())
    return folder


def nothing() -> SegmentRows:
    """The rows of a segment in which nobody is seen."""
    numbers = np.arange(20, dtype=np.int32)
    samples = SampleRows(numbers, numbers / 2, np.zeros(20, np.int32), np.zeros(20, np.int8))
    return SegmentRows(np.ones(20, np.bool_), samples, FaceRows.none(7), None, 0, 0.1)


def test_damage_anywhere_in_a_segment_costs_that_segment_alone(waiting: Path) -> None:
    """Bits flipped, the end lost, all noughts: it is read again, whatever numpy or zipfile make of it."""
    sound, rng = (waiting / "000001.npz").read_bytes(), random.Random(1)
    assert segments_kept(waiting) == (0, 1)
    for attempt in range(600):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        cut = {0: rng.randrange(len(data)), 1: 0}.get(attempt % 20, len(data))
        (waiting / "000001.npz").write_bytes(data[:cut])
        assert segments_kept(waiting) in ((0, 1), (0,))
    (waiting / "000001.npz").write_bytes(bytes(len(sound)))
    assert segments_kept(waiting) == (0,)
    assert not (waiting / "000001.npz").exists()


def test_a_segment_that_comes_too_late_is_not_kept(waiting: Path) -> None:
    """A worker may still be reading when its video was given up or finished by another run."""
    forget(waiting)
    with pytest.raises(FileNotFoundError):
        save_rows(waiting, 2, nothing())
    assert not waiting.exists()


def test_what_was_kept_goes_with_the_next_run_once_its_video_is_finished(waiting: Path) -> None:
    """A run that is killed after it wrote the rows leaves it; what a later attempt has read stays."""
    out = waiting.parent.parent
    prepare(out, METADATA)
    forget_abandoned(out / FOLDER)
    assert segments_kept(waiting) == (0, 1)
    write(out, ONE, Filed("day=2026-01-01/cam=a", 1), [])  # Finished in January 2026.
    forget_abandoned(out / FOLDER)
    assert segments_kept(waiting) == (0, 1)
    before = datetime(2025, 12, 31, tzinfo=UTC).timestamp()
    os.utime(waiting, (before, before))
    forget_abandoned(out / FOLDER)
    assert not (out / FOLDER).exists()


def test_a_moved_video_whose_rows_are_damaged_is_read_again(tmp_path: Path) -> None:
    """Its rows cannot be filed anew, so it is decoded."""
    path = tmp_path / "clip.mp4"
    write_clip(Scene(duration_s=1, fps=10, actors=(Actor(path=standing(200, 180, 90)),)), path)
    assert emobatch("run", path, "--out", "out", cwd=tmp_path).code == 0
    whole = rows(tmp_path / "out", "faces")
    (faces,) = (tmp_path / "out" / "faces").rglob("*[1-9a-f].parquet")
    faces.write_bytes(faces.read_bytes()[:100])
    moved = path.rename(tmp_path / "moved.mp4")
    done = emobatch("run", moved, "--out", "out", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "its rows below OUT cannot be read" in done.stderr
    assert rows(tmp_path / "out", "faces") == whole
    assert [(row["source"], row["status"]) for row in rows(tmp_path / "out", "videos")] == [(str(moved), "done")]
