"""List the packets of a recorded file before anything is decoded."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from analytics.container import open_video, packets_of
from analytics.errors import VideoError
from analytics.filler import filler_bytes
from analytics.records import Pulse
from analytics.references import BEGINNING, REFERENCE, References

NO_STAMP: Final = -(2**63)
"""Stands in the columns for a timestamp that the container does not give."""
_WITH_DECLARED_DURATION: Final = ("mov", "matroska", "avi", "asf", "flv", "mxf")
_DURATION_IS_THE_END: Final = ("matroska", "asf")
"""Their headers count the duration from time zero, the others from the first frame."""
_NO_TIMESTAMPS: Final = 0x80
"""The flag of a container format that stores no times (AVFMT_NOTIMESTAMPS)."""
_MUXING_SHARE: Final = 16
"""One in so many bytes of a packet may be added by headers between its pieces: 4 in 188 in transport streams."""
LEAST_LOST_BYTES: Final = 1024
"""Fewer bytes between two packets are headers, not damage."""


class PacketInfo(NamedTuple):
    """One packet of the video stream."""

    pts: int | None
    """Presentation time in ticks of the stream's time base."""
    dts: int | None
    duration: int
    discard: bool = False
    """An edit list says that it is decoded, but not shown."""
    corrupt: bool = False
    """The container says that the packet was damaged."""
    lost_bytes: int = 0
    """Bytes between the packet before and this one that belong to no packet of any stream."""
    keyframe: bool = False
    position: int = -1
    """Where it begins in the file, bytes; -1 where that is unknown."""
    layer: int = REFERENCE
    """See References.told; so too of the next."""
    sets: bool = False


@dataclass(frozen=True, eq=False)
class Packets:
    """All packets of a video stream in the order of the file, as columns of n: a day of video has millions."""

    pts: NDArray[np.int64]
    """NO_STAMP where there is none; so too in dts."""
    dts: NDArray[np.int64]
    duration: NDArray[np.int64]
    discard: NDArray[np.bool_]
    corrupt: NDArray[np.bool_]
    lost_bytes: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    position: NDArray[np.int64]
    disposable: NDArray[np.bool_]
    """No other picture is decoded from this one."""
    beginning: NDArray[np.bool_]
    """Neither this one nor any after it is decoded from one before it."""
    sets: NDArray[np.bool_]
    """It holds parameter sets, by which later ones are decoded."""

    def __len__(self) -> int:
        return len(self.pts)

    @staticmethod
    def of(infos: Iterable[PacketInfo]) -> "Packets":
        """The columns of some packets."""
        stamps = [(NO_STAMP if i.pts is None else i.pts, NO_STAMP if i.dts is None else i.dts, *i[2:]) for i in infos]
        columns = np.array(stamps, np.int64).reshape(-1, len(PacketInfo._fields)).T
        pts, dts, duration, discard, corrupt, lost_bytes, keyframe, position, layer, sets = columns
        return Packets(
            pts,
            dts,
            duration,
            discard != 0,
            corrupt != 0,
            lost_bytes,
            keyframe != 0,
            position,
            disposable=layer >= 0,
            beginning=layer == BEGINNING,
            sets=sets != 0,
        )


@dataclass(frozen=True, eq=False)
class PacketList:
    """What one pass over the packets says about a file."""

    format: str
    codec: str
    tick_num: int
    """A tick of the stream's time base lasts tick_num / tick_den seconds."""
    tick_den: int
    rate: float
    """Declared frames a second; 0 where none is declared."""
    packets: Packets
    declared_s: float | None
    """Duration of the video stream by the file's header, seconds."""
    ended_early_s: float
    """How long before the header's end the packets of all streams end, seconds."""
    lost_at_end: int = 0
    """Bytes after the last packet that belong to none, in a transport stream, whose header promises no end."""
    reordered: bool = False
    """Frames are shown in another order than they are stored in (B-frames)."""


def list_packets(path: Path, pulse: Pulse | None = None) -> PacketList:
    """Read all packets of a file, decoding none.

    Raises:
        VideoError: as open_video; or the video stream holds no packets.
    """
    container, stream = open_video(path)
    with container:
        columns = [array("q") for _ in PacketInfo._fields]
        extents = _Extents(path, container.format.name)
        # AVI has no presentation times, raw streams have none at all.
        timed = container.format.name != "avi" and not container.format.flags & _NO_TIMESTAMPS
        indexed = _avi_index(container, stream)
        references = References(stream.codec_context)
        begins_always = stream.codec_context.codec.intra_only
        last_s, found = 0.0, 0
        for packet in packets_of(container):
            if pulse:
                pulse.beat()
            if packet is None:
                continue
            end = (packet.pts if packet.pts is not None else packet.dts or 0) + (packet.duration or 0)
            last_s = max(last_s, float(end * packet.time_base))
            of_video = packet.stream_index == stream.index
            extents.add(packet, found if of_video else -1)
            if of_video:
                found += 1
                for column, value in zip(columns, _info(packet, timed, indexed, references), strict=True):
                    column.append(NO_STAMP if value is None else value)
        if not found:
            raise VideoError(f"{path}: its video stream holds no frames", "copy it again from the recorder")
        declared_s, container_s = _declared_s(container, stream)
        rate = stream.average_rate or stream.guessed_rate or 0
        assert stream.time_base is not None
        arrays = (np.array(column, np.int64) for column in columns)
        pts, dts, duration, discard, corrupt, _, keyframe, position, layer, sets = arrays
        return PacketList(
            format=container.format.name,
            codec=stream.codec_context.name,
            tick_num=stream.time_base.numerator,
            tick_den=stream.time_base.denominator,
            rate=float(rate),
            packets=Packets(
                pts=pts,
                dts=dts,
                duration=duration,
                discard=discard != 0,
                corrupt=corrupt != 0,
                lost_bytes=extents.lost_bytes(found),
                keyframe=keyframe != 0,
                position=position,
                disposable=layer == references.top_layer,
                beginning=(layer == BEGINNING) | begins_always,
                sets=sets != 0,
            ),
            declared_s=declared_s,
            ended_early_s=max(0.0, container_s - last_s) if container_s else 0.0,
            lost_at_end=extents.lost_at_end(),
            reordered=bool(stream.codec_context.has_b_frames),
        )


