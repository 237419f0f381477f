"""Drawn scenes whose truth is known: who stands where at what time.

The one face is the portrait of Eileen Collins (NASA, public domain) that comes with scikit-image.
Every actor wears it, so actors are told apart by where they are, not by who they are. Writing a
scene to a file is the matter of tests.clips, breaking the file that of tests.damage.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from analytics.records import Picture

Box: TypeAlias = tuple[float, float, float, float]
"""x, y of the upper left corner, width, height, in px; may reach over the picture's edge."""

Keyframe: TypeAlias = tuple[float, float, float, float]
"""time in seconds; x, y of the face's centre in px; height of the face in px, as a detector would box it."""

FACE_ASPECT: Final = 0.8
"""Width of a face's box by its height."""

# In the px of the portrait, which has 512x512: the face as YuNet boxes it, and the part that is cut
# out, an oval with all the hair and some of the neck.
_FACE_X, _FACE_Y, _FACE_HEIGHT = 223.0, 119.5, 113.0
_CUT_LEFT, _CUT_TOP, _CUT_RIGHT, _CUT_BOTTOM = 129, 2, 319, 218
_OVAL_CENTRE, _OVAL_AXES, _OVAL_SOFTNESS = (224, 108), (78, 92), 5.0


@dataclass(frozen=True)
class Actor:
    """One face and where it goes. In the picture from its first keyframe to its last, both included."""

    path: tuple[Keyframe, ...]
    """In order of time, straight lines between; a single keyframe means: always there."""
    hidden: tuple[tuple[float, float], ...] = ()
    """Stretches of time, start and end in seconds, end excluded, in which the face is not drawn."""
    mirrored: bool = False
    brightness: float = 1.0
    """Factor on all colours."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors on blue, green and red."""

    def __post_init__(self) -> None:
        times = [t for t, *_ in self.path]
        if not times or times != sorted(times):
            raise ValueError(f"path must hold keyframes in order of time, got times {times}")

    def box_at(self, t: float) -> Box | None:
        """The box of the face at t seconds, or None where the face is away or hidden."""
        times, xs, ys, heights = zip(*self.path, strict=True)
        away = len(times) > 1 and not times[0] <= t <= times[-1]
        if away or any(start <= t < end for start, end in self.hidden):
            return None
        x, y, height = (float(np.interp(t, times, values)) for values in (xs, ys, heights))
        return (x - FACE_ASPECT * height / 2, y - height / 2, FACE_ASPECT * height, height)


@dataclass(frozen=True)
class Scene:
    """A fixed camera, a drawn wall, and actors before it; later actors stand in front of earlier ones."""

    width: int = 640
    height: int = 360
    fps: float = 25.0
    duration_s: float = 4.0
    seed: int = 0
    """Decides the wall."""
    actors: tuple[Actor, ...] = ()
    noise: int = 0
    """Grain that changes with every frame, largest deviation in grey levels: makes files big."""

    def times(self) -> list[float]:
        """The presentation times of the frames, seconds, at a constant rate."""
        return [k / self.fps for k in range(round(self.duration_s * self.fps))]

    def picture_at(self, t: float) -> Picture:
        """The picture at t seconds; the same t gives the same picture."""
        picture = _wall(self.width, self.height, self.seed).copy()
        for actor in self.actors:
            box = actor.box_at(t)
            if box is not None:
                _paste(picture, actor, box)
        if self.noise:
            _add_grain(picture, self.noise, t)
        return picture

    def truth_at(self, t: float, visible: float = 0.5) -> list[tuple[Actor, Box]]:
        """Who can be seen at t seconds, and the box of each face, in the order of `actors`.

        A face counts when at least the share `visible` of its box lies inside the picture and behind
        no other actor's face. Drawn faces lie within half a px of these boxes.
        """
        present = [(actor, box) for actor in self.actors if (box := actor.box_at(t)) is not None]
        frame = (0.0, 0.0, float(self.width), float(self.height))
        seen = []
        for k, (actor, box) in enumerate(present):
            area = box[2] * box[3]
            covered = max((_common_area(box, other) for _, other in present[k + 1 :]), default=0.0)
            if _common_area(box, frame) - covered >= visible * area:
                seen.append((actor, box))
        return seen


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    common = _common_area(a, b)
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def standing(x: float, y: float, face_px: float) -> tuple[Keyframe, ...]:
    """The path of a face that never moves: centre and height in px."""
    return ((0.0, x, y, face_px),)


