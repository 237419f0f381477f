"""H.264 that does not say how far its pictures are reordered, as some recorders write it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from tests.footage import Scene

_SPS = 7
_MARK = b"\x00\x00\x01"


class _Bits:
    """Reads the bits of a sequence parameter set (ITU-T H.264, 7.3.2.1.1 and E.1.1)."""

    def __init__(self, content: bytes) -> None:
        self.text, self.at = "".join(f"{byte:08b}" for byte in content), 0

    def take(self, n: int) -> int:
        """An unsigned number of n bits."""
        self.at += n
        return int(self.text[self.at - n : self.at] or "0", 2)

    def golomb(self) -> int:
        """An unsigned number in Exp-Golomb coding."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _without_restriction(unit: bytes) -> bytes:
    """A sequence parameter set as x264 writes it, without the bitstream restriction at its end."""
    bits = _Bits(unit.replace(b"\x00\x00\x03", b"\x00\x00"))
    bits.take(8)
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in (100, 110, 122, 244):
        for _ in range(3):
            bits.golomb()
        assert bits.take(2) == 0  # No transform bypass, no scaling matrices.
    bits.golomb()
    if bits.golomb() == 0:
        bits.golomb()
    bits.golomb()
    bits.take(1)
    bits.golomb()
    bits.golomb()
    assert bits.take(2) & 2  # Frames alone.
    if bits.take(1):
        for _ in range(4):
            bits.golomb()
    assert bits.take(1)  # What follows is the usability information.
    if bits.take(1) and bits.take(8) == 255:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):
        bits.golomb()
        bits.golomb()
    if bits.take(1):
        bits.take(65)
    assert bits.take(2) == 0  # No buffering models.
    bits.take(1)
    assert bits.take(1) == 1
    text = bits.text[: bits.at - 1] + "01"
    text += "0" * (-len(text) % 8)
    content = bytearray()
    for byte in int(text, 2).to_bytes(len(text) // 8):
        if byte <= 3 and content[-2:] == b"\x00\x00":
            content.append(3)
        content.append(byte)
    return bytes(content)


def units_of(packet: bytes) -> Iterator[bytes]:
    """The units between start codes."""
    for part in packet.split(_MARK)[1:]:
        yield part.removesuffix(b"\x00") if part.endswith(b"\x00") else part


def write_unsaid(scene: Scene, path: Path, plain_s: float) -> None:
    """Write a scene as H.264, no B-frames for so many seconds and a pyramid of three after them.

    Nothing in it says how far pictures are reordered, so a decoder that was not told has to guess.
    """
    rate = round(scene.fps)
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = scene.width, scene.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, rate), Fraction(rate)
    fixed = "b-adapt=0:bframes=3:b-pyramid=normal:scenecut=0:keyint=50:annexb=1:repeat-headers=1"
    encoder.options = {"x264-params": fixed, "preset": "veryfast"}
    packets = []
    for number, t in enumerate(scene.times()):
        frame = av.VideoFrame.from_ndarray(scene.picture_at(t), format="bgr24")
        frame.pts, frame.time_base = number, Fraction(1, rate)
        if t < plain_s and number % 50:
            frame.pict_type = PictureType.P
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.time_base = scene.width, scene.height, Fraction(1, 90_000)
        for packet in packets:
            units = [_without_restriction(one) if one[0] & 31 == _SPS else one for one in units_of(bytes(packet))]
            bare = av.Packet(b"".join(b"\x00" + _MARK + one for one in units))
            bare.pts, bare.dts, bare.time_base, bare.stream = packet.pts, packet.dts, Fraction(1, rate), stream
            bare.is_keyframe = packet.is_keyframe
            file.mux(bare)
