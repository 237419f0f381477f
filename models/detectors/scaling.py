"""What all detectors share: the picture brought to a working size, the faces brought back in order."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.errors import UsageError
from analytics.records import Detections, Picture
from analytics.resize import resized


def check_settings(min_score: float, long_side: int) -> None:
    """Refuse settings that no detector can work with.

    Raises:
        UsageError: min_score is outside 0..1, or long_side is below 32 px.
    """
    if not 0 <= min_score <= 1:
        raise UsageError(f"min_score {min_score}: no score", "choose a number from 0 to 1")
    if long_side < 32:
        raise UsageError(f"long_side {long_side}: too small to find a face in", "choose 32 px or more; 960 is usual")


def scaled(picture: Picture, long_side: int) -> tuple[Picture, NDArray[np.float32]]:
    """The picture with its longer side at long_side px, enlarged where it is smaller.

    Returns:
        The scaled picture (the given one where it fits already), and the factors, float32 (2,), that
        bring its x and y back to px of the given picture.
    """
    return scaled_by(picture, long_side / max(picture.shape[:2]))


def scaled_by(picture: Picture, scale: float) -> tuple[Picture, NDArray[np.float32]]:
    """The picture so many times as large, and the factors that scaled() gives."""
    height, width = picture.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small, shown = resized(picture, size)
    # Rounding the short side changes it by up to half a pixel, hence one factor per axis.
    return small, np.array([shown[0] / size[0], shown[1] / size[1]], np.float32)


def faces(boxes: ArrayLike, landmarks: ArrayLike | None, scores: ArrayLike, factors: NDArray[np.float32]) -> Detections:
    """What was found in a scaled picture, in px of the picture before scaling, left to right, then top to bottom.

    Args:
        boxes: (n, 4) x, y, width, height in px of the scaled picture.
        landmarks: (n, 5, 2) in px of the scaled picture, in the order of Detections; None where there are none.
        scores: (n,), brought into 0..1 where rounding left them outside.
        factors: from scaled().
    """
    score = np.clip(np.asarray(scores, np.float32).reshape(-1), 0, 1)
    box = np.asarray(boxes, np.float32).reshape(-1, 4) * np.tile(factors, 2)
    if landmarks is None:
        points = np.full((len(score), 5, 2), np.nan, np.float32)
    else:
        points = np.asarray(landmarks, np.float32).reshape(-1, 5, 2) * factors
    order = np.lexsort((box[:, 1], box[:, 0]))
    return Detections(box[order], points[order], score[order])
