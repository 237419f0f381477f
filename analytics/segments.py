"""Cut a long video into stretches that are decoded apart, by anyone, in any order, with the same result."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.plan import VideoPlan

_LEAD: Final = 1
"""Keyframes before the one that is needed: after open groups of pictures, and where the picture is refreshed
piece by piece, frames are clean only from the second keyframe on."""


@dataclass(frozen=True)
class Segment:
    """A stretch of one video: its frames from `first` to before `until`, in the numbers of the plan."""

    number: int
    first: int
    until: int
    start: int
    """Place of the packet that decoding begins with; 0 is the beginning of the file."""
    last: int
    """Place of the last packet that holds a frame of the stretch."""

    def __len__(self) -> int:
        return self.until - self.first


def cut(plan: VideoPlan, length: Fraction, every: Fraction) -> list[Segment]:
    """The segments of a video, in order of time; at least one.

    The cuts lie at multiples of `length`, moved on to the next sampling cell, so that no cell is shared.
    A file that cannot be entered in its middle, or that is hardly longer than a segment, stays whole. Where the
    next keyframe lies so far back that more would be decoded twice than once, there is no cut.

    Args:
        plan: of the video.
        length: seconds.
        every: seconds between samples, as the plan was made with.
    """
    n = len(plan.times_s)
    if plan.duration_s < 1.5 * length or not _can_be_entered(plan):
        return [Segment(0, 0, n, 0, len(plan.frame_of_packet) - 1)]
    first_cells = [-(-(k * length) // every) for k in range(1, int(plan.times_s[-1] / length) + 1)]
    cuts = np.unique([0, *np.searchsorted(plan.cells, first_cells).tolist(), n])
    place_of_frame = np.full(n, -1, np.int64)
    shown = np.flatnonzero(plan.frame_of_packet >= 0)
    place_of_frame[plan.frame_of_packet[shown]] = shown
    entries = _entries(plan)
    segments: list[Segment] = []
    for first, until in pairwise(cuts.tolist()):
        places = place_of_frame[first:until]
        start, last = _start(plan, entries, first, int(places.min())), int(places.max())
        lead_s = plan.times_s[first] - plan.times_s[max(plan.frame_of_packet[start], 0)]
        if segments and lead_s > length:
            segments[-1] = replace(segments[-1], until=until, last=max(segments[-1].last, last))
        else:
            segments.append(Segment(len(segments), first, until, start, last))
    return segments


def _can_be_entered(plan: VideoPlan) -> bool:
    """Whether packets can be told by their position, and frames by their packets, wherever reading begins."""
    position = plan.position
    told_apart = bool((position[0] >= 0) and (np.diff(position) > 0).all())
    return told_apart and (plan.pts_source == "container" or not plan.reordered)


def _entries(plan: VideoPlan) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Places of the keyframes that are shown."""
    return np.flatnonzero(plan.keyframe & (plan.frame_of_packet >= 0))


def _start(plan: VideoPlan, entries: "np.ndarray[tuple[int], np.dtype[np.int64]]", first: int, place: int) -> int:
    """Place of the keyframe to begin with for the frame `first`, the earliest packet of which segment is at `place`."""
    usable = entries[(entries <= place) & (plan.frame_of_packet[entries] <= first)]
    return int(usable[-1 - _LEAD]) if len(usable) > _LEAD else 0
