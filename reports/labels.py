"""Where labels stand beside boxes: within the picture, never one over another, and off faces while there is room.

A greedy placement: what is larger chooses first, and each takes the best form and place that is still free. (To place labels
in the best way of all is NP-hard: Marks and Shieber 1991, "The Computational Complexity of Cartographic Label Placement".)
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_NO_ROOM: Final = np.iinfo(np.int64).max


class Rect(NamedTuple):
    """A part of the picture, px."""

    x: int
    y: int
    w: int
    h: int


def common(some: Sequence[Rect], others: Sequence[Rect]) -> NDArray[np.int64]:
    """(n, m) px that each of n rectangles has in common with each of m others."""
    a, b = (np.array(rects, np.int64).reshape(-1, 4) for rects in (some, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[..., 0] * sides[..., 1], np.int64)


class Labels:
    """Gives labels their places in pictures of one size; where a track's label was last it stays as long as it can.

    Args:
        height: of the pictures, px.
        width: of the pictures, px.
        gap: px between a box and its label.
    """

    def __init__(self, height: int, width: int, gap: int) -> None:
        self._height, self._width, self._gap = height, width, gap
        self._last: dict[int, int] = {}
        self._boxes: list[Rect] = []
        self._taken: dict[int, Rect] = {}

    def begin(self, boxes: Sequence[Rect], reserved: Sequence[Rect]) -> None:
        """Begin a picture.

        Args:
            boxes: of its faces; their numbers here are what the other methods ask for.
            reserved: parts that no label may cover.
        """
        self._boxes = list(boxes)
        self._taken = {-1 - k: rect for k, rect in enumerate(reserved)}

    def place(self, face: int, size: tuple[int, int], track: int, *, over_faces: bool = False) -> Rect | None:
        """Place a label; one that the face has already is given up for it. None where no place is free.

        Args:
            face: number of its box.
            size: width and height, px.
            track: whose label it is; 0 for nobody's.
            over_faces: whether it may cover faces, as few px of them as can be.
        """
        rects, costs = self._costs(face, size, over_faces)
        if not (costs < _NO_ROOM).any():
            return None
        best, last = int(costs.argmin()), self._last.get(track, 0)
        if costs[last] == costs[best]:
            best = last
        self._last[track] = best
        self._taken[face] = rects[best]
        return rects[best]

    def has_room(self, face: int, size: tuple[int, int]) -> bool:
        """Whether a label of this size would have a place off all faces now."""
        return bool((self._costs(face, size, over_faces=False)[1] < _NO_ROOM).any())

    def _costs(self, face: int, size: tuple[int, int], over_faces: bool) -> tuple[list[Rect], NDArray[np.int64]]:
        """Places for a label, and px of faces that it would cover there."""
        width, height = size
        if width > self._width or height > self._height:
            return [], np.empty(0, np.int64)
        rects = self._around(self._boxes[face], width, height)
        labels = [rect for other, rect in self._taken.items() if other != face]
        faces = common(rects, self._boxes)
        faces[:, face] *= 2  # Its own face is the last that it may cover.
        free = ~common(rects, labels).any(axis=1)
        costs = faces.sum(axis=1)
        if not over_faces:
            free &= costs == 0
        return rects, np.where(free, costs, _NO_ROOM)

    def _around(self, box: Rect, width: int, height: int) -> list[Rect]:
        right, bottom, middle = box.x + box.w, box.y + box.h, box.x + (box.w - width) // 2
        above, below, gap = box.y - height - self._gap, bottom + self._gap, self._gap
        places = [
            (box.x, above),
            (right + gap, box.y),
            (box.x - width - gap, box.y),
            (box.x, below),
            (right - width, above),
            (right - width, below),
            (right + gap, bottom - height),
            (box.x - width - gap, bottom - height),
            (middle, above),
            (middle, below),
            (right + gap, box.y + (box.h - height) // 2),
            (box.x - width - gap, box.y + (box.h - height) // 2),
            (right + gap, above),
            (box.x - width - gap, above),
            (right + gap, below),
            (box.x - width - gap, below),
            (box.x, box.y),
            (box.x, bottom - height),
        ]
        return [
            Rect(max(0, min(x, self._width - width)), max(0, min(y, self._height - height)), width, height)
            for x, y in places
        ]
