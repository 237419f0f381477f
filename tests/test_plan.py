"""Presentation times and sampling cells, worked out from packets alone; and files that have none to list."""

import socket
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.stream import Disposition
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import VideoError
from analytics.packets import PacketInfo, PacketList, Packets, list_packets
from analytics.plan import VideoPlan, plan_video, sampled_frames
from tests.clips import audio_only, write_clip
from tests.damage import without_moov
from tests.footage import Scene

HALF = Fraction(1, 2)
CLOCK = 90_000
WRAP = 2**33
EVERIES = st.fractions(min_value=Fraction(1, 20), max_value=5, max_denominator=30)
TICKS = st.lists(st.integers(0, 60 * 600), min_size=1, max_size=60, unique=True).map(sorted)
"""Presentation times in 1/600 s, within a minute: no step that could be taken for a broken clock."""


def packet(pts: int | None, dts: int | None = None, *, duration: int = 0, discard: bool = False) -> PacketInfo:
    """A sound packet; decoded in the order of its presentation unless dts says otherwise."""
    return PacketInfo(pts, pts if dts is None else dts, duration, discard, False, 0)


def listed(packets: list[PacketInfo], clock: int = CLOCK, rate: float = 25.0) -> PacketList:
    """A file without a header that holds these packets."""
    return PacketList("mpegts", "h264", 1, clock, rate, Packets.of(packets), None, 0.0, 0)


def steady(n: int, start: int = 0, step: int = 3600) -> list[PacketInfo]:
    """n packets at 25 frames a second by a clock of 1/90000 s."""
    return [packet(start + k * step, duration=step) for k in range(n)]


def planned(packets: list[PacketInfo], every: Fraction = HALF) -> VideoPlan:
    return plan_video(listed(packets), every)


