"""Follow faces from frame to frame where every frame is searched: each strand is one face as long as it is in sight.

Other than analytics.track, which links samples half a second apart, a strand may begin with a single sighting, and is
never thrown away: it says where something is to be hidden, not who was there.
"""

from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.pairs import lightest
from analytics.records import Detections

SEEN, NEAR, MATCHED = 0, 1, 2
"""How a face was come by: found in the whole picture; found by looking where it ought to be; by its texture alone."""

PROVEN_SCORE, PROVEN_TIMES = 0.65, 2
"""A strand that scored so much so often is followed by all means; others, mostly hands and prints, are covered where
they are found."""

_FORBIDDEN: Final = 1e6
_MEMORY: Final = 5
"""Sightings from which the speed is told."""


@dataclass(frozen=True, kw_only=True)
class StrandSettings:
    """How faces go on. Lengths are in face sizes, the root of the box's area."""

    begin_score: float = 0.35
    """A face that scores this much begins a strand; what scores less only goes on with one."""
    reach: float = 0.6
    """How far from where it is expected a face may be in the next frame."""
    reach_a_second: float = 2.0
    """How much further for each second that it was not seen."""
    most_reach: float = 2.0
    size_change: float = 0.4
    """Largest change of the logarithm of the size, plus as much a second."""
    unseen_s: float = 1.5
    """A face that is out of sight for longer begins a new strand."""
    doubtful_unseen_s: float = 0.4
    """The same for what is not proven to be a face."""
    least_frames: int = 3
    """Frames that both are at least: recorders may store one a second."""


