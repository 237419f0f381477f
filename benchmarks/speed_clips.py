"""The clips that benchmarks/speed.py measures: real footage as recorders store it, long enough that a start is little.

python -m benchmarks.speed_clips FOOTAGE WORK makes those that are missing: in a process of its own, because the peak
memory of a process counts as that of whatever it starts.
"""

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from analytics.records import Picture

ENTRANCE = "entrance_overhead.mp4"
MOST_FRAMES = 700
GRAIN = 4.0
"""Standard deviation of a sensor's noise, grey levels."""


@dataclass(frozen=True)
class Clip:
    """One clip, twice: with pictures that no other one is decoded from, and without."""

    name: str
    source: str
    """File below the folder of real clips."""
    width: int
    height: int
    fps: int
    seconds: float
    """Its length; the pictures go forth and back until it is full."""
    codec: str = "libx264"
    is_empty: bool = False
    """One frame of it that stands still, with drawn noise over it."""
    has_face: bool = True


KINDS = {"b": 2, "p": 0}
"""B-frames in a row: with them there are pictures that no other one is decoded from."""
CLIPS = (
    Clip("empty_720p", ENTRANCE, 1280, 720, 25, 600, is_empty=True, has_face=False),
    Clip("entrance_432p", ENTRANCE, 768, 432, 10, 1200, has_face=False),
    Clip("one_face_360p", "one_man_neutral_to_happy.mp4", 640, 360, 30, 600),
    Clip("one_face_720p", "signer_walk.mkv", 1280, 720, 30, 600),
    Clip("tiny_faces_270p", "classroom_small_faces.mp4", 480, 270, 15, 600),
    Clip("street_1080p", "street_1080p.mp4", 1920, 1080, 25, 120),
    Clip("one_face_720p_hevc", "signer_walk.mkv", 1280, 720, 30, 300, codec="libx265"),
)


def pictures_of(path: Path, clip: Clip) -> list[Picture]:
    """The frames of a source at the clip's size."""
    with av.open(path) as file:
        frames = itertools.islice(file.decode(video=0), 1 if clip.is_empty else MOST_FRAMES)
        found = [frame.to_ndarray(format="bgr24") for frame in frames]
    return [np.asarray(cv2.resize(one, (clip.width, clip.height)), np.uint8) for one in found]


def forth_and_back(pictures: list[Picture]) -> list[Picture]:
    """A round without a jump."""
    return pictures + pictures[-2:0:-1]


def noisy(picture: Picture, n: int) -> Iterator[Picture]:
    """The same picture with other grain in each frame."""
    draw = np.random.default_rng(7)
    for _ in range(n):
        grain = draw.normal(0, GRAIN, picture.shape).astype(np.int16)
        yield np.clip(picture.astype(np.int16) + grain, 0, 255).astype(np.uint8)


def make(clip: Clip, footage: Path, target: Path, bframes: int) -> None:
    """Write a clip; its first round is encoded, the others repeat the packets, as recorders begin anew every two seconds."""
    pictures = pictures_of(footage / clip.source, clip)
    rounds: Callable[[], Iterable[Picture]]
    if clip.is_empty:
        length = 10 * clip.fps
        rounds = lambda: noisy(pictures[0], length)
    else:
        once = forth_and_back(pictures)
        length = len(once)
        rounds = lambda: once
    part = target.with_suffix(".once.mp4")
    with av.open(part, "w") as file:
        parameters = {"x265-params": "log-level=none"} if clip.codec == "libx265" else {}
        stream = file.add_stream(clip.codec, rate=clip.fps, options={"preset": "veryfast", "crf": "23", **parameters})
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 2 * clip.fps, bframes
        for picture in rounds():
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")))
        file.mux(stream.encode(None))
    _repeated(part, target, length, max(1, round(clip.seconds * clip.fps / length)), clip.fps)
    part.unlink()


def _repeated(part: Path, target: Path, length: int, rounds: int, fps: int) -> None:
    with av.open(part) as source, av.open(target, "w") as file:
        taken = source.streams.video[0]
        stream = file.add_stream_from_template(taken)
        stream.time_base = Fraction(1, fps)
        packets = [packet for packet in source.demux(taken) if packet.size]
        tick = int(1 / (taken.time_base * fps))
        stamps = [(packet.pts // tick, packet.dts // tick) for packet in packets]
        for number in range(rounds):
            for packet, (pts, dts) in zip(packets, stamps, strict=True):
                packet.stream, packet.time_base = stream, Fraction(1, fps)
                packet.pts, packet.dts = pts + number * length, dts + number * length
                packet.duration = 1
                file.mux(packet)


def main(footage: Path, work: Path) -> None:
    """All of them."""
    for clip in CLIPS:
        for kind, bframes in KINDS.items():
            path = work / f"{clip.name}_{kind}.mp4"
            if not path.exists():
                make(clip, footage, path, bframes)
                print(path.name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
