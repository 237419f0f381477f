"""How far boxes cover each other."""

import numpy as np
from numpy.typing import NDArray


def overlaps(box: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) intersection over union of a box (4,) with others (n, 4): x, y of the upper left corner, width, height."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    return np.asarray(common / (np.prod(box[2:]) + np.prod(others[:, 2:], axis=1) - common), np.float64)
