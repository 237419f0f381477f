"""Drawn clips with everything beside the picture that a copy must keep, or must leave out."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet
from numpy.typing import NDArray

from analytics.records import Picture
from tests.clips import add_video, encoded, write_clip
from tests.footage import Scene


def with_extras(path: Path, scene: Scene, times: list[float] | None = None) -> None:
    """Write a Matroska file with sound, subtitles, a data-like attachment, chapters and telling metadata."""
    plain = path.with_name("plain.mkv")
    write_clip(scene, plain, times=times, audio=True)
    with av.open(plain) as source, av.open(path, "w") as film:
        streams = {stream.index: film.add_stream_from_template(stream, opaque=True) for stream in source.streams}
        words = film.add_mux_stream("subrip")
        film.add_attachment("cover.jpg", "image/jpeg", b"a face may be on it")
        words.metadata["language"] = "deu"
        film.metadata.update(
            {"title": "At Jane's house", "location": "+48.1+11.5/", "creation_time": "2026-11-01T10:00:00Z"}
        )
        second = Fraction(1, 1000)
        film.set_chapters([{"id": 1, "start": 0, "end": 900, "time_base": second, "metadata": {"title": "first"}}])
        cues = [(100, 400, b"good morning"), (600, 300, b"good night")]
        for packet in source.demux():
            if packet.dts is None:
                continue
            while cues and cues[0][0] <= packet.dts * packet.time_base * 1000:
                start, length, text = cues.pop(0)
                cue = Packet(text)
                cue.stream, cue.time_base = words, second
                cue.pts = cue.dts = start
                cue.duration = length
                film.mux(cue)
            packet.stream = streams[packet.stream_index]
            film.mux(packet)
    plain.unlink()


@dataclass(frozen=True)
class Carried:
    """A packet as it stands in a file."""

    pts_s: float
    content: bytes


def packets(path: Path, kind: str) -> list[list[Carried]]:
    """The packets of each stream of one kind, in order of time."""
    found = []
    with av.open(path) as file:
        indexes = [stream.index for stream in file.streams if stream.type == kind]
    for index in indexes:
        with av.open(path) as file:
            stream: Any = file.streams[index]
            every = [Carried(float(p.pts * p.time_base), bytes(p)) for p in file.demux(stream) if p.pts is not None]
            found.append(sorted(every, key=lambda packet: packet.pts_s))
    return found


def pictures(path: Path) -> list[tuple[float, Picture]]:
    """Time and upright picture of every frame."""
    shown = []
    with av.open(path) as file:
        for frame in file.decode(video=0):
            picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            shown.append((float(frame.time), np.ascontiguousarray(np.rot90(picture, frame.rotation // 90))))
    return shown


def kinds(path: Path) -> list[str]:
    """The kinds of all streams."""
    with av.open(path) as file:
        return [stream.type for stream in file.streams]


def two_lenses(path: Path, first: Scene, second: Scene) -> None:
    """Write a Matroska file with two pictures."""
    with av.open(path, "w") as file:
        streams = [add_video(file, scene) for scene in (first, second)]
        for scene, stream in zip((first, second), streams, strict=True):
            for _, ready in encoded(scene, stream, scene.times()):
                file.mux(ready)


def mean_difference(a: Picture, b: Picture, mask: NDArray[np.bool_]) -> float:
    """Mean absolute difference of two pictures where mask, bool (h, w), is true, grey levels."""
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16))[mask].mean())
