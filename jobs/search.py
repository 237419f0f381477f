"""Where faces are searched in a sampled frame: everywhere, or only where something has changed since the last search.

A camera mostly stands still. What has not changed keeps its faces; around known faces, and wherever else something
moves, the detector looks again. Every ten seconds, at the same moments whatever the segments, everything is searched.

Most of what moves shows no face for long: backs, shoulders, trees. Such places are searched in every other sample, and in
the one between as well where the next one finds a face that was not known. This can miss who shows a face in no two
samples in a row.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.decode import SampledFrame
from analytics.gate import FACE_CHANGED, LONG_SIDE, Gate, Rect, differs, moving
from analytics.overlap import overlaps
from analytics.records import Detections
from jobs.options import RunOptions
from models.detectors import FaceDetector, SearchesParts

_AFRESH_S: Final = 10
"""Seconds after which everything is searched again; segments are cut at multiples of it."""
_REACH: Final = 0.7
"""Sides of a face by which it may have moved."""
_FAR: Final = 2.0
"""Sides of a face around it in which one is searched that is not where it was."""
_ENOUGH_PX: Final = 80
"""Side at which a known face is searched again, px; larger ones are scaled down for it."""
_MARGIN: Final = 6.0
"""Px of the small picture around something that moves, so that a face at its edge is searched as a whole."""
_TOO_MUCH: Final = 0.6
"""Share of a whole search from which parts do not pay."""
_GRID_PX: Final = 32
"""A detector's answer depends on where a face lies on its grid, so parts begin where the grid of a whole search has a point."""
_SAME: Final = 0.3
"""Intersection over union from which two boxes are of one face."""
_WAITS_S: Final = 0.75
"""Seconds between samples up to which what moves may wait for the next one; rarer ones may show somebody just once."""


@dataclass(frozen=True, eq=False)
class Found:
    """The faces of one sampled frame."""

    faces: Detections
    held: NDArray[np.int64]
    """(n,) which face of the sample before each one is, unchanged; -1 for one that was searched."""
    gate: str
    """One of GATES."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A sample in which something moves that is searched only if the next one finds a face."""

    frame: SampledFrame
    found: Found
    places: list[Rect]


