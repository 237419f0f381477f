"""Who is in sight when: tracks of one person made one, over seconds out of sight, holes and the cuts between files.

Nothing here knows a face from another one: it is place, size and time that say so. Where a face comes back near where
it was, as big as it was, and neither was on its way elsewhere, it is taken for the same person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analytics.events.clock import OVERLAP_S, Clock, on_grid
from analytics.events.handover import handovers
from analytics.events.posters import LeftOut, is_still, left_out, named
from analytics.events.rules import ABSENCE_S, STILL_S

_REACH: Final = 1.0
"""How far from where it was expected a face may come back, in face sizes, plus _SPREAD a second."""
_SPREAD: Final = 0.35
_FARTHEST: Final = 2.5
_LEAP: Final = 2.0
"""Face sizes, plus _SPREAD a second, by which a face within a track may be away from where it was expected."""
_GROWTH: Final = 0.35
"""Largest change of the logarithm of the size."""
_GOES: Final = 1.0
"""Face sizes a second; who is slower goes nowhere."""
_GOING_ON_S: Final = 2.0
"""A face is expected to keep its way for so long."""
LONGEST_BLIND_S: Final = 60.0
"""After a longer stretch without a recording nobody is taken for the same."""
LONGEST_STAND_S: Final = 2.0
"""A face stands for the time until the next one of its person, but never for longer than this."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The faces of some recordings by person and time; n counts faces."""

    clock: Clock
    person: NDArray[np.int64]
    """(n,) ascending, from 0."""
    at: NDArray[np.float64]
    """(n,) moments, ascending within a person."""
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    """(n,) centre of the face, shares of the picture."""
    usable: NDArray[np.bool_]
    stands_s: NDArray[np.float64]
    """(n,) seconds until the person's next face."""
    probabilities: Mapping[str, NDArray[np.float64]]
    """(n,) by class."""
    track: NDArray[np.int64]
    """(n,) place in tracks."""
    tracks: tuple[tuple[int, int], ...]
    """Recording and track_id."""
    still: Sequence[LeftOut]


def scene_of(
    clock: Clock,
    recording: NDArray[np.int64],
    faces: pa.Table,
    classes: frozenset[str],
    absence_s: float = ABSENCE_S,
    still_s: float = STILL_S,
) -> Scene:
    """Put faces in the order of people.

    Args:
        clock: of the recordings.
        recording: (n,) of each face.
        faces: the faces in tracks.
        classes: whose probabilities are needed; they, and `usable`, are columns of faces where there are any.
        absence_s: who is out of sight for longer has gone.
        still_s: who hardly moves for so long is left out as a picture; 0 leaves nobody out.
    """
    column = {name: faces[name].to_numpy() for name in ("track_id", "pts_s", "x", "y", "w", "h")}
    key = recording * (1 << 32) + column["track_id"].astype(np.int64)
    at = on_grid(column["pts_s"]) + clock.begins[recording]
    order = np.lexsort((at, key))
    at, recording = at[order], recording[order]
    key = key[order]
    pixels = {name: column[name][order].astype(np.float64) for name in ("x", "y", "w", "h")}
    width = np.array([one.width for one in clock.recordings], np.float64)[recording]
    height = np.array([one.height for one in clock.recordings], np.float64)[recording]
    x, y = pixels["x"] + pixels["w"] / 2, pixels["y"] + pixels["h"] / 2
    # In heights of the picture: streams of a camera may differ in resolution.
    way = np.stack([x, y], axis=1) / height[:, None]
    size = np.sqrt(np.maximum(pixels["w"] * pixels["h"], 1e-9)) / height
    begins = _begins(key, at, way, size)
    person_of, alone = _people(clock, key, begins, at, way, size, absence_s)
    if pairs := handovers(begins, alone, at, way, size, absence_s):
        begins[[leaving for leaving, _ in pairs]] = True
        person_of, _ = _people(clock, key, begins, at, way, size, absence_s, pairs)
    track = np.cumsum(begins) - 1
    keys = key[begins]
    person = person_of[track]
    kept = ~is_still(person, at, way, size, still_s)[person]
    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((at[rows], person[rows]))]
    _, numbers = np.unique(person[rows], return_inverse=True)
    usable = faces["usable"].to_numpy(zero_copy_only=False)[order][rows] if classes else np.zeros(len(rows), np.bool_)
    return Scene(
        clock=clock,
        person=numbers.astype(np.int64),
        at=at[rows],
        x=(x / width)[rows],
        y=(y / height)[rows],
        usable=usable,
        stands_s=_stands_s(numbers, at[rows]),
        probabilities={
            name: np.nan_to_num(faces[name].to_numpy(zero_copy_only=False)[order][rows].astype(np.float64))
            for name in sorted(classes)
        },
        track=track[rows],
        tracks=tuple(named(key) for key in keys.tolist()),
        still=left_out(person[~kept], key[~kept], at[~kept], way[~kept], size[~kept]),
    )


