"""Find every face, and rather too many: YuNet on the picture at several sizes, beyond its edges, and turned.

What is to be hidden must not be missed, so recall is everything here: a coat of arms that is covered harms nobody.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.records import Detections, Picture
from models.detectors.yunet import YuNet

_FINEST: Final = 2.0
"""How many times as large as it is the picture is searched."""
_LONGEST: Final = 3840
"""Px of the longer side beyond which nothing is enlarged: what has so many shows faces large enough."""
_SMALLEST: Final = 200
"""Px of the longer side down to which the picture is shrunk for faces that fill it: YuNet knows them up to 300 px."""
_TURNED: Final = 960
"""Px of the longer side of the picture while it is searched lying on its sides and on its head."""
_TILE, _LAP = 1280, 160
"""Px of the sides of parts in which large pictures are searched, and by how much they overlap: it keeps memory flat."""
_RIM: Final = 48
"""Px beyond the edges, as the edge goes on: faces that come in are seen earlier."""
_SAME: Final = 0.4
"""Intersection over union from which two boxes are one face."""
_AROUND: Final = 1.0
"""Sides of a face around it that are searched when it is looked for where it ought to be."""
_NEAR_PX: Final = 56
"""The size at which such a face is searched, px."""
_TURNS: Final = (cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)


@dataclass(frozen=True, kw_only=True)
class DenseSettings:
    """What counts as found. Scores are YuNet's, 0..1."""

    min_score: float = 0.25
    """Anywhere in the picture."""
    turned_score: float = 0.5
    """Lying or on its head: there legs and bags look like faces more often."""
    turned_large_score: float = 0.8
    """The same for what is larger than a third of the picture: a real face of that size scores more than 0.9."""
    near_score: float = 0.2
    """Where a face ought to be."""


class DenseSearch:
    """Searches one picture at a time with as many threads as there are cores; the result does not depend on them.

    Args:
        settings: what counts as found.
        threads: how many; None for one a core that this process may use.

    Raises:
        UsageError: YuNet's weights are missing or not the expected ones.
    """

    def __init__(self, settings: DenseSettings | None = None, threads: int | None = None) -> None:
        self.settings = settings or DenseSettings()
        self._mine = threading.local()
        self._net()  # Missing weights are told now.
        threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def everywhere(self, picture: Picture, *, finest: bool = True, turned: bool = False) -> Detections:
        """All faces of a picture at all sizes.

        Args:
            picture: of any size.
            finest: on its double size, too, which takes most of the time and finds the smallest.
            turned: also such as lie or stand on their heads; their landmarks are NaN.
        """
        long_side = max(picture.shape[:2])
        enlarged = min(_FINEST, _LONGEST / long_side)
        scales = [enlarged, 1.0] if finest and enlarged > 1 else [1.0]
        while long_side * scales[-1] / 2 >= _SMALLEST:
            scales.append(scales[-1] / 2)
        steps: list[Callable[[], Detections]] = []
        for scale in scales:
            rim = _RIM if scale == 1 else 0
            steps += [partial(self._part, picture, part, scale) for part in _parts(picture, scale, rim)]
        if turned:
            steps += [partial(self._turned, picture, turn) for turn in _TURNS]
        return _each_once(self._all(steps))

    def near(self, picture: Picture, box: NDArray[np.float64]) -> Detections:
        """Faces around a box (x, y, width, height in px): upright, or else turned; the score may be lower there."""
        side = max(float(box[2]), float(box[3]), 4.0)
        reach = _AROUND * side
        left, top = int(np.floor(box[0] - reach)), int(np.floor(box[1] - reach))
        right, bottom = int(np.ceil(box[0] + box[2] + reach)), int(np.ceil(box[1] + box[3] + reach))
        part = _cut(picture, (left, top, right, bottom))
        if part is None:
            return Detections.none()
        scale = min(4.0, _NEAR_PX / side)
        found = self._net().detect_at(part, scale)
        found = found.only(found.scores >= self.settings.near_score)
        if not len(found):
            found = Detections.joined([self._of_turned(part, turn, scale) for turn in _TURNS])
        return found.moved(left, top)

    def _all(self, steps: Sequence[Callable[[], Detections]]) -> list[Detections]:
        if self._pool is None:
            return [step() for step in steps]
        return list(self._pool.map(lambda step: step(), steps))

    def _net(self) -> YuNet:
        """This thread's own."""
        if not hasattr(self._mine, "net"):
            cv2.setNumThreads(1)
            self._mine.net = YuNet(min_score=min(self.settings.min_score, self.settings.near_score))
        net: YuNet = self._mine.net
        return net

    def _part(self, picture: Picture, part: tuple[int, int, int, int], scale: float) -> Detections:
        cut = _cut(picture, part)
        if cut is None:
            return Detections.none()
        found = self._net().detect_at(cut, scale)
        return found.only(found.scores >= self.settings.min_score).moved(part[0], part[1])

    def _turned(self, picture: Picture, turn: int) -> Detections:
        found = self._of_turned(picture, turn, min(1.0, _TURNED / max(picture.shape[:2])))
        is_large = found.boxes[:, 2:].max(axis=1, initial=0) > min(picture.shape[:2]) / 3
        return found.only(~is_large | (found.scores >= self.settings.turned_large_score))

    def _of_turned(self, picture: Picture, turn: int, scale: float) -> Detections:
        """Faces of a picture after a turn, in px of the picture before it."""
        found = self._net().detect_at(np.ascontiguousarray(cv2.rotate(picture, turn)), scale)
        found = found.only(found.scores >= self.settings.turned_score)
        height, width = picture.shape[:2]
        x, y, w, h = found.boxes.T
        if turn == cv2.ROTATE_180:
            boxes = np.stack([width - x - w, height - y - h, w, h], axis=1)
        elif turn == cv2.ROTATE_90_CLOCKWISE:
            boxes = np.stack([y, height - x - w, h, w], axis=1)
        else:
            boxes = np.stack([width - y - h, x, h, w], axis=1)
        return Detections(boxes.astype(np.float32), np.full_like(found.landmarks, np.nan), found.scores)


def _parts(picture: Picture, scale: float, rim: int) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom of overlapping parts in px of the picture, which may reach beyond its edges."""
    height, width = picture.shape[:2]
    tile, lap = _TILE / scale, _LAP / scale
    spans = []
    for side in (width, height):
        length = side + 2 * rim
        # A part that is only a little larger than a tile is one part.
        count = 1 if length <= 1.5 * tile else int(np.ceil((length - lap) / (tile - lap)))
        step = (length - lap) / count
        spans.append([(int(k * step) - rim, int(np.ceil(k * step + step + lap)) - rim) for k in range(count)])
    return [(left, top, right, bottom) for (left, right), (top, bottom) in product(*spans)]


def _cut(picture: Picture, part: tuple[int, int, int, int]) -> Picture | None:
    """A part of a picture, its edge continued where the part reaches beyond; None where they do not meet."""
    left, top, right, bottom = part
    height, width = picture.shape[:2]
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not inside.size:
        return None
    beyond = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    if not any(beyond):
        return np.ascontiguousarray(inside)
    return np.asarray(cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE), np.uint8)


def _each_once(found: list[Detections]) -> Detections:
    """Of boxes that are one face the surest, left to right, then top to bottom."""
    every = Detections.joined(found)
    kept = cv2.dnn.NMSBoxes(every.boxes.astype(float).tolist(), every.scores.tolist(), 0.0, _SAME)
    places = np.asarray(kept, np.intp).reshape(-1)
    return every.at(places[np.lexsort((every.boxes[places, 1], every.boxes[places, 0]))])
