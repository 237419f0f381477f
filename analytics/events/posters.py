"""Faces that are pictures: on a poster, on a screen. Whoever hardly moves is taken for one, so it is told who was."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_STILL: Final = 0.06
"""Face sizes within which a face that is a picture stays where it usually is."""
_MOSTLY: Final = 0.6
"""Share of its faces for which that holds. Somebody who stands still sways by more."""
_NEAR: Final = 0.5
"""Face sizes between the spots of two stays at one place."""
_GROWTH: Final = 0.35
"""Largest difference of the logarithms of their sizes."""


class Spot(NamedTuple):
    """Where a face usually is, and how big: centre and size in heights of the picture."""

    x: float
    y: float
    size: float

    def is_near(self, other: "Spot") -> bool:
        """Whether both may be of one face, found again: nothing but place and size tells."""
        scale = math.sqrt(self.size * other.size)
        is_as_big = abs(math.log(self.size / other.size)) <= _GROWTH
        return is_as_big and math.hypot(self.x - other.x, self.y - other.y) <= _NEAR * scale


@dataclass(frozen=True)
class LeftOut:
    """A face that is taken for a picture."""

    tracks: tuple[tuple[int, int], ...]
    """Recording and track_id, in order of time."""
    seconds: float
    """From when it is first seen until it is last seen."""
    spot: Spot


@dataclass(frozen=True, kw_only=True)
class Still:
    """A stay of a face that no rule looked at, as it hardly moves. A poster that is hidden for a while has several."""

    camera: str | None
    tracks: tuple[tuple[str, int], ...]
    """video_id and track_id, in order of time: what hardly moves is lost and found again."""
    seconds: float
    """From when it is first seen until it is last seen."""
    spot: Spot


def is_still(
    person: NDArray[np.int64],
    at: NDArray[np.float64],
    way: NDArray[np.float64],
    size: NDArray[np.float64],
    still_s: float,
) -> NDArray[np.bool_]:
    """(people,) whether a face mostly is where it always is, as big as always.

    Args:
        person: (n,) of each face.
        at: (n,) moments.
        way: (n, 2) centres in heights of the picture.
        size: (n,) in the same.
        still_s: for how long at least; 0 for nobody.
    """
    n = int(person.max(initial=-1)) + 1
    if not still_s:
        return np.zeros(n, np.bool_)
    count = np.bincount(person, minlength=n)
    usual_size = _medians(person, size, count)
    there = np.ones(len(person), np.bool_)
    for values in (way[:, 0], way[:, 1], size):
        there &= np.abs(values - _medians(person, values, count)[person]) <= _STILL * usual_size[person]
    begin, end = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(begin, person, at)
    np.maximum.at(end, person, at)
    mostly = np.bincount(person, there, n) >= _MOSTLY * np.maximum(count, 1)
    still: NDArray[np.bool_] = mostly & (end - begin >= still_s)
    return still


def places(stills: Iterable[Still]) -> list[list[Still]]:
    """Stays by where they are: those of one camera, at about the same place and as big, are of one poster, say."""
    found: dict[str | None, list[list[Still]]] = {}
    for still in stills:
        of_camera = found.setdefault(still.camera, [])
        here = next((place for place in of_camera if place[0].spot.is_near(still.spot)), None)
        if here is None:
            of_camera.append([still])
        else:
            here.append(still)
    return [place for of_camera in found.values() for place in of_camera]


def left_out(
    person: NDArray[np.int64],
    key: NDArray[np.int64],
    at: NDArray[np.float64],
    way: NDArray[np.float64],
    size: NDArray[np.float64],
) -> list[LeftOut]:
    """Each of these people; faces in order of track and time, with centres and sizes in heights of the picture."""
    found = []
    for one in np.unique(person).tolist():
        rows = np.flatnonzero(person == one)
        tracks = dict.fromkeys(named(of_face) for of_face in key[rows[np.argsort(at[rows], kind="stable")]].tolist())
        spot = Spot(*(float(np.median(values[rows])) for values in (way[:, 0], way[:, 1], size)))
        found.append(LeftOut(tuple(tracks), float(np.ptp(at[rows])), spot))
    return found


def named(key: int) -> tuple[int, int]:
    """Recording and track_id of a key that holds both."""
    return key >> 32, key & 0xFFFFFFFF


def _medians(person: NDArray[np.int64], values: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """(people,) of the values of each person."""
    order = np.lexsort((values, person))
    middle: NDArray[np.float64] = values[order][np.cumsum(count) - count + count // 2] if len(values) else np.empty(0)
    return middle
