"""Bytes between packets that are there for the container's own sake, and so are no damage."""

import struct
from pathlib import Path
from typing import Final

import numpy as np

_TS_SYNC: Final = 0x47
_TS_LAYOUTS: Final = ((0, 188), (4, 192), (0, 192), (0, 204))
"""Bytes before the sync byte, and from packet to packet: plain, as on Blu-ray discs (M2TS), and with parity."""
_TS_NULL: Final = 0x1FFF
"""Programme number of the packets that keep a transport stream's bit rate constant (ISO/IEC 13818-1, 2.4.3.3)."""
_BOXES: Final = frozenset(b"ftyp styp moov moof mfra sidx ssix free skip wide udta uuid meta emsg prft pdin".split())
"""Boxes of an MP4 that hold no pictures and no sound (ISO/IEC 14496-12)."""
_MOST_READ: Final = 64 << 20


def filler_bytes(path: Path, container: str, start: int, end: int) -> int:
    """How many of the bytes start .. end of a file are sound filler: null packets, indexes, free space.

    Args:
        path: the file.
        container: the library's name for its format; others than MP4 and MPEG-TS have no filler.
        start: where the packet before these bytes begins (MPEG-TS, which mixes pieces) or ends (MP4).
        end: where the next packet begins.
    """
    if container.startswith("mpegts"):
        return _null_packets(path, start, end)
    if container.startswith("mov"):
        return _boxes(path, start, end)
    return 0


def _null_packets(path: Path, start: int, end: int) -> int:
    found = 0
    with path.open("rb") as file:
        file.seek(start)
        before, size = _layout(file.read(1024))
        file.seek(start)
        while start < end:
            data = file.read(min(end - start, _MOST_READ // size * size))
            whole = len(data) // size
            if not whole:
                break
            packets = np.frombuffer(data, np.uint8, whole * size).reshape(whole, size)
            sync, high, low = packets[:, before : before + 3].astype(np.int64).T
            found += int(((sync == _TS_SYNC) & ((high << 8 | low) & 0x1FFF == _TS_NULL)).sum()) * size
            start += len(data)
    return found


def _layout(data: bytes) -> tuple[int, int]:
    """Which of the layouts bytes have that begin with a packet."""
    for before, size in _TS_LAYOUTS:
        if set(data[before::size]) == {_TS_SYNC}:
            return before, size
    return _TS_LAYOUTS[0]


def _boxes(path: Path, start: int, end: int) -> int:
    at = start
    with path.open("rb") as file:
        while at + 8 <= end:
            file.seek(at)
            size, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
            header = 8
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
                header = 16
            if name == b"mdat":
                # What follows its header are packets, and the next of them begins at `end`.
                return at + header - start
            if name not in _BOXES or size < header:
                break
            at += size
    return min(at, end) - start
