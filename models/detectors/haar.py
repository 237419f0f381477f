"""The Haar cascade of Viola and Jones as OpenCV ships it: the classic that others are compared with."""

from typing import Final

import cv2
import numpy as np

from analytics.records import Detections, Picture
from models.detectors.scaling import check_settings, faces, scaled
from models.weights import package_file, verified

_REMEDY: Final = 'install OpenCV again: pip install --force-reinstall "opencv-python-headless>=4.12,<5"'
_PYRAMID_STEP: Final = 1.1
_NEIGHBOURS: Final = 3
"""Overlapping hits that it takes to make a face; OpenCV's own default."""
_WINDOW_PX: Final = 24
"""The side of the window that the cascade was trained on: it cannot see smaller faces."""


class Haar:
    """haarcascade_frontalface_default: frontal faces only, no landmarks.

    A cascade gives no probability. What it has is the sum w of the votes in its last stage, and the
    score is w / (w + 1), so that 0.6 stands for w = 1.5. In frames of ten clips w was 3 to 8 for 16 of 18
    faces and 0.7 to 5.5 for false alarms: the score ranks, and separates weakly. It does not compare
    with that of another detector.

    Args:
        min_score: faces below are dropped, 0..1.
        long_side: px of the picture's longer side while searching; faces below 24 px there are not found.

    Raises:
        UsageError: the cascade is missing or not the expected one, or a setting is out of range.
    """

    name: Final = "haar"
    sha256: Final = "0f7d4527844eb514d4a4948e822da90fbb16a34a0bbbbc6adc6498747a5aafb0"

    def __init__(self, min_score: float = 0.6, long_side: int = 960) -> None:
        check_settings(min_score, long_side)
        path = package_file("cv2", "data/haarcascade_frontalface_default.xml", remedy=_REMEDY)
        self._cascade = cv2.CascadeClassifier(str(verified(path, self.sha256, remedy=_REMEDY)))
        self._min_score = min_score
        self._long_side = long_side

    def detect(self, picture: Picture) -> Detections:
        """The faces of a picture, landmarks NaN; see FaceDetector."""
        small, factors = scaled(picture, self._long_side)
        # No equalisation: every window is normalised by its own variance.
        boxes, _, votes = self._cascade.detectMultiScale3(
            cv2.cvtColor(small, cv2.COLOR_BGR2GRAY),
            scaleFactor=_PYRAMID_STEP,
            minNeighbors=_NEIGHBOURS,
            minSize=(_WINDOW_PX, _WINDOW_PX),
            outputRejectLevels=True,
        )
        weight = np.maximum(np.asarray(votes, np.float64).reshape(-1), 0)
        found = faces(boxes, None, weight / (weight + 1), factors)
        return found.only(found.scores >= self._min_score)
