"""A copy of a video with other pictures: decode, draw, encode. Sound, subtitles, chapters, turn and times stay.

Nothing is ever held but a few frames. The copy appears whole or not at all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from struct import unpack
from typing import Any, Final

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from analytics.carried import (
    CONTAINERS,
    CarriedPackets,
    add_carried,
    carried_of,
    check_carried,
    copy_stream_tags,
    copy_tags,
)
from analytics.container import open_video
from analytics.decode import DecodeOutcome, SampledFrame
from analytics.errors import UsageError, VideoError
from analytics.every_frame import decode_every, outcome_for
from analytics.overlay import Drawn, composed, stored_format
from analytics.packets import PacketList
from analytics.plan import VideoPlan
from analytics.records import Pulse
from analytics.stamps import is_mended, stamps_of
from analytics.whole import whole_place

_ENCODER: Final = "libx264"
_OPTIONS: Final = {"preset": "veryfast", "crf": "18", "a53cc": "0"}
"""Hardly to be told from the original. Captions inside the pictures would come with some frames and not with others."""
_KEYFRAMES_APART_S: Final = 2.0
_LATE_S: Final = 1


@dataclass(frozen=True, kw_only=True)
class Copying:
    """What goes along beside the pictures."""

    sound: bool = True
    subtitles: bool = True


@dataclass(frozen=True, eq=False)
class Rewritten:
    """What became of a copy."""

    outcome: DecodeOutcome
    """Which frames came out of the decoder, and so are in the copy."""
    left_behind: tuple[str, ...]
    """Streams that are not in it, in words."""
    dropped: int
    """Packets of sound and subtitles without a place in time."""


def check_copy(path: Path, file: Path, listed: PacketList, plan: VideoPlan, copying: Copying) -> tuple[str, ...]:
    """Whether a copy can be made at all; asked before hours of work. What will stay behind, in words.

    Raises:
        UsageError: the name of the copy, its container, or a clock of the video that jumps.
        VideoError: the video cannot be opened.
    """
    suffix = file.suffix.lower()
    if suffix not in CONTAINERS:
        raise UsageError(f"{file}: is no name of a video that can be written", f"end it in {', '.join(CONTAINERS)}")
    if _ENCODER not in av.codecs_available:
        raise UsageError(
            f"PyAV here has no encoder {_ENCODER}", "install its own wheel: pip install --force-reinstall av"
        )
    container, stream = open_video(path)
    with container:
        carried = carried_of(container, stream, sound=copying.sound, subtitles=copying.subtitles)
        check_carried(container, carried, str(file), suffix)
        if carried.along and is_mended(listed, plan):
            raise UsageError(
                f"{path}: its clock jumps or repeats, so that sound and subtitles cannot be kept in step",
                "copy the pictures alone, with --no-sound and --no-subtitles",
            )
    return carried.left_behind


def rewrite(
    path: Path,
    file: Path,
    listed: PacketList,
    plan: VideoPlan,
    draw: Callable[[SampledFrame], Drawn | None],
    copying: Copying,
    begin: Callable[[], Pulse],
    approve: Callable[[Path, NDArray[np.bool_]], bool] = lambda copy, decoded: True,
    *,
    replace: bool = False,
) -> Rewritten:
    """Write a copy of a video, on every frame of which may be drawn.

    Args:
        path: the video.
        file: the copy; replaced once the new one is whole.
        listed: the video's packets.
        plan: made of them; its sampling does not matter.
        draw: is given each frame, its number in the plan in place of a grid point; None leaves it as it is.
        copying: what goes along.
        begin: gives what beats with every frame, each time that the copy is written.
        approve: is given the copy before it takes its place, and which frames of the plan are in it. Where it says no,
            because something else is to be drawn now, the copy is written again.
        replace: the copy takes the place of a file that is there.

    Raises:
        VideoError: the video cannot be opened, or none of its frames decoded.
        UsageError: the copy's container cannot hold a stream, or a file appeared in its place meanwhile.
        OSError: the copy cannot be written.
    """
    with whole_place(file, path, replace=replace) as half:
        while True:
            outcome = outcome_for(plan, begin())
            try:
                left_behind, dropped = _written(path, half, file.suffix.lower(), listed, plan, draw, copying, outcome)
            except av.ArgumentError as error:
                raise UsageError(
                    f"{file}: its kind of file cannot hold what comes with the pictures ({error.strerror})",
                    "give its name another ending, such as .mkv, or leave out with --no-sound and --no-subtitles",
                ) from error
            if approve(half, outcome.decoded):
                break
    return Rewritten(outcome, left_behind, dropped)


def _written(
    path: Path,
    half: Path,
    suffix: str,
    listed: PacketList,
    plan: VideoPlan,
    draw: Callable[[SampledFrame], Drawn | None],
    copying: Copying,
    outcome: DecodeOutcome,
) -> tuple[tuple[str, ...], int]:
    """Write the copy once. What stays behind, and packets without a place in time."""
    video, stream = open_video(path)
    others, _ = open_video(path)
    kind = CONTAINERS[suffix]
    options = {} if kind == "matroska" else {"movflags": "+faststart"}
    with video, others, av.open(f"file:{half}", "w", format=kind, container_options=options) as output:
        carried = carried_of(others, stream, sound=copying.sound, subtitles=copying.subtitles)
        copy_tags(output, video)
        writer: _PictureWriter | None = None
        packets = CarriedPackets(others, {})
        for frame in decode_every(path, plan, outcome):
            if writer is None:
                writer = _PictureWriter(output, video, stream, frame, listed, plan)
                packets = CarriedPackets(others, add_carried(output, others, carried, str(half)), writer.earlier_s)
            output.mux(list(packets.until(writer.time_s(frame))))
            writer.write(frame, draw(frame))
        if writer is None:
            raise VideoError(f"{path}: none of its {len(plan.times_s)} frames can be decoded", "copy it again")
        writer.end()
        output.mux(list(packets.until(math.inf)))
    return carried.left_behind, packets.dropped


class _PictureWriter:
    """Encodes frames at the times that they had."""

    def __init__(
        self,
        output: OutputContainer,
        video: InputContainer,
        old: VideoStream,
        first: SampledFrame,
        listed: PacketList,
        plan: VideoPlan,
    ) -> None:
        self._output, self._shape = output, first.shape
        self._size = first.frame.width, first.frame.height
        self._format = stored_format(first.frame)
        assert old.time_base is not None
        self._tick = old.time_base
        self._stamps, last = stamps_of(listed, plan, self._tick)
        self._durations = np.append(np.diff(self._stamps), last)
        earlier = _late_ticks(video, self._tick) if output.format.name != "matroska" else 0
        self._stamps -= earlier
        self.earlier_s = earlier * self._tick
        """Seconds by which everything begins earlier in the copy."""
        rate = old.average_rate or old.guessed_rate or Fraction(1 / plan.interval_s)
        new = output.add_stream(_ENCODER, rate=Fraction(rate).limit_denominator(65535), options=dict(_OPTIONS))
        assert isinstance(new, VideoStream)
        self._stream = new
        context = new.codec_context
        context.width, context.height = (side + side % 2 for side in self._size)
        context.pix_fmt = self._format
        context.time_base = new.time_base = self._tick
        context.gop_size = max(1, round(_KEYFRAMES_APART_S / plan.interval_s))
        if old.sample_aspect_ratio:
            context.sample_aspect_ratio = old.sample_aspect_ratio
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(context, name, getattr(first.frame, name))
        if matrix := _display_matrix(first.frame):
            new.set_display_matrix(matrix)
        copy_stream_tags(new, old)

    def time_s(self, frame: SampledFrame) -> float:
        """When a frame is shown, on the copy's clock."""
        return float(self._stamps[frame.sample] * self._tick)

    def write(self, frame: SampledFrame, drawn: Drawn | None) -> None:
        new = composed(frame.frame, self._size, self._format, self._shape, drawn)
        new.pts, new.time_base = int(self._stamps[frame.sample]), self._tick
        new.pict_type = PictureType.NONE  # The encoder chooses its own kinds of pictures.
        self._mux(new)

    def end(self) -> None:
        """What the encoder still holds."""
        self._mux(None)

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            if packet.pts is not None:
                at = int(np.searchsorted(self._stamps, packet.pts))
                # Until the next frame that is there in the original, so that the last one is not held for ever.
                packet.duration = int(self._durations[at])
            self._output.mux(packet)


def _late_ticks(video: InputContainer, tick: Fraction) -> int:
    """When a file begins whose clock had been running for long; 0 for one that begins about where it should.

    A transport stream tells the time of its recorder. MP4 would have players wait for that long.
    """
    begins_s = Fraction(video.start_time or 0, av.time_base)
    return round(begins_s / tick) if begins_s > _LATE_S else 0


def _display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """How a player turns or mirrors the stored picture; None where it does not."""
    kept: Any = frame.side_data  # PyAV's own types call it something else.
    matrix = kept.get(SideDataType.DISPLAYMATRIX)
    return None if matrix is None else unpack("=9i", bytes(matrix)[:36])
