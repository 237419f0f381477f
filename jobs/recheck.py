"""Look through a finished copy for what a detector still takes for a face, and have that covered, too.

An encoder changes pixels a little, so what just passed for none in the original may pass for a face in the copy.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.cover import Regions, regions_of
from analytics.doubts import Unsure
from analytics.every_frame import decode_every, outcome_for
from analytics.packets import list_packets
from analytics.plan import VideoPlan, plan_video
from analytics.records import Detections, Pulse
from analytics.strands import SEEN, Sightings
from models.detectors.dense import DenseSearch

SCORE: Final = 0.5
"""From which something left in the copy counts."""
COVERED: Final = 0.6
"""Share of a box from which it counts as covered: the rest of it is hair and background."""
FINEST_EVERY: Final = 2
"""The search of the original takes the double size of one frame in so many, the look through its first copy that of the
others: it takes most of the time, and each frame has it once."""
_TURNED_EVERY: Final = 5
"""Frames between searches on the sides and on the head, as in the original."""
_ROUNDS: Final = 2
"""How often a copy is written again: what is left then is told."""


class Recheck:
    """Looks through each copy that is written, and adds to what is covered in the next.

    Args:
        search: what finds faces.
        plan: of the original.
        cuts: numbers of the frames with which shots begin.
        begin: gives what beats with every frame that is looked at, by the name of the look.
    """

    def __init__(
        self, search: DenseSearch, plan: VideoPlan, cuts: NDArray[np.int64], begin: Callable[[str], Pulse]
    ) -> None:
        self._search, self._plan, self._cuts, self._begin = search, plan, cuts, begin
        self._rounds = 0
        self.left: list[Unsure] = []
        """Stretches in which the last copy still shows what a detector takes for a face."""
        self.added = 0
        """Places that were covered only after a look at a copy."""

    def more(self, copy: Path, decoded: NDArray[np.bool_], covered: Regions, lifted: Regions) -> Regions | None:
        """What must be covered in addition; None where nothing is left, or no more rounds are.

        Args:
            copy: as it was written.
            decoded: (frames,) which frames of the original are in it.
            covered: what is covered there.
            lifted: covers that were lifted because someone is to be seen.
        """
        sightings, self.left = Sightings(), []
        again = plan_video(list_packets(copy), Fraction(1, 2))
        numbers = np.flatnonzero(decoded)
        pulse = self._begin(f"check {self._rounds + 1} of at most {_ROUNDS + 1}")
        for frame in decode_every(copy, again, outcome_for(again, pulse)):
            number = int(numbers[frame.sample])
            finest = self._rounds > 0 or frame.sample % FINEST_EVERY != 0
            turned = frame.sample % _TURNED_EVERY == 0
            found = self._search.everywhere(frame.picture, finest=finest, turned=turned)
            found = found.only(found.scores >= SCORE)
            bare = found.only(uncovered(found, number, covered) & (lifted.covers(number, found.boxes) < COVERED))
            for box, score in zip(bare.boxes, bare.scores.tolist(), strict=True):
                sightings.add(number, len(sightings), box, score, SEEN)
        if not len(sightings):
            return None
        if self._rounds == _ROUNDS:
            at = sorted({self._plan.times_s[number] for number in sightings.number})
            self.left = [Unsure(float(s), float(s), "a detector still sees something like a face") for s in at]
            return None
        self._rounds += 1
        self.added += len(sightings)
        return regions_of(sightings, self._plan.times_s, self._cuts, interval_s=self._plan.interval_s)


def uncovered(found: Detections, number: int, covered: Regions) -> NDArray[np.bool_]:
    """(n,) which faces of a frame lie mostly beside what is covered there."""
    return covered.covers(number, found.boxes) < COVERED
