"""How well a face can be judged: size, sharpness, pose and light."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.records import Detections, Quality


@dataclass(frozen=True, kw_only=True)
class QualityThresholds:
    """A face is usable when it passes all of them."""

    min_side_px: float = 16.0
    """Shorter side of the box. Below it fewer than four of five stills are judged right (docs/quality.md)."""
    min_sharpness: float = 0.03
    """Of the contrast-normalised crop, see sharpness(); chosen in the same way."""
    max_yaw_deg: float = 45.0
    """Farther than that the angle itself is a guess."""
    max_pitch_deg: float = 30.0
    """Up or down; as the next two by the same rule."""
    min_brightness: float = 0.06
    max_brightness: float = 0.8


# Corners of a mean adult face in mm, nose tip at the origin: x to the right of the picture, y down, z away
# from the camera. Distances between the eyes (63 mm) and between nose and mouth after Farkas (1994).
_FACE_MM: Final = np.array(
    [[-31.5, -34.0, 27.0], [31.5, -34.0, 27.0], [0.0, 0.0, 0.0], [-25.0, 32.0, 20.0], [25.0, 32.0, 20.0]]
)
_TO_POSE: Final = np.linalg.pinv(_FACE_MM - _FACE_MM.mean(axis=0))
"""(3, 5) what landmarks around their mean are multiplied with for the least squares against the mean face."""


def judge(
    found: Detections, crops: NDArray[np.uint8], thresholds: QualityThresholds, hidden: NDArray[np.bool_] | None = None
) -> Quality:
    """Measure each face.

    Args:
        found: n faces of one picture.
        crops: uint8 (n, size, size), the gray crops that the classifier sees.
        thresholds: what counts as usable.
        hidden: (n,) faces of which something is covered, which are not usable; None where nothing is.
    """
    sharp = np.array([sharpness(crop) for crop in crops], np.float32)
    pose = np.array([head_pose(points) for points in found.landmarks], np.float32).reshape(-1, 2)
    bright = (crops.reshape(len(crops), -1).mean(axis=1) / 255).astype(np.float32) if len(crops) else sharp
    side = found.boxes[:, 2:].min(axis=1)
    frontal = (np.abs(pose) <= (thresholds.max_yaw_deg, thresholds.max_pitch_deg)) | np.isnan(pose)
    usable = (
        (side >= thresholds.min_side_px)
        & (sharp >= thresholds.min_sharpness)
        & frontal.all(axis=1)
        & (bright >= thresholds.min_brightness)
        & (bright <= thresholds.max_brightness)
    )
    if hidden is not None:
        usable &= ~hidden
    return Quality(sharp, pose[:, 0], pose[:, 1], bright, usable)


def sharpness(crop: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of a gray crop (size, size), scaled to unit contrast first.

    The focus measure of Pech-Pacheco et al. (2000), "Diatom autofocusing in brightfield microscopy". Without
    the scaling a dim face would count as blurred. A small face that was scaled up counts as what it is: blurred.
    """
    gray = crop.astype(np.float32)
    contrast = gray.std()
    if contrast < 1:
        return 0.0
    return float(cv2.Laplacian(gray / contrast, cv2.CV_32F).var())


def head_pose(landmarks: NDArray[np.float32]) -> tuple[float, float]:
    """Yaw and pitch in degrees from five landmarks (5, 2); NaN where there are none.

    The pose under scaled orthography after DeMenthon and Davis (1995), "Model-based object pose in 25 lines
    of code": least squares of the points against a mean face. Good to some ten degrees on small faces.
    """
    if np.isnan(landmarks).any():
        return float("nan"), float("nan")
    right, down = (_TO_POSE @ (landmarks - landmarks.mean(axis=0)).astype(np.float64)).T
    if not np.linalg.norm(right) or not np.linalg.norm(down):
        return float("nan"), float("nan")
    right, down = right / np.linalg.norm(right), down / np.linalg.norm(down)
    # The third row of the rotation is where the face looks, seen in the face's own axes.
    ahead = np.cross(right, down)
    ahead /= np.linalg.norm(ahead) or 1.0
    yaw = np.degrees(np.arctan2(right[2], ahead[2]))
    pitch = np.degrees(np.arctan2(down[2], np.hypot(right[2], ahead[2])))
    return float(-yaw), float(pitch)
