"""Which packets hold pictures that no other picture is decoded from, and where all begins anew, told by headers alone.

H.264 says so in nal_ref_idc and nal_unit_type (ITU-T H.264, 7.4.1), H.265 by the types of sub-layer non-reference
pictures and of IDR pictures (ITU-T H.265, table 7-1). A decoder need not look at the first kind where nobody wants to see
it, nor at what lies between the last picture that somebody wants to see and the next beginning; but for parameter sets,
by which later pictures are decoded.
"""

from collections.abc import Iterator
from typing import Final

from av.video.codeccontext import VideoCodecContext

REFERENCE: Final = -1
"""Other pictures may be decoded from it, or nobody can tell."""
BEGINNING: Final = -2
"""Neither it nor any picture after it is decoded from one before it: an IDR picture."""
_MARK: Final = b"\x00\x00\x01"
_AVCC_LENGTH_AT, _HVCC_LENGTH_AT = 4, 21
_H264_SLICES: Final = range(1, 6)
_H264_IDR: Final = 5
_H264_SETS: Final = (7, 8, 13, 15)
_H265_SLICES: Final = range(32)
_H265_NON_REFERENCE: Final = range(0, 15, 2)
_H265_IDR: Final = (19, 20)
_H265_SETS: Final = (32, 33, 34, 36, 37)
"""And the end of a sequence, which changes how the next picture is decoded, too."""
_MOST_LAYERS: Final = 4
"""More temporal layers are no layers of a recorder."""


class References:
    """Reads the headers of one video stream's packets.

    Args:
        codec: of the stream.
    """

    def __init__(self, codec: VideoCodecContext) -> None:
        self._codec = codec.name
        self.tells = codec.name in ("h264", "hevc")
        """Whether the headers of this codec are known here."""
        self._length = _length_size(codec)
        self.top_layer = 0
        """The highest temporal layer so far, with H.265: pictures there may be decoded from all others."""

    def told(self, packet: bytes) -> tuple[int, bool]:
        """What the headers of a packet tell.

        Returns:
            The temporal layer of a picture that none of its own layer or below is decoded from; else REFERENCE or
            BEGINNING. And whether there are parameter sets.
        """
        layer, has_sets = None, False
        for unit in self._units(packet):
            has_sets |= self._is_set(unit)
            if layer is None or layer >= 0:
                found = self._layer_of(unit)
                layer = layer if found is None else found
            elif not self._length:
                break  # Where there are start codes, sets open a packet: looking for more would read all of it.
        return REFERENCE if layer is None else layer, has_sets

    def _is_set(self, header: bytes) -> bool:
        return header[0] & 0x1F in _H264_SETS if self._codec == "h264" else header[0] >> 1 & 0x3F in _H265_SETS

    def _layer_of(self, header: bytes) -> int | None:
        """That of one piece of a picture, by the first two bytes of its unit; None of what is no piece of one."""
        if self._codec == "h264":
            if (kind := header[0] & 0x1F) not in _H264_SLICES:
                return None
            if kind == _H264_IDR:
                return BEGINNING
            return REFERENCE if header[0] & 0x60 else 0
        kind, layer = header[0] >> 1 & 0x3F, (header[1] & 0x07) - 1
        if kind not in _H265_SLICES:
            return None
        if layer < _MOST_LAYERS:  # A broken header would say more.
            self.top_layer = max(self.top_layer, layer)
        if kind in _H265_IDR:
            return BEGINNING
        return layer if kind in _H265_NON_REFERENCE else REFERENCE

    def _units(self, packet: bytes) -> Iterator[bytes]:
        """The first two bytes of each unit."""
        at = 0
        if self._length:
            while (start := at + self._length) + 2 <= len(packet) and (size := int.from_bytes(packet[at:start])):
                yield packet[start : start + 2]
                at = start + size
            return
        while (at := packet.find(_MARK, at)) >= 0 and (at := at + len(_MARK)) + 2 <= len(packet):
            yield packet[at : at + 2]


def _length_size(codec: VideoCodecContext) -> int:
    """Bytes of the length before each unit, as MP4 and Matroska have it; 0 where start codes stand between them."""
    extra = codec.extradata or b""
    at = _AVCC_LENGTH_AT if codec.name == "h264" else _HVCC_LENGTH_AT
    return (extra[at] & 3) + 1 if len(extra) > at and extra[0] == 1 else 0
