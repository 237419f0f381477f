"""Which covers are lifted so that a track stays visible: those of its face, wherever that is certain."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.cover import FOLLOWED, FOUND, Regions
from analytics.errors import UsageError
from analytics.overlap import overlaps
from analytics.plan import VideoPlan
from analytics.strands import Sightings
from jobs.known import KnownFaces

_SAME: Final = 0.3
"""Intersection over union from which a face of the tables and a box of this search are one."""
_MOST_NAMED: Final = 20
_STEP_S: Final = 0.5
"""Longest step between two samples of tables that can tell who is who in the frames between."""


def check_tracks(wanted: tuple[int, ...], known: KnownFaces, plan: VideoPlan) -> None:
    """Refuse tracks that the video does not have, and tables that look too seldom.

    Raises:
        UsageError: one of them is not there, or the samples lie too far apart.
    """
    steps = np.diff(known.samples_s)
    # The first frame of each step may come late by one.
    if len(steps) and (step_s := float(np.median(steps))) > _STEP_S + plan.interval_s:
        raise UsageError(
            f"--except-track: the tables hold a sample every {step_s:.2g} s, and nobody can tell who is who in between",
            f"name the --out of a run with every = {_STEP_S} or less, or leave --tracks out",
        )
    for number in wanted:
        if number not in known.tracks:
            there = ", ".join(map(str, known.tracks[:_MOST_NAMED])) or "none"
            more = f" and {len(known.tracks) - _MOST_NAMED} more" if len(known.tracks) > _MOST_NAMED else ""
            raise UsageError(
                f"--except-track {number}: the video has no such track (it has {there}{more})",
                "emobatch annotate shows which face is which",
            )


@dataclass(frozen=True, eq=False)
class Excepted:
    """Covers, after some were lifted."""

    covered: Regions
    lifted: Regions
    visible: dict[int, int]
    """Frames in which each track that is to stay visible is not covered."""


def without_excepted(
    regions: Regions, sightings: Sightings, known: KnownFaces | None, plan: VideoPlan, wanted: tuple[int, ...]
) -> Excepted:
    """Lift the covers of the tracks that stay visible.

    A cover is lifted in single frames: where the tables have a face of such a track under it, and half a step on as long
    as a sighting is in every frame. It stays where nobody saw a face, since it may have gone over to another one there,
    and towards the next sample where it is on someone else.

    Args:
        regions: all covers.
        sightings: what they were made from.
        known: the faces of the tables; None where nobody stays visible.
        plan: of the video.
        wanted: tracks that stay visible.
    """
    if known is None:
        return Excepted(regions, regions.only(np.zeros(len(regions), np.bool_)), {})
    met = _met(sightings, known, plan)
    frames: dict[int, set[int]] = {track: set() for track in sorted(set(wanted))}
    is_lifted = np.zeros(len(regions), np.bool_)
    order = np.lexsort((regions.number, regions.strand))
    bounds = np.searchsorted(regions.strand[order], np.arange(len(sightings.proven) + 1))
    for strand, samples in met.items():
        rows = order[bounds[strand] : bounds[strand + 1]]
        numbers, why = regions.number[rows], regions.why[rows]
        others_s = plan.times_s[np.array([n for n, tracks in samples.items() if not tracks <= set(wanted)], np.intp)]
        for sample, tracks in samples.items():
            if tracks <= set(wanted):
                near = rows[_near(sample, numbers, why, others_s, plan)]
                is_lifted[near] = True
                for track in tracks:
                    frames[track].update(regions.number[near].tolist())
    # What only looked like a face for a moment, on top of the one that stays, is that face.
    doubtful = ~is_lifted & ~sightings.proven[regions.strand] & ~np.isin(regions.strand, list(met))
    keep = ~is_lifted
    for row in np.flatnonzero(doubtful):
        within = regions.of_frame(int(regions.number[row]))
        places = np.arange(within.start, within.stop)
        faces = regions.bare[places[is_lifted[places]]]
        x, y = regions.bare[row, :2] + regions.bare[row, 2:] / 2
        on_it = (
            (faces[:, 0] <= x)
            & (x <= faces[:, 0] + faces[:, 2])
            & (faces[:, 1] <= y)
            & (y <= faces[:, 1] + faces[:, 3])
        )
        keep[row] = not on_it.any()
    return Excepted(regions.only(keep), regions.only(~keep), {track: len(seen) for track, seen in frames.items()})


def _near(
    sample: int,
    numbers: NDArray[np.int32],
    why: NDArray[np.int8],
    others_s: NDArray[np.float64],
    plan: VideoPlan,
) -> NDArray[np.intp]:
    """Places of the rows of one strand that surely show who was met in a sample.

    Args:
        sample: number of the frame.
        numbers: of the strand's frames, without a gap.
        why: they are covered.
        others_s: when the strand met someone who stays covered, ascending.
        plan: of the video.
    """
    now_s, reach_s = float(plan.times_s[sample]), (_STEP_S + plan.interval_s) / 2
    start = int(np.searchsorted(numbers, sample))
    places = [start]
    for way in (-1, 1):
        # Somebody else is met half a second on: nobody knows from which frame.
        before, after = np.searchsorted(others_s, sorted([now_s, now_s + way * 2 * reach_s]), side="right")
        if before < after:
            continue
        place = start + way
        while 0 <= place < len(numbers) and why[place] in (FOUND, FOLLOWED):
            if abs(plan.times_s[numbers[place]] - now_s) > reach_s:
                break
            places.append(place)
            place += way
    return np.array(places, np.intp)


def _met(sightings: Sightings, known: KnownFaces, plan: VideoPlan) -> dict[int, dict[int, set[int]]]:
    """By strand and number of the frame the tracks of the tables that it met; 0 for a face outside any track."""
    number = np.array(sightings.number, np.int32)
    order = np.argsort(number, kind="stable")
    number = number[order]
    strand, boxes = np.array(sightings.strand, np.int32)[order], sightings.boxes[order]
    frames = np.searchsorted(plan.times_s, known.pts_s - plan.interval_s / 4)
    bounds = np.searchsorted(number, [frames, frames + 1]).T
    met: dict[int, dict[int, set[int]]] = {}
    for frame, box, track, (start, end) in zip(
        frames.tolist(), known.boxes, known.track_id.tolist(), bounds.tolist(), strict=True
    ):
        for row in np.flatnonzero(overlaps(box, boxes[start:end]) >= _SAME).tolist():
            met.setdefault(int(strand[start + row]), {}).setdefault(frame, set()).add(track)
    return met
