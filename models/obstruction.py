"""Whether something is in front of a face's mouth, or its contrast is turned over as in a thermal picture.

A hidden mouth costs the classifier most and is what it notices least (docs/quality.md). Both are told by a weighted sum
(logistic regression) over the crop: histograms of oriented gradients (Dalal and Triggs 2005, "Histograms of oriented
gradients for human detection"), grey levels and fine structure by place, and how far the left differs from the right.
The weights were fitted to drawn things over FER2013's training faces: benchmarks/obstruction.py.
"""

from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.weights import verified

WEIGHTS: Final = Path(__file__).parent / "shipped" / "obstruction.npz"
SHA256: Final = "63736392da569a66aeb649923dac79e0c92a0253223d3e4651858dfc9a8db3fb"
"""Of the weights; benchmarks/obstruction.py prints that of new ones, where it is asked to fit them."""
_SIDE: Final = 48
"""Px of the crop that is looked at; others are scaled to it."""
_LEVELS, _STRUCTURE = 12, 8
"""Px of the small pictures of grey levels and of fine structure."""
_FLAT: Final = 8.0
"""Grey levels of contrast below which noise is not taken for structure."""


def features(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What is told of each gray crop (n, size, size): float32 (n, k)."""
    hog = cv2.HOGDescriptor((_SIDE, _SIDE), (16, 16), (8, 8), (8, 8), 9)
    return np.stack([_features(crop, hog) for crop in crops])


def _features(crop: NDArray[np.uint8], hog: cv2.HOGDescriptor) -> NDArray[np.float32]:
    if crop.shape != (_SIDE, _SIDE):
        way = cv2.INTER_AREA if crop.shape[0] > _SIDE else cv2.INTER_LINEAR
        crop = np.asarray(cv2.resize(crop, (_SIDE, _SIDE), interpolation=way), np.uint8)
    gray = crop.astype(np.float32)
    gray = (gray - gray.mean()) / max(float(gray.std()), _FLAT)
    levels = cv2.resize(gray, (_LEVELS, _LEVELS), interpolation=cv2.INTER_AREA)
    edges = np.abs(cv2.Laplacian(gray, cv2.CV_32F))
    structure = cv2.resize(edges, (_STRUCTURE, _STRUCTURE), interpolation=cv2.INTER_AREA)
    lopsided = np.abs(levels - levels[:, ::-1])[:, : _LEVELS // 2]
    parts = (np.asarray(hog.compute(crop)), levels, structure, lopsided)
    return np.concatenate([np.asarray(part, np.float32).ravel() for part in parts])


def obstructed(crops: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) whether a face cannot be judged for one of the two; crops are gray, uint8 (n, size, size)."""
    if not len(crops):
        return np.zeros(0, np.bool_)
    weights, offsets = _weights()
    # In double precision, and each face by itself: a face's row must not depend on its neighbours.
    sums = np.stack([weights @ told.astype(np.float64) for told in features(crops)]) + offsets
    return np.asarray((sums > 0).any(axis=1))


@cache
def _weights() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2, k) of a hidden mouth and of turned contrast, and what is added to each sum.

    Raises:
        UsageError: the file is missing or damaged.
    """
    with np.load(verified(WEIGHTS, SHA256)) as kept:
        return kept["weights"].astype(np.float64), kept["offsets"].astype(np.float64)
