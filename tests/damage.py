"""Files as recorders, disks and networks leave them: broken, turned, joined, wrapped, or without a picture.

The functions that take a path of an existing file change it in place.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import av

from tests.clips import add_video, encoded, write_clip
from tests.footage import Scene

TS_CLOCK: Final = 90_000
TS_WRAP_S: Final = 2**33 / TS_CLOCK
"""When the 33-bit clock of MPEG-TS starts again at nought: after 26.5 hours."""
_TS_PACKET: Final = 188
_UNIT, _FINER = 1 << 16, 1 << 30
"""One, in the two fixed-point formats of the matrix in an MP4 track header."""


def zero_bytes(path: Path, start: int, length: int) -> None:
    """Overwrite bytes start .. start + length with noughts, as a bad block of a disk would."""
    size = path.stat().st_size
    if not 0 <= start <= start + length <= size:
        raise ValueError(f"start {start} and length {length} do not lie within the {size} bytes of {path}")
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(length))


def truncate(path: Path, length: int) -> None:
    """Keep the first `length` bytes alone."""
    with path.open("r+b") as file:
        file.truncate(length)


def without_moov(path: Path) -> None:
    """Take the index out of an MP4 or MOV, as when the power fails before the recorder closes the file."""
    data = path.read_bytes()
    boxes = list(_boxes(data, 0, len(data)))
    if all(name != b"moov" for name, _, _ in boxes):
        raise ValueError(f"{path} has no moov box")
    path.write_bytes(b"".join(data[start:end] for name, start, end in boxes if name != b"moov"))


def set_rotation(path: Path, degrees: int) -> None:
    """Tell players of an MP4 or MOV to turn the picture clockwise by 0, 90, 180 or 270 degrees.

    The stored pictures stay as they are; PyAV then gives
    frame.rotation counterclockwise: 0, -90, -180 and 90.
    """
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    data = bytearray(path.read_bytes())
    matrix = (cosine * _UNIT, sine * _UNIT, 0, -sine * _UNIT, cosine * _UNIT, 0, 0, 0, _FINER)
    turned = 0
    for start, end in _found(data, [b"moov", b"trak"], 0, len(data)):
        ((handler, _),) = _found(data, [b"mdia", b"hdlr"], start + 8, end)
        if data[handler + 16 : handler + 20] == b"vide":
            ((head, _),) = _found(data, [b"tkhd"], start + 8, end)
            # Version 1 of the track header has three 64-bit fields where version 0 has 32 bits.
            struct.pack_into(">9i", data, head + (60 if data[head + 8] else 48), *matrix)
            turned += 1
    if not turned:
        raise ValueError(f"{path} has no video track to turn")
    path.write_bytes(data)


def shifted_ts(path: Path, offset_s: float) -> None:
    """Add offset_s to every time in an MPEG-TS file, modulo the 33-bit clock.

    An offset of TS_WRAP_S - 2 makes the clock start again two seconds into a clip.
    """
    data = bytearray(path.read_bytes())
    offset = round(offset_s * TS_CLOCK)
    for packet in range(0, len(data), _TS_PACKET):
        has_adaptation = data[packet + 3] & 0x20
        if has_adaptation and data[packet + 4] > 0 and data[packet + 5] & 0x10:
            _shift_pcr(data, packet + 6, offset)
        for at in _stamps_of(data, packet):
            _write_stamp(data, at, (_read_stamp(data, at) + offset) % 2**33)
    path.write_bytes(data)


def raw_ts_stamps(path: Path) -> list[int]:
    """The presentation times of the video in an MPEG-TS file as they stand in its bytes, in file order, 1/90000 s."""
    data = path.read_bytes()
    stamps = []
    for packet in range(0, len(data), _TS_PACKET):
        at = next(_stamps_of(data, packet), None)
        # The stream id, six bytes before the flags that precede the stamps, is 0xE0..0xEF for video.
        if at is not None and data[at - 6] & 0xF0 == 0xE0:
            stamps.append(_read_stamp(data, at))
    return stamps


def stray_ts_packets(path: Path, count: int) -> None:
    """Let packets of pictures in the middle of a transport stream name a stream that nothing has announced.

    As flipped bits do; a demuxer takes it for a stream that begins there.
    """
    data = bytearray(path.read_bytes())
    of_pictures = [at for at in range(0, len(data), 188) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    middle = of_pictures[len(of_pictures) // 2]
    first = next(at for at in of_pictures if at > middle and data[at + 1] & 0x40)  # Where a picture begins.
    for at in [at for at in of_pictures if at >= first][:count]:
        data[at + 2] = 0x23
    path.write_bytes(data)


def concatenated_ts(parts: Sequence[Path], path: Path) -> None:
    """Join MPEG-TS files byte by byte, as `cat` does: the clock jumps back where the next one begins."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))


