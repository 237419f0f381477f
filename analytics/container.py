"""Open a recorded file safely and list its packets before anything is decoded."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from analytics.errors import VideoError

# Playlists, still pictures and text art are left out: a list named .mp4 must not make us open what it names.
_CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpegtsraw,mpeg,mpegvideo,m4v,h264,hevc,vvc,gif,flv,asf,ogg,"
    "mjpeg,mjpeg_2000,mxf,dv,ivf,obu,av1,vc1,vc1test,dhav,nut,rm,wtv,yuv4mpegpipe,live_flv,ea,bink,h263,h261,cavsvideo,"
    "mp3,aac,wav,flac,ac3"
)
_READ_ONLY_THIS_FILE: Final = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
_WITH_DECLARED_DURATION: Final = ("mov", "matroska", "avi", "asf", "flv", "mxf")
_NO_TIMESTAMPS: Final = 0x80
"""The flag of a container format that stores no times (AVFMT_NOTIMESTAMPS)."""
_MOST_FAILED_READS: Final = 1000
_MUXING_SHARE: Final = 16
"""One in so many bytes of a packet may be added by headers between its pieces: 4 in 188 in transport streams."""


@dataclass(frozen=True)
class PacketInfo:
    """One packet of the video stream, in the order of the file."""

    pts: int | None
    """Presentation time in ticks of the stream's time base."""
    dts: int | None
    duration: int
    discard: bool
    """An edit list says that it is decoded, but not shown."""
    corrupt: bool
    """The container says that the packet was damaged."""
    lost_bytes: int
    """Bytes between the packet before and this one that belong to no packet of any stream."""


@dataclass(frozen=True)
class PacketList:
    """What one pass over the packets says about a file."""

    format: str
    codec: str
    width: int
    height: int
    tick_num: int
    """A tick of the stream's time base lasts tick_num / tick_den seconds."""
    tick_den: int
    rate: float
    """Declared frames a second; 0 where none is declared."""
    packets: tuple[PacketInfo, ...]
    declared_s: float | None
    """Duration of the video stream by the file's header, seconds."""
    ended_early_s: float
    """How long before the header's end the packets of all streams end, seconds."""
    read_errors: int


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose its video stream: never a cover picture.

    Raises:
        VideoError: no permission, empty, no known container, or no video stream.
    """
    try:
        if not path.stat().st_size:
            raise VideoError(f"{path}: the file is empty", "copy it again from the recorder")
        # The prefix keeps a name like `concat:x` or `http:x` from being taken for a protocol.
        container = av.open(f"file:{path}", options=dict(_READ_ONLY_THIS_FILE), metadata_errors="replace")
    except PermissionError:
        raise VideoError(f"{path}: no permission to read it", "let this user read the file") from None
    except FileNotFoundError:
        raise VideoError(f"{path}: the file has vanished", "restore it or run again without it") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path}: is no video that can be opened ({text})",
            "check that it plays; a recording that was cut off before its index was written needs repair",
        ) from None
    shown = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not shown or not shown[0].codec_context:
        container.close()
        raise VideoError(f"{path}: has no video stream that can be decoded", "name files that hold a picture")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in shown else shown[0]
    return container, stream


def packets_of(container: InputContainer, streams: VideoStream | None = None) -> Iterator["Packet[Any] | None"]:
    """Demux to the end; a failed read (None) is stepped over instead of ending the file.

    Damaged transport streams raise BlockingIOError or InvalidDataError in their middle and go on after it.
    """
    for _ in range(_MOST_FAILED_READS):
        try:
            for packet in container.demux(streams) if streams is not None else container.demux():
                if packet.size or packet.pts is not None or packet.dts is not None:
                    yield packet
            return
        except av.EOFError:
            return
        except (av.FFmpegError, OSError):
            yield None


def list_packets(path: Path) -> PacketList:
    """Read all packets of a file, decoding none.

    Raises:
        VideoError: as open_video; or the video stream holds no packets.
    """
    container, stream = open_video(path)
    with container:
        found: list[PacketInfo] = []
        # AVI has no presentation times, raw streams have none at all.
        timed = container.format.name != "avi" and not container.format.flags & _NO_TIMESTAMPS
        indexed = _avi_index(container, stream)
        read_errors, last_s = 0, 0.0
        extents: list[tuple[int, int, int]] = []
        for packet in packets_of(container):
            if packet is None:
                read_errors += 1
                continue
            end = (packet.pts if packet.pts is not None else packet.dts or 0) + (packet.duration or 0)
            last_s = max(last_s, float(end * packet.time_base))
            of_video = packet.stream_index == stream.index
            if packet.pos is not None and packet.pos >= 0:
                extents.append((packet.pos, packet.size, len(found) if of_video else -1))
            if of_video:
                found.append(_info(packet, timed, indexed))
        if not found:
            raise VideoError(f"{path}: its video stream holds no frames", "copy it again from the recorder")
        declared_s, container_s = _declared_s(container, stream)
        context, rate = stream.codec_context, stream.average_rate or stream.guessed_rate or 0
        assert stream.time_base is not None
        return PacketList(
            format=container.format.name,
            codec=context.name,
            width=context.width,
            height=context.height,
            tick_num=stream.time_base.numerator,
            tick_den=stream.time_base.denominator,
            rate=float(rate),
            packets=_with_lost_bytes(found, extents),
            declared_s=declared_s,
            ended_early_s=max(0.0, container_s - last_s) if container_s else 0.0,
            read_errors=read_errors,
        )


def _info(packet: "Packet[Any]", timed: bool, indexed: dict[int, int]) -> PacketInfo:
    pts, dts = packet.pts, packet.dts
    if not timed:
        # What the library gives here as a presentation time is its guess.
        pts, dts = None, indexed.get(packet.pos, dts) if packet.pos is not None else dts
    return PacketInfo(pts, dts, packet.duration or 0, packet.is_discard, packet.is_corrupt, 0)


def _with_lost_bytes(found: list[PacketInfo], extents: list[tuple[int, int, int]]) -> tuple[PacketInfo, ...]:
    """The packets with the bytes before each that no packet holds.

    Args:
        found: the packets of the video stream.
        extents: position and size of the packets of all streams, and the number in `found` or -1. They
            are brought into the order of the file, as some writers store sound and picture apart.
    """
    packets = list(found)
    lost, slack, known_end = 0, 0, min(extents, default=(0, 0, 0))[0]
    for start, size, number in sorted(extents):
        if start >= known_end:
            lost += max(0, start - known_end - slack)
            known_end, slack = start, 0
        # Transport streams cut packets up, mix the pieces of all streams and put headers between them.
        known_end, slack = known_end + size, slack + size // _MUXING_SHARE
        if number >= 0:
            packets[number] = replace(packets[number], lost_bytes=lost)
            lost = 0
    return tuple(packets)


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
    first_s = (container.start_time or 0) / av.time_base
    whole_s = container.duration / av.time_base + first_s if container.duration else None
    if stream.duration and stream.time_base:
        stream_s = float(stream.duration * stream.time_base)
        if container.format.name == "avi" and stream.average_rate:
            # For a file that was cut off the library makes the duration fit; the count of frames stays.
            stream_s = max(stream_s, float(stream.frames / stream.average_rate))
        return stream_s, whole_s
    return None, whole_s
