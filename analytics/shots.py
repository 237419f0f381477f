"""Tell where one shot ends and another begins: nothing that is known of faces holds beyond a cut."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LONG_SIDE: Final = 96
"""Px of the longer side of the pictures that are compared."""
_LEAST: Final = 14.0
"""Mean difference of two frames, grey levels, below which there is no cut."""
_TIMES: Final = 4.0
"""How many times the usual difference a cut is: a camera that pans or shakes differs from frame to frame, too."""
_USUAL: Final = 12
"""Frames from which the usual difference is told."""
_FLASH_S: Final = 0.3
"""A shot before and after which the picture is the same, and which lasts no longer, is none: it is a flash."""
_FLASH_FRAMES: Final = 1.5
"""The same in frames, where they lie far apart."""


@dataclass(frozen=True, eq=False)
class _Before:
    """What was there before a cut."""

    cut_s: float
    small: NDArray[np.int16]
    differences: list[float]


class Shots:
    """Looks at one small grey picture after the other.

    Args:
        interval_s: seconds between frames.
    """

    def __init__(self, interval_s: float = 0.0) -> None:
        self.flash_s = max(_FLASH_S, _FLASH_FRAMES * interval_s)
        """For how long a cut may turn out to be none."""
        self.undone = 0
        """So many of the latest cuts were none, as the last picture showed: it is again as it was before them."""
        self._last: NDArray[np.int16] | None = None
        self._differences: deque[float] = deque(maxlen=_USUAL)
        self._before: list[_Before] = []

    def begins(self, small: NDArray[np.uint8], now_s: float) -> bool:
        """Whether a shot begins with this frame, uint8 (h, w), shown at now_s seconds; the first frame begins one."""
        now = small.astype(np.int16)
        last, self._last = self._last, now
        self.undone = 0
        if last is None or last.shape != now.shape:
            self._before = []
            return True
        self._before = [before for before in self._before if now_s - before.cut_s <= self.flash_s]
        for place, before in enumerate(self._before):
            if _difference(now, before.small) < _cut_from(before.differences):
                self.undone = len(self._before) - place
                self._differences = deque(before.differences, maxlen=_USUAL)
                self._before = self._before[:place]
                return False
        difference = _difference(now, last)
        if difference >= _cut_from(self._differences):
            self._before.append(_Before(now_s, last, list(self._differences)))
            self._differences.clear()
            return True
        self._differences.append(difference)
        return False


def _difference(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """Mean, grey levels."""
    return float(np.abs(one - other).mean())


def _cut_from(usual: deque[float] | list[float]) -> float:
    """The difference from which there is a cut."""
    return max(_LEAST, _TIMES * float(np.median(usual)) if usual else 0.0)
