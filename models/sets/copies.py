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

from models.listed import SPLITS

DROPS: Final = ("none", "leaks", "exact", "near")
_SIDE: Final = 16
_BITS: Final = _SIDE * _SIDE
_CLEAR: Final = 2
"""Grey levels between neighbours; what noise and coding make of a plain surface is less."""
_LEAST_CLEAR: Final = 48
"""Places on either hand; 99.7 % of FER2013 have so many. Hashes with fewer agree in most bits, whatever the pictures show."""
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


def is_flat(crop: NDArray[np.uint8]) -> bool:
    """Whether a gray crop has so little in it that its difference hash is near that of any other such crop.

    A hash is mostly zeros where neighbours are alike, and all ones or zeros where a plain background grows lighter to one
    side. What tells pictures apart are places that are clearly lighter than what is right of them, and others that are
    clearly darker; of both there must be enough.
    """
    small = np.asarray(cv2.resize(crop, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA), np.int16)
    fall = small[:, :-1] - small[:, 1:]
    return min(int((fall >= _CLEAR).sum()), int((fall <= -_CLEAR).sum())) < _LEAST_CLEAR


def near_links(
    bits: NDArray[np.uint8], equal: NDArray[np.int32], flat: NDArray[np.bool_], distance: int
) -> NDArray[np.intp]:
    """(m, 2) pairs of different numbers of `equal`, the smaller one first: hashes that differ in at most so many bits.

    Every picture is held against every other one, in blocks, so memory does not grow with their square; time does.

    Args:
        bits: (n, 32) of difference_hash.
        equal: (n,) of equal_groups.
        flat: (n,) of is_flat; their hashes are near nothing.
        distance: 0 to 256.
    """
    numbers, first = np.unique(equal, return_index=True)  # One of each is enough to compare.
    numbers, first = numbers[~flat[first]], first[~flat[first]]
    signs = np.unpackbits(bits[first], axis=1).astype(np.float32) * 2 - 1
    pairs: list[NDArray[np.intp]] = []
    for start in range(0, len(first), _BLOCK):
        for other in range(start, len(first), _BLOCK):
            # Equal bits less unequal ones: the distance is half of what is missing to all.
            alike = signs[start : start + _BLOCK] @ signs[other : other + _BLOCK].T
            found = np.argwhere(alike >= _BITS - 2 * distance) + np.array([start, other])
            pairs.append(found[found[:, 0] < found[:, 1]])
    return np.asarray(numbers[np.concatenate(pairs)] if pairs else np.empty((0, 2)), np.intp)


def near_groups(equal: NDArray[np.int32], links: NDArray[np.intp]) -> NDArray[np.int32]:
    """(n,) numbers from 0 that pictures have in common which are equal or near, or linked by others that are.

    Args:
        equal: (n,) of equal_groups, or of some of its pictures.
        links: (m, 2) of near_links; those of pictures that are not among them link nothing.
    """
    links = links[np.isin(links, equal).all(axis=1)]
    size = int(equal.max(initial=-1)) + 1
    table = coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(size, size))
    return np.asarray(connected_components(table, directed=False)[1][equal], np.int32)


def without_copies(
    drop: str, equal: NDArray[np.int32], links: NDArray[np.intp], splits: NDArray[np.str_]
) -> NDArray[np.bool_]:
    """(n,) what is kept, so that nothing that is dropped goes without a kept picture that it equals or is near.

    Args:
        drop: one of DROPS: `exact` and `near` keep one of the pictures that are, the one in the first split and there the
            first; `leaks` keeps all but those that are near a kept one of an earlier split.
        equal: (n,) of equal_groups.
        links: (m, 2) of near_links.
        splits: (n,) one of SPLITS, or empty, which comes last.
    """
    keep = np.ones(len(equal), np.bool_)
    if drop == "none":
        return keep
    both = np.concatenate([links, links[:, ::-1]]) if drop != "exact" else links[:0]
    both = both[np.argsort(both[:, 0], kind="stable")]
    held = np.zeros(int(equal.max(initial=-1)) + 1, np.bool_)
    rank = np.array([(*SPLITS, "").index(split) for split in splits.tolist()], np.intp)
    if drop == "leaks":
        for place in np.unique(rank):
            rows = np.flatnonzero(rank == place)
            keep[rows] = ~held[equal[rows]]
            taken = equal[rows[keep[rows]]]
            held[taken] = True
            held[both[np.isin(both[:, 0], taken), 1]] = True
        return keep
    starts = np.searchsorted(both[:, 0], np.arange(len(held) + 1))
    for row in np.argsort(rank, kind="stable").tolist():
        number = equal[row]
        keep[row] = not held[number]
        if keep[row]:
            held[number] = True
            held[both[starts[number] : starts[number + 1], 1]] = True
    return keep


def repeated(groups: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """The rows of each group of two pictures or more, by their first one."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []
    return sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0]))
