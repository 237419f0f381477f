"""The writer of clips keeps what it claims: the times in the file are the times that were asked for."""

import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.clips import audio_only, read_times, write_clip
from tests.footage import Actor, Scene, crossing, standing

_SCENE = Scene(width=320, height=180, duration_s=2.0, actors=(Actor(standing(160.0, 90.0, 70.0)),))
_IRREGULAR = [0.0, 0.107, 0.298, 0.301, 0.4, 0.9, 0.933, 1.5, 1.54, 2.75, 2.8]


@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts"])
def test_irregular_times_come_back(tmp_path: Path, suffix: str, bframes: int, audio: bool) -> None:
    """Variable frame rates survive each container, with B-frames and sound and without."""
    path = tmp_path / f"clip.{suffix}"
    write_clip(_SCENE, path, times=_IRREGULAR, bframes=bframes, audio=audio)
    times = read_times(path)
    assert np.array(times) - times[0] == pytest.approx(_IRREGULAR, abs=1e-6)
    # MPEG-TS has no edit list to take the delay of B-frames and sound back with.
    assert times[0] == 0 or (suffix == "ts" and (bframes or audio) and times[0] < 0.5)
    with av.open(path) as file:
        assert len(file.streams.audio) == audio
        decoded = [frame.time for frame in file.decode(video=0)]
    assert decoded == pytest.approx(times)


@pytest.mark.parametrize(
    ("name", "codec", "bframes", "stored_as"),
    [
        ("clip.mp4", "libx264", 2, "h264"),
        ("clip.mp4", "libx265", 2, "hevc"),
        ("clip.mkv", "libx265", 0, "hevc"),
        ("clip.ts", "libx265", 2, "hevc"),
        ("clip.mp4", "mpeg4", 2, "mpeg4"),
        ("clip.avi", "mpeg4", 0, "mpeg4"),
        ("clip.avi", "mjpeg", 0, "mjpeg"),
        ("clip.mov", "mjpeg", 0, "mjpeg"),
        ("clip.gif", "gif", 0, "gif"),
    ],
)
def test_constant_rate_comes_back(tmp_path: Path, name: str, codec: str, bframes: int, stored_as: str) -> None:
    """Every codec and container in use holds all frames, evenly spaced, decodable, and declares the rate."""
    path = tmp_path / name
    write_clip(_SCENE, path, codec=codec, bframes=bframes)
    times = read_times(path)
    assert np.array(times) - times[0] == pytest.approx(_SCENE.times())
    with av.open(path) as file:
        stream = file.streams.video[0]
        assert (stream.codec.name, stream.width, stream.height) == (stored_as, 320, 180)
        assert stream.average_rate == 25
        assert sum(1 for _ in file.decode(stream)) == 50


def test_frames_show_the_scene_at_their_times(tmp_path: Path) -> None:
    """The frame at t shows the picture of t, not of its number times the rate."""
    path = tmp_path / "clip.mp4"
    scene = crossing()
    times = [0.0, 0.5, 3.0, 3.1, 5.5]
    write_clip(scene, path, times=times, bframes=2, options={"crf": "10"})
    with av.open(path) as file:
        frames = {frame.time: frame.to_ndarray(format="bgr24").astype(float) for frame in file.decode(video=0)}
    assert sorted(t for t in frames if t is not None) == pytest.approx(times)
    for t, frame in frames.items():
        differences = [float(np.abs(frame - scene.picture_at(other)).mean()) for other in times]
        assert t == pytest.approx(times[int(np.argmin(differences))])


def test_declared_rate_does_not_move_true_times(tmp_path: Path) -> None:
    """In a container with times, a wrongly declared rate changes none of them."""
    path = tmp_path / "clip.mkv"
    write_clip(_SCENE, path, rate=12)
    assert read_times(path) == pytest.approx(_SCENE.times())


