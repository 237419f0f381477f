"""Which covers are lifted so that a track stays visible: those of its face, wherever that is certain."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.cover import Regions
from analytics.errors import UsageError
from analytics.plan import VideoPlan
from analytics.strands import Sightings
from jobs.known import KnownFaces

_SAME: Final = 0.3
"""Intersection over union from which a face of the tables and a box of this search are one."""
_MOST_NAMED: Final = 20


def check_tracks(wanted: tuple[int, ...], known: KnownFaces) -> None:
    """Refuse tracks that the video does not have.

    Raises:
        UsageError: one of them is not there.
    """
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

    A cover is lifted only where all faces of the tables that it met are of such tracks: where two people passed each
    other and it may have gone over from one to the other, it stays.

    Args:
        regions: all covers.
        sightings: what they were made from.
        known: the faces of the tables; None where nobody stays visible.
        plan: of the video.
        wanted: tracks that stay visible.
    """
    if known is None:
        return Excepted(regions, regions.only(np.zeros(len(regions), np.bool_)), {})
    tracks_of = _tracks_of_strands(sightings, known, plan)
    visible = {strand for strand, tracks in tracks_of.items() if tracks <= set(wanted)}
    is_visible = np.isin(regions.strand, list(visible))
    # What only looked like a face for a moment, on top of the one that stays, is that face.
    doubtful = ~is_visible & ~sightings.proven[regions.strand] & ~np.isin(regions.strand, list(tracks_of))
    keep = ~is_visible
    for row in np.flatnonzero(doubtful):
        within = regions.of_frame(int(regions.number[row]))
        places = np.arange(within.start, within.stop)
        faces = regions.bare[places[is_visible[places]]]
        x, y = regions.bare[row, :2] + regions.bare[row, 2:] / 2
        on_it = (
            (faces[:, 0] <= x)
            & (x <= faces[:, 0] + faces[:, 2])
            & (faces[:, 1] <= y)
            & (y <= faces[:, 1] + faces[:, 3])
        )
        keep[row] = not on_it.any()
    frames = {
        track: len(np.unique(regions.number[np.isin(regions.strand, [s for s in visible if track in tracks_of[s]])]))
        for track in sorted(set(wanted))
    }
    return Excepted(regions.only(keep), regions.only(~keep), frames)


def _tracks_of_strands(sightings: Sightings, known: KnownFaces, plan: VideoPlan) -> dict[int, set[int]]:
    """The tracks of all faces of the tables that each strand met; 0 for a face outside any track."""
    number = np.array(sightings.number, np.int32)
    strand, boxes = np.array(sightings.strand, np.int32), sightings.boxes
    order = np.argsort(number, kind="stable")
    frames = np.searchsorted(plan.times_s, known.pts_s - plan.interval_s / 4)
    tracks: dict[int, set[int]] = {}
    for frame, box, track in zip(frames.tolist(), known.boxes, known.track_id.tolist(), strict=True):
        rows = order[slice(*np.searchsorted(number[order], [frame, frame + 1]).tolist())]
        for row in rows[_overlaps(box, boxes[rows]) >= _SAME].tolist():
            tracks.setdefault(int(strand[row]), set()).add(track)
    return tracks


def _overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) intersection over union."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    return np.asarray(common / (np.prod(box[2:]) + np.prod(others[:, 2:], axis=1) - common), np.float64)