def crossing(duration_s: float = 6.0) -> Scene:
    """Two faces, 640x360, that pass each other midway, the left-goer in front and a little lower."""
    right_goer = Actor(path=((0.0, 100.0, 150.0, 80.0), (duration_s, 540.0, 150.0, 80.0)))
    left_goer = Actor(
        path=((0.0, 540.0, 190.0, 90.0), (duration_s, 100.0, 190.0, 90.0)), mirrored=True, brightness=0.85
    )
    return Scene(duration_s=duration_s, actors=(right_goer, left_goer))


def _common_area(a: Box, b: Box) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


@cache
def _cutout() -> tuple[Picture, NDArray[np.float32]]:
    """The head and its soft oval mask, 0..1, at the portrait's own size."""
    portrait: Picture = np.ascontiguousarray(data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]
    oval = np.zeros(portrait.shape[:2], np.float32)
    cv2.ellipse(oval, _OVAL_CENTRE, _OVAL_AXES, 0, 0, 360, (1.0,), -1)
    mask = cv2.GaussianBlur(oval, (0, 0), _OVAL_SOFTNESS).astype(np.float32)
    part = np.s_[_CUT_TOP:_CUT_BOTTOM, _CUT_LEFT:_CUT_RIGHT]
    return portrait[part].copy(), mask[part].copy()


@lru_cache(maxsize=512)
def _scaled(
    face_px: int, mirrored: bool, brightness: float, tint: tuple[float, float, float]
) -> tuple[Picture, NDArray[np.float32]]:
    """The head with a face of that height in px. Scaling is the dear part of drawing, hence the cache."""
    head, mask = _cutout()
    scale = face_px / _FACE_HEIGHT
    size = (round(head.shape[1] * scale), round(head.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    colours = cv2.resize(head, size, interpolation=method) * (brightness * np.array(tint, np.float32))
    shares = np.clip(cv2.resize(mask, size, interpolation=method), 0, 1)
    step = -1 if mirrored else 1
    return (
        np.ascontiguousarray(np.clip(colours, 0, 255)[:, ::step].astype(np.uint8)),
        np.ascontiguousarray(shares[:, ::step].astype(np.float32)),
    )


def _paste(picture: Picture, actor: Actor, box: Box) -> None:
    face_px = round(box[3])
    head, mask = _scaled(face_px, actor.mirrored, actor.brightness, actor.tint)
    scale = face_px / _FACE_HEIGHT
    to_left = _CUT_RIGHT - _FACE_X if actor.mirrored else _FACE_X - _CUT_LEFT
    left = round(box[0] + box[2] / 2 - to_left * scale)
    top = round(box[1] + box[3] / 2 - (_FACE_Y - _CUT_TOP) * scale)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + head.shape[1], picture.shape[1]), min(top + head.shape[0], picture.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    over = np.ascontiguousarray(mask[part])
    under = np.ascontiguousarray(picture[y0:y1, x0:x1])
    picture[y0:y1, x0:x1] = cv2.blendLinear(np.ascontiguousarray(head[part]), under, over, 1 - over)


@lru_cache(maxsize=16)
def _wall(width: int, height: int, seed: int) -> Picture:
    """Soft blotches over a gradient and a few panels: something for a detector to be wrong about."""
    rng = np.random.default_rng(seed)
    blotches = rng.normal(size=(height // 40 + 2, width // 40 + 2, 3)).astype(np.float32)
    wall = cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32) * 8
    wall += np.linspace(150, 95, height, dtype=np.float32)[:, None, None]
    for _ in range(5):
        x, y = rng.integers(0, width), rng.integers(0, height)
        panel = wall[y : y + height // 3, x : x + width // 8]
        panel += rng.uniform(-25, 25, 3).astype(np.float32)
    picture: Picture = np.clip(wall, 0, 255).astype(np.uint8)
    return picture


@lru_cache(maxsize=4)
def _grain(width: int, height: int, noise: int) -> tuple[Picture, Picture]:
    """A sheet of grain with a margin to shift it in: what lightens and what darkens, apart, for uint8."""
    rng = np.random.default_rng(noise)
    sheet = rng.integers(-noise, noise + 1, (height + 64, width + 64, 3), dtype=np.int16)
    return np.maximum(sheet, 0).astype(np.uint8), np.maximum(-sheet, 0).astype(np.uint8)


def _add_grain(picture: Picture, noise: int, t: float) -> None:
    height, width = picture.shape[:2]
    dx, dy = np.random.default_rng(round(t * 1e6)).integers(0, 64, 2)
    for sheet, change in zip(_grain(width, height, noise), (cv2.add, cv2.subtract), strict=True):
        change(picture, sheet[dy : dy + height, dx : dx + width], dst=picture)
