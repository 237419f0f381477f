"""The damage is what it claims to be: each tool breaks the one thing, and leaves the rest."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.clips import audio_only, read_times, write_clip
from tests.damage import (
    TS_WRAP_S,
    concatenated_ts,
    raw_ts_stamps,
    set_rotation,
    shifted_ts,
    truncate,
    two_sizes,
    two_video_streams,
    without_moov,
    zero_bytes,
)
from tests.footage import Actor, Scene, crossing, standing

_SCENE = Scene(width=320, height=180, duration_s=2.0, actors=(Actor(standing(160.0, 90.0, 70.0)),))
_SMALLER = Scene(width=240, height=136, duration_s=1.0, actors=(Actor(standing(120.0, 70.0, 50.0)),))
_LONG = Scene(duration_s=20.0, actors=crossing(20.0).actors, noise=8)


def decoded_times(path: Path) -> list[float]:
    """Times of all frames that can be decoded, in the order of decoding; broken packets are passed over."""
    times: list[float] = []
    with av.open(path) as file:
        for packet in file.demux(video=0):
            try:
                times += [frame.time for frame in packet.decode() if frame.time is not None]
            except av.error.InvalidDataError:
                continue
    return times


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_zeroed_bytes_make_a_hole_with_sound_ends(tmp_path: Path, suffix: str) -> None:
    """300 KB of noughts in the middle cost frames there and none at either end."""
    path = tmp_path / f"clip.{suffix}"
    write_clip(_LONG, path)
    size = path.stat().st_size
    zero_bytes(path, size // 2, 300_000)
    times = decoded_times(path)
    assert path.stat().st_size == size
    assert (times[0], times[-1]) == pytest.approx((0.0, 19.96))
    start, end = max(pairwise(times), key=lambda pair: pair[1] - pair[0])
    assert end - start > 1
    assert 8 < start < end < 14


def test_zeroes_beyond_the_end_are_refused(tmp_path: Path) -> None:
    """Damage that would lengthen the file is a mistake in the test that asks for it."""
    path = tmp_path / "clip.mkv"
    path.write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match="do not lie within"):
        zero_bytes(path, 50, 51)
    zero_bytes(path, 50, 50)
    assert path.read_bytes() == b"x" * 50 + bytes(50)


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_truncated_file_ends_early(tmp_path: Path, suffix: str) -> None:
    """Half of the bytes hold the first part of the frames alone."""
    path = tmp_path / f"clip.{suffix}"
    write_clip(_LONG, path)
    truncate(path, path.stat().st_size // 2)
    times = decoded_times(path)
    assert times[0] == 0
    assert 8 < times[-1] < 12


def test_mp4_without_its_index_cannot_be_opened(tmp_path: Path) -> None:
    """Without moov the frames' bytes are all there, and no reader can tell where one begins."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path)
    before = path.stat().st_size
    without_moov(path)
    assert 0 < path.stat().st_size < before
    assert b"mdat" in path.read_bytes()
    with pytest.raises(av.error.InvalidDataError):
        av.open(path)
    with pytest.raises(ValueError, match="no moov"):
        without_moov(path)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize(("degrees", "seen"), [(0, 0), (90, -90), (180, -180), (270, 90)])
def test_rotation_flag_turns_the_stored_picture_upright(tmp_path: Path, suffix: str, degrees: int, seen: int) -> None:
    """PyAV sees the flag, counterclockwise, and a picture turned as it says is the scene's; sound is no matter."""
    path = tmp_path / f"clip.{suffix}"
    write_clip(_SCENE, path, turned=degrees, audio=True, options={"crf": "10"})
    set_rotation(path, degrees)
    with av.open(path) as file:
        frame = next(file.decode(video=0))
    assert frame.rotation == seen
    upright = np.rot90(frame.to_ndarray(format="bgr24"), frame.rotation // 90).astype(float)
    assert np.abs(upright - _SCENE.picture_at(0.0)).mean() < 4


def test_rotation_of_a_file_without_picture_is_refused(tmp_path: Path) -> None:
    """There is nothing to turn in a sound file."""
    path = tmp_path / "sound.mp4"
    audio_only(path)
    with pytest.raises(ValueError, match="no video track"):
        set_rotation(path, 90)


@pytest.mark.parametrize("bframes", [0, 2])
def test_shifted_clock_wraps_in_the_bytes_and_not_in_the_times(tmp_path: Path, bframes: int) -> None:
    """The raw stamps fall by 2**33 once in mid-file; the frames are the same, and the demuxer mends their times."""
    path = tmp_path / "clip.ts"
    write_clip(_SCENE, path, bframes=bframes, audio=True)
    stamps, times = raw_ts_stamps(path), read_times(path)
    shifted_ts(path, TS_WRAP_S - 1)
    wrapped = raw_ts_stamps(path)
    assert len(wrapped) == 50
    assert max(wrapped) > 2**33 - 90_000 and min(wrapped) < 90_000
    assert [(stamp + 90_000) % 2**33 for stamp in wrapped] == stamps
    assert np.diff(read_times(path)) == pytest.approx(np.diff(times))
    assert len(decoded_times(path)) == 50


def test_raw_stamps_are_those_of_the_demuxer(tmp_path: Path) -> None:
    """Read from the bytes or by PyAV, the times are the same where nothing wraps."""
    path = tmp_path / "clip.ts"
    write_clip(_SCENE, path, bframes=2)
    assert sorted(raw_ts_stamps(path)) == [round(t * 90_000) for t in read_times(path)]
    shifted_ts(path, 3.5)
    assert sorted(raw_ts_stamps(path)) == [round(t * 90_000) for t in read_times(path)]


def test_concatenated_parts_jump_back(tmp_path: Path) -> None:
    """Two recordings joined byte by byte: all frames of both, and the clock starts anew at the joint."""
    part, path = tmp_path / "part.ts", tmp_path / "joined.ts"
    write_clip(_SCENE, part)
    concatenated_ts([part, part], path)
    times = decoded_times(path)
    assert len(times) == 100
    assert [k for k, (a, b) in enumerate(pairwise(times)) if b < a] == [49]


def test_picture_changes_its_size_while_time_goes_on(tmp_path: Path) -> None:
    """One stream, two sizes, no jump and no loss where they meet, and no part left on disk."""
    path = tmp_path / "clip.ts"
    two_sizes(path, _SCENE, _SMALLER)
    with av.open(path) as file:
        frames = [(frame.time, frame.width, frame.height) for frame in file.decode(video=0)]
    assert [size for _, *size in frames] == [[320, 180]] * 50 + [[240, 136]] * 25
    assert [t for t, *_ in frames] == pytest.approx([k / 25 for k in range(75)])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_two_video_streams_are_both_whole(tmp_path: Path, suffix: str) -> None:
    """Each of the two streams has its own size and all of its frames."""
    path = tmp_path / f"clip.{suffix}"
    two_video_streams(path, _SCENE, _SMALLER)
    with av.open(path) as file:
        assert [(s.width, s.height) for s in file.streams.video] == [(320, 180), (240, 136)]
    assert read_times(path, 0) == pytest.approx(_SCENE.times())
    assert read_times(path, 1) == pytest.approx(_SMALLER.times())
