"""Training pictures made different at every look: what a camera and a recorder may do to the same face."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_ROTATION_DEG: Final = 15.0
_SHIFT: Final = 0.08
_ZOOM: Final = (0.86, 1.18)
_SHEAR: Final = 0.08
_GAMMA: Final = (0.5, 2.0)
_SMALLEST_SHARE: Final = 16 / 48
_LARGEST_SHARE: Final = 40 / 48
_JPEG_QUALITY: Final = (15, 70)
_BLUR_SHARE: Final = (0.3 / 48, 1.6 / 48)
_NOISE: Final = (2.0, 12.0)
_HIDDEN_SHARE: Final = (0.15, 0.4)
"""Sides of the rectangle that hides a part of the face, of the picture's side."""
_SHRUNK, _BLURRED, _CODED, _NOISY, _HIDDEN = 0.3, 0.15, 0.2, 0.2, 0.25
"""Shares of the pictures to which each of it happens."""


def augmented(picture: Picture, draw: np.random.Generator, degraded: float = 1.0) -> Picture:
    """A changed copy of one square gray picture, uint8 (size, size); degraded is a factor of the shares of the latter.

    Flip, rotation, shift, zoom and shear of every picture, and a gamma. To some of them: a rectangle that hides a
    part (random erasing, Zhong et al. 2020), a scale of 16 to 40 px of 48 and back, the blur of a lens, sensor noise,
    and the blocks of a codec, in the order in which light passes through a camera.
    """
    changed = _gamma(_placed(picture, draw), draw)
    if draw.random() < _HIDDEN * degraded:
        _hide(changed, draw)
    size = len(changed)
    if draw.random() < _BLURRED * degraded:
        changed = np.asarray(cv2.GaussianBlur(changed, (0, 0), draw.uniform(*_BLUR_SHARE) * size), np.uint8)
    small = size
    if draw.random() < _SHRUNK * degraded:
        small = max(4, round(draw.uniform(_SMALLEST_SHARE, _LARGEST_SHARE) * size))
        changed = np.asarray(cv2.resize(changed, (small, small), interpolation=cv2.INTER_AREA), np.uint8)
    if draw.random() < _NOISY * degraded:
        noise = draw.normal(0, draw.uniform(*_NOISE), changed.shape)
        changed = np.clip(changed + noise, 0, 255).astype(np.uint8)
    if draw.random() < _CODED * degraded:
        changed = _coded(changed, int(draw.integers(*_JPEG_QUALITY)))
    if small != size:
        changed = np.asarray(cv2.resize(changed, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    return changed


def _placed(picture: Picture, draw: np.random.Generator) -> Picture:
    size = len(picture)
    centre = (size / 2 - 0.5, size / 2 - 0.5)
    angle, zoom = draw.uniform(-_ROTATION_DEG, _ROTATION_DEG), draw.uniform(*_ZOOM)
    turn = np.asarray(cv2.getRotationMatrix2D(centre, angle, zoom), np.float64)
    shear = draw.uniform(-_SHEAR, _SHEAR)
    turn[0, :2] += shear * turn[1, :2]
    turn[0, 2] += shear * (turn[1, 2] - centre[1])
    turn[:, 2] += draw.uniform(-_SHIFT, _SHIFT, 2) * size
    if draw.random() < 0.5:
        turn[0] *= -1
        turn[0, 2] += size - 1
    placed = cv2.warpAffine(picture, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(placed, np.uint8)


def _gamma(picture: Picture, draw: np.random.Generator) -> Picture:
    gamma = np.exp(draw.uniform(np.log(_GAMMA[0]), np.log(_GAMMA[1])))
    curve = 255 * (np.arange(256) / 255) ** gamma
    return np.asarray(cv2.LUT(picture, curve.astype(np.uint8)), np.uint8)


def _hide(picture: Picture, draw: np.random.Generator) -> None:
    """Lay a rectangle of one gray, or of noise, over the picture."""
    size = len(picture)
    height, width = (draw.uniform(*_HIDDEN_SHARE, 2) * size).astype(int)
    y, x = draw.integers(0, size - height + 1), draw.integers(0, size - width + 1)
    plain = draw.random() < 0.5
    fill = draw.integers(0, 256) if plain else draw.integers(0, 256, (height, width))
    picture[y : y + height, x : x + width] = fill


def _coded(picture: Picture, quality: int) -> Picture:
    done, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8) if done else picture
