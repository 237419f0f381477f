"""What is spared of files that are broken, in disorder, or change their parameters: samples are those of a whole decode."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from analytics.decode import DecodeOutcome, decode_samples
from analytics.segments import cut
from tests.clips import write_clip
from tests.footage import Actor, Scene, standing
from tests.reorder import units_of
from tests.test_references import assert_same, decoded, everything, planned

HALF = Fraction(1, 2)
_SCENE = Scene(192, 112, 25.0, 8.0, 3, (Actor(standing(80, 60, 50)),))
_START = b"\x00\x00\x00\x01"
_SETS = (7, 8)


def test_a_segment_is_read_up_to_its_end(tmp_path: Path) -> None:
    """However many groups follow in which nobody looks at anything."""
    path = tmp_path / "clip.mp4"
    write_clip(replace(_SCENE, duration_s=40.0), path)
    plan = planned(path)
    segments = cut(plan, Fraction(4), HALF)
    beats = 0
    for segment in segments:
        outcome = DecodeOutcome(decoded=np.zeros(len(segment), np.bool_))
        assert len(list(decode_samples(path, plan, segment, outcome))) == 8
        beats += outcome.pulse.beats
    # The pulse beats for each packet and each frame; two groups lead into a segment.
    assert len(segments) == 10 and beats < 2 * (len(plan.times_s) + 2 * 25 * len(segments))


@pytest.mark.parametrize("every", [HALF, Fraction(2)])
@pytest.mark.parametrize(("codec", "gop"), [("libx264", 1), ("libx264", 25), ("mjpeg", 1)])
def test_a_picture_that_is_broken_inside(tmp_path: Path, codec: str, gop: int, every: Fraction) -> None:
    """Its headers are sound and no error may be raised: a later one stands in, and no more than it counts as lost."""
    path = tmp_path / "clip.mkv"
    write_clip(_SCENE, path, codec=codec, gop=gop)
    plan = planned(path, every)
    frame = int(np.flatnonzero(plan.times_s == 4.0)[0])
    place = int(np.flatnonzero(plan.frame_of_packet == frame)[0])
    begin, end = (int(position) for position in plan.position[place : place + 2])
    content = bytearray(path.read_bytes())
    first, until = begin + (end - begin) // 3, end - (end - begin) // 4
    content[first:until] = b"\xff" * (until - first)
    path.write_bytes(content)
    plan = planned(path, every)
    frames, (outcome,) = decoded(path, plan, every=every)
    whole, (of_all,) = decoded(path, everything(plan), every=every)
    assert [(one.sample, one.pts_s) for one in frames] == [(one.sample, one.pts_s) for one in whole]
    assert outcome.spared.any()
    assert (~outcome.decoded).sum() <= (~of_all.decoded).sum() + 1


@pytest.mark.parametrize("is_apart", [True, False])
def test_parameters_that_change_between_two_groups(tmp_path: Path, is_apart: bool) -> None:
    """Their sets may stand in a packet of their own, or at the end of the last picture that nobody needs."""
    path = tmp_path / "clip.mkv"
    _write_changing(path, is_apart=is_apart)
    plan = planned(path)
    frames, (outcome,) = decoded(path, plan)
    whole, (of_all,) = decoded(path, everything(plan))
    assert_same(frames, whole)
    # A packet without a picture counts as one that does not come.
    assert (outcome.decoded == of_all.decoded).all() and outcome.errors == of_all.errors == int(is_apart)
    assert outcome.spared.any()


def test_one_stamp_in_disorder(tmp_path: Path) -> None:
    """The same samples however the video is cut, and as when everything is decoded."""
    sound, path = tmp_path / "sound.mkv", tmp_path / "clip.mkv"
    write_clip(_SCENE, sound)
    with av.open(sound) as source, av.open(path, "w") as file:
        taken = source.streams.video[0]
        stream = file.add_stream_from_template(taken)
        for number, packet in enumerate(packet for packet in source.demux(taken) if packet.size):
            assert packet.pts is not None
            if number == 75:
                packet.pts += 900
            packet.stream = stream
            file.mux(packet)
    plan = planned(path)
    whole, _ = decoded(path, everything(plan))
    for length in (3, 5, 3600):
        assert_same(decoded(path, plan, length)[0], whole)


def _encoded(parameters: str, first: int, n: int, frames: list[av.VideoFrame]) -> list[tuple[int, bytes]]:
    """Number and content of each picture, with its parameter sets before each beginning."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = _SCENE.width, _SCENE.height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    usual = "keyint=25:min-keyint=25:scenecut=0:bframes=0:annexb=1:repeat-headers=1"
    context.options = {"preset": "veryfast", "x264-params": f"{usual}:{parameters}"}
    packets = []
    for number, frame in enumerate(frames[first : first + n]):
        frame.pts, frame.time_base = number, Fraction(1, 25)
        packets += context.encode(frame)
    packets += context.encode(None)
    return [(first + (packet.pts or 0), bytes(packet)) for packet in packets]


def _write_changing(path: Path, is_apart: bool) -> None:
    """Three seconds coded one way and five another, whose parameter sets come before their first picture's packet."""
    source = path.with_name("source.mp4")
    write_clip(_SCENE, source)
    with av.open(source) as container:
        frames = [
            av.VideoFrame.from_ndarray(frame.to_ndarray(format="yuv420p"), "yuv420p")
            for frame in container.decode(video=0)
        ]
    pictures = _encoded("cabac=1:8x8dct=1", 0, 75, frames) + _encoded("cabac=0:8x8dct=0:ref=1:qp=20", 75, 125, frames)
    packets: list[tuple[int, list[bytes]]] = []
    for number, content in pictures:
        units = list(units_of(content))
        sets = [unit for unit in units if unit[0] & 0x1F in _SETS]
        if number == 75 and is_apart:
            packets.append((number * 40 - 20, sets))
        elif number == 75:
            packets[-1][1].extend(sets)
        keeps = number != 75
        packets.append((number * 40, [unit for unit in units if keeps or unit not in sets]))
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height = _SCENE.width, _SCENE.height
        stream.codec_context.options = {}
        for at_ms, units in packets:
            packet = av.Packet(b"".join(_START + unit for unit in units))
            packet.pts = packet.dts = at_ms
            packet.time_base, packet.stream, packet.duration = Fraction(1, 1000), stream, 40
            packet.is_keyframe = any(unit[0] & 0x1F == 5 for unit in units)
            file.mux(packet)
