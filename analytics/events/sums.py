"""Means over stretches of the faces that can be judged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.events.clock import SLACK_S
from analytics.events.presence import Scene
from analytics.events.stays import Stays


@dataclass(frozen=True, eq=False)
class Sums:
    """Running sums over the usable faces, so that the mean of any stretch costs two look-ups."""

    key: NDArray[np.float64]
    """(m,) moments, each stay far from the next."""
    offset: NDArray[np.float64]
    probability: NDArray[np.float64]
    """(m,) that of each face."""
    total_s: NDArray[np.float64]
    """(m + 1,) seconds."""
    total: NDArray[np.float64]
    """(m + 1,) seconds times probability."""

    def between(
        self, start: NDArray[np.float64], end: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First place, and place after the last, of the faces of each stay from and including two moments."""
        low = np.searchsorted(self.key, start + self.offset - SLACK_S)
        return low, np.searchsorted(self.key, end + self.offset + SLACK_S)

    def seconds(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds of usable faces."""
        return self.total_s[high] - self.total_s[low]

    def mean(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean probability, weighted by time; 0 where there are no faces."""
        seconds = self.seconds(low, high)
        mean: NDArray[np.float64] = (self.total[high] - self.total[low]) / np.maximum(seconds, 1e-9)
        # Without the last digits, which depend on what else is in the sums.
        return np.where(seconds > 0, np.round(mean, 9), 0.0)


def judged(scene: Scene, stays: Stays, classes: tuple[str, ...]) -> tuple[NDArray[np.int64], Sums]:
    """The faces that can be judged, of stays, and their sums."""
    rows = np.flatnonzero((stays.row >= 0) & scene.usable)
    probability = sum((scene.probabilities[name][rows] for name in classes), np.zeros(len(rows)))
    seconds = scene.stands_s[rows]
    stay, at = stays.row[rows], scene.at[rows]
    origin = stays.start[stay] if len(rows) else np.empty(0)
    # Lanes are far apart, and so are keys: within a stay they run from its begin, stays after each other.
    length = np.concatenate([[0.0], np.cumsum(stays.end - stays.start + 1e4)])
    offset = length[stay] - origin
    zero = np.zeros(1)
    return rows, Sums(
        at + offset,
        offset,
        probability,
        np.concatenate([zero, np.cumsum(seconds)]),
        np.concatenate([zero, np.cumsum(seconds * probability)]),
    )
