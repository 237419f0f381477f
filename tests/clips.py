"""Scenes written to video files, with presentation times that a test can rely on."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from tests.footage import Scene

_FINE: Final = Fraction(1, 90_000)
"""The clock of MPEG-TS: exact for 24, 25, 30, 50 and 60 frames a second and for whole milliseconds."""
_FINE_MPEG4: Final = Fraction(1, 60_000)
"""The MPEG-4 part 2 encoder takes no more than 65,535 ticks a second."""
_SOUND_RATE: Final = 48_000
_DEFAULT_OPTIONS: Final[dict[str, dict[str, str]]] = {
    # Speed is worth more than size in a test.
    "libx264": {"preset": "ultrafast"},
    # x265 writes its own log to stderr unless told not to.
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
}
_PIX_FMTS: Final = {"mjpeg": "yuvj420p", "gif": "rgb8"}
"""The formats of encoders that cannot take yuv420p."""
_TIMELESS: Final = {".avi", ".h264", ".hevc"}
"""Containers that store the order of the frames, not their times."""


def write_clip(
    scene: Scene,
    path: Path,
    *,
    codec: str = "libx264",
    times: Sequence[float] | None = None,
    gop: int = 25,
    bframes: int = 0,
    audio: bool = False,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rate: Fraction | float | None = None,
    turned: int = 0,
    keyframes: Sequence[int] = (),
) -> None:
    """Write `scene` to `path`; the suffix names the container (mp4, mov, mkv, avi, ts, gif, h264, hevc, …).

    times: presentation times of the frames, rising seconds; irregular ones make a variable frame
        rate. The frame at t shows scene.picture_at(t). None: the constant rate of the scene.
        Files keep them as exactly as their clock allows: mkv to 1 ms, gif to 10 ms. With B-frames
        or sound MPEG-TS adds a constant, the encoder's delay, to all. Irregular times with B-frames
        make the MP4 muxer state a wrong duration in its header. AVI and raw streams (.h264, .hevc)
        store no times, so there the frames simply follow each other; what libavformat makes up for
        B-frames in AVI is out of order.
    gop: frames from one keyframe to the next. bframes: most B-frames in a row.
    audio: a soft sine tone beside the picture.
    options: for the encoder, over the defaults (crf, b, preset, x264-params, …).
    container_options: for the muxer (movflags, …).
    rate: frames a second as the stream declares it; the scene's where None.
    keyframes: numbers of frames that are keyframes, besides those of gop (libx264: option forced-idr).
    turned: degrees clockwise, a multiple of 90, by which a player must turn the stored picture to
        have it upright. The flag that says so is not written: see damage.set_rotation.
    """
    shown = list(scene.times() if times is None else times)
    timed = path.suffix not in _TIMELESS
    if any(b <= a for a, b in pairwise(shown)):
        raise ValueError("times must rise")
    with av.open(path, "w", container_options=container_options) as file:
        stream = add_video(
            file, scene, codec=codec, gop=gop, bframes=bframes, pix_fmt=pix_fmt, options=options, rate=rate,
            regular=not timed or (times is None and rate is None), turned=turned,
        )  # fmt: skip
        sound = _add_sound(file) if audio else None
        duration = 0.0
        for t, packets in encoded(scene, stream, shown, timed=timed, turned=turned, keyframes=keyframes):
            if sound is not None:
                file.mux(list(_sound(sound, duration, t)))
                duration = t
            file.mux(packets)
        if sound is not None:
            file.mux(list(_sound(sound, duration, shown[-1] + 1 / scene.fps)))
            file.mux(sound.encode(None))


def audio_only(path: Path, duration_s: float = 3.0) -> None:
    """Write a file with a sine tone and no picture."""
    with av.open(path, "w") as file:
        stream = _add_sound(file)
        file.mux(list(_sound(stream, 0.0, duration_s)))
        file.mux(stream.encode(None))


def add_video(
    file: OutputContainer,
    scene: Scene,
    *,
    codec: str = "libx264",
    gop: int = 25,
    bframes: int = 0,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: Fraction | float | None = None,
    regular: bool = True,
    turned: int = 0,
) -> VideoStream:
    """A video stream for `scene` in an open file; the arguments are those of write_clip.

    regular: the stream's clock ticks once a frame; otherwise finely enough for any time.
    """
    declared = Fraction(scene.fps if rate is None else rate).limit_denominator(1001)
    stream = file.add_stream(codec, rate=declared, options={**_DEFAULT_OPTIONS.get(codec, {}), **(options or {})})
    assert isinstance(stream, VideoStream)
    sideways = turned % 180 != 0
    stream.width, stream.height = (scene.height, scene.width) if sideways else (scene.width, scene.height)
    stream.pix_fmt = _PIX_FMTS.get(codec, pix_fmt)
    stream.codec_context.gop_size = gop
    stream.codec_context.max_b_frames = bframes
    fine = _FINE_MPEG4 if codec == "mpeg4" else _FINE
    ticks = 1 / declared if regular else fine
    stream.time_base = stream.codec_context.time_base = ticks
    return stream


def encoded(
    scene: Scene,
    stream: VideoStream,
    times: Sequence[float],
    *,
    timed: bool = True,
    turned: int = 0,
    keyframes: Sequence[int] = (),
) -> Iterator[tuple[float, list["Packet[VideoStream]"]]]:
    """Draw and encode the frames at `times`: for each its time and the packets that came out with it.

    Every packet carries the time until the next frame as its duration, which muxers would
    otherwise guess. timed: False gives the frames the stamps 0, 1, 2, … instead of their times.
    """
    ticks = stream.codec_context.time_base
    assert ticks is not None
    stamps = [round(Fraction(t) / ticks) for t in times] if timed else list(range(len(times)))
    last = round(Fraction(1 / scene.fps) / ticks) if timed else 1
    durations = dict(zip(stamps, [*np.diff(stamps).tolist(), last], strict=True))
    for number, (t, stamp) in enumerate(zip(times, stamps, strict=True)):
        picture = np.ascontiguousarray(np.rot90(scene.picture_at(t), turned // 90))
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = stamp, ticks
        if number in keyframes:
            frame.pict_type = PictureType.I
        yield t, _timed(stream.encode(frame), durations)
    yield times[-1], _timed(stream.encode(None), durations)


def read_times(path: Path, stream: int = 0) -> list[float]:
    """Presentation times of the packets of a video stream, seconds, in order of time, without decoding."""
    with av.open(path) as file:
        packets = file.demux(file.streams.video[stream])
        return sorted(float(p.pts * p.time_base) for p in packets if p.pts is not None)


def _timed(packets: Iterable["Packet[VideoStream]"], durations: dict[int, int]) -> list["Packet[VideoStream]"]:
    timed = list(packets)
    for packet in timed:
        if packet.pts is not None:
            packet.duration = durations[packet.pts]
    return timed


def _add_sound(file: OutputContainer) -> AudioStream:
    stream = file.add_stream("aac", rate=_SOUND_RATE)
    assert isinstance(stream, AudioStream)
    stream.layout = "mono"
    return stream


def _sound(stream: AudioStream, start_s: float, end_s: float) -> Iterator["Packet[AudioStream]"]:
    """Packets of the tone between two times; the encoder itself joins the pieces into its frames."""
    start, end = round(start_s * _SOUND_RATE), round(end_s * _SOUND_RATE)
    if end > start:
        wave = 0.1 * np.sin(2 * np.pi * 440 / _SOUND_RATE * np.arange(start, end))
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _SOUND_RATE, start, Fraction(1, _SOUND_RATE)
        yield from stream.encode(frame)
