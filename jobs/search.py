"""Where faces are searched in a sampled frame: everywhere, or only where something has changed since the last search.

A camera mostly stands still. What has not changed keeps its faces; around known faces, and wherever else something
moves, the detector looks again. Every ten seconds, at the same moments whatever the segments, everything is searched.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.decode import SampledFrame
from analytics.gate import FACE_CHANGED, LONG_SIDE, Gate, Rect, differs, moving
from analytics.records import Detections, Picture
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


@dataclass(frozen=True, eq=False)
class Found:
    """The faces of one sampled frame."""

    faces: Detections
    held: NDArray[np.int64]
    """(n,) which face of the sample before each one is, unchanged; -1 for one that was searched."""
    gate: str
    """One of GATES."""


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

    def faces_of(self, frame: SampledFrame) -> Found:
        """The faces of a frame."""
        if not self._is_on:
            return self._everything(frame)
        small = frame.small(LONG_SIDE)
        stretch = int(frame.sample * self._options.every // _AFRESH_S)
        found = self._again(frame, small) if self._gate is not None and stretch == self._stretch else None
        if found is None:
            self._gate, self._stretch = Gate(small), stretch
            found = self._everything(frame)
        self._last = found.faces
        return found

    def _everything(self, frame: SampledFrame) -> Found:
        faces = self._large_enough(self._detector.detect(frame.picture))
        return Found(faces, np.full(len(faces), -1), "detected")

    def _large_enough(self, faces: Detections) -> Detections:
        return faces.only(faces.boxes[:, 2:].min(axis=1, initial=np.inf) >= self._options.min_face)

    def _again(self, frame: SampledFrame, small: NDArray[np.uint8]) -> Found | None:
        """What became of the faces, and which are new, by what has changed; None where everything must be searched."""
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
        if not around and not others:
            return Found(self._last, np.arange(len(boxes)), "held")
        if self._parts is None:
            return None
        fine = self._options.long_side / max(frame.size)
        scales = [min(fine, _ENOUGH_PX * (1 + 2 * _REACH) / max(rect.w, rect.h)) for rect in around]
        # As fine as a whole search where something moves, also right beside a large face: it may be another person.
        parts = [*zip(around, scales, strict=True), *((rect, fine) for rect in disjoint(others))]
        whole = frame.size[0] * frame.size[1] * fine**2
        if sum(rect.w * rect.h * scale**2 for rect, scale in parts) > _TOO_MUCH * whole:
            return None
        found = [self._large_enough(_found_in(self._parts, frame.picture, rect, scale)) for rect, scale in parts]
        for rect, _ in parts:
            self._gate.searched(small, rect.times(1 / factor))
        seen = [Rect(*box) for part in found for box in part.boxes.astype(float).tolist()]
        found += [
            self._large_enough(_found_in(self._parts, frame.picture, box.grown(_FAR * max(box.w, box.h)), fine))
            for box, is_new in zip(boxes, changed, strict=True)
            if is_new and not any(box.touches(other) for other in seen)
        ]
        return _joined(self._last.only(~changed), np.flatnonzero(~changed), found)


def _found_in(detector: SearchesParts, picture: Picture, rect: Rect, scale: float) -> Detections:
    """The faces whose middle lies in a part of the picture, in px of the picture."""
    height, width = picture.shape[:2]
    rows, columns = _on_grid(rect, scale).within(width, height)
    part = picture[rows, columns]
    if not part.size:
        return Detections.none()
    return detector.detect_at(np.ascontiguousarray(part), scale).moved(columns.start, rows.start)


def _on_grid(rect: Rect, scale: float) -> Rect:
    """The part from the last place before it on which the network's coarsest grid has a point in a whole search."""
    step = _GRID_PX / scale
    left, top = math.floor(rect.x / step) * step, math.floor(rect.y / step) * step
    return Rect(left, top, rect.x + rect.w - left, rect.y + rect.h - top)


def _joined(kept: Detections, places: NDArray[np.int64], found: Sequence[Detections]) -> Found:
    """Faces that were kept and that were found, each once, left to right; the surest first where they overlap."""
    faces = Detections.joined([kept, *found])
    held = np.concatenate([places, np.full(len(faces) - len(kept), -1)])
    once = np.asarray(
        cv2.dnn.NMSBoxes(faces.boxes.astype(np.int32).tolist(), faces.scores.tolist(), 0.0, _SAME), np.intp
    ).reshape(-1)
    order = once[np.lexsort((faces.boxes[once, 1], faces.boxes[once, 0]))]
    return Found(faces.at(order), held[order], "detected")


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
