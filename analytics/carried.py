"""What of a file goes along, packet for packet, when its pictures are drawn anew; and what stays behind, and why."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from analytics.container import packets_of
from analytics.errors import UsageError

CONTAINERS: Final[dict[str, str]] = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Ending of a file that is written -> FFmpeg's name of its container."""
_OF_THE_FILE: Final = ("creation_time", "date", "timecode")
_OF_A_STREAM: Final = ("creation_time", "language", "timecode")
"""Everything else a file says about itself may name places, people and devices: location, titles, comments, handlers."""
_WITHOUT: Final = {"audio": "--no-sound", "subtitle": "--no-subtitles"}
_LOOKED_AT: Final = 2000
"""Packets of a file among which the first ones of its sound are looked for."""
_LEFT_BEHIND: Final = {
    "data": "data (timed metadata such as GPS may tell places)",
    "attachment": "an attachment (covers and thumbnails may show faces)",
}


@dataclass(frozen=True)
class Carried:
    """Streams of one opened file, by their index in it."""

    along: tuple[int, ...]
    left_behind: tuple[str, ...]
    """What stays behind, in words: `stream 3: data (…)`."""


def carried_of(container: InputContainer, shown: VideoStream, *, sound: bool, subtitles: bool) -> Carried:
    """Which streams go along with the one that is shown."""
    wanted = {"audio": sound, "subtitle": subtitles}
    along, left = [], []
    for stream in container.streams:
        if stream.index == shown.index:
            continue
        if wanted.get(stream.type):
            along.append(stream.index)
        else:
            left.append(f"stream {stream.index}: {_in_words(stream)}")
    return Carried(tuple(along), tuple(left))


def _in_words(stream: Stream) -> str:
    if stream.type == "video":
        cover = stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
        return "a cover picture or thumbnail" if cover else "a second picture, in which nobody looked for faces"
    if stream.type in _WITHOUT:
        return f"{stream.type}, as {_WITHOUT[stream.type]} asks"
    return _LEFT_BEHIND.get(stream.type, f"of an unknown kind ({stream.type})")


def add_carried(output: OutputContainer, container: InputContainer, carried: Carried, name: str) -> dict[int, Stream]:
    """Streams in an output for those that go along, by index in the input; nothing is written yet.

    Raises:
        UsageError: the output's container cannot hold one of them.
    """
    added: dict[int, Stream] = {}
    for index in carried.along:
        stream = container.streams[index]
        try:
            # Without a codec context there is no decoder here for the stream, and PyAV cannot say what it is.
            added[index] = new = output.add_stream_from_template(stream, opaque=True)
        except (ValueError, av.FFmpegError):
            raise _no_room(name, stream, ()) from None
        new.disposition = stream.disposition
        new.metadata.update(_harmless(stream.metadata, _OF_A_STREAM))
    return added


def check_carried(container: InputContainer, carried: Carried, name: str, suffix: str) -> None:
    """Write such a file into memory, so that nobody waits for a film that cannot be stored.

    Args:
        container: opened for this alone; it is read from.
        carried: what goes along.
        name: of the copy.
        suffix: its ending, in lower case.

    Raises:
        UsageError: the container of that ending cannot hold a stream.
    """
    first: dict[int, Packet[Any]] = {}
    sound = {index for index in carried.along if container.streams[index].type == "audio"}
    for packet in islice(packets_of(container), _LOOKED_AT if sound else 0):
        if packet is not None and packet.stream_index in sound and packet.dts is not None:
            first.setdefault(packet.stream_index, packet)
            if len(first) == len(sound):
                break
    for index in carried.along:
        stream, packet = container.streams[index], first.get(index)
        # One by one: what the muxer refuses it does not name.
        if not _takes(CONTAINERS[suffix], stream, packet):
            raise _no_room(name, stream, [other for other, kind in CONTAINERS.items() if _takes(kind, stream, packet)])


def _takes(kind: str, stream: Stream, packet: "Packet[Any] | None") -> bool:
    """Whether a container can hold a stream: some muxers tell only once they close a file with something in it."""
    try:
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            new = trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
            if packet is not None:
                packet.stream = new
                trial.mux(packet)
    except (ValueError, av.FFmpegError, OSError):
        return False
    return True


def _no_room(name: str, stream: Stream, endings: Sequence[str]) -> UsageError:
    codec = stream.codec_context.name if stream.codec_context else "an unknown codec"
    kind = stream.type
    other = f"end the file's name in {' or '.join(endings)}, or " if endings else ""
    return UsageError(
        f"{name}: its kind of file cannot hold stream {stream.index} of the video ({kind}, {codec})",
        f"{other}leave it out with {_WITHOUT[kind]}",
    )


def copy_tags(output: OutputContainer, container: InputContainer) -> None:
    """Chapters, and of the metadata what does no harm."""
    output.metadata.update(_harmless(container.metadata, _OF_THE_FILE))
    if chapters := container.chapters():
        output.set_chapters(chapters)


def copy_stream_tags(new: Stream, old: Stream) -> None:
    """Of a stream's metadata what does no harm, and what it is for."""
    new.metadata.update(_harmless(old.metadata, _OF_A_STREAM))
    new.disposition = old.disposition


def _harmless(metadata: Mapping[str, str], kept: tuple[str, ...]) -> dict[str, str]:
    return {name: text for name, text in metadata.items() if name.lower() in kept}


class CarriedPackets:
    """The packets of the streams that go along, given out as far as the pictures have come.

    Args:
        container: opened for this alone.
        streams: where they go, by their index in the container.
        earlier_s: seconds by which everything begins earlier in the copy.
    """

    def __init__(
        self, container: InputContainer, streams: Mapping[int, Stream], earlier_s: Fraction = Fraction(0)
    ) -> None:
        self._streams, self._earlier_s = streams, earlier_s
        self._last: dict[int, int] = {}
        self._packets = packets_of(container, [container.streams[index] for index in streams]) if streams else iter(())
        self._next: Packet[Any] | None = None
        self.dropped = 0
        """Packets that could not be placed in time."""

    def until(self, time_s: float) -> "Iterator[Packet[Any]]":
        """Packets up to a time on the copy's clock, ready to be muxed; with infinity all that are left."""
        while (packet := self._next or self._following()) is not None:
            assert packet.dts is not None
            if float(packet.dts * packet.time_base) > time_s:
                self._next = packet
                return
            self._next = None
            packet.stream = self._streams[packet.stream_index]
            yield packet

    def _following(self) -> "Packet[Any] | None":
        """The next packet that a muxer takes: with a time, and after those of its stream."""
        for packet in self._packets:
            if packet is None:
                continue
            index = packet.stream_index
            if packet.dts is None:
                packet.dts = packet.pts
            is_late = packet.dts is not None and packet.dts < self._last.get(index, packet.dts)
            if packet.dts is None or is_late:
                self.dropped += 1
                continue
            # Muxers want them rising; cues of a subtitle may begin together.
            if packet.dts == self._last.get(index) and self._streams[index].type != "subtitle":
                self.dropped += 1
                continue
            self._last[index] = packet.dts
            earlier = round(self._earlier_s / packet.time_base)
            packet.dts -= earlier
            if packet.pts is not None:
                packet.pts -= earlier
            return packet
        return None
