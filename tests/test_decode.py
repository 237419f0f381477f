"""Whole files, decoded: each frame at its time, upright and in square pixels."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from analytics.coverage import Coverage, cover
from analytics.decode import DecodeOutcome, SampledFrame, decode_samples
from analytics.packets import list_packets
from analytics.plan import VideoPlan, plan_video
from analytics.records import Picture
from analytics.segments import cut
from analytics.upright import PictureShape
from tests.clips import write_clip
from tests.damage import (
    TS_WRAP_S,
    concatenated_ts,
    set_rotation,
    shifted_ts,
    two_sizes,
    two_video_streams,
)
from tests.footage import Scene

BITS = 12


@dataclass(frozen=True)
class Clock(Scene):
    """A scene that shows its time in the picture: hundredths of a second, twelve black or white squares on top."""

    width: int = 192
    height: int = 112

    def picture_at(self, t: float) -> Picture:
        """The wall with the squares, the lowest bit to the left."""
        picture = super().picture_at(t)
        side = self.width // BITS
        for bit in range(BITS):
            picture[:side, bit * side : (bit + 1) * side] = 220 if round(t * 100) >> bit & 1 else 30
        return picture


def time_shown(picture: Picture) -> float:
    """The seconds that the squares spell; whatever the picture's width."""
    side = picture.shape[1] / BITS
    rows = picture[2 : picture.shape[0] // 10]
    squares = [rows[:, round((bit + 0.3) * side) : round((bit + 0.7) * side)] for bit in range(BITS)]
    return sum(int(square.mean() > 125) << bit for bit, square in enumerate(squares)) / 100


@dataclass(frozen=True, eq=False)
class Seen:
    """What emobatch saw of a file."""

    plan: VideoPlan
    outcome: DecodeOutcome
    frames: list[SampledFrame]
    coverage: Coverage

    def wrong_by(self) -> float:
        """The largest difference between the time a sample is given and the one that its picture shows, seconds."""
        return max(abs(time_shown(frame.picture) - frame.pts_s) for frame in self.frames)


def seen(path: Path, every: Fraction = Fraction(1, 2)) -> Seen:
    """A whole pass over a file."""
    plan = plan_video(list_packets(path), every)
    (segment,) = cut(plan, Fraction(3600), every)
    outcome = DecodeOutcome(decoded=np.zeros(len(segment), np.bool_))
    frames = list(decode_samples(path, plan, segment, outcome))
    return Seen(plan, outcome, frames, cover(plan, outcome.decoded, path.stat().st_size / plan.duration_s))


def numbers(result: Seen) -> list[int]:
    """The grid points that have a frame."""
    return [frame.sample for frame in result.frames]


FOUR_SECONDS = Clock(duration_s=4.0)


@pytest.mark.parametrize(
    ("name", "codec", "bframes"),
    [
        ("clip.mp4", "libx264", 2), ("clip.mov", "libx264", 2), ("clip.mkv", "libx264", 2), ("clip.ts", "libx264", 2),
        ("clip.avi", "libx264", 2), ("clip.avi", "libx264", 0), ("clip.h264", "libx264", 2), ("clip.h264", "libx264", 0),
        ("clip.mp4", "libx265", 2), ("clip.mkv", "libx265", 2), ("clip.ts", "libx265", 2), ("clip.hevc", "libx265", 2),
        ("clip.mp4", "mpeg4", 2), ("clip.avi", "mpeg4", 2), ("clip.avi", "mpeg4", 0), ("clip.mkv", "mpeg4", 2),
        ("clip.avi", "mjpeg", 0), ("clip.mov", "mjpeg", 0), ("clip.gif", "gif", 0), ("clip.ts", "mpeg2video", 2),
    ],
)  # fmt: skip
def test_every_container_and_codec_gives_each_frame_its_time(
    tmp_path: Path, name: str, codec: str, bframes: int
) -> None:
    """All frames come out, at the drawn times, and each sample's picture is the one of its time."""
    path = tmp_path / name
    write_clip(FOUR_SECONDS, path, codec=codec, bframes=bframes)
    result = seen(path)
    assert result.outcome.decoded.sum() == 100
    assert result.plan.times_s == pytest.approx(FOUR_SECONDS.times(), abs=0.5 / 25)
    assert (result.coverage.share, result.coverage.gaps) == (1.0, ())
    assert numbers(result) == list(range(8))
    assert result.wrong_by() < 0.5 / 25
    assert (result.plan.pts_source == "rate") == (path.suffix in {".avi", ".h264", ".hevc"})


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_slow_recording_with_b_frames_keeps_its_order(tmp_path: Path, suffix: str) -> None:
    """A frame in two seconds: B-frames reorder by many seconds, and none is taken for a broken clock."""
    slow = Clock(duration_s=40.0, fps=0.5)
    path = tmp_path / f"clip.{suffix}"
    write_clip(slow, path, bframes=2)
    result = seen(path)
    assert numbers(result) == list(range(0, 80, 4))
    assert result.wrong_by() == 0


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts"])
def test_a_variable_rate_gives_the_samples_of_a_constant_one(tmp_path: Path, suffix: str) -> None:
    """The same scene, its frames 20 to 100 ms apart: the same grid points, pictures within a frame."""
    steps = np.random.default_rng(1).choice([0.02, 0.04, 0.05, 0.1], 75)
    times = [round(float(t), 2) for t in np.cumsum([0.0, *steps]) if t < 4.0]
    write_clip(FOUR_SECONDS, constant := tmp_path / f"constant.{suffix}")
    write_clip(FOUR_SECONDS, varying := tmp_path / f"varying.{suffix}", times=times, bframes=2)
    a, b = seen(constant), seen(varying)
    assert numbers(a) == numbers(b) == list(range(8))
    shown = [(time_shown(x.picture), time_shown(y.picture)) for x, y in zip(a.frames, b.frames, strict=True)]
    assert all(abs(x - y) <= 0.1 for x, y in shown)
    assert b.plan.times_s == pytest.approx(times)
    assert (b.wrong_by(), b.coverage.share) == (0, 1.0)


@pytest.mark.parametrize("bframes", [0, 2])
def test_a_clock_that_starts_again_changes_nothing(tmp_path: Path, bframes: int) -> None:
    """The 33 bits of a transport stream run out in mid-file."""
    path = tmp_path / "clip.ts"
    write_clip(FOUR_SECONDS, path, bframes=bframes)
    shifted_ts(path, TS_WRAP_S - 2)
    result = seen(path)
    assert result.plan.times_s == pytest.approx(FOUR_SECONDS.times())
    assert (result.wrong_by(), result.coverage.share) == (0, 1.0)


@pytest.mark.parametrize("second_starts_s", [0.0, 5000.0])
def test_joined_recordings_follow_each_other(tmp_path: Path, second_starts_s: float) -> None:
    """The clock of the second part jumps back, or far ahead; B-frames in the first alone."""
    first, second, path = (tmp_path / f"{name}.ts" for name in ("first", "second", "joined"))
    write_clip(FOUR_SECONDS, first, bframes=2)
    write_clip(FOUR_SECONDS, second)
    shifted_ts(second, second_starts_s)
    concatenated_ts([first, second], path)
    result = seen(path)
    assert result.plan.times_s == pytest.approx([k / 25 for k in range(200)])
    assert (numbers(result), result.coverage.share) == (list(range(16)), 1.0)
    shown = [time_shown(frame.picture) for frame in result.frames]
    assert shown == pytest.approx([frame.pts_s % 4 for frame in result.frames])


def test_frames_outside_the_edit_list_are_not_shown(tmp_path: Path) -> None:
    """A telephone trims by an edit list: of 20 stored seconds six are shown, from the sixth on."""
    path = tmp_path / "clip.mp4"
    write_clip(Clock(duration_s=20.0), path, bframes=2)
    data = bytearray(path.read_bytes())
    ticks_a_second = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    entry = data.index(b"elst") + 12
    (media_start,) = struct.unpack_from(">i", data, entry + 4)
    struct.pack_into(">Ii", data, entry, 6000, media_start + 5 * ticks_a_second)
    path.write_bytes(data)
    result = seen(path)
    assert (result.plan.duration_s, result.coverage.share) == pytest.approx((6.0, 1.0))
    assert [time_shown(f.picture) for f in result.frames] == pytest.approx([5 + f.pts_s for f in result.frames])


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_pictures_come_upright(tmp_path: Path, suffix: str, degrees: int) -> None:
    """A camera on its side, or upside down, with a flag that says so."""
    path = tmp_path / f"clip.{suffix}"
    write_clip(FOUR_SECONDS, path, turned=degrees, options={"crf": "10"})
    set_rotation(path, degrees)
    result = seen(path)
    assert result.outcome.shape == PictureShape(192, 112, degrees)
    for frame in result.frames:
        assert np.abs(frame.picture.astype(float) - FOUR_SECONDS.picture_at(frame.pts_s)).mean() < 4


@pytest.mark.parametrize(("ratio", "size"), [("2/1", (384, 112)), ("1/2", (192, 224)), ("1/1", (192, 112))])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "h264"])
def test_pixels_become_square(tmp_path: Path, suffix: str, ratio: str, size: tuple[int, int]) -> None:
    """Pixels twice as wide as high, or as high as wide, are stretched to the true shape, never thrown away."""
    path = tmp_path / f"clip.{suffix}"
    write_clip(FOUR_SECONDS, path, options={"x264-params": f"sar={ratio}"})
    result = seen(path)
    assert result.outcome.shape == PictureShape(*size, 0)
    assert {frame.picture.shape for frame in result.frames} == {(size[1], size[0], 3)}
    assert result.wrong_by() == 0