class FaceSearch:
    """Searches sampled frames, one after the other.

    Args:
        detector: what finds faces.
        options: whether what has not changed is left alone, how often there is a sample, what counts as a face.
    """

    def __init__(self, detector: FaceDetector, options: RunOptions) -> None:
        self._detector, self._options = detector, options
        self._parts = detector if isinstance(detector, SearchesParts) else None
        self._is_on = options.gate and options.every < _AFRESH_S
        self._gate: Gate | None = None
        self._last = Detections.none()
        self._stretch = -1

    def faces_in(self, frames: Iterable[SampledFrame]) -> Iterator[tuple[SampledFrame, Found]]:
        """The faces of all frames, in their order; a frame may come out when the one after it was searched."""
        if not self._is_on:
            yield from ((frame, self._everything(frame)) for frame in frames)
            return
        waiting: _Waiting | None = None
        last_s = -math.inf
        for frame in frames:
            is_next = frame.pts_s - last_s <= _WAITS_S
            last_s = frame.pts_s
            if waiting is not None and (self._stretch_of(frame) != self._stretch or not is_next):
                earlier = self._filled(waiting, waiting.places)[0]
                yield waiting.frame, earlier
                self._last, waiting = earlier.faces, None
            before = self._last
            found, places = self._faces_of(
                frame, waiting, may_wait=is_next and waiting is None and frame.sample % 2 == 1
            )
            if waiting is not None:
                earlier, moved = self._filled(waiting, _near_unknown(found.faces, before, waiting.places))
                yield waiting.frame, earlier
                found = replace(found, held=np.append(moved, -1)[found.held])
            waiting = _Waiting(frame, found, places) if places else None
            if waiting is None:
                yield frame, found
        if waiting is not None:
            yield waiting.frame, self._filled(waiting, waiting.places)[0]

    def _stretch_of(self, frame: SampledFrame) -> int:
        return int(frame.sample * self._options.every // _AFRESH_S)

    def _faces_of(self, frame: SampledFrame, before: _Waiting | None, may_wait: bool) -> tuple[Found, list[Rect]]:
        """The faces of a frame, and where something moves that was left to wait; before is the sample that waits for it."""
        small = frame.small(LONG_SIDE)
        again = self._again(frame, small, before, may_wait) if self._stretch_of(frame) == self._stretch else None
        if again is None:
            self._gate, self._stretch = Gate(small), self._stretch_of(frame)
            again = self._everything(frame), []
        self._last = again[0].faces
        return again

    def _filled(self, waiting: _Waiting, places: Sequence[Rect]) -> tuple[Found, NDArray[np.int64]]:
        """A sample with the faces of some places that waited, and where each face that it had stands now."""
        assert self._parts is not None
        known = waiting.found
        if not places:
            return known, np.arange(len(known.faces))
        fine = self._options.long_side / max(waiting.frame.size)
        more = Detections.joined([self._found_in(waiting.frame, rect, fine) for rect in disjoint(places)])
        is_new = [not (overlaps(box, known.faces.boxes) > _SAME).any() for box in more.boxes]
        return _joined(known.faces, known.held, [more.only(np.array(is_new, np.bool_))])

    def _everything(self, frame: SampledFrame) -> Found:
        faces = self._large_enough(self._detector.detect(frame.picture))
        return Found(faces, np.full(len(faces), -1), "detected")

    def _large_enough(self, faces: Detections) -> Detections:
        return faces.only(faces.boxes[:, 2:].min(axis=1, initial=np.inf) >= self._options.min_face)

    def _again(
        self, frame: SampledFrame, small: NDArray[np.uint8], before: _Waiting | None, may_wait: bool
    ) -> tuple[Found, list[Rect]] | None:
        """What became of the faces, and which are new, by what has changed, and what was left to wait.

        None where everything must be searched.
        """
        assert self._gate is not None
        difference = self._gate.difference(small)
        factor = max(frame.size) / max(small.shape)
        boxes = [Rect(*box) for box in self._last.boxes.astype(float).tolist()]
        changed = np.array(
            [differs(difference, box.grown(box.w / 4).times(1 / factor), FACE_CHANGED) for box in boxes], bool
        )
        around = [box.grown(_REACH * max(box.w, box.h)) for box, is_new in zip(boxes, changed, strict=True) if is_new]
        others = [
            rect.grown(_MARGIN).times(factor) for rect in moving(difference, [r.times(1 / factor) for r in around])
        ]
        if before is not None:
            # Around a large face what moves is searched too coarsely for another one.
            others += [place for place in before.places if any(place.touches(rect) for rect in around)]
        if not around and not others:
            return Found(self._last, np.arange(len(boxes)), "held"), []
        if self._parts is None:
            return None
        fine = self._options.long_side / max(frame.size)
        scales = [min(fine, _ENOUGH_PX * (1 + 2 * _REACH) / max(rect.w, rect.h)) for rect in around]
        # As fine as a whole search where something moves, also right beside a large face: it may be another person.
        parts = [*zip(around, scales, strict=True), *((rect, fine) for rect in disjoint(others))]
        whole = frame.size[0] * frame.size[1] * fine**2
        if sum(rect.w * rect.h * scale**2 for rect, scale in parts) > _TOO_MUCH * whole:
            return None
        waiting: list[Rect] = []
        if may_wait:
            parts, waiting = parts[: len(around)], others
        if not parts:
            return Found(self._last, np.arange(len(boxes)), "held"), waiting
        found = [self._found_in(frame, rect, scale) for rect, scale in parts]
        for rect, _ in parts:
            self._gate.searched(small, rect.times(1 / factor))
        seen = [Rect(*box) for part in found for box in part.boxes.astype(float).tolist()]
        found += [
            self._found_in(frame, box.grown(_FAR * max(box.w, box.h)), fine)
            for box, is_new in zip(boxes, changed, strict=True)
            if is_new and not any(box.touches(other) for other in seen)
        ]
        return _joined(self._last.only(~changed), np.flatnonzero(~changed), found)[0], waiting

    def _found_in(self, frame: SampledFrame, rect: Rect, scale: float) -> Detections:
        """The faces in a part of a frame, in px of the frame."""
        assert self._parts is not None
        height, width = frame.picture.shape[:2]
        rows, columns = _on_grid(rect, scale).within(width, height)
        part = frame.picture[rows, columns]
        if not part.size:
            return Detections.none()
        found = self._parts.detect_at(np.ascontiguousarray(part), scale)
        return self._large_enough(found.moved(columns.start, rows.start))


def _near_unknown(found: Detections, known: Detections, places: Sequence[Rect]) -> list[Rect]:
    """Which places are near faces that lie where none was known."""
    boxes, before = ([Rect(*box) for box in faces.boxes.astype(float).tolist()] for faces in (found, known))
    unknown = [box.grown(_FAR * max(box.w, box.h)) for box in boxes if not any(box.touches(old) for old in before)]
    return [place for place in places if any(place.touches(near) for near in unknown)]


def _on_grid(rect: Rect, scale: float) -> Rect:
    """The part from the last place before it on which the network's coarsest grid has a point in a whole search."""
    step = _GRID_PX / scale
    left, top = math.floor(rect.x / step) * step, math.floor(rect.y / step) * step
    return Rect(left, top, rect.x + rect.w - left, rect.y + rect.h - top)


def _joined(
    kept: Detections, places: NDArray[np.int64], found: Sequence[Detections]
) -> tuple[Found, NDArray[np.int64]]:
    """Faces that were kept and that were found, each once, left to right; the surest first where they overlap.

    Args:
        kept: n faces.
        places: (n,) which face of the sample before each is; -1 for none.
        found: others.

    Returns:
        The faces of the sample, and (n,) where those that were kept stand in it; -1 where another one was surer.
    """
    faces = Detections.joined([kept, *found])
    held = np.concatenate([places, np.full(len(faces) - len(kept), -1)])
    once = np.asarray(
        cv2.dnn.NMSBoxes(faces.boxes.astype(np.int32).tolist(), faces.scores.tolist(), 0.0, _SAME), np.intp
    ).reshape(-1)
    order = once[np.lexsort((faces.boxes[once, 1], faces.boxes[once, 0]))]
    stands = np.full(len(faces), -1)
    stands[order] = np.arange(len(order))
    return Found(faces.at(order), held[order], "detected"), stands[: len(kept)]


def disjoint(rects: Sequence[Rect]) -> list[Rect]:
    """The same places, and some between them, in boxes that do not overlap."""
    waiting, apart = list(rects), list[Rect]()
    while waiting:
        one = waiting.pop()
        touched = [other for other in apart if one.touches(other)]
        if touched:
            apart = [other for other in apart if other not in touched]
            waiting.append(one.around(touched))
        else:
            apart.append(one)
    return apart
