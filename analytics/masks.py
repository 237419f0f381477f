"""Parts of a camera's picture that nobody may look into: painted over before anything else sees the picture.

A mask is a polygon, a list of [x, y] in shares of the upright picture: 0, 0 is its upper left corner, 1, 1 the lower
right one. It is painted a few px wider than it is drawn, as converting and shrinking a picture mixes neighbouring px.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.polygons import Polygon, corners_of, why_no_polygon

PAINT: Final = 128
"""Grey level of what is painted over: far from both ends, so that its edges look like nothing in particular."""
_REACH_PX: Final = 4
"""How far converting a picture carries what is in one px, where pixels are square: a sample of colour belongs to up to
four of them, and is mixed with its neighbours."""
_SMALL_REACH_PX: Final = 2
"""The same of a picture that was shrunk, in its own px."""
_UNUSABLE: Final = 0.1
"""Share of a face's box under masks from which it cannot be judged: a hidden mouth or a hidden eye is about as much."""
_FINE: Final = 8
"""Bits of a px by which corners are placed."""
_LARGEST: Final = 1000
"""Corners of a polygon, and polygons of a camera."""


@dataclass(frozen=True)
class Masks:
    """The masks of one camera."""

    polygons: tuple[Polygon, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.polygons)

    def paint(self, picture: NDArray[np.uint8], stretch: float = 1.0) -> None:
        """Paint them over in a picture, uint8 (h, w) or (h, w, 3).

        Args:
            picture: upright.
            stretch: how many times as large as it was stored it is at most, in either direction.
        """
        self._paint(picture, math.ceil(_REACH_PX * max(stretch, 1)))

    def paint_small(self, picture: NDArray[np.uint8], shrunk: float) -> None:
        """The same in a gray picture, uint8 (h, w), that is `shrunk` times as large as the upright one."""
        self._paint(picture, math.ceil(_SMALL_REACH_PX * max(shrunk, 1)))

    def _paint(self, picture: NDArray[np.uint8], reach: int) -> None:
        if self.polygons:
            picture[_area(self, picture.shape[1], picture.shape[0], reach)] = PAINT

    def hide(self, boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
        """(n,) whether so much of each box (n, 4: x, y, width, height, px) is painted over that it cannot be judged."""
        if not self.polygons:
            return np.zeros(len(boxes), np.bool_)
        # Sums over all px above and to the left, so that each box takes four of them.
        sums = cv2.integral(_area(self, width, height, _REACH_PX).astype(np.uint8))
        left, top = (np.clip(boxes[:, k], 0, size).astype(int) for k, size in ((0, width), (1, height)))
        right, bottom = (
            np.clip(np.ceil(boxes[:, k] + boxes[:, k + 2]), 0, size).astype(int)
            for k, size in ((0, width), (1, height))
        )
        hidden = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return np.asarray(hidden >= _UNUSABLE * np.maximum(boxes[:, 2] * boxes[:, 3], 1))

    def told(self) -> list[list[list[float]]]:
        """As they are written in JSON and TOML."""
        return [[list(point) for point in polygon] for polygon in self.polygons]

    @staticmethod
    def of(polygons: object) -> "Masks":
        """From lists of lists of [x, y], as a configuration has them.

        Raises:
            UsageError: they can be no masks; the problem begins with the number of the one, from 1.
        """
        if not isinstance(polygons, list | tuple):
            raise UsageError("masks are no list", _LIKE_THIS)
        read = []
        for number, polygon in enumerate(polygons, 1):
            try:
                read.append(polygon_of(polygon))
            except UsageError as error:
                raise UsageError(f"mask {number}: {error.problem}", error.remedy) from None
        masks = Masks(tuple(read))
        if masks and _area(masks, _LARGEST, _LARGEST, 0).all():
            raise UsageError("its masks cover the whole picture", "leave the camera out with exclude = true")
        return masks


NO_MASKS: Final = Masks()
_LIKE_THIS: Final = "write polygons of [x, y] in shares of the picture, [[[0, 0], [0.3, 0], [0.3, 1], [0, 1]]]"


def polygon_of(points: object) -> Polygon:
    """A polygon from a list of [x, y] in shares of the picture, 0 to 1.

    Raises:
        UsageError: it has fewer than three corners, one outside the picture, no area, or edges that cross.
    """
    corners = corners_of(points)
    if corners is None:
        raise UsageError("is no list of [x, y]", _LIKE_THIS)
    if problem := why_no_polygon(corners):
        raise UsageError(*problem)
    return corners


@lru_cache(maxsize=16)
def _area(masks: Masks, width: int, height: int, reach: int) -> NDArray[np.bool_]:
    """(height, width) the px that a mask touches, and those within so many px of them."""
    area = np.zeros((height, width), np.uint8)
    for polygon in masks.polygons:
        # The middle of the first px is 0 for OpenCV, and half a px for us.
        corners = np.array(polygon) * (width, height) - 0.5
        fine = [np.round(corners * 2**_FINE).astype(np.int32)]
        cv2.fillPoly(area, fine, 1, cv2.LINE_8, _FINE)
        cv2.polylines(area, fine, True, 1, 1, cv2.LINE_8, _FINE)
    if reach:
        area = np.asarray(cv2.dilate(area, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), np.uint8)
    touched = area.astype(np.bool_)
    touched.flags.writeable = False
    return touched