def test_keyframes_come_as_often_as_asked(tmp_path: Path) -> None:
    """gop frames lie between two keyframes."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path, gop=10, bframes=2)
    with av.open(path) as file:
        keys = [float(p.pts * p.time_base) for p in file.demux(video=0) if p.pts is not None and p.is_keyframe]
    assert keys == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6])


def test_b_frames_put_packets_out_of_order(tmp_path: Path) -> None:
    """With B-frames packets come in the order of decoding, not of presentation."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path, bframes=2)
    with av.open(path) as file:
        stamps = [packet.pts for packet in file.demux(video=0) if packet.pts is not None]
    assert stamps != sorted(stamps)


@pytest.mark.parametrize("name", ["clip.h264", "clip.avi"])
def test_declared_rate_may_differ_from_the_true_one(tmp_path: Path, name: str) -> None:
    """rate is what a container without times declares; the frames stay those of the scene."""
    path = tmp_path / name
    write_clip(_SCENE, path, rate=Fraction(30000, 1001))
    with av.open(path) as file:
        stream = file.streams.video[0]
        assert stream.guessed_rate == Fraction(30000, 1001)
        assert sum(1 for _ in file.decode(stream)) == 50


@pytest.mark.parametrize(("name", "codec"), [("clip.h264", "libx264"), ("clip.hevc", "libx265")])
def test_raw_streams_have_no_times(tmp_path: Path, name: str, codec: str) -> None:
    """An elementary stream holds frames and no presentation time at all."""
    path = tmp_path / name
    write_clip(_SCENE, path, codec=codec, bframes=2)
    assert read_times(path) == []
    with av.open(path) as file:
        assert [frame.pts for frame in file.decode(video=0)] == [None] * 50


def test_h264_with_b_frames_in_avi_decodes_out_of_order(tmp_path: Path) -> None:
    """AVI stores no times, and those that the demuxer makes up belong to the packets' order."""
    path = tmp_path / "clip.avi"
    write_clip(_SCENE, path, bframes=2)
    with av.open(path) as file:
        stamps = [frame.pts for frame in file.decode(video=0)]
    assert len(stamps) == 50
    assert stamps != sorted(stamps, key=lambda stamp: stamp or 0)


def test_last_frame_keeps_its_duration(tmp_path: Path) -> None:
    """The stream ends one frame interval after its last frame, not at it."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path, times=_IRREGULAR)
    with av.open(path) as file:
        stream = file.streams.video[0]
        assert stream.duration is not None and stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(_IRREGULAR[-1] + 0.04)


def test_turned_clip_stores_a_turned_picture(tmp_path: Path) -> None:
    """What is stored, turned clockwise by the given degrees, is the upright scene."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path, turned=90, options={"crf": "10"})
    with av.open(path) as file:
        stored = next(file.decode(video=0)).to_ndarray(format="bgr24")
    assert stored.shape == (320, 180, 3)
    upright = np.rot90(stored, -1).astype(float)
    assert np.abs(upright - _SCENE.picture_at(0.0)).mean() < 4


def test_times_that_fall_are_refused(tmp_path: Path) -> None:
    """Two frames at one time, or a time before its predecessor, are a mistake in the test that asks for it."""
    with pytest.raises(ValueError, match="must rise"):
        write_clip(_SCENE, tmp_path / "clip.mp4", times=[0.0, 0.2, 0.2])


def test_sound_alone_has_no_picture(tmp_path: Path) -> None:
    """A sound file opens, lasts as long as asked, and has no video stream."""
    path = tmp_path / "sound.mp4"
    audio_only(path, 3.0)
    with av.open(path) as file:
        assert (len(file.streams.video), len(file.streams.audio)) == (0, 1)
        assert file.duration is not None and file.duration / av.time_base == pytest.approx(3.0, abs=0.1)


def test_long_noisy_clip_is_big_and_cheap(tmp_path: Path) -> None:
    """Grain makes 40 s weigh several MB, so that a damage of 300 KB is a small part; processor time stays small."""
    path = tmp_path / "clip.mkv"
    started = time.process_time()
    write_clip(Scene(duration_s=40.0, actors=crossing(40.0).actors, noise=8), path)
    assert path.stat().st_size > 4_000_000
    assert time.process_time() - started < 30
