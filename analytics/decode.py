"""One forward decode of a video: the sampled frames, upright, and a mark for every frame that came out."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from analytics.cells import one_a_cell
from analytics.container import open_video, packets_of
from analytics.masks import NO_MASKS, Masks
from analytics.plan import VideoPlan
from analytics.records import Picture, Pulse
from analytics.segments import Segment
from analytics.sparing import AROUND, Needless, needless_packets
from analytics.upright import PictureShape, shape_of, small_luma, upright


@dataclass(frozen=True, eq=False)
class SampledFrame:
    """One frame that stands for a grid point."""

    sample: int
    """Number of the grid point."""
    pts_s: float
    """Presentation time, seconds from the start of the video stream."""
    frame: VideoFrame
    shape: PictureShape
    """Of the video."""
    masks: Masks = NO_MASKS
    """Painted over in whatever this gives of the frame."""

    @cached_property
    def picture(self) -> Picture:
        """Upright, square pixels, of the video's size."""
        return upright(self.frame, self.shape, self.masks)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture, px."""
        return self.shape.height, self.shape.width

    def small(self, long_side: int) -> NDArray[np.uint8]:
        """The picture in gray with its longer side at so many px, uint8 (h, w), for what its brightness costs."""
        return small_luma(self.frame, self.shape, long_side, self.masks)


@dataclass(eq=False)
class DecodeOutcome:
    """What the decoder learned on its way; complete once the frames have been exhausted."""

    decoded: NDArray[np.bool_]
    """(n,) which frames of the segment came out undamaged, or were spared among such."""
    shape: PictureShape | None = None
    """That of the first sound frame, unless it was given."""
    errors: int = 0
    """Packets of the segment that could not be decoded."""
    pulse: Pulse = field(default_factory=Pulse)
    is_sound: bool = True
    """Nothing damaged has come out so far, and nothing interlaced: there a packet may hold half of a picture."""
    reached: int = -1
    """The last frame that has come out so far."""
    spared: NDArray[np.bool_] = field(init=False)
    """(n,) which frames were not decoded, as nobody needs them."""
    follows: NDArray[np.bool_] = field(init=False)
    """(n,) which of these follow the last sample of their group."""
    n_spared: int = 0
    """How many these are: counting them anew at every frame would take the square of the frames in time."""

    def __post_init__(self) -> None:
        self.spared, self.follows = np.zeros((2, len(self.decoded)), np.bool_)


def decode_samples(
    path: Path, plan: VideoPlan, segment: Segment, outcome: DecodeOutcome, masks: Masks = NO_MASKS
) -> Iterator[SampledFrame]:
    """Decode a segment forward and give out the first sound frame of each of its sampling cells.

    In a sound file that is the frame the plan names. Where it is damaged, the next sound frame of
    the same cell stands in; a cell without any is left out. Corrupt packets are counted and
    stepped over. Pictures that nobody looks at, and from which nothing is decoded that somebody looks at, are
    spared as long as everything is sound.

    Raises:
        VideoError: the file cannot be opened.
    """
    container, stream = open_video(path)
    with container:
        needless = needless_packets(plan, segment)
        came = _sound_frames(frames_of(container, stream, plan, segment, outcome, needless), plan, segment, outcome)
        for number, frame in one_a_cell(came, plan, needless.planned):
            outcome.shape = outcome.shape or shape_of(frame, float(stream.sample_aspect_ratio or 1))
            yield SampledFrame(int(plan.cells[number]), float(plan.times_s[number]), frame, outcome.shape, masks)
    outcome.decoded = _seen(outcome)


def _sound_frames(
    came: Iterator[tuple[int, VideoFrame]], plan: VideoPlan, segment: Segment, outcome: DecodeOutcome
) -> Iterator[tuple[int, VideoFrame]]:
    """The sound frames of a segment as they come, until all have come that are not spared."""
    missing = len(segment)
    for number, frame in came:
        outcome.is_sound &= not frame.is_corrupt and not frame.interlaced_frame
        outcome.reached = max(outcome.reached, number)
        if frame.is_corrupt or not segment.first <= number < segment.until:
            continue
        missing -= not outcome.decoded[number - segment.first]
        outcome.decoded[number - segment.first] = True
        outcome.pulse.at(float(plan.times_s[number] - plan.times_s[segment.first]))
        yield number, frame
        if missing <= outcome.n_spared:
            return


def _seen(outcome: DecodeOutcome) -> NDArray[np.bool_]:
    """(n,) frames that came out, and spared ones.

    Damage beside a single picture mostly is in it, too, so both that came before and after it must be sound; of what
    follows a sample that came out sound, one of both.
    """
    tried = np.flatnonzero(~outcome.spared)
    if not len(tried):
        return outcome.decoded
    after = np.searchsorted(tried, np.arange(len(outcome.spared)))
    first, second = (outcome.decoded[tried[np.clip(place, 0, len(tried) - 1)]] for place in (after - 1, after))
    return outcome.decoded | (outcome.spared & np.where(outcome.follows, first | second, first & second))


def look(path: Path, plan: VideoPlan, pulse: Pulse) -> PictureShape | None:
    """Shape of a video's pictures, from its first sound frame; None where there is none.

    Raises:
        VideoError: the file cannot be opened.
    """
    outcome = DecodeOutcome(decoded=np.zeros(len(plan.times_s), np.bool_), pulse=pulse)
    whole = Segment(0, 0, len(plan.times_s), 0, len(plan.frame_of_packet) - 1)
    for _ in decode_samples(path, plan, whole, outcome):
        break
    return outcome.shape


def frames_of(
    container: InputContainer,
    stream: VideoStream,
    plan: VideoPlan,
    segment: Segment,
    outcome: DecodeOutcome,
    needless: Needless | None = None,
) -> Iterator[tuple[int, VideoFrame]]:
    """Frames of the stream, those of the segment among them, with their numbers in the plan.

    Needless packets are not decoded, until something turns out to be damaged.

    Each packet carries its place in the file through the decoder, so a frame is known by its packet even
    where timestamps are missing or come twice.
    """
    context = stream.codec_context
    context.thread_count = 1
    context.copy_opaque = True
    if context.name == "h264" and plan.pts_source == "container":
        # Where the stream does not say how far pictures are reordered, FFmpeg guesses it from those that come, drops the
        # first that come too late for its guess, and learns it anew in each segment.
        context.options = {"strict": "strict"}
    numbers = _Numbers(plan, max(context.reorder_depth, 1) if context.has_b_frames else 0, segment.start)
    for place, packet in _packets(container, stream, plan, segment, outcome.pulse):
        is_known = place is not None and place < len(plan.keyframe)
        reached = outcome.reached if outcome.is_sound or plan.keyframes_only else -1
        if place is not None and place > segment.last + AROUND:
            break
        if place is not None and needless is not None and needless.from_frame(place) <= reached:
            within = int(plan.frame_of_packet[place]) - segment.first
            if 0 <= within < len(segment):
                outcome.spared[within] = True
                outcome.follows[within] = needless.is_after_the_last(place)
                outcome.n_spared += 1
            continue
        # PyAV finds opaque objects again by their identity, over all threads: small numbers would be shared.
        packet.opaque = _Place(place)
        frames, failed = _decoded(context, packet)
        outcome.is_sound &= not failed
        if failed and is_known:
            # A packet that only leads into the segment is counted where its frame belongs.
            outcome.errors += bool(segment.first <= plan.frame_of_packet[place] < segment.until)
        for frame in frames:
            if (number := numbers.of(frame)) is not None:
                yield number, frame
    for frame in _decoded(context, None)[0]:  # None asks the decoder for the frames it still holds.
        if (number := numbers.of(frame)) is not None:
            yield number, frame


def _packets(
    container: InputContainer, stream: VideoStream, plan: VideoPlan, segment: Segment, pulse: Pulse
) -> "Iterator[tuple[int | None, Packet[VideoStream]]]":
    """The packets of the segment with their places in the file; None for one that the plan does not know."""
    if not segment.start:
        packets = (packet for packet in packets_of(container, stream) if packet is not None)
        for place_in_file, packet in enumerate(packets):
            pulse.beat()
            yield place_in_file, packet
        return
    for packet in _from(container, stream, plan, segment.start):
        # Frames that lead into a segment, and such as do not come out, are work, too.
        pulse.beat()
        place = int(np.searchsorted(plan.position, packet.pos or 0))
        known = place < len(plan.position) and plan.position[place] == packet.pos
        if not known or place >= segment.start:
            yield (place if known else None), packet


def _from(
    container: InputContainer, stream: VideoStream, plan: VideoPlan, start: int
) -> "Iterator[Packet[VideoStream]]":
    """Packets from the place `start` on, or from a little before.

    Demuxers seek by an index of their own, or by guesses. One that lands too late is sent further back.
    """
    keyframes = np.flatnonzero(plan.keyframe[: start + 1])
    for back in (0, 1, 4, 16):
        target = int(keyframes[max(len(keyframes) - 1 - back, 0)])
        try:
            container.seek(int(plan.stamp[target]), stream=stream)
        except (av.FFmpegError, OSError):
            break
        packets = (packet for packet in packets_of(container, stream) if packet is not None)
        first = next(packets, None)
        if first is not None and first.pos is not None and 0 <= first.pos <= plan.position[start]:
            yield from itertools.chain([first], packets)
            return
    reopened, again = open_video(Path(container.name.removeprefix("file:")))
    with reopened:
        yield from (packet for packet in packets_of(reopened, again) if packet is not None)


def _decoded(context: VideoCodecContext, packet: "Packet[VideoStream] | None") -> tuple[list[VideoFrame], bool]:
    """Frames that a packet brings out, and whether it could not be decoded."""
    try:
        return context.decode(packet), False
    except (av.FFmpegError, OSError):
        return [], True


@dataclass(frozen=True, eq=False)
class _Place:
    """What travels through the decoder with a packet."""

    place: int | None
    """In the file; None where the plan does not know the packet."""


class _Numbers:
    """Tells which frame of the plan a decoded frame is."""

    def __init__(self, plan: VideoPlan, reorder_depth: int, start: int) -> None:
        self.plan = plan
        self.reorder_depth = reorder_depth
        self.last = start - 1

    def of(self, frame: VideoFrame) -> int | None:
        """Number of the frame; None where the plan does not show it."""
        place = frame.opaque.place if isinstance(frame.opaque, _Place) else None
        if place is None or place >= len(self.plan.frame_of_packet):
            return None
        if self.plan.pts_source == "container" or self.plan.keyframes_only:
            number = int(self.plan.frame_of_packet[place])
            return number if number >= 0 else None
        # Without timestamps frames are counted as they come. A frame comes out at most reorder_depth
        # places before its packet's, so after a loss the count catches up.
        self.last = max(self.last + 1, place - self.reorder_depth)
        return self.last if self.last < len(self.plan.times_s) else None
