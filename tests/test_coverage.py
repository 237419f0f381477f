"""Holes and pauses: what was lost is told from what was never recorded, by plans and in damaged files."""

import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.coverage import LEAST_COVERAGE, Coverage, cover
from analytics.packets import PacketInfo, PacketList, Packets
from analytics.plan import VideoPlan, plan_video
from jobs.rows import in_words
from tests.clips import write_clip
from tests.damage import truncate, zero_bytes
from tests.footage import Scene
from tests.seen import HALF, seen, spans

RATE = 25
BYTES_A_SECOND = 100_000.0
NOISY = Scene(duration_s=40.0, noise=8)
ZEROED = 300_000
CONTAINERS = ["mp4", "mkv", "avi", "ts"]


def plan_of(ticks: list[int], **changes: object) -> VideoPlan:
    """A plan of frames at these 25ths of a second; changes are those of PacketList."""
    packets = Packets.of(PacketInfo(t, t, 1) for t in ticks)
    whole = PacketList("matroska", "h264", 1, RATE, RATE, packets, None, 0.0, 0)
    return plan_video(replace(whole, **changes), HALF)  # type: ignore[arg-type]


def covered(plan: VideoPlan, undecoded: range = range(0)) -> Coverage:
    """Coverage where all frames but the given ones were decoded."""
    decoded = np.ones(len(plan.times_s), np.bool_)
    decoded[list(undecoded)] = False
    return cover(plan, decoded, BYTES_A_SECOND)


def test_a_sound_video_without_gaps_is_covered_whole() -> None:
    """Nothing lost, nothing to report."""
    coverage = covered(plan_of(list(range(250))))
    assert (coverage.gaps, coverage.share) == ((), 1.0)
    assert coverage.decoded_s == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("undecoded", "start_s", "end_s"), [(range(50), 0, 2), (range(100, 150), 4, 6), (range(200, 250), 8, 10)]
)
def test_undecodable_frames_are_a_hole(undecoded: range, start_s: float, end_s: float) -> None:
    """At the start, in the middle and at the end: two of ten seconds are gone."""
    coverage = covered(plan_of(list(range(250))), undecoded)
    assert spans(coverage) == [("hole", start_s, end_s)]
    assert coverage.gaps[0].cause == "50 frames could not be decoded"
    assert (coverage.share, coverage.decoded_s) == pytest.approx((0.8, 8.0))


def test_a_gap_between_sound_frames_is_a_pause() -> None:
    """A recorder that stopped is reported, and lowers nothing."""
    coverage = covered(plan_of([*range(100), *range(225, 325)]))
    assert spans(coverage) == [("paused", 4, 9)]
    assert coverage.share == 1.0


@pytest.mark.parametrize(("lost", "kind"), [(0, "paused"), (20_000, "paused"), (400_000, "hole")])
def test_lost_bytes_make_a_hole_when_they_could_have_filled_it(lost: int, kind: str) -> None:
    """Some bytes of overhead before a pause are no damage; four seconds' worth of five are."""
    packets = [PacketInfo(t, t, 1, False, False, 0) for t in [*range(100), *range(225, 325)]]
    packets[100] = packets[100]._replace(lost_bytes=lost)
    assert spans(covered(plan_of([], packets=Packets.of(packets)))) == [(kind, 4, 9)]


def test_a_corrupt_packet_beside_a_gap_makes_it_a_hole() -> None:
    """What the container itself calls damaged was not a pause."""
    packets = [PacketInfo(t, t, 1, False, t == 99, 0) for t in [*range(100), *range(225, 325)]]
    assert spans(covered(plan_of([], packets=Packets.of(packets)))) == [("hole", 4, 9)]


def test_an_end_before_the_headers_is_a_hole() -> None:
    """The header promised 40 seconds."""
    coverage = covered(plan_of(list(range(250)), declared_s=40.0))
    assert spans(coverage) == [("hole", 10, 40)]
    assert coverage.share == pytest.approx(0.25)


