"""Make faces in a picture unrecognisable."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.records import Picture

_MARGIN: Final = 0.3
"""By which a box is widened on each side, of its own width and height: hair and chin tell, too."""
_BLOCKS: Final = 2
"""Cells that are left across a face. With five people recognise nobody, but detectors still see a face in every third."""


def blurred(picture: Picture, boxes: NDArray[np.float32]) -> Picture:
    """A copy of a picture in which every one of these faces is an ellipse of a few soft cells.

    Nothing of the detail can be won back: what is between the cells is thrown away before it is smoothed.

    Args:
        picture: (h, w, 3).
        boxes: (n, 4) x, y, width, height in px; may reach out of the picture.
    """
    hidden = picture.copy()
    height, width = picture.shape[:2]
    for x, y, w, h in np.asarray(boxes, np.float64).reshape(-1, 4):
        left, top = max(0, int(x - w * _MARGIN)), max(0, int(y - h * _MARGIN))
        right, bottom = (
            min(width, int(np.ceil(x + w * (1 + _MARGIN)))),
            min(height, int(np.ceil(y + h * (1 + _MARGIN)))),
        )
        if right <= left or bottom <= top:
            continue
        # From what is hidden already, or two faces that overlap would show one another.
        face = hidden[top:bottom, left:right]
        cells = cv2.resize(face, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(cells, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        oval = np.zeros(face.shape[:2], np.uint8)
        middle = ((right - left) // 2, (bottom - top) // 2)
        cv2.ellipse(oval, middle, (max(1, middle[0]), max(1, middle[1])), 0, 0, 360, 255, cv2.FILLED)
        face[oval > 0] = soft[oval > 0]
    return hidden