def _begins(
    key: NDArray[np.int64], at: NDArray[np.float64], way: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) whether a face begins a track, or a part of one: where two people pass each other, one may get the other's.

    A step is told by its length beyond what the ways before and after it explain.
    """
    begins = np.ones(len(key), np.bool_)
    if len(key) < 2:
        return begins
    same = key[1:] == key[:-1]
    step, seconds = np.diff(way, axis=0), np.maximum(np.diff(at), 1e-3)
    speed = np.where(same[:, None], step / seconds[:, None], 0.0)
    before = np.vstack([np.zeros((1, 2)), speed[:-1]])
    after = np.vstack([speed[1:], np.zeros((1, 2))])
    scale = np.sqrt(size[1:] * size[:-1])
    odd = np.minimum(
        np.linalg.norm(step - before * seconds[:, None], axis=1),
        np.linalg.norm(step - after * seconds[:, None], axis=1),
    )
    begins[1:] = ~same | (odd / scale > _LEAP + _SPREAD * seconds)
    return begins


def _people(
    clock: Clock,
    key: NDArray[np.int64],
    begins: NDArray[np.bool_],
    at: NDArray[np.float64],
    way: NDArray[np.float64],
    size: NDArray[np.float64],
    absence_s: float,
    handed: Sequence[tuple[int, int]] = (),
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(tracks,) the person of each track, in the order in which people come; and the first faces of those found anew.

    Of each pair in `handed` the track that ends before the first face is continued by that which begins with the second.
    """
    first = np.flatnonzero(begins)
    n = len(first)
    last = np.append(first[1:], len(begins)) - 1
    before, after = _pairs(clock, key[first] >> 32, at[first], at[last], absence_s)
    gap = at[first[after]] - at[last[before]]
    seen_gap = np.maximum(gap - clock.blind_s(at[last[before]], at[first[after]]), 0.0)
    # Where each was going when it was lost, and where it came from when it was found, both held against the other.
    ahead = np.clip(gap, 0, _GOING_ON_S)[:, None]
    leaving = _speed(way, at, size, last, np.maximum(last - 3, first))[before]
    coming = _speed(way, at, size, np.minimum(first + 3, last), first)[after]
    apart = way[first[after]] - way[last[before]]
    scale = np.sqrt(size[last[before]] * size[first[after]])
    miss = (
        (np.linalg.norm(apart - leaving * ahead, axis=1) + np.linalg.norm(apart - coming * ahead, axis=1)) / 2 / scale
    )
    growth = np.abs(np.log(size[first[after]] / size[last[before]]))
    reach = np.minimum(_REACH + _SPREAD * seen_gap, _FARTHEST)
    fits = (miss <= reach) & (growth <= _GROWTH) & (seen_gap <= absence_s)
    # The next sighting comes first: a later one may fit as well, and its own one before it fits better.
    before, after, cost = before[fits], after[fits], (miss + _SPREAD * np.maximum(gap, 0))[fits]
    root = np.arange(n)
    continued, found = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    follows: dict[int, int] = {}
    number = np.cumsum(begins) - 1
    likely = [(int(before[k]), int(after[k])) for k in np.lexsort((before, after, cost)).tolist()]
    for one, other in [*((int(number[row - 1]), int(number[again])) for row, again in handed), *likely]:
        if not continued[one] and not found[other]:
            continued[one] = found[other] = True
            follows[other] = one
    for other in np.argsort(at[first], kind="stable").tolist():
        if other in follows:
            root[other] = root[follows[other]]
    # In the order in which people come.
    come = np.full(n, np.inf)
    np.minimum.at(come, root, at[first])
    rank = np.empty(n, np.int64)
    rank[np.lexsort((np.arange(n), come))] = np.arange(n)
    return rank[root], first[~found]


def _pairs(
    clock: Clock, file: NDArray[np.int64], start: NDArray[np.float64], end: NDArray[np.float64], absence_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tracks that end, and tracks that begin, close enough in time for one person."""
    order = np.argsort(start, kind="stable")
    low = np.searchsorted(start[order], end - OVERLAP_S)
    high = np.searchsorted(start[order], end + absence_s + LONGEST_BLIND_S, side="right")
    counts = high - low
    before = np.repeat(np.arange(len(end)), counts)
    offset = np.arange(len(before)) - np.repeat(np.cumsum(counts) - counts, counts)
    after = order[np.repeat(low, counts) + offset]
    # Within a file nobody is there twice; over a cut both files may have the same seconds.
    over = (file[before] != file[after]) & (start[after] > start[before]) & (end[after] > end[before])
    blind_s = clock.blind_s(end[before], start[after])
    fits = (before != after) & ((start[after] > end[before]) | over)
    fits &= (start[after] - end[before] - blind_s <= absence_s) & (blind_s <= LONGEST_BLIND_S)
    return before[fits], after[fits]


def _speed(
    way: NDArray[np.float64],
    at: NDArray[np.float64],
    size: NDArray[np.float64],
    end: NDArray[np.int64],
    start: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(n, 2) picture heights a second between two faces of each track; 0 where somebody stands and sways."""
    seconds = (at[end] - at[start])[:, None]
    speed = np.where(seconds > 0, way[end] - way[start], 0.0) / np.maximum(seconds, 0.1)
    goes = np.linalg.norm(speed, axis=1) > _GOES * size[end]
    return np.where(goes[:, None], speed, 0.0)


def _stands_s(person: NDArray[np.int64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(at):
        return np.empty(0)
    steps = np.append(np.diff(at), np.inf)
    within = np.append(person[1:] == person[:-1], False)
    usual = float(np.median(steps[within])) if within.any() else LONGEST_STAND_S
    return np.clip(np.where(within, steps, usual), 0, LONGEST_STAND_S)
