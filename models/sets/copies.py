"""Pictures that are there more than once: equal to the last pixel, or nearly. Pure arrays: no file.

Nearly is told by difference hashes (Krawetz 2013, "Kind of Like That"): a picture is made 17 x 16 px small, and each bit
says whether a pixel is lighter than the one on its right. Another size, another coding and other light leave most bits
as they are.
"""

import hashlib
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_SIDE: Final = 16
_BITS: Final = _SIDE * _SIDE
_BLOCK: Final = 4096
"""Pictures on either side that are compared at once."""


def pixel_hash(crop: NDArray[np.uint8]) -> bytes:
    """16 bytes that equal crops have in common, and no others."""
    return hashlib.sha256(crop.tobytes()).digest()[:16]


def difference_hash(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bits of a gray crop, packed: uint8 (32,)."""
    small = np.asarray(cv2.resize(crop, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA), np.int16)
    return np.packbits(small[:, :-1] > small[:, 1:])


def equal_groups(hashes: list[bytes]) -> NDArray[np.int32]:
    """(n,) numbers from 0 that equal pictures have in common."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(one, len(numbers)) for one in hashes], np.int32)


def near_groups(bits: NDArray[np.uint8], equal: NDArray[np.int32], distance: int) -> NDArray[np.int32]:
    """(n,) numbers from 0 that pictures have in common whose hashes differ in at most so many bits, or are linked by such.

    Every picture is held against every other one, in blocks, so memory does not grow with their square; time does.

    Args:
        bits: (n, 32) of difference_hash.
        equal: (n,) of equal_groups.
        distance: 0 to 256.
    """
    _, first = np.unique(equal, return_index=True)  # One of each is enough to compare.
    signs = np.unpackbits(bits[first], axis=1).astype(np.float32) * 2 - 1
    pairs: list[NDArray[np.intp]] = []
    for start in range(0, len(first), _BLOCK):
        for other in range(start, len(first), _BLOCK):
            # Equal bits less unequal ones: the distance is half of what is missing to all.
            alike = signs[start : start + _BLOCK] @ signs[other : other + _BLOCK].T
            found = np.argwhere(alike >= _BITS - 2 * distance) + np.array([start, other])
            pairs.append(found[found[:, 0] < found[:, 1]])
    links = np.concatenate(pairs) if pairs else np.empty((0, 2), np.intp)
    table = coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(len(first), len(first)))
    _, groups = connected_components(table, directed=False)
    return np.asarray(groups[equal], np.int32)


def repeated(groups: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """The rows of each group of two pictures or more, by their first one."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []
    return sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0]))
