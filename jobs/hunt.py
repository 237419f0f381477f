"""Find every face of a video in every frame: search, link, and look again where one ought to be, onwards and back.

One pass over the file. What lies behind is kept for a second at most, so that a face that is first recognised when it
has turned to the camera is followed back to where it came in.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.decode import SampledFrame
from analytics.overlap import overlaps
from analytics.records import Detections, Picture
from analytics.shots import LONG_SIDE, Shots
from analytics.strands import MATCHED, NEAR, Linker, Sightings, Strand
from analytics.texture import matched
from models.detectors.dense import DenseSearch

_TURNED_EVERY: Final = 5
"""Frames between searches of the picture on its sides and on its head; faces found so are followed in between."""
_FRAMES: Final = 3
"""So many frames all the limits in seconds are at least: recorders may store one a second."""
_BACK_S: Final = 1.0
_BACK_BYTES: Final = 160_000_000
"""How long, and how much, of what lies behind is kept."""
_UNPROVEN_S: Final = 0.6
"""For how long a face may be followed by its texture alone."""
_LOOKED_FOR_S: Final = 0.5
"""For how long a face that is out of sight is looked for where it was last."""
_NEAR_REACH: Final = 0.7
"""Face sizes from where it ought to be within which a face that is looked for again may be."""
_NEAR_SIZE: Final = 0.6
"""Largest change of the logarithm of its size."""
_OCCUPIED: Final = 0.3
"""Intersection over union with a face that is known already, from which both are one."""


@dataclass(frozen=True, eq=False)
class Hunted:
    """The faces of all frames."""

    sightings: Sightings
    cuts: NDArray[np.int64]
    """Numbers of the frames with which shots begin, ascending; the first frame is one."""


@dataclass(frozen=True, eq=False)
class _Cut:
    """What a cut took away, in case that it turns out to be a flash."""

    at_s: float
    live: list[Strand]
    behind: deque["_Behind"]


@dataclass(frozen=True, eq=False)
class _Behind:
    """A frame that was searched already."""

    number: int
    pts_s: float
    picture: Picture
    boxes: list[NDArray[np.float64]]
    """What is known in it."""


class Hunt:
    """Goes through the frames of one video.

    Args:
        search: what finds faces.
        finest_every: frames from one search on the double size to the next; faces found so are followed in between.
        interval_s: seconds between frames.
    """

    def __init__(self, search: DenseSearch, finest_every: int = 1, interval_s: float = 0.0) -> None:
        self._search, self._finest_every = search, finest_every
        self._least_s = (_FRAMES + 0.1) * interval_s  # Frames do not come to the millisecond.
        self._linker = Linker(interval_s=interval_s)
        self._shots = Shots(interval_s)
        self._undoable: list[_Cut] = []
        self._behind: deque[_Behind] = deque()
        self._cuts: list[int] = []

    def through(self, frames: Iterator[SampledFrame]) -> Hunted:
        """All faces of the frames, which are numbered and come in order."""
        for count, frame in enumerate(frames):
            self._look_at(frame, finest=count % self._finest_every == 0, turned=count % _TURNED_EVERY == 0)
        return Hunted(self._linker.sightings, np.array(self._cuts, np.int64))

    def _look_at(self, frame: SampledFrame, finest: bool, turned: bool) -> None:
        if self._shots.begins(frame.small(LONG_SIDE), frame.pts_s):
            self._undoable.append(_Cut(frame.pts_s, self._linker.live, self._behind))
            self._linker.cut()
            self._behind = deque()
            self._cuts.append(frame.sample)
            finest = turned = True
        elif self._shots.undone:
            self._undo(self._shots.undone)
        self._undoable = [cut for cut in self._undoable if frame.pts_s - cut.at_s <= self._shots.flash_s]
        picture = frame.picture
        found = self._search.everywhere(picture, finest=finest, turned=turned)
        unseen, proven = self._linker.step(frame.sample, frame.pts_s, found)
        here = _Behind(
            frame.sample, frame.pts_s, picture, [strand.box for strand in self._linker.live if strand not in unseen]
        )
        for strand in unseen:
            self._follow_on(strand, here)
        self._behind.append(here)
        for strand in proven:
            self._follow_back(strand)
        while self._behind and (
            frame.pts_s - self._behind[0].pts_s > max(_BACK_S, self._least_s)
            or (len(self._behind) > 2 and len(self._behind) * picture.nbytes > _BACK_BYTES)
        ):
            self._behind.popleft()

    def _undo(self, count: int) -> None:
        """The latest cuts were a flash: who was there before goes on, and so do those whom it showed."""
        undone, self._undoable = self._undoable[-count:], self._undoable[:-count]
        del self._cuts[-count:]
        self._linker.live = [strand for cut in undone for strand in cut.live] + self._linker.live
        self._behind = deque(frame for behind in (*(cut.behind for cut in undone), self._behind) for frame in behind)

    def _follow_on(self, strand: Strand, here: _Behind) -> None:
        """A face that the search did not find in this frame: where is it?"""
        last = self._behind[-1] if self._behind else None
        if last is None or not strand.is_proven or here.pts_s - strand.at_s > max(_LOOKED_FOR_S, self._least_s):
            return
        # What it looked like is known only where it was in the frame before.
        before = last if strand.at_s >= last.pts_s else None
        hit = self._again(strand, before, here, strand.expected(here.pts_s))
        if hit is not None:
            box, score, origin = hit
            self._linker.note(strand, here.number, here.pts_s, box, score, origin)
            here.boxes.append(box)

    def _follow_back(self, strand: Strand) -> None:
        """A face that is one for certain now: where did it come from before it was first seen?"""
        back = Strand(strand.number, strand.begun, strand.begun_s, strand.begun_box)
        back.recent.append((-strand.begun_s, strand.begun_box))
        after: _Behind | None = None
        for before in reversed(self._behind):
            if before.number >= strand.begun:
                after = before if before.number == strand.begun else None
                continue
            # Time runs backwards here.
            hit = self._again(back, after, before, back.expected(-before.pts_s))
            if hit is None:
                return
            box, score, origin = hit
            back.recent.append((-before.pts_s, box))
            back.unproven = back.unproven + 1 if origin == MATCHED else 0
            before.boxes.append(box)
            self._linker.sightings.add(before.number, strand.number, box, score, origin)
            after = before

    def _again(
        self, strand: Strand, from_: _Behind | None, to: _Behind, expected: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, int] | None:
        """Box, score and origin of a strand's face in a frame beside the one in which it is known."""
        box = strand.box
        found = _nearest(self._search.near(to.picture, expected), expected)
        if found is not None:
            near, score = found
            return None if _is_known(near, to.boxes) else (near, score, NEAR)
        if from_ is None:
            return None
        step_s = abs(to.pts_s - from_.pts_s)
        if (strand.unproven + 1) * step_s > max(_UNPROVEN_S, self._least_s):
            return None
        match = matched(from_.picture, box, to.picture, expected)
        if match is None or _is_known(match[0], to.boxes):
            return None
        return match[0], match[1], MATCHED


def _nearest(found: Detections, expected: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | None:
    """The likeliest face to be the one that was expected, and its score."""
    if not len(found):
        return None
    boxes = found.boxes.astype(np.float64)
    size, sizes = np.sqrt(expected[2] * expected[3]), np.sqrt(boxes[:, 2] * boxes[:, 3])
    way = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] / 2 - expected[:2] - expected[2:] / 2, axis=1) / size
    growth = np.abs(np.log(sizes / size))
    fits = (way <= _NEAR_REACH) & (growth <= _NEAR_SIZE)
    if not fits.any():
        return None
    best = int(np.argmin(np.where(fits, way + growth, np.inf)))
    return boxes[best], float(found.scores[best])


def _is_known(box: NDArray[np.float64], known: list[NDArray[np.float64]]) -> bool:
    return bool(known) and bool((overlaps(box, np.stack(known)) > _OCCUPIED).any())
