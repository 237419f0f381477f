"""One forward decode of a video: the sampled frames, upright, and a mark for every frame that came out."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from analytics.container import open_video, packets_of
from analytics.plan import VideoPlan
from analytics.records import Picture

_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_SQUARE_ENOUGH: Final = 0.02


@dataclass(frozen=True, eq=False)
class SampledFrame:
    """One frame that stands for a grid point."""

    sample: int
    """Number of the grid point."""
    pts_s: float
    """Presentation time, seconds from the start of the video stream."""
    picture: Picture
    """Upright, square pixels, of the video's size."""


@dataclass(eq=False)
class DecodeOutcome:
    """What the decoder learned on its way; complete once the frames have been exhausted."""

    decoded: NDArray[np.bool_]
    """(n,) which frames of the plan came out undamaged."""
    sampled: set[int] = field(default_factory=set)
    """Cells for which a frame was given out."""
    width: int = 0
    """Of the upright picture, px; the size of the first frame."""
    height: int = 0
    rotation: int = 0
    """Clockwise turn that makes the stored picture upright, degrees."""
    errors: int = 0
    """Packets that could not be decoded."""


def decode_samples(path: Path, plan: VideoPlan, outcome: DecodeOutcome) -> Iterator[SampledFrame]:
    """Decode forward and give out the first sound frame of each sampling cell.

    In a sound file that is the frame the plan names. Where it is damaged, the next sound frame of
    the same cell stands in; a cell without any is left out. Corrupt packets are counted and
    stepped over.

    Raises:
        VideoError: the file cannot be opened.
    """
    container, stream = open_video(path)
    with container:
        yield from _samples(container, stream, plan, outcome)


def _samples(
    container: InputContainer, stream: VideoStream, plan: VideoPlan, outcome: DecodeOutcome
) -> Iterator[SampledFrame]:
    for number, frame in _frames(container, stream, plan, outcome):
        if frame.is_corrupt:
            continue
        outcome.decoded[number] = True
        cell = int(plan.cells[number])
        if cell not in outcome.sampled:
            outcome.sampled.add(cell)
            yield SampledFrame(
                cell, float(plan.times_s[number]), _upright(frame, float(stream.sample_aspect_ratio or 1), outcome)
            )


def _frames(
    container: InputContainer, stream: VideoStream, plan: VideoPlan, outcome: DecodeOutcome
) -> Iterator[tuple[int, VideoFrame]]:
    """All frames of the stream with their numbers in the plan.

    Each packet carries its place in the file through the decoder, so a frame is known by its packet even
    where timestamps are missing or come twice.
    """
    context = stream.codec_context
    context.thread_count = 1
    context.copy_opaque = True
    numbers = _Numbers(plan, max(context.reorder_depth, 1) if context.has_b_frames else 0)
    place = -1
    packets = (packet for packet in packets_of(container, stream) if packet is not None)
    for packet in itertools.chain(packets, [None]):  # None asks the decoder for the frames it still holds.
        if packet is not None:
            place += 1
            packet.opaque = place
        for frame in _decoded(context, packet, outcome):
            if (number := numbers.of(frame)) is not None:
                yield number, frame


def _decoded(
    context: VideoCodecContext, packet: "Packet[VideoStream] | None", outcome: DecodeOutcome
) -> list[VideoFrame]:
    try:
        return context.decode(packet)
    except (av.FFmpegError, OSError):
        outcome.errors += 1
        return []


class _Numbers:
    """Tells which frame of the plan a decoded frame is."""

    def __init__(self, plan: VideoPlan, reorder_depth: int) -> None:
        self.plan = plan
        self.reorder_depth = reorder_depth
        self.last = -1

    def of(self, frame: VideoFrame) -> int | None:
        """Number of the frame; None where the plan does not show it."""
        place = frame.opaque
        if not isinstance(place, int) or place >= len(self.plan.frame_of_packet):
            return None
        if self.plan.pts_source == "container":
            number = int(self.plan.frame_of_packet[place])
            return number if number >= 0 else None
        # Without timestamps frames are counted as they come. A frame comes out at most reorder_depth
        # places before its packet's, so after a loss the count catches up.
        self.last = max(self.last + 1, place - self.reorder_depth)
        return self.last if self.last < len(self.plan.times_s) else None


def _upright(frame: VideoFrame, pixel_ratio: float, outcome: DecodeOutcome) -> Picture:
    """The frame as blue-green-red picture: square pixels, turned upright, of the size of the first one."""
    if not outcome.width:
        outcome.rotation = -round(frame.rotation / 90) * 90 % 360
        width, height = _square_pixel_size(frame, pixel_ratio)
        outcome.width, outcome.height = (height, width) if outcome.rotation % 180 else (width, height)
    stored = (outcome.height, outcome.width) if outcome.rotation % 180 else (outcome.width, outcome.height)
    picture = np.asarray(frame.to_ndarray(format="bgr24", width=stored[0], height=stored[1]), np.uint8)
    if outcome.rotation:
        picture = np.asarray(cv2.rotate(picture, _TURNS[outcome.rotation]), np.uint8)
    return np.ascontiguousarray(picture)


def _square_pixel_size(frame: VideoFrame, ratio: float) -> tuple[int, int]:
    """Width and height in square pixels: recorders store 704x288 for a picture of twice that height.

    Args:
        ratio: width of a pixel ÷ its height.
    """
    if not 0.2 < ratio < 5 or abs(ratio - 1) < _SQUARE_ENOUGH:
        return frame.width, frame.height
    if ratio > 1:
        return round(frame.width * ratio), frame.height
    return frame.width, round(frame.height / ratio)