@pytest.mark.parametrize(("frames", "holes"), [(24, 0), (26, 1)])
def test_a_hole_is_longer_than_a_second(frames: int, holes: int) -> None:
    """Less than a second of lost frames is no hole."""
    assert len(covered(plan_of(list(range(250))), range(100, 100 + frames)).gaps) == holes


def test_a_little_damage_everywhere_lowers_the_coverage() -> None:
    """Four of each 25 frames are lost: no hole, and yet a sixth of the video was not seen."""
    plan = plan_of(list(range(2500)))
    coverage = cover(plan, np.arange(2500) % 25 >= 4, BYTES_A_SECOND)
    assert coverage.gaps == ()
    assert coverage.share == pytest.approx(21 / 25)


def test_a_partial_video_always_has_a_reason() -> None:
    """Also where its losses are too short for holes, and nothing else was odd."""
    lost = Coverage(share=0.98, decoded_s=98.0, gaps=())
    whole: Any = SimpleNamespace(coverage=lost, decoded=np.ones(1000, bool), errors=0, status="partial")
    whole.plan = SimpleNamespace(duration_s=100.0)
    assert in_words(whole) == "2.0 s are missing, in stretches too short to be listed"
    whole.status = "done"
    assert in_words(whole) is None


def test_damage_beside_a_pause_leaves_the_pause_a_pause() -> None:
    """Two seconds of frames are lost, then the recorder paused for five minutes."""
    plan = plan_of([*range(250), *range(7750, 8000)])
    coverage = covered(plan, range(200, 250))
    assert spans(coverage) == [("hole", 8, 10), ("paused", 10, 310)]
    assert coverage.decoded_s == pytest.approx(318.0)


def test_slow_recordings_have_no_holes_between_their_frames() -> None:
    """With a frame in ten seconds, ten seconds are no gap."""
    assert covered(plan_of(list(range(0, 25_000, 250)))).gaps == ()


def test_no_frame_at_all_covers_nothing() -> None:
    """The whole duration is one hole."""
    coverage = covered(plan_of(list(range(250))), range(250))
    assert spans(coverage) == [("hole", 0, 10)]
    assert (coverage.share, coverage.decoded_s) == (0, 0)


@given(data=st.data(), ticks=st.lists(st.integers(0, 5000), min_size=1, max_size=80, unique=True).map(sorted))
def test_coverage_is_a_share_and_gaps_lie_apart_in_order(data: st.DataObject, ticks: list[int]) -> None:
    """Whatever is decoded and promised: 0 to 1, gaps ascending, disjoint, inside the video."""
    plan = plan_of(ticks, declared_s=data.draw(st.none() | st.floats(0.1, 400)))
    decoded = np.array(data.draw(st.lists(st.booleans(), min_size=len(ticks), max_size=len(ticks))), np.bool_)
    coverage = cover(plan, decoded, data.draw(st.floats(1, 1e6)))
    assert 0 <= coverage.share <= 1
    assert all(0 <= gap.start_s < gap.end_s <= plan.duration_s + 1e-6 for gap in coverage.gaps)
    assert all(a.end_s <= b.start_s for a, b in pairwise(coverage.gaps))
    holes_s = sum(gap.end_s - gap.start_s for gap in coverage.gaps if gap.kind == "hole")
    assert coverage.decoded_s <= max(0.0, plan.duration_s - holes_s) + 1e-4
    if decoded.all():
        assert coverage.decoded_s == pytest.approx(max(0.0, plan.duration_s - holes_s), abs=1e-4)  # Gaps are rounded.


