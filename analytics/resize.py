"""Pictures brought to another size, fast, and without the noise of px that are picked."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_SLOWLY: Final = 1.5, 2.0
"""Factors of shrinking between which interpolation would skip px, and means over whole px are too coarse."""


def resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture of another size.

    What is more than twice as large is brought down by means over whole px first, and by interpolation then: means over
    parts of px take five times as long. A last column or row that fills no such px is left out; it is less than a px of
    what comes out.

    Args:
        picture: (height, width) or (height, width, 3).
        size: width and height that are wanted, px.

    Returns:
        The picture, and width and height of what of the given one it shows, px.
    """
    height, width = picture.shape[:2]
    if size == (width, height):
        return picture, size
    across, down = width / size[0], height / size[1]
    if any(_SLOWLY[0] <= factor < _SLOWLY[1] for factor in (across, down)):
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), (width, height)
    n, m = max(1, int(across)), max(1, int(down))
    width, height = width - width % n, height - height % m
    if n * m > 1:
        means = cv2.resize(picture[:height, :width], (width // n, height // m), interpolation=cv2.INTER_AREA)
        picture = np.asarray(means, np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8), (width, height)
