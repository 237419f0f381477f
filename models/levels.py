"""What is done to the grey levels of a face before a network sees it, in training as in a run."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.crop import evened

Crops = NDArray[np.float32]
"""(n, size, size, 1) in 0..255."""
Levels = Callable[[Crops], Crops]

_MIDDLE: Final = 127.5
_SPREAD: Final = 64.0
"""Grey levels to which mean and standard deviation are brought: two deviations on either side fit into 0..255."""


def min_max(crops: Crops) -> Crops:
    """The darkest pixel of each crop becomes 0 and the lightest 255; a crop of one grey level becomes 0."""
    least, most = crops.min(axis=(1, 2, 3), keepdims=True), crops.max(axis=(1, 2, 3), keepdims=True)
    return np.asarray((crops - least) * (255 / np.maximum(most - least, 1)), np.float32)


def mean_std(crops: Crops) -> Crops:
    """Mean and standard deviation of each crop become 127.5 and 64; what is beyond 0..255 then is cut off."""
    mean, spread = crops.mean(axis=(1, 2, 3), keepdims=True), crops.std(axis=(1, 2, 3), keepdims=True)
    return np.asarray(np.clip((crops - mean) / np.maximum(spread, 1) * _SPREAD + _MIDDLE, 0, 255), np.float32)


def _as_they_are(crops: Crops) -> Crops:
    return crops


NORMALISED: Final[dict[str, Levels]] = {"min-max": min_max, "mean-std": mean_std}
"""By the name that data sets, descriptions of networks and facts of classifiers have."""


def levels_of(normalised: str, even: bool) -> Levels:
    """What is done in use: one of NORMALISED, or models.crop.evened where it is empty and even is true, or nothing."""
    if normalised:
        return NORMALISED[normalised]
    return evened if even else _as_they_are