def fingerprints(path: Path) -> list[bytes]:
    """A hash of every frame that plain PyAV gets out of a file, broken packets passed over."""
    found: list[bytes] = []
    with av.open(path) as file:
        packets = file.demux(video=0)
        for _ in range(100_000):
            try:
                frames = next(packets).decode()
            except StopIteration:
                break
            except av.error.InvalidDataError:
                continue
            except av.error.BlockingIOError:
                packets = file.demux(video=0)
                continue
            found += [hashlib.md5(frame.to_ndarray().tobytes()).digest() for frame in frames]
    return found


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 40 s of grain, 640x360, in each container: the same H.264, and MPEG-4 in AVI."""
    folder = tmp_path_factory.mktemp("noisy")
    write_clip(NOISY, folder / "clip.mp4", container_options={"movflags": "faststart"})
    write_clip(NOISY, folder / "clip.avi", codec="mpeg4", options={"b": "1500000"})
    for suffix in ("mkv", "ts"):
        with av.open(folder / "clip.mp4") as source, av.open(folder / f"clip.{suffix}", "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    target.mux(packet)
    return folder


def broken(sound: Path, folder: Path) -> Path:
    """A copy to be damaged."""
    copy = folder / sound.name
    copy.write_bytes(sound.read_bytes())
    return copy


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_zeroed_bytes_are_one_hole_from_the_last_sound_frame_to_the_next(
    noisy: Path, tmp_path: Path, suffix: str
) -> None:
    """The truth is where frames stop and begin again to come out exactly as from the undamaged file."""
    sound = noisy / f"clip.{suffix}"
    damaged = broken(sound, tmp_path)
    zero_bytes(damaged, sound.stat().st_size // 2, ZEROED)
    times = dict(zip(fingerprints(sound), NOISY.times(), strict=True))
    reappear = sorted(times[mark] for mark in fingerprints(damaged) if mark in times)
    start_s, end_s = max(pairwise(reappear), key=lambda pair: pair[1] - pair[0])

    result = seen(damaged)

    ((kind, hole_start_s, hole_end_s),) = spans(result.coverage)
    assert kind == "hole"
    assert (hole_start_s, hole_end_s) == pytest.approx((start_s, end_s), abs=1.0)
    assert result.coverage.share < LEAST_COVERAGE
    assert result.coverage.share == pytest.approx(1 - (hole_end_s - hole_start_s) / 40, abs=0.001)
    assert result.plan.duration_s == pytest.approx(40.0, abs=0.04)
    assert set(range(80)) - set(result.samples) <= set(range(int(start_s * 2), int(end_s * 2) + 1))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_a_file_cut_off_is_a_hole_up_to_the_end_its_header_promised(noisy: Path, tmp_path: Path, suffix: str) -> None:
    """Six tenths of the bytes hold six tenths of the frames, and the rest is missed."""
    damaged = broken(noisy / f"clip.{suffix}", tmp_path)
    truncate(damaged, damaged.stat().st_size * 6 // 10)
    result = seen(damaged)
    ((kind, start_s, end_s),) = spans(result.coverage)
    assert (kind, end_s) == ("hole", 40.0)
    assert start_s == pytest.approx(24.0, abs=1.0)
    assert result.coverage.share == pytest.approx(0.6, abs=0.03)
    assert result.samples[-1] == pytest.approx(47, abs=2)


def test_a_transport_stream_cut_off_is_all_there_up_to_the_cut(noisy: Path, tmp_path: Path) -> None:
    """It promises no end, so nothing is known to be missing; what is left is seen."""
    damaged = broken(noisy / "clip.ts", tmp_path)
    truncate(damaged, damaged.stat().st_size * 6 // 10)
    result = seen(damaged)
    assert result.plan.duration_s == pytest.approx(24.0, abs=1.0)
    assert result.coverage.share > 0.998
    assert result.decoded[:-1].all()


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_recorder_that_paused_is_covered_whole(tmp_path: Path, suffix: str) -> None:
    """Five seconds without frames in a sound file, with B-frames and sound."""
    path = tmp_path / f"clip.{suffix}"
    times = [k / 25 for k in range(75)] + [8 + k / 25 for k in range(75)]
    write_clip(Scene(width=192, height=112), path, times=times, bframes=2, audio=suffix != "ts")
    coverage = seen(path).coverage
    assert spans(coverage) == [("paused", 3.0, 8.0)]
    assert coverage.share == 1.0
