"""--keyframes decodes keyframes alone, at their times, and tells damage as far as the container shows it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from analytics.decode import DecodeOutcome, decode_samples
from analytics.packets import list_packets
from analytics.plan import plan_video, sampled_frames
from analytics.segments import cut
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.footage import Actor, Scene, standing
from tests.test_decode import Clock, time_shown

HALF = Fraction(1, 2)


@pytest.mark.parametrize("length", [4, 3600])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mp4", "libx264"),
        ("clip.mkv", "libx265"),
        ("clip.ts", "libx264"),
        ("clip.avi", "libx264"),
        ("clip.avi", "mpeg4"),
    ],
)
def test_keyframes_come_at_their_times(tmp_path: Path, name: str, codec: str, length: int) -> None:
    """One in fifty frames; each shows the time that it is given."""
    path = tmp_path / name
    # x264 would put more of them where the picture changes.
    options = {"x264-params": "scenecut=0"} if codec == "libx264" else {}
    bframes = 0 if path.suffix == ".avi" else 2
    write_clip(Clock(duration_s=12.0), path, codec=codec, bframes=bframes, gop=50, options=options)
    plan = plan_video(list_packets(path), HALF, keyframes_only=True)
    assert plan.times_s[sampled_frames(plan)] == pytest.approx([0, 2, 4, 6, 8, 10])
    frames = []
    for segment in cut(plan, Fraction(length), HALF):
        outcome = DecodeOutcome(decoded=np.zeros(len(segment), np.bool_))
        frames += list(decode_samples(path, plan, segment, outcome))
        assert outcome.decoded.all()
    assert [frame.sample for frame in frames] == [0, 4, 8, 12, 16, 20]
    assert all(abs(time_shown(frame.picture) - frame.pts_s) < 0.02 for frame in frames)


def test_a_run_over_keyframes(tmp_path: Path) -> None:
    """The person is one track over samples that lie two seconds apart; the video is whole."""
    write_clip(
        Scene(duration_s=12, fps=10, actors=(Actor(standing(200, 150, 70)),)), tmp_path / "a.mp4",
        gop=20, options={"x264-params": "scenecut=0"},
    )  # fmt: skip
    assert emobatch("run", "a.mp4", "--keyframes", "--workers", "0", cwd=tmp_path).code == 0
    (video,) = rows(tmp_path / "out", "videos")
    assert (video["status"], video["coverage"], video["fps"], video["n_samples"]) == ("done", 1.0, 10, 6)
    (track,) = rows(tmp_path / "out", "tracks")
    assert (track["start_s"], track["end_s"], track["n_faces"]) == (0, 10, 6)


def test_videos_of_few_keyframes_are_told(tmp_path: Path) -> None:
    """At the end, with their number and what to do; not where samples were to lie as far apart, nor without --keyframes."""
    for name, gop in (("a.mp4", 20), ("b.mp4", 13), ("c.mp4", 12)):
        write_clip(Scene(duration_s=6, fps=10), tmp_path / name, gop=gop, options={"x264-params": "scenecut=0"})
    done = emobatch("run", "a.mp4", "b.mp4", "c.mp4", "--keyframes", cwd=tmp_path)
    assert done.code == 0
    (line,) = [line for line in done.stderr.splitlines() if "keyframes lie" in line]
    assert line.startswith(
        "  in 2 videos keyframes lie more than 2.5 times --every apart, and faces between them were missed"
    )
    assert "leave --keyframes out" in line
    for more in (("--keyframes", "--every", "1"), ()):
        assert "keyframes lie" not in emobatch("run", "a.mp4", *more, "--out", "other", cwd=tmp_path).stderr


def test_a_clip_without_a_keyframe_is_looked_at_whole(tmp_path: Path) -> None:
    """An edit list may hide the only keyframe; the pictures after it are as sound as any."""
    write_clip(Clock(duration_s=4.0), tmp_path / "a.mp4", gop=200, options={"x264-params": "scenecut=0"})
    listed = list_packets(tmp_path / "a.mp4")
    listed.packets.discard[0] = True
    plan = plan_video(listed, HALF, keyframes_only=True)
    assert not plan.keyframes_only and len(sampled_frames(plan)) == 8


@pytest.mark.parametrize("suffix", ["ts", "mp4", "mkv"])
def test_keyframes_far_apart_are_no_damage(tmp_path: Path, suffix: str) -> None:
    """Recorders that save bytes put them seconds apart where nothing happens: no hole, no pause, one track."""
    scene = Scene(duration_s=46, fps=5, actors=(Actor(standing(200, 150, 70)),))
    write_clip(
        scene, tmp_path / f"a.{suffix}", gop=1000,
        options={"x264-params": "scenecut=0:keyint=1000", "forced-idr": "1"}, keyframes=[*range(0, 35, 5), 80, 130, 180],
    )  # fmt: skip
    done = emobatch("run", f"a.{suffix}", "--keyframes", "--workers", "0", cwd=tmp_path)
    assert done.code == 0, done.stderr
    (video,) = rows(tmp_path / "out", "videos")
    assert (video["status"], video["coverage"], video["holes"], video["n_samples"]) == ("done", 1.0, [], 10)
    (track,) = rows(tmp_path / "out", "tracks")
    assert (track["start_s"], track["end_s"]) == (0, 36)


def test_a_hole_between_keyframes_is_one(tmp_path: Path) -> None:
    """Zeroed bytes hold no readable packet, keyframe or not."""
    path = tmp_path / "a.ts"
    write_clip(Scene(duration_s=40, fps=10, noise=20), path, gop=20, options={"x264-params": "scenecut=0"})
    content = bytearray(path.read_bytes())
    middle, size = len(content) // 2, len(content) // 4
    content[middle : middle + size] = bytes(size)
    path.write_bytes(content)
    done = emobatch("run", "a.ts", "--keyframes", "--workers", "0", cwd=tmp_path)
    assert done.code == 3
    (video,) = rows(tmp_path / "out", "videos")
    assert video["status"] == "partial" and 0.6 < video["coverage"] < 0.85
