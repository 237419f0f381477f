"""The face of a still picture that shows one person: where a box says it is, or where a detector finds it."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.records import Detections
from models.crop import crop_faces, crop_whole
from models.datasets import LabelledPictures
from models.detectors import DETECTORS, FaceDetector

_PORTRAIT_LONG_SIDE: Final = 384
"""Px of the padded picture's longer side in the first search, for faces that fill it; a second one at the usual size
finds the faces of people seen from afar."""


def portrait_detectors(name: str) -> tuple[FaceDetector, ...]:
    """A detector of DETECTORS for faces that fill their picture, then for those that do not.

    Raises:
        UsageError: there is no such detector, or it is not installed.
    """
    if name not in DETECTORS:
        raise UsageError(f"--detect {name}: no such detector", f"choose one of: {', '.join(DETECTORS)}")
    return DETECTORS[name](long_side=_PORTRAIT_LONG_SIDE), DETECTORS[name]()


def face_crops(data: LabelledPictures, size: int) -> NDArray[np.uint8]:
    """All faces of a data set, (n, size, size): cut out where it says where they are, otherwise the pictures as they are.

    Raises:
        UsageError: a picture file cannot be read.
    """
    boxes = [None] * len(data.labels) if data.boxes is None else data.boxes
    crops = [face_crop(picture, box, size) for picture, box in zip(data.pictures, boxes, strict=True)]
    return np.stack(crops) if crops else np.empty((0, size, size), np.uint8)


def face_crop(picture: NDArray[np.uint8], box: NDArray[np.float32] | None, size: int) -> NDArray[np.uint8]:
    """The face of a picture, (size, size): what is in its box, (4,), or the picture where there is none or it is NaN."""
    if box is None or not np.isfinite(box).all():
        return crop_whole(picture, size)
    return boxed_crop(picture, box, size)


def boxed_crop(picture: NDArray[np.uint8], box: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """The crop of the face in a box, framed as faces of a detector without landmarks are."""
    face = Detections(box[None], np.full((1, 5, 2), np.nan, np.float32), np.ones(1, np.float32))
    return np.asarray(crop_faces(_coloured(picture), face, size)[0], np.uint8)


def detected_crop(
    picture: NDArray[np.uint8], size: int, detectors: tuple[FaceDetector, ...]
) -> NDArray[np.uint8] | None:
    """The crop of the largest face; None where no detector finds one."""
    colour = _coloured(picture)
    # A face that fills its picture is found only when it has a surrounding.
    rim_y, rim_x = (side // 2 for side in colour.shape[:2])
    frame = np.asarray(cv2.copyMakeBorder(colour, rim_y, rim_y, rim_x, rim_x, cv2.BORDER_REPLICATE), np.uint8)
    for detector in detectors:
        found = detector.detect(frame)
        if len(found):
            largest = np.arange(len(found)) == (found.boxes[:, 2] * found.boxes[:, 3]).argmax()
            return np.asarray(crop_faces(frame, found.only(largest), size)[0], np.uint8)
    return None


def _coloured(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 3 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)
