"""Training pictures made different at every look: what a camera may do to the same face."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_ROTATION_DEG: Final = 12.0
_SHIFT: Final = 0.07
_ZOOM: Final = (0.88, 1.15)
_GAMMA: Final = (0.6, 1.6)
_SMALLEST_SHARE: Final = 18 / 48
_SHARE_SHRUNK: Final = 0.3
_SHARE_NOISY: Final = 0.2


def augmented(picture: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
    """A changed copy of one square gray picture, uint8 (size, size).

    Flip, rotation, shift and zoom; brightness and contrast by a gamma; for some, the blur of a face
    that was small when it was recorded, and sensor noise.
    """
    size = picture.shape[0]
    turn = cv2.getRotationMatrix2D(
        (size / 2 - 0.5, size / 2 - 0.5),
        draw.uniform(-_ROTATION_DEG, _ROTATION_DEG),
        draw.uniform(*_ZOOM),
    )
    turn[:, 2] += draw.uniform(-_SHIFT, _SHIFT, 2) * size
    if draw.random() < 0.5:
        turn[0] *= -1
        turn[0, 2] += size - 1
    changed = cv2.warpAffine(picture, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if draw.random() < _SHARE_SHRUNK:
        small = int(draw.integers(round(_SMALLEST_SHARE * size), size))
        changed = cv2.resize(changed, (small, small), interpolation=cv2.INTER_AREA)
        changed = cv2.resize(changed, (size, size), interpolation=cv2.INTER_LINEAR)
    gamma = np.exp(draw.uniform(np.log(_GAMMA[0]), np.log(_GAMMA[1])))
    curve = 255 * (np.arange(256) / 255) ** gamma
    changed = cv2.LUT(changed, curve.astype(np.uint8))
    if draw.random() < _SHARE_NOISY:
        noise = draw.normal(0, draw.uniform(2, 10), changed.shape)
        changed = np.clip(changed + noise, 0, 255).astype(np.uint8)
    return np.asarray(changed, np.uint8)
