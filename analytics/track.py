"""Link the faces of one person through a video.

Samples stand half a second apart, so a walking face moves further than its own width between two of them and
overlap says nothing. Faces are linked by where a track is expected to be and how big, in units of face size
and seconds, with the cheapest assignment of each moment as a whole (Kuhn 1955, scipy's implementation).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.pairs import lightest

_FORBIDDEN: Final = 1e6
_NO_LONGER_LIKELY: Final = 3.0
"""A link this dear weighs no more than none, so that nobody is moved along a row to save a stranger a link."""


@dataclass(frozen=True, kw_only=True)
class TrackSettings:
    """How far a face may go between two sightings. Lengths are in face sizes, the root of the box's area."""

    max_gap_s: float = 2.0
    """A face unseen for longer starts a new track."""
    jitter: float = 0.35
    """Spread of a box that stands still."""
    new_speed: float = 2.2
    """Spread of the speed of a face seen once, per second: a brisk walk across the picture is about six."""
    known_speed: float = 1.1
    """Spread of the change against a known speed, per second."""
    size_spread: float = 0.22
    """Spread of the logarithm of the size, plus as much again per second."""
    gate: float = 3.0
    """How many spreads away a face may still be."""
    sure_score: float = 0.7
    """Two faces of a track must score this much: what a detector doubts each time it sees it is seldom a face."""


@dataclass
class _Track:
    number: int
    at_s: float
    center: NDArray[np.float64]
    size: float
    velocity: NDArray[np.float64] | None = None
    """px a second; None for a face seen once."""


def link(
    pts_s: NDArray[np.float64],
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    settings: TrackSettings | None = None,
) -> NDArray[np.int32]:
    """Give each face its track.

    Args:
        pts_s: (n,) seconds, ascending; faces of one frame share one time.
        boxes: (n, 4) x, y, width, height in px.
        scores: (n,) the detector's, 0..1.
        settings: how far a face may go.

    Returns:
        (n,) track numbers from 1, ordered by first time, then left to right; 0 for a face outside any track.
    """
    settings = settings or TrackSettings()
    live: list[_Track] = []
    begun: list[int] = []
    """The first row of each track."""
    track_of = np.empty(len(pts_s), np.int64)
    centers = boxes[:, :2].astype(np.float64) + boxes[:, 2:].astype(np.float64) / 2
    sizes = np.sqrt(boxes[:, 2].astype(np.float64) * boxes[:, 3].astype(np.float64))
    # Sorted, so that where two links are equally good the order of the faces in their frame decides nothing.
    order = np.lexsort((scores, *boxes.T[::-1], pts_s))
    moments, starts = np.unique(pts_s, return_index=True)
    ends = np.searchsorted(pts_s, moments, side="right")
    for now_s, start, end in zip(moments, starts, ends, strict=True):
        rows = order[start:end]
        live = [track for track in live if now_s - track.at_s <= settings.max_gap_s]
        taken = _assign(live, now_s, centers[rows], sizes[rows], settings)
        for place, row in enumerate(rows):
            if place in taken:
                track = taken[place]
                _extend(track, now_s, centers[row], sizes[row])
            else:
                track = _Track(len(begun), float(now_s), centers[row], float(sizes[row]))
                live.append(track)
                begun.append(int(row))
            track_of[row] = track.number
    sure = np.bincount(track_of[scores >= settings.sure_score], minlength=len(begun)) >= 2
    return _numbered(np.flatnonzero(sure), np.array(begun, np.int64), track_of, pts_s, boxes)


def _assign(
    live: list[_Track], now_s: float, centers: NDArray[np.float64], sizes: NDArray[np.float64], settings: TrackSettings
) -> dict[int, _Track]:
    """Which track each new face (by its place) continues."""
    if not live or not len(sizes):
        return {}
    cost = _costs(live, now_s, centers, sizes, settings)
    allowed = cost <= 2 * settings.gate**2
    # Among equals a link is better than none, and a near one better than a far one.
    preference = np.where(allowed, 1e-6 * cost, 1e-3)
    weight = np.where(allowed, np.minimum(cost, _NO_LONGER_LIKELY), _NO_LONGER_LIKELY) + preference
    return {place: live[t] for t, place in lightest(weight) if allowed[t, place]}


def _costs(
    live: list[_Track], now_s: float, centers: NDArray[np.float64], sizes: NDArray[np.float64], settings: TrackSettings
) -> NDArray[np.float64]:
    """(tracks, faces) squared distance of each face from where each track should be, in spreads; forbidden beyond the gate."""
    elapsed = now_s - np.array([track.at_s for track in live])
    was = np.stack([track.center for track in live])
    size = np.array([track.size for track in live])[:, None]
    velocity = np.stack([np.zeros(2) if track.velocity is None else track.velocity for track in live])
    is_new = np.array([track.velocity is None for track in live])
    speed = np.where(is_new, settings.new_speed, settings.known_speed)
    # A person seldom keeps a direction for long, so the expected way grows no further after a second.
    ahead = velocity * np.minimum(elapsed, 1.0)[:, None]
    away = np.linalg.norm((centers - was[:, None]) - ahead[:, None], axis=2)
    way = away / np.sqrt(sizes * size) / (settings.jitter + speed * elapsed)[:, None]
    growth = np.abs(np.log(sizes / size)) / (settings.size_spread * (1 + elapsed))[:, None]
    return np.where((way <= settings.gate) & (growth <= settings.gate), way**2 + growth**2, _FORBIDDEN)


def _extend(track: _Track, now_s: float, center: NDArray[np.float64], size: float) -> None:
    velocity = (center - track.center) / (now_s - track.at_s)
    track.velocity = velocity if track.velocity is None else (track.velocity + velocity) / 2
    track.at_s, track.center, track.size = float(now_s), center, size


def _numbered(
    kept: NDArray[np.int64],
    begun: NDArray[np.int64],
    track_of: NDArray[np.int64],
    pts_s: NDArray[np.float64],
    boxes: NDArray[np.float32],
) -> NDArray[np.int32]:
    """Numbers from 1 by first time, then from left to right, for the tracks that are kept; 0 for all others."""
    first = begun[kept]
    numbers = np.zeros(len(begun), np.int32)
    numbers[kept[np.lexsort((kept, boxes[first, 0], pts_s[first]))]] = np.arange(1, len(kept) + 1)
    return numbers[track_of]
