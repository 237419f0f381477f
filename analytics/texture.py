"""Find a patch of one frame again in the next by its texture, where a detector sees no face for a moment."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.records import Picture

_PATCH_PX: Final = 28
"""Side to which a face is brought before it is compared: what is finer is noise."""
_REACH: Final = 0.6
"""Sides of a face by which it may have moved."""
_LEAST_SPREAD: Final = 6.0
"""Standard deviation of the patch, grey levels: a plain wall is alike everywhere."""
_LEAST_MATCH: Final = 0.6
"""Normalised correlation (TM_CCOEFF_NORMED) from which it is the same patch."""


def matched(
    before: Picture, box: NDArray[np.float64], after: Picture, expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float] | None:
    """Where a patch went.

    Args:
        before: picture in which the box is known.
        box: x, y, width, height in px.
        after: the next picture, or the one before it.
        expected: about where it should be there, of the same size.

    Returns:
        The box in `after` and how well it fits, 0..1; None where nothing fits.
    """
    scale = _PATCH_PX / max(float(box[2]), float(box[3]), 1.0)
    patch = _scaled(before, box, scale)
    if patch is None or float(patch.std()) < _LEAST_SPREAD:
        return None
    reach = _REACH * max(box[2], box[3])
    around = np.array([expected[0] - reach, expected[1] - reach, box[2] + 2 * reach, box[3] + 2 * reach])
    field = _scaled(after, around, scale)
    if field is None or field.shape[0] < patch.shape[0] or field.shape[1] < patch.shape[1]:
        return None
    fit = cv2.matchTemplate(field, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(fit)
    if not np.isfinite(best) or best < _LEAST_MATCH:
        return None
    found = np.array([around[0] + x / scale, around[1] + y / scale, box[2], box[3]])
    return found, float(best)


def _scaled(picture: Picture, box: NDArray[np.float64], scale: float) -> NDArray[np.uint8] | None:
    """A part of the picture in grey, its edge continued beyond the picture; None where they do not meet."""
    height, width = picture.shape[:2]
    left, top = int(np.floor(box[0])), int(np.floor(box[1]))
    right, bottom = left + max(1, round(float(box[2]))), top + max(1, round(float(box[3])))
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if min(inside.shape[:2]) < 3:
        return None
    beyond = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    part = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE) if any(beyond) else inside
    size = max(3, round(part.shape[1] * scale)), max(3, round(part.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.cvtColor(cv2.resize(part, size, interpolation=way), cv2.COLOR_BGR2GRAY), np.uint8)