@dataclass(eq=False)
class Sightings:
    """Rows of faces in frames, in the order in which they were noted: columns, as a day of video has millions."""

    number: "array[int]" = field(default_factory=lambda: array("i"))
    """Of the frame."""
    strand: "array[int]" = field(default_factory=lambda: array("i"))
    """From 0."""
    origin: "array[int]" = field(default_factory=lambda: array("b"))
    """SEEN, NEAR or MATCHED."""
    score: "array[float]" = field(default_factory=lambda: array("f"))
    box: "array[float]" = field(default_factory=lambda: array("f"))
    """x, y, width, height in px, four a row."""

    def add(self, number: int, strand: int, box: NDArray[np.floating], score: float, origin: int) -> None:
        """One face in one frame."""
        self.number.append(number)
        self.strand.append(strand)
        self.origin.append(origin)
        self.score.append(score)
        self.box.extend(box.tolist())

    def __len__(self) -> int:
        return len(self.number)

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(n, 4)."""
        return np.array(self.box, np.float32).reshape(-1, 4)

    @property
    def proven(self) -> NDArray[np.bool_]:
        """(strands,) which are faces, as far as the detector can tell."""
        strands = np.array(self.strand, np.int32)
        convincing = (np.array(self.origin, np.int8) == SEEN) & (np.array(self.score, np.float32) >= PROVEN_SCORE)
        counted = np.bincount(strands[convincing], minlength=int(strands.max(initial=-1)) + 1)
        return np.asarray(counted >= PROVEN_TIMES, np.bool_)


@dataclass(eq=False)
class Strand:
    """One face while it is followed."""

    number: int
    begun: int
    """Number of the frame in which it was first seen, its time in seconds, and where."""
    begun_s: float
    begun_box: NDArray[np.float64]
    recent: deque[tuple[float, NDArray[np.float64]]] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    """Time in seconds and box of its last sightings."""
    unproven: int = 0
    """Frames since it was last found by a detector."""
    convincing: int = 0
    """How often it scored as a face surely does."""

    @property
    def is_proven(self) -> bool:
        """It is a face, as far as the detector can tell."""
        return self.convincing >= PROVEN_TIMES

    @property
    def at_s(self) -> float:
        """When it was last seen."""
        return self.recent[-1][0]

    @property
    def box(self) -> NDArray[np.float64]:
        """Where it was last seen."""
        return self.recent[-1][1]

    def expected(self, now_s: float) -> NDArray[np.float64]:
        """Where it should be; a face goes on for a quarter of a second and then may have stopped."""
        box = self.box.copy()
        first_s, first = self.recent[0]
        if self.at_s > first_s:
            speed = (_middle(self.box) - _middle(first)) / (self.at_s - first_s)
            box[:2] += speed * min(now_s - self.at_s, 0.25)
        return box


class Linker:
    """Joins the faces of one frame after the other to strands, and notes them.

    Args:
        settings: how faces go on.
        interval_s: seconds between frames.
    """

    def __init__(self, settings: StrandSettings | None = None, interval_s: float = 0.0) -> None:
        self.settings = settings or StrandSettings()
        # Frames do not come to the millisecond.
        self._least_s = (self.settings.least_frames + 0.1) * interval_s
        self.sightings = Sightings()
        self.live: list[Strand] = []
        self.count = 0

    def cut(self) -> None:
        """Another shot begins: nobody goes on."""
        self.live = []

    def step(self, number: int, now_s: float, found: Detections) -> tuple[list[Strand], list[Strand]]:
        """Note the faces of a frame.

        Returns:
            Live strands without a face here, and such as are proven from here on to be one.
        """
        self.live = [strand for strand in self.live if now_s - strand.at_s <= self._unseen_s(strand)]
        boxes = found.boxes.astype(np.float64)
        taken = self._assigned(now_s, boxes)
        unseen = [strand for strand in self.live if strand not in taken.values()]
        proven = []
        for place in range(len(found)):
            score = float(found.scores[place])
            strand = taken.get(place)
            if strand is None:
                if score < self.settings.begin_score:
                    continue
                strand = Strand(self.count, number, now_s, boxes[place])
                self.count += 1
                self.live.append(strand)
            strand.convincing += score >= PROVEN_SCORE
            if strand.convincing == PROVEN_TIMES and score >= PROVEN_SCORE:
                proven.append(strand)
            self.note(strand, number, now_s, boxes[place], score, SEEN)
        return unseen, proven

    def note(
        self, strand: Strand, number: int, now_s: float, box: NDArray[np.float64], score: float, origin: int
    ) -> None:
        """A strand goes on here."""
        strand.recent.append((now_s, box))
        strand.unproven = strand.unproven + 1 if origin == MATCHED else 0
        self.sightings.add(number, strand.number, box, score, origin)

    def _unseen_s(self, strand: Strand) -> float:
        unseen_s = self.settings.unseen_s if strand.is_proven else self.settings.doubtful_unseen_s
        return max(unseen_s, self._least_s)

    def _assigned(self, now_s: float, boxes: NDArray[np.float64]) -> dict[int, Strand]:
        """Which strand each face, by its place, goes on with."""
        if not self.live or not len(boxes):
            return {}
        cost = np.stack([self._cost(strand, now_s, boxes) for strand in self.live])
        return {place: self.live[s] for s, place in lightest(cost) if cost[s, place] < _FORBIDDEN}

    def _cost(self, strand: Strand, now_s: float, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        elapsed = now_s - strand.at_s
        reach = min(self.settings.reach + self.settings.reach_a_second * elapsed, self.settings.most_reach)
        expected = strand.expected(now_s)
        sizes = np.sqrt(boxes[:, 2] * boxes[:, 3])
        size = float(np.sqrt(expected[2] * expected[3]))
        way = np.linalg.norm(_middle(boxes) - _middle(expected), axis=1) / np.maximum(sizes, size)
        growth = np.abs(np.log(sizes / size))
        allowed = (way <= reach) & (growth <= self.settings.size_change * (1 + elapsed))
        return np.where(allowed, way / reach + growth, _FORBIDDEN)


def _middle(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle of a box (4,) or of boxes (n, 4)."""
    return np.asarray(box[..., :2] + box[..., 2:] / 2, np.float64)