def two_sizes(path: Path, first: Scene, second: Scene) -> None:
    """Write an MPEG-TS file whose picture changes its size in mid-stream while its clock goes on."""
    with av.open(path, "w") as joined:
        target = None
        for k, scene in enumerate((first, second)):
            part = path.with_name(f"{path.stem}.part{k}.ts")
            write_clip(scene, part)
            offset = round(k * first.duration_s * TS_CLOCK)
            with av.open(part) as file:
                source = file.streams.video[0]
                target = target or joined.add_stream_from_template(source)
                for packet in file.demux(source):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = target
                    joined.mux(packet)
            part.unlink()


def two_video_streams(path: Path, first: Scene, second: Scene) -> None:
    """Write a file with two video streams side by side, as some two-lens cameras do."""
    with av.open(path, "w") as file:
        streams = [add_video(file, scene) for scene in (first, second)]
        packets = [
            (float(packet.dts * packet.time_base), packet)
            for scene, stream in zip((first, second), streams, strict=True)
            for _, ready in encoded(scene, stream, scene.times())
            for packet in ready
            if packet.dts is not None
        ]
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            file.mux(packet)


def _boxes(data: bytes | bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the MP4 boxes in data[start:end]."""
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
        yield name, start, min(start + size, end) if size else end
        start = start + size if size else end


def _found(data: bytes | bytearray, names: list[bytes], start: int, end: int) -> list[tuple[int, int]]:
    """Start and end of all boxes at the end of the path `names`."""
    found = [(start, end) for name, start, end in _boxes(data, start, end) if name == names[0]]
    if len(names) == 1:
        return found
    return [deeper for start, end in found for deeper in _found(data, names[1:], start + 8, end)]


def _stamps_of(data: bytes | bytearray, packet: int) -> Iterator[int]:
    """Where the PTS and, where there is one, the DTS stand in a transport packet that begins a PES packet."""
    begins, control = data[packet + 1] & 0x40, data[packet + 3]
    if not begins or not control & 0x10:
        return
    payload = packet + 4 + (1 + data[packet + 4] if control & 0x20 else 0)
    if data[payload : payload + 3] == b"\0\0\1" and data[payload + 7] & 0x80:
        yield payload + 9
        if data[payload + 7] & 0x40:
            yield payload + 14


def _read_stamp(data: bytes | bytearray, at: int) -> int:
    b = data[at : at + 5]
    return (b[0] >> 1 & 7) << 30 | b[1] << 22 | (b[2] >> 1) << 15 | b[3] << 7 | b[4] >> 1


def _write_stamp(data: bytearray, at: int, stamp: int) -> None:
    """33 bits in groups of 3, 15 and 15, each followed by a marker bit; the first four bits stay."""
    data[at] = data[at] & 0xF0 | (stamp >> 30 & 7) << 1 | 1
    data[at + 1] = stamp >> 22 & 0xFF
    data[at + 2] = (stamp >> 15 & 0x7F) << 1 | 1
    data[at + 3] = stamp >> 7 & 0xFF
    data[at + 4] = (stamp & 0x7F) << 1 | 1


def _shift_pcr(data: bytearray, at: int, offset: int) -> None:
    """The program clock: 33 bits at 90 kHz in the upper bits, 15 bits of fraction and padding below."""
    clock = int.from_bytes(data[at : at + 6], "big")
    base = ((clock >> 15) + offset) % 2**33
    data[at : at + 6] = (base << 15 | clock & 0x7FFF).to_bytes(6, "big")
