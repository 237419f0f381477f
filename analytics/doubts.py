"""Where a person should look at what was covered: faces that no detector saw for a while, and such as came or went."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.cover import BEYOND, BRIDGED, FOLLOWED, Regions
from analytics.strands import SEEN, Sightings
from analytics.touching import touching

_SURE_FOUND: Final = 5
"""Sightings from which the end of a proven face is worth a look."""


@dataclass(frozen=True)
class Unsure:
    """A stretch that a person should look at."""

    start_s: float
    end_s: float
    why: str


def unsure_of(
    regions: Regions,
    sightings: Sightings,
    times_s: NDArray[np.float64],
    cuts: NDArray[np.int64],
    size: tuple[int, int],
    least_s: float = 0.2,
) -> list[Unsure]:
    """Stretches where a face was covered without having been found, and ends of faces in mid-picture.

    Args:
        regions: what is covered.
        sightings: what it was made from.
        times_s: (frames,) when each frame is shown.
        cuts: where shots begin.
        size: height and width of the picture, px.
        least_s: shorter gaps are not told.
    """
    seen = np.array(sightings.origin, np.int8) == SEEN
    found = np.bincount(np.array(sightings.strand, np.int32)[seen], minlength=len(sightings.proven))
    is_sure = sightings.proven & (found >= _SURE_FOUND)
    order = np.lexsort((regions.number, regions.strand))
    order = order[is_sure[regions.strand[order]]]
    strand, why, number = regions.strand[order], regions.why[order], regions.number[order]
    # Covers that were lifted leave holes in a strand.
    is_start = (np.diff(strand, prepend=-1) != 0) | (np.diff(why, prepend=-1) != 0) | (np.diff(number, prepend=-2) != 1)
    starts = np.flatnonzero(is_start)
    told = []
    for start, end in pairwise([*starts.tolist(), len(order)]):
        first, last = int(number[start]), int(number[end - 1])
        start_s, end_s = float(times_s[first]), float(times_s[last])
        if why[start] in (BRIDGED, FOLLOWED) and end_s - start_s >= least_s:
            told.append(Unsure(start_s, end_s, "covered where a face must have been, which no detector saw"))
        elif why[start] == BEYOND and not _leaves(regions.bare[order[start:end]], size):
            is_first = start == 0 or strand[start - 1] != strand[start]
            if not _at_cut(first if is_first else last + 1, cuts, len(times_s)):
                word = "first seen in mid-picture" if is_first else "lost from sight in mid-picture"
                told.append(Unsure(start_s, end_s, f"a face {word}"))
    return _merged(told)


def _merged(told: list[Unsure]) -> list[Unsure]:
    """Stretches of one kind that touch as one, in order of time."""
    kinds: dict[str, list[Unsure]] = defaultdict(list)
    for one in told:
        kinds[one.why].append(one)
    merged = [Unsure(start, end, why) for why, of_kind in kinds.items() for start, end, _ in touching(of_kind)]
    return sorted(merged, key=lambda one: (one.start_s, one.end_s, one.why))


def _leaves(bare: NDArray[np.float32], size: tuple[int, int]) -> bool:
    """Whether a face touches the picture's edge."""
    height, width = size
    x, y, w, h = bare.T
    return bool(((x <= 0) | (y <= 0) | (x + w >= width) | (y + h >= height)).any())


def _at_cut(number: int, cuts: NDArray[np.int64], n: int) -> bool:
    return number <= 0 or number >= n or bool(np.isin(number, cuts))
