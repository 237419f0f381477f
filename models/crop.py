"""The one way in which a picture becomes network input, for training, evaluation and video.

A face is cut out of a frame so that it sits in the crop as faces sit in the training pictures. Where that is was
measured: YuNet was run over the training split of FER2013, scaled up, and TEMPLATE holds the median places of its
five landmarks as shares of the picture's side (docs/crop.md tells how, and what the framing is worth).
"""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.records import Detections, Picture

TEMPLATE: Final = np.array([[0.320, 0.381], [0.680, 0.381], [0.500, 0.594], [0.353, 0.739], [0.647, 0.739]], np.float64)
"""(5, 2) x, y of right eye, left eye, nose tip, right and left corner of the mouth, 0..1 of the crop's side."""
BOX_IN_CROP: Final = (0.5, 0.48, 0.875)
"""Centre x, y and side of the detector's box in the crop, for faces without landmarks; the side is its root area."""


USUAL_MEAN: Final = (90.0, 165.0)
USUAL_SPREAD: Final = (45.0, 80.0)
"""Grey levels: of the training pictures 73 % lie within the first, 70 % within the second."""


def crop_faces(picture: Picture, found: Detections, size: int) -> NDArray[np.uint8]:
    """Cut the faces out of a frame.

    Args:
        picture: uint8 (height, width, 3), blue-green-red.
        found: n faces with boxes and, where the detector has them, landmarks.
        size: side of the crops in px.

    Returns:
        uint8 (n, size, size), gray; beyond the picture's edge the edge is repeated.
    """
    if not len(found):
        return np.empty((0, size, size), np.uint8)
    gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.stack(
        [_cut(gray, framing(box, points), size) for box, points in zip(found.boxes, found.landmarks, strict=True)]
    )


def crop_whole(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A picture that is a face crop already, gray (h, w) or BGR (h, w, 3), as uint8 (size, size)."""
    gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture, np.uint8)
    if gray.shape == (size, size):
        return gray
    smaller = gray.shape[0] > size
    return np.asarray(
        cv2.resize(gray, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )


def evened(crops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Crops (n, size, size, 1) in 0..255, those that are dark, pale or flat brought to the levels of usual ones.

    Mean and standard deviation of each crop are moved to the nearest end of USUAL_MEAN and USUAL_SPREAD; a crop within
    them stays as it is. Measured (docs/quality.md): at an eighth of the light 16 points more are judged right.
    """
    mean, spread = crops.mean(axis=(1, 2, 3), keepdims=True), crops.std(axis=(1, 2, 3), keepdims=True)
    to_mean, to_spread = np.clip(mean, *USUAL_MEAN), np.clip(spread, *USUAL_SPREAD)
    even = np.clip((crops - mean) / np.maximum(spread, 1) * to_spread + to_mean, 0, 255)
    usual = (mean == to_mean) & (spread == to_spread)
    return np.where(usual, crops, even).astype(np.float32)


def framing(box: NDArray[np.float32], landmarks: NDArray[np.float32]) -> tuple[float, float, float]:
    """The square of the frame that becomes the crop: x, y of its upper left corner and its side, in px.

    The scale and the shift that bring the landmarks (5, 2) closest to TEMPLATE, by least squares. A head is not
    turned upright: training pictures are not either. Without landmarks the box (4,) decides.
    """
    if np.isnan(landmarks).any():
        center_x, center_y, share = BOX_IN_CROP
        side = math.sqrt(float(box[2]) * float(box[3])) / share
        x = float(box[0]) + float(box[2]) / 2 - center_x * side
        y = float(box[1]) + float(box[3]) / 2 - center_y * side
        return x, y, side
    points = landmarks.astype(np.float64)
    spread, own = points - points.mean(axis=0), TEMPLATE - TEMPLATE.mean(axis=0)
    # The root of the spreads' ratio, unlike a regression, does not shrink when a turned head fits badly.
    side = math.sqrt(float((spread**2).sum() / (own**2).sum()))
    x, y = points.mean(axis=0) - TEMPLATE.mean(axis=0) * side
    return float(x), float(y), max(side, 1.0)


def _cut(gray: NDArray[np.uint8], square: tuple[float, float, float], size: int) -> NDArray[np.uint8]:
    """Cut a square out of a gray picture at sub-pixel places, averaging where it is scaled down."""
    x, y, side = square
    fine = size * max(1, math.ceil(side / size))
    scale = side / fine
    # Pixel centres: (u + 0.5) * scale + x - 0.5 is where the crop's pixel u lies in the frame.
    to_frame = np.array([[scale, 0, x + scale / 2 - 0.5], [0, scale, y + scale / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(gray, to_frame, (fine, fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if fine != size:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cut, np.uint8)
