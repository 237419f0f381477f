"""Tell where one shot ends and another begins: nothing that is known of faces holds beyond a cut."""

from collections import deque
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


class Shots:
    """Looks at one small grey picture after the other."""

    def __init__(self) -> None:
        self._last: NDArray[np.int16] | None = None
        self._differences: deque[float] = deque(maxlen=_USUAL)

    def begins(self, small: NDArray[np.uint8]) -> bool:
        """Whether a shot begins with this frame, uint8 (h, w); the first frame begins one."""
        now = small.astype(np.int16)
        last, self._last = self._last, now
        if last is None or last.shape != now.shape:
            return True
        difference = float(np.abs(now - last).mean())
        usual = float(np.median(self._differences)) if self._differences else 0.0
        if difference >= max(_LEAST, _TIMES * usual):
            self._differences.clear()
            return True
        self._differences.append(difference)
        return False
