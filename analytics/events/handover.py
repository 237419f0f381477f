"""Where two people pass each other and the tracker gives one the track of the other: who stood there still stands there.

The one who walks on carries the track away, and the one who stands is found anew at the same place seconds later.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_SLOW: Final = 0.6
"""Face sizes a second; who is faster does not stand there."""
_NEAR: Final = 0.9
"""Face sizes within which it is the same place."""
_AWAY: Final = 1.5
"""Face sizes beyond which somebody has left it."""
_GROWTH: Final = 0.35
_LOST_S: Final = 2.0
_LOST_NEAR: Final = 4.0
"""Seconds and face sizes within which a track that ends may be that of who leaves on another one's."""


def handovers(
    begins: NDArray[np.bool_],
    unlinked: NDArray[np.int64],
    at: NDArray[np.float64],
    way: NDArray[np.float64],
    size: NDArray[np.float64],
    absence_s: float,
) -> list[tuple[int, int]]:
    """Faces with which somebody leaves on a track that was another one's, and those with which that one is found again.

    Args:
        begins: (n,) whether each face begins a track; the faces of one track follow each other.
        unlinked: first faces of tracks that continue no other one.
        at: (n,) moments.
        way: (n, 2) centres in heights of the picture.
        size: (n,) in the same.
        absence_s: who is out of sight for longer has gone.
    """
    track = np.cumsum(begins) - 1
    slow = _slow(track, at, way, size)
    by_time = np.argsort(at, kind="stable")
    times = at[by_time]
    ends = np.append(np.flatnonzero(begins)[1:], len(begins))
    found = []
    for row in unlinked[_starts_slowly(unlinked, ends[track[unlinked]], at, way, size)].tolist():
        low, high = np.searchsorted(times, (at[row] - absence_s, at[row]))
        near = by_time[low:high]
        near = near[slow[near] & (track[near] != track[row])]
        apart = np.linalg.norm(way[near] - way[row], axis=1) / size[row]
        near = near[(apart <= _NEAR) & (np.abs(np.log(size[near] / size[row])) <= _GROWTH)]
        for last in near[::-1].tolist():
            rest = np.arange(last + 1, ends[track[last]])
            until = rest[at[rest] <= at[row]]
            gone = np.linalg.norm(way[until] - way[row], axis=1) / size[row]
            if len(until) and gone[-1] > _AWAY and _lost_one(last + 1, track, ends, at, way, size):
                found.append((last + 1, row))
                break
    # A track is given away once, and to whoever is found first.
    leaving: dict[int, tuple[int, int]] = {}
    for split, row in sorted(found, key=lambda pair: (at[pair[1]], pair[1])):
        leaving.setdefault(int(track[split]), (split, row))
    return list(leaving.values())


def _lost_one(
    leaving: int,
    track: NDArray[np.int64],
    ends: NDArray[np.int64],
    at: NDArray[np.float64],
    way: NDArray[np.float64],
    size: NDArray[np.float64],
) -> bool:
    """Whether somebody else's track ends where one begins to leave: that is who leaves on it.

    Without one it is the owner who leaves, and who stands there afterwards is another person.
    """
    last = ends - 1
    near = (track[last] != track[leaving]) & (np.abs(at[last] - at[leaving]) <= _LOST_S)
    return bool((np.linalg.norm(way[last[near]] - way[leaving], axis=1) / size[leaving] <= _LOST_NEAR).any())


def _slow(
    track: NDArray[np.int64], at: NDArray[np.float64], way: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) whether somebody stands where a face is, by the two faces before it."""
    slow = np.zeros(len(at), np.bool_)
    if len(at) > 2:
        seconds = np.maximum(at[2:] - at[:-2], 1e-3)
        speed = np.linalg.norm(way[2:] - way[:-2], axis=1) / size[2:] / seconds
        slow[2:] = (track[2:] == track[:-2]) & (speed <= _SLOW)
    return slow


def _starts_slowly(
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    at: NDArray[np.float64],
    way: NDArray[np.float64],
    size: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """(tracks,) whether somebody stands still when the track begins."""
    later = np.minimum(first + 3, end - 1)
    seconds = at[later] - at[first]
    speed = np.linalg.norm(way[later] - way[first], axis=1) / size[first] / np.maximum(seconds, 1e-3)
    slowly: NDArray[np.bool_] = (seconds > 0) & (speed <= _SLOW)
    return slowly