@given(ticks=TICKS, every=EVERIES)
def test_a_frame_is_sampled_if_and_only_if_it_is_the_first_of_its_cell(ticks: list[int], every: Fraction) -> None:
    """Each cell with frames has one sample, its earliest, and a cell without frames has none."""
    plan = plan_video(listed([packet(t) for t in ticks], clock=600), every)
    firsts: dict[int, int] = {}
    for number, tick in enumerate(ticks):
        firsts.setdefault(int(Fraction(tick - ticks[0], 600) // every), number)
    assert sampled_frames(plan).tolist() == list(firsts.values())
    assert plan.cells[sampled_frames(plan)].tolist() == list(firsts)


@given(every=EVERIES, tick_per_cell=st.integers(1, 7), n=st.integers(1, 200))
def test_a_frame_on_every_grid_point_loses_none_to_rounding(every: Fraction, tick_per_cell: int, n: int) -> None:
    """Frames at exactly k·every, whatever the fraction, are all sampled, each as sample k."""
    tick = every / tick_per_cell
    packets = [packet(k * tick_per_cell) for k in range(n)]
    plan = plan_video(replace(listed(packets), tick_num=tick.numerator, tick_den=tick.denominator), every)
    assert sampled_frames(plan).tolist() == plan.cells.tolist() == list(range(n))


def test_pauses_on_both_sides_of_a_few_frames_are_no_broken_clock() -> None:
    """Frames stamped by motion: two pauses of a second, one after the other, keep every stamp."""
    ticks = [0, 1, 2, 603, 630, 1231, 1614]
    plan = plan_video(listed([packet(t) for t in ticks], clock=600), HALF)
    assert plan.times_s.tolist() == [t / 600 for t in ticks]


def test_a_third_of_a_second_is_not_a_float() -> None:
    """At 30 frames a second and every = 1/3 each tenth frame is sampled, over an hour."""
    plan = plan_video(listed([packet(k) for k in range(30 * 3600)], clock=30), Fraction(1, 3))
    assert sampled_frames(plan).tolist() == list(range(0, 30 * 3600, 10))


@given(ticks=TICKS, start=st.integers(-(10**9), 10**9), data=st.data())
def test_times_ascend_from_nought_whatever_the_order_of_the_packets(
    ticks: list[int], start: int, data: st.DataObject
) -> None:
    """The start is subtracted, and packets in decoding order are put into the order of presentation."""
    blocks = [ticks[k : k + 16] for k in range(0, len(ticks), 16)]  # H.264 reorders no further.
    shuffled = [tick for block in blocks for tick in data.draw(st.permutations(block))]
    packets = [packet(start + pts, start + k) for k, pts in enumerate(shuffled)]
    plan = plan_video(listed(packets, clock=600), HALF)
    assert plan.times_s.tolist() == [(t - ticks[0]) / 600 for t in ticks]
    assert plan.frame_of_packet.tolist() == [ticks.index(t) for t in shuffled]


def test_discarded_packets_are_not_shown() -> None:
    """What an edit list cuts away has no number, and time begins with the first frame that is shown."""
    packets = [p._replace(discard=k < 3) for k, p in enumerate(steady(10))]
    plan = planned(packets)
    assert plan.frame_of_packet.tolist() == [-1, -1, -1, *range(7)]
    assert plan.times_s == pytest.approx([k / 25 for k in range(7)])


def test_a_file_of_discarded_packets_is_shown_all_the_same() -> None:
    """An edit list that hides everything is broken: better too much than nothing."""
    assert len(planned([p._replace(discard=True) for p in steady(5)]).times_s) == 5


@pytest.mark.parametrize("jump_s", [-1000.0, -5.0, 4000.0, 90_000.0])
def test_a_broken_clock_is_flattened(jump_s: float) -> None:
    """Where recordings are joined the second follows the first after one frame, back or far ahead."""
    second = round(50 * 3600 + jump_s * CLOCK)
    plan = planned(steady(50, WRAP) + steady(50, WRAP + second))
    assert plan.times_s == pytest.approx([k / 25 for k in range(100)])
    assert plan.duration_s == pytest.approx(4.0)


def test_joined_recordings_with_different_reordering_do_not_overlap() -> None:
    """With B-frames presentation runs ahead of decoding; the frames of one part stay clear of the other's."""
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    reordered = [packet(10**6 + pts * 3600, 10**6 + (k - 2) * 3600, duration=3600) for k, pts in enumerate(order)]
    plan = planned(steady(10, 10**7) + reordered + steady(10))
    assert np.diff(plan.times_s) == pytest.approx(np.full(29, 0.04))
    assert plan.frame_of_packet.tolist() == [*range(10), *(10 + n for n in order), *range(20, 30)]


def test_a_33_bit_clock_that_starts_again_is_flattened() -> None:
    """After 26.5 hours transport stream clocks go back to nought; the frames go on."""
    plan = planned([packet((WRAP - 25 * 3600 + k * 3600) % WRAP, duration=3600) for k in range(100)])
    assert plan.times_s == pytest.approx([k / 25 for k in range(100)])


@pytest.mark.parametrize("pause_s", [2.0, 600.0, 3000.0])
def test_a_pause_is_kept(pause_s: float) -> None:
    """A recorder that stopped for less than an hour: what follows keeps its distance."""
    plan = planned(steady(50) + steady(50, 50 * 3600 + round(pause_s * CLOCK)))
    assert plan.times_s[50] - plan.times_s[49] == pytest.approx(pause_s + 0.04)


@pytest.mark.parametrize("place", [0, 1, 50, 98, 99])
@pytest.mark.parametrize("stamps", ["both", "presentation", "decoding"])
@pytest.mark.parametrize("away_s", [-300.0, 40.0, 2400.0, 90_000.0])
def test_one_wild_stamp_moves_no_other_frame(place: int, stamps: str, away_s: float) -> None:
    """A flipped bit in the stamps of one packet: at most that frame is misplaced, never those that follow."""
    packets = steady(100, 10**9)
    at, away = 10**9 + place * 3600, round(away_s * CLOCK)
    packets[place] = packets[place]._replace(
        pts=at + (away if stamps != "decoding" else 0), dts=at + (away if stamps != "presentation" else 0)
    )
    plan = planned(packets)
    if place in (1, 50):
        assert plan.times_s == pytest.approx([k / 25 for k in range(100)])
        assert plan.duration_s == pytest.approx(4.0)
    else:  # At the very ends a wild stamp cannot be told from a pause.
        distances = np.diff(np.delete(plan.times_s[plan.frame_of_packet], place))
        assert distances == pytest.approx([0.08 if k == place - 1 and place < 99 else 0.04 for k in range(98)])


def test_slow_recordings_with_reordering_have_no_broken_clock() -> None:
    """At a frame in two seconds B-frames go back by seconds, before the first decoding timestamp is known."""
    seconds, dts = [0, 6, 2, 4, 12, 8, 10], [None, None, 0, 2, 4, 6, 8]
    packets = [
        PacketInfo(s * CLOCK, None if d is None else d * CLOCK, 2 * CLOCK, False, False, 0)
        for s, d in zip(seconds, dts, strict=True)
    ]
    assert planned(packets).times_s.tolist() == [0, 2, 4, 6, 8, 10, 12]


def test_packets_without_times_are_counted_at_the_declared_rate() -> None:
    """A raw stream has index over rate, exactly, and says so."""
    plan = plan_video(listed([PacketInfo(None, None, 0, False, False, 0)] * 90, rate=30.0), Fraction(1, 3))
    assert plan.pts_source == "rate"
    assert sampled_frames(plan).tolist() == list(range(0, 90, 10))
    assert plan.duration_s == pytest.approx(3.0)


def test_an_index_that_skips_frames_leaves_their_time_empty() -> None:
    """AVI counts frames that were dropped; those that follow keep their times."""
    numbers = [0, 1, 2, 52, 53]
    plan = plan_video(listed([PacketInfo(None, n, 1, False, False, 0) for n in numbers], clock=25), HALF)
    assert plan.pts_source == "rate"
    assert plan.times_s == pytest.approx([n / 25 for n in numbers])


def test_without_a_declared_rate_something_is_assumed() -> None:
    """A raw stream that declares nothing is still dealt with: 25 frames a second."""
    plan = plan_video(listed([PacketInfo(None, None, 0, False, False, 0)] * 50, rate=0.0), HALF)
    assert (plan.duration_s, plan.fps) == pytest.approx((2.0, 25.0))


def test_the_declared_end_counts_where_it_is_later() -> None:
    """A header that promises more than the packets hold makes the expected duration; one that promises less does not."""
    whole = listed(steady(100))
    assert plan_video(replace(whole, declared_s=10.0), HALF).duration_s == 10.0
    assert plan_video(replace(whole, declared_s=1.0), HALF).duration_s == pytest.approx(4.0)
    assert plan_video(replace(whole, ended_early_s=3.0), HALF).duration_s == pytest.approx(7.0)
    assert plan_video(replace(whole, declared_s=4.0, ended_early_s=3.0), HALF).duration_s == pytest.approx(4.0)


@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}/secret.ts", "secret.ts", "file:secret.ts"])
def test_a_playlist_named_mp4_opens_nothing(tmp_path: Path, target: str) -> None:
    """A list that names another file, here or on a server, makes us read neither."""
    write_clip(Scene(192, 112), tmp_path / "secret.ts")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        named = target.format(port=server.getsockname()[1])
        path = tmp_path / "clip.mp4"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n{named}\n#EXT-X-ENDLIST\n")
        with pytest.raises(VideoError):
            list_packets(path)
        with pytest.raises(BlockingIOError):
            server.accept()


def cover_picture(path: Path) -> None:
    """Write a sound file with a still picture attached to it, as music has its cover."""
    with av.open(path, "w", format="mp4") as file:
        sound, picture = file.add_stream("aac", rate=48_000), file.add_stream("mjpeg", rate=1)
        assert isinstance(sound, AudioStream) and isinstance(picture, VideoStream)
        sound.layout, picture.width, picture.height, picture.pix_fmt = "mono", 64, 64, "yuvj420p"
        picture.disposition = Disposition.attached_pic
        still = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        tone.sample_rate = 48_000
        for packets in picture.encode(still), picture.encode(None), sound.encode(tone), sound.encode(None):
            file.mux(packets)


@pytest.mark.parametrize("kind", ["sound alone", "cover picture", "text", "empty", "without index", "gone"])
def test_what_is_no_video_says_which_file_and_what_to_do(tmp_path: Path, kind: str) -> None:
    """A VideoError with the file's name in the problem, and a remedy."""
    path = tmp_path / "clip.mp4"
    if kind == "sound alone":
        audio_only(path)
    elif kind == "cover picture":
        cover_picture(path)
    elif kind == "without index":
        write_clip(Scene(192, 112), path)
        without_moov(path)
    elif kind != "gone":
        path.write_text("These are notes, not a video.\n" * 100 if kind == "text" else "")
    with pytest.raises(VideoError) as caught:
        list_packets(path)
    assert str(path) in caught.value.problem
    assert len(caught.value.remedy.split()) > 3


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "mpeg4"), ("mov", "mpeg4"), ("mkv", "mpeg4"), ("ts", "mpeg4"), ("flv", "flv"), ("wmv", "wmv2")],
)
def test_a_recording_that_begins_late_on_its_clock_is_whole(suffix: str, codec: str, tmp_path: Path) -> None:
    """Recorders that cut a night into files let the clock go on; nothing is missing before or after."""
    path = tmp_path / f"second.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = Fraction(1, 25)
        for k in range(100):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = 250 + k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    plan = plan_video(list_packets(path), HALF)
    assert len(plan.times_s) == 100
    assert plan.duration_s == pytest.approx(4, abs=0.1)