def test_a_change_of_size_in_mid_stream_keeps_one_picture_size(tmp_path: Path) -> None:
    """The pictures of both halves have the size of the first, and the time goes on."""
    path = tmp_path / "clip.ts"
    two_sizes(path, FOUR_SECONDS, Clock(width=240, height=136, duration_s=2.0))
    result = seen(path)
    assert {frame.picture.shape for frame in result.frames} == {(112, 192, 3)}
    assert (numbers(result), result.coverage.share) == (list(range(12)), 1.0)
    assert [time_shown(f.picture) for f in result.frames] == pytest.approx([f.pts_s % 4 for f in result.frames])


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_of_two_video_streams_one_is_read_whole(tmp_path: Path, suffix: str) -> None:
    """A camera with two lenses: one of them from end to end, no frame of the other."""
    path = tmp_path / f"clip.{suffix}"
    two_video_streams(path, Clock(width=240, height=136, duration_s=2.0), FOUR_SECONDS)
    result = seen(path)
    frames = {(136, 240, 3): 50, (112, 192, 3): 100}
    (shape,) = {frame.picture.shape for frame in result.frames}
    assert len(result.plan.times_s) == result.outcome.decoded.sum() == frames[shape]
    assert (result.wrong_by(), result.coverage.share) == (0, 1.0)
