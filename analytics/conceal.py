"""Hide parts of a picture so that nothing can be won back."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.cover import CoverSettings, widened
from analytics.records import Picture

WAYS: Final = ("box", "pixelate", "blur")
"""A plain box, which tells nothing; a few cells of colour; the same cells run into one another."""
_GREY: Final = 72
_CELLS: Final = 3
"""Cells along the longer side of what is covered, which is wider than the face: two are left of the face itself. With five,
people recognise nobody. Of 51 faces of five clips YuNet at 0.5 saw none, in the picture or its double size, with 2, 3 or 4
cells, plain or soft, and 14 with 6 soft ones."""
_LEVELS: Final = 16
"""Steps of each cell's colours: of a face that moves, cells of full depth would tell more from frame to frame."""
BLURRED_AS: Final = f"blur of {_CELLS} cells along the whole box, {_LEVELS} steps"
"""How blurred() hides faces: other words are noted with pictures that were made otherwise, so mend them with the way."""


def blurred(picture: Picture, faces: NDArray[np.floating]) -> Picture:
    """A copy of a picture with every one of these faces under soft cells, hair and chin included.

    Args:
        picture: (h, w, 3).
        faces: (n, 4) x, y, width, height in px as a detector gives them; may reach beyond the picture.
    """
    hidden = picture.copy()
    conceal(hidden, widened(faces, CoverSettings()), "blur")
    return hidden


def conceal(picture: Picture, boxes: NDArray[np.floating], how: str) -> NDArray[np.bool_]:
    """Cover boxes in a picture, in place.

    What is between the cells is thrown away before anything is smoothed, and cells are told in 16 steps, so neither
    sharpening nor averaging over frames finds a face below. A box tells nothing at all, not even the colour of skin.

    Args:
        picture: (h, w, 3).
        boxes: (n, 4) x, y, width, height in px; may reach beyond the picture.
        how: one of WAYS.

    Returns:
        (h, w) where something was covered.
    """
    height, width = picture.shape[:2]
    touched = np.zeros((height, width), np.bool_)
    for x, y, w, h in np.asarray(boxes, np.float64).reshape(-1, 4):
        whole = int(np.floor(x)), int(np.floor(y)), int(np.ceil(x + w)), int(np.ceil(y + h))
        left, top = max(0, whole[0]), max(0, whole[1])
        right, bottom = min(width, whole[2]), min(height, whole[3])
        if right <= left or bottom <= top:
            continue
        touched[top:bottom, left:right] = True
        part = picture[top:bottom, left:right]
        # From what is covered already, or two faces that overlap would show one another.
        part[:] = _GREY if how == "box" else _cells(part, (whole[3] - whole[1], whole[2] - whole[0]), how == "blur")
    return touched


def _cells(part: Picture, whole: tuple[int, int], soft: bool) -> Picture:
    """The cells of what is seen of a box of so many rows and columns: beyond the picture's edge as large as within."""
    rows, columns = part.shape[:2]
    down, across = (max(1, round(_CELLS * side / max(whole))) for side in whole)
    size = max(1, across * columns // whole[1]), max(1, down * rows // whole[0])
    cells = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    step = 256 // _LEVELS
    coarse = (cells // step * step + step // 2).astype(np.uint8)
    way = cv2.INTER_CUBIC if soft else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=way), np.uint8)
