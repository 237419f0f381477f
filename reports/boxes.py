"""The boxes of faces that the page of a video draws over its player, in as few numbers as the eye needs.

Between two samples a box moves in a straight line, so a face that lies where the line between its neighbours has it
anyway is left out. Which faces stay is found as by Ramer (1972) and Douglas and Peucker (1973), but over time and
over all tracks at once: the face that is off by most is put in first, until none is off by more than the tolerance
or as many are in as a page may hold. Pure functions.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.expressions import UNCERTAIN
from analytics.records import Gap
from reports.timeline import Run, Sampled

MOST_POINTS: Final = 60_000
MOST_CAPTIONS: Final = 15_000
TOLERANCE_PX: Final = 2.0
TOLERANCE_OF_SIDE: Final = 0.02
"""Of the shorter side of a face; the larger of both counts."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """One track as long as every sampled frame shows it."""

    track_id: int
    end_s: float
    """Until when the last box stands: half the distance of two samples, unless a gap or the end comes first."""
    times_ms: NDArray[np.int64]
    """(n,) of the faces that stayed, rising."""
    edges_px: NDArray[np.int64]
    """(n, 4) left, upper, right and lower edge in the upright picture."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """All boxes of a video, in order of track and time."""

    sightings: tuple[Sighting, ...]
    tolerance: float
    """How far a face that was left out may lie from its box, in tolerances: 1 but where the page would be too big."""
    n_left_out: int
    """Sightings that are not here at all: the shortest, where even their first and last faces were too many."""

    def encoded(self) -> list[list[int]]:
        """For player.js: by sighting the track, its end in ms, then time and edges of each face, less the one before."""
        told = []
        for sighting in self.sightings:
            rows = np.column_stack([sighting.times_ms, sighting.edges_px])
            steps = np.diff(rows, axis=0, prepend=np.zeros((1, 5), np.int64))
            told.append([sighting.track_id, round(sighting.end_s * 1000), *steps.ravel().tolist()])
        return told


def boxes_of(
    faces: pd.DataFrame,
    sample_pts_s: NDArray[np.float64],
    end_s: float,
    gaps: Sequence[Gap],
    most: int = MOST_POINTS,
) -> Boxes:
    """The boxes of faces (pts_s, track_id, x, y, w, h) in order of time; those outside tracks have none.

    Args:
        faces: as timeline.runs_of takes them, and where each lies, px of the upright picture.
        sample_pts_s: (m,) when frames were sampled; a track that is not in one of them is out of sight.
        end_s: of the video.
        gaps: in time that nobody saw no box is drawn.
        most: faces that stay at most.
    """
    found = sorted(_sightings(faces, sample_pts_s, end_s, gaps), key=lambda seen: -len(seen.times_ms))
    kept_whole = np.cumsum([min(len(seen.times_ms), 2) for seen in found]) <= most
    shown = [seen for seen, kept in zip(found, kept_whole, strict=True) if kept]
    thinned, tolerance = _thinned(shown, most)
    thinned.sort(key=lambda seen: (seen.track_id, seen.times_ms[0]))
    return Boxes(tuple(thinned), tolerance, len(found) - len(shown))


def captions_of(runs: Sequence[Run], labels: Sequence[str], most: int = MOST_CAPTIONS) -> list[list[int]]:
    """What stands at the boxes, for player.js: by track its id, then of each change the time in ms, label, percent.

    A label is its place among the labels, len(labels) where not judged, and -1 where there are too many runs to tell:
    the shortest ones. The percentage is the mean confidence of the run's faces in what each of them shows; of a run that
    is uncertain, whose faces may each be sure of something else, it is 0.
    """
    code_of: dict[str | None, int] = {label: code for code, label in enumerate(labels)} | {None: len(labels)}
    lengths = sorted((run.end_s - run.start_s for run in runs), reverse=True)
    least_s = lengths[most] if len(lengths) > most else -1.0
    told = []
    for track_id, of_track in groupby(runs, key=attrgetter("track_id")):
        row = [track_id]
        for run in of_track:
            shown = run.end_s - run.start_s > least_s
            percent = 0 if run.label in (None, UNCERTAIN) else math.floor(min(run.confidence, 0.999) * 100 + 1e-4)
            caption = [code_of[run.label], percent] if shown else [-1, 0]
            if len(row) == 1 or row[-2:] != caption:
                row += [round(run.start_s * 1000), *caption]
        told.append(row)
    return told


def _sightings(
    faces: pd.DataFrame, sample_pts_s: NDArray[np.float64], end_s: float, gaps: Sequence[Gap]
) -> Iterator[Sighting]:
    """With every face, in px that are not rounded yet."""
    sampled = Sampled.of(faces, sample_pts_s, end_s, gaps)
    sides = faces[["x", "y", "w", "h"]].to_numpy(np.float64)
    tracked = faces[faces["track_id"].notna().to_numpy() & np.isfinite(sides).all(axis=1)]
    for _, track in tracked.groupby("track_id", sort=True):
        track_id = int(track["track_id"].iloc[0])
        pts_s = track["pts_s"].to_numpy(np.float64)
        until_s = sampled.until(pts_s)
        x, y, w, h = (track[side].to_numpy(np.float64) for side in ("x", "y", "w", "h"))
        edges = np.column_stack([x, y, x + w, y + h])
        ends = np.flatnonzero(np.append(until_s[:-1] != pts_s[1:], True))
        for start, end in zip([0, *(ends[:-1] + 1)], ends, strict=True):
            part = slice(start, end + 1)
            stands_s = min(float(until_s[end]), float(pts_s[end]) + sampled.usual_s / 2)
            yield Sighting(track_id, stands_s, np.round(pts_s[part] * 1000), edges[part])


def _thinned(sightings: Sequence[Sighting], most: int) -> tuple[list[Sighting], float]:
    """The sightings with the faces that stay, in whole px, and the tolerance that was needed."""
    kept = [np.zeros(len(seen.times_ms), np.bool_) for seen in sightings]
    n_kept = 0
    stretches: list[tuple[float, int, int, int, int]] = []

    def put(number: int, first: int, last: int) -> None:
        if last - first > 1:
            error, at = _worst(sightings[number], first, last)
            heapq.heappush(stretches, (-error, number, first, at, last))

    for number, mask in enumerate(kept):
        mask[[0, -1]] = True
        n_kept += int(mask.sum())
        put(number, 0, len(mask) - 1)
    while stretches and n_kept < most and stretches[0][0] < -1.0:
        _, number, first, at, last = heapq.heappop(stretches)
        kept[number][at] = True
        n_kept += 1
        put(number, first, at)
        put(number, at, last)
    thinned = [
        Sighting(seen.track_id, seen.end_s, seen.times_ms[mask].astype(np.int64), _rounded(seen.edges_px[mask]))
        for seen, mask in zip(sightings, kept, strict=True)
    ]
    return thinned, max(1.0, -stretches[0][0] if stretches else 1.0)


def _worst(seen: Sighting, first: int, last: int) -> tuple[float, int]:
    """How far, in tolerances, a face between two that stay lies from the line between them, and which is furthest."""
    times_ms, edges = seen.times_ms, seen.edges_px
    # From the numbers that the page will hold: rounding them costs nothing beyond the tolerance.
    start, end = _rounded(edges[[first, last]]).astype(np.float64)
    between = edges[first + 1 : last]
    passed = (times_ms[first + 1 : last] - times_ms[first]) / max(times_ms[last] - times_ms[first], 1)
    off = np.abs(between - start - passed[:, None] * (end - start)).max(axis=1)
    side = np.minimum(between[:, 2] - between[:, 0], between[:, 3] - between[:, 1])
    error = off / np.maximum(TOLERANCE_PX, TOLERANCE_OF_SIDE * side)
    worst = int(np.argmax(error))
    return float(error[worst]), first + 1 + worst


def _rounded(edges: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.round(edges).astype(np.int64)
    return whole
