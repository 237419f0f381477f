"""What has changed in the picture of a camera that stands still, so that only that is searched."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE: Final = 320
"""Px of the small pictures that are compared: a change as big as a small face still is some px there, and averaging
over what lies in one px takes most of a sensor's noise away."""
CHANGED: Final = 8
"""Grey levels, after a mean over 3x3 px, by which a place must differ to be searched."""
FACE_CHANGED: Final = 5
"""The same within a face, where an expression shows in little."""
_TOGETHER: Final = np.ones((9, 9), np.uint8)
"""Places as near as this belong to one thing that moves."""

Small = NDArray[np.uint8]
"""A small gray picture, uint8 (h, w)."""


@dataclass(frozen=True)
class Rect:
    """A part of a picture: x and y of its upper left corner, width and height."""

    x: float
    y: float
    w: float
    h: float

    def grown(self, margin: float) -> "Rect":
        """With so much more on every side."""
        return Rect(self.x - margin, self.y - margin, self.w + 2 * margin, self.h + 2 * margin)

    def times(self, factor: float) -> "Rect":
        """The same part of a picture that is so many times as large."""
        return Rect(self.x * factor, self.y * factor, self.w * factor, self.h * factor)

    def touches(self, other: "Rect") -> bool:
        """Whether both share anything."""
        across = self.x < other.x + other.w and other.x < self.x + self.w
        return across and self.y < other.y + other.h and other.y < self.y + self.h

    def around(self, others: "list[Rect]") -> "Rect":
        """The box around itself and others."""
        every = [self, *others]
        left, top = min(one.x for one in every), min(one.y for one in every)
        return Rect(left, top, max(one.x + one.w for one in every) - left, max(one.y + one.h for one in every) - top)

    def within(self, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns of a picture of this size that it covers in whole px; none where it lies outside."""
        left, top = max(0, int(np.floor(self.x))), max(0, int(np.floor(self.y)))
        right, bottom = min(width, int(np.ceil(self.x + self.w))), min(height, int(np.ceil(self.y + self.h)))
        return slice(top, max(top, bottom)), slice(left, max(left, right))


class Gate:
    """Holds how each place looked when it was last searched.

    Args:
        picture: the small picture of a frame that was searched as a whole.
    """

    def __init__(self, picture: Small) -> None:
        self._known = picture.copy()

    def difference(self, picture: Small) -> Small:
        """(h, w) by how many grey levels each place differs from when it was last searched."""
        return np.asarray(cv2.blur(cv2.absdiff(picture, self._known), (3, 3)), np.uint8)

    def searched(self, picture: Small, rect: Rect) -> None:
        """From now on this part is known as it is in this picture."""
        rows, columns = rect.within(picture.shape[1], picture.shape[0])
        self._known[rows, columns] = picture[rows, columns]


def differs(difference: Small, rect: Rect, least: int) -> bool:
    """Whether any place in a part differs by more than so many grey levels."""
    part = difference[rect.within(difference.shape[1], difference.shape[0])]
    return bool(part.size and part.max() > least)


def moving(difference: Small, elsewhere: list[Rect]) -> list[Rect]:
    """Boxes around what has changed, in px of the small picture, besides parts that are searched anyway."""
    changed = (difference > CHANGED).astype(np.uint8)
    for rect in elsewhere:
        changed[rect.within(changed.shape[1], changed.shape[0])] = 0
    if not changed.any():
        return []
    # Boxes of components take twenty times as long from connectedComponentsWithStats; one that lies in a hole of another
    # is left out, and within its box anyway.
    outlines, _ = cv2.findContours(cv2.dilate(changed, _TOGETHER), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [Rect(*map(float, cv2.boundingRect(outline))) for outline in outlines]
