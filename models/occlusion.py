"""Where a classifier looks, found by hiding parts of the face: works with whatever gives probabilities."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Crops = NDArray[np.uint8]
Judge = Callable[[Crops], NDArray[np.float32]]
"""Gray faces (n, size, size) -> probabilities (n, columns)."""

PATCH_SHARE: Final = 1 / 6
"""Side of the hidden square, of the face's side, unless it is said."""


def occlusion_map(judge: Judge, crop: Crops, column: int, patch: int = 0) -> NDArray[np.float32]:
    """How much the probability of a class falls, on average, when a square over this pixel is hidden.

    After Zeiler and Fergus (2014), "Visualizing and Understanding Convolutional Networks", section 4.2: a gray square is
    moved over the picture, here in steps of half its side and of the face's mean level.

    Args:
        judge: the classifier.
        crop: one gray face, uint8 (size, size).
        column: of the class in the probabilities.
        patch: side of the square in px, at most size; 0 is a sixth of the face.

    Returns:
        float32 (size, size); below 0 where hiding makes the class likelier.

    Raises:
        ValueError: the square is larger than the face.
    """
    size = len(crop)
    side = patch or max(1, round(PATCH_SHARE * size))
    if not 0 < side <= size:
        raise ValueError(f"a square fits into the face. Received: patch={patch}, size={size}")
    step = max(1, side // 2)
    # The last square ends with the picture, whatever the steps come to.
    starts = sorted({*range(0, size - side, step), size - side})
    places = [(y, x) for y in starts for x in starts]
    hidden = np.repeat(crop[None], len(places), axis=0)
    for picture, (y, x) in zip(hidden, places, strict=True):
        picture[y : y + side, x : x + side] = round(float(crop.mean()))
    drops = judge(crop[None])[0, column] - judge(hidden)[:, column]
    total, covered = np.zeros((size, size), np.float64), np.zeros((size, size), np.float64)
    for drop, (y, x) in zip(drops.tolist(), places, strict=True):
        total[y : y + side, x : x + side] += drop
        covered[y : y + side, x : x + side] += 1
    return (total / covered).astype(np.float32)