def _info(packet: "Packet[Any]", timed: bool, indexed: dict[int, int], references: References) -> PacketInfo:
    pts, dts = packet.pts, packet.dts
    if not timed:
        # What the library gives here as a presentation time is its guess.
        pts, dts = None, indexed.get(packet.pos, dts) if packet.pos is not None else dts
    layer, sets = references.told(bytes(packet)) if references.tells else (REFERENCE, False)
    return PacketInfo(
        pts=pts,
        dts=dts,
        duration=packet.duration or 0,
        discard=packet.is_discard,
        corrupt=packet.is_corrupt,
        keyframe=packet.is_keyframe,
        position=packet.pos if packet.pos is not None else -1,
        layer=layer,
        sets=sets or packet.has_sidedata("new_extradata"),
    )


class _Extents:
    """Which bytes of a file belong to packets, whatever their stream."""

    def __init__(self, path: Path, container: str) -> None:
        self.path, self.container = path, container
        self.start, self.size, self.number = array("q"), array("q"), array("q")

    def add(self, packet: "Packet[Any]", number: int) -> None:
        """Note a packet: its number among those of the video stream, or -1."""
        if packet.pos is not None and packet.pos >= 0:
            for column, value in zip(
                (self.start, self.size, self.number), (packet.pos, packet.size, number), strict=True
            ):
                column.append(value)

    def lost_bytes(self, n: int) -> NDArray[np.int64]:
        """(n,) the bytes before each packet of the video stream that no packet holds."""
        lost_before = np.zeros(n, np.int64)
        # In the order of the file, as some writers store sound and picture apart.
        order = np.lexsort((self.number, self.size, self.start))
        lost, slack, known_end = 0, 0, min(self.start, default=0)
        before = known_end
        for i in order:
            start, size, number = self.start[i], self.size[i], self.number[i]
            if start >= known_end:
                lost += self._lost(before, known_end + slack, start)
                known_end, slack = start, 0
            before = start
            # Transport streams cut packets up, mix the pieces of all streams and put headers between them.
            known_end, slack = known_end + size, slack + size // _MUXING_SHARE
            if number >= 0:
                lost_before[number], lost = lost, 0
        return lost_before

    def lost_at_end(self) -> int:
        """Bytes after the last packet of a transport stream, whatever its kind."""
        if not self.container.startswith("mpegts") or not self.start:
            return 0
        last = max(range(len(self.start)), key=self.start.__getitem__)
        begin, size = self.start[last], self.size[last]
        return self._lost(begin, begin + size + size // _MUXING_SHARE, self.path.stat().st_size)

    def _lost(self, before: int, known_end: int, start: int) -> int:
        """Bytes from known_end to start less what is sound filler; `before` is where the packet before begins."""
        lost = max(0, start - known_end)
        if lost <= LEAST_LOST_BYTES:
            return lost
        in_pieces = self.container.startswith("mpegts")
        return max(0, lost - filler_bytes(self.path, self.container, before if in_pieces else known_end, start))


def _avi_index(container: InputContainer, stream: VideoStream) -> dict[int, int]:
    """Frame number by position in the file, from an AVI's index.

    The library counts the frames that it meets, so after damage its count is too low.
    """
    if container.format.name != "avi":
        return {}
    # The index points at the chunk's header of eight bytes, a packet at its content.
    return {entry.pos + 8: entry.timestamp for entry in stream.index_entries}


def _declared_s(container: InputContainer, stream: VideoStream) -> tuple[float | None, float | None]:
    """Duration of the video stream and end of the whole file by their headers; None where a container has none.

    The duration that the library reports for transport and raw streams is its own guess.
    """
    if not container.format.name.startswith(_WITH_DECLARED_DURATION):
        return None, None
    from_zero = container.format.name.startswith(_DURATION_IS_THE_END)
    first_s = 0.0 if from_zero else (container.start_time or 0) / av.time_base
    whole_s = container.duration / av.time_base + first_s if container.duration else None
    if stream.duration and stream.time_base:
        stream_s = float((stream.duration - (stream.start_time or 0) * from_zero) * stream.time_base)
        if container.format.name == "avi" and stream.average_rate:
            # For a file that was cut off the library makes the duration fit; the count of frames stays.
            stream_s = max(stream_s, float(stream.frames / stream.average_rate))
        return stream_s, whole_s
    return None, whole_s
