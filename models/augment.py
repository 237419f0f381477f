"""Training pictures made different at every look: what a camera and a recorder may do to the same face."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_SMALLEST_SHARE: Final = 16 / 48
_LARGEST_SHARE: Final = 40 / 48
_JPEG_QUALITY: Final = (15, 70)
_BLUR_SHARE: Final = (0.3 / 48, 1.6 / 48)
_NOISE: Final = (2.0, 12.0)
_HIDDEN_SHARE: Final = (0.15, 0.4)
"""Sides of the rectangle that hides a part of the face, of the picture's side."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What may be done to a training picture; nothing at all unless it is said."""

    rotation_deg: float = 0.0
    """The most, either way."""
    zoom: tuple[float, float] = (1.0, 1.0)
    """The least and the most."""
    shear: float = 0.0
    shift: float = 0.0
    """The most in either direction, of the picture's side."""
    flip: float = 0.0
    """Share of the pictures that are mirrored."""
    gamma: float = 1.0
    """The most; the least is one through it."""
    contrast: float = 0.0
    """The most by which differences of grey levels to their mean grow or shrink, as a share of them."""
    hidden: float = 0.0
    """Shares of the pictures to which each of the following happens: a rectangle hides a part of them,"""
    blurred: float = 0.0
    """they are blurred,"""
    shrunk: float = 0.0
    """made small and large again,"""
    noisy: float = 0.0
    """noisy,"""
    coded: float = 0.0
    """and coded as JPEG."""


RECIPES: Final[dict[str, Recipe]] = {
    "cctv": Recipe(
        rotation_deg=15.0,
        zoom=(0.86, 1.18),
        shear=0.08,
        shift=0.08,
        flip=0.5,
        gamma=2.0,
        hidden=0.25,
        blurred=0.15,
        shrunk=0.3,
        noisy=0.2,
        coded=0.2,
    ),
    "none": Recipe(),
    "flip": Recipe(flip=0.5),
    "light": Recipe(rotation_deg=10.0, zoom=(0.9, 1.1), shift=0.05, flip=0.5, contrast=0.2),
    "erasing": Recipe(rotation_deg=10.0, zoom=(0.9, 1.1), shift=0.05, flip=0.5, contrast=0.2, hidden=0.5),
    "strong": Recipe(
        rotation_deg=25.0, zoom=(0.8, 1.25), shear=0.12, shift=0.12, flip=0.5, gamma=2.0, contrast=0.4, hidden=0.4
    ),
}
"""Name on the command line -> recipe. `cctv` imitates cameras and recorders besides; the others are what papers do to
clean pictures."""


def augmented(
    picture: Picture, draw: np.random.Generator, degraded: float = 1.0, recipe: Recipe = RECIPES["cctv"]
) -> Picture:
    """A changed copy of one square gray picture, uint8 (size, size).

    Flip, rotation, shift, zoom and shear of every picture, and its light. To some of them: a rectangle that hides a
    part (random erasing, Zhong et al. 2020), a scale of 16 to 40 px of 48 and back, the blur of a lens, sensor noise,
    and the blocks of a codec, in the order in which light passes through a camera.

    Args:
        picture: is left as it is.
        draw: of everything random.
        degraded: factor of the recipe's shares from `hidden` on.
        recipe: one of RECIPES.
    """
    changed = _lit(_placed(picture, draw, recipe), draw, recipe)
    if draw.random() < recipe.hidden * degraded:
        _hide(changed, draw)
    size = len(changed)
    if draw.random() < recipe.blurred * degraded:
        changed = np.asarray(cv2.GaussianBlur(changed, (0, 0), draw.uniform(*_BLUR_SHARE) * size), np.uint8)
    small = size
    if draw.random() < recipe.shrunk * degraded:
        small = max(4, round(draw.uniform(_SMALLEST_SHARE, _LARGEST_SHARE) * size))
        changed = np.asarray(cv2.resize(changed, (small, small), interpolation=cv2.INTER_AREA), np.uint8)
    if draw.random() < recipe.noisy * degraded:
        noise = draw.normal(0, draw.uniform(*_NOISE), changed.shape)
        changed = np.clip(changed + noise, 0, 255).astype(np.uint8)
    if draw.random() < recipe.coded * degraded:
        changed = _coded(changed, int(draw.integers(*_JPEG_QUALITY)))
    if small != size:
        changed = np.asarray(cv2.resize(changed, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    return changed


def _placed(picture: Picture, draw: np.random.Generator, recipe: Recipe) -> Picture:
    size = len(picture)
    centre = (size / 2 - 0.5, size / 2 - 0.5)
    angle, zoom = draw.uniform(-recipe.rotation_deg, recipe.rotation_deg), draw.uniform(*recipe.zoom)
    turn = np.asarray(cv2.getRotationMatrix2D(centre, angle, zoom), np.float64)
    shear = draw.uniform(-recipe.shear, recipe.shear)
    turn[0, :2] += shear * turn[1, :2]
    turn[0, 2] += shear * (turn[1, 2] - centre[1])
    turn[:, 2] += draw.uniform(-recipe.shift, recipe.shift, 2) * size
    if draw.random() < recipe.flip:
        turn[0] *= -1
        turn[0, 2] += size - 1
    placed = cv2.warpAffine(picture, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(placed, np.uint8)


def _lit(picture: Picture, draw: np.random.Generator, recipe: Recipe) -> Picture:
    gamma = np.exp(draw.uniform(np.log(1 / recipe.gamma), np.log(recipe.gamma)))
    curve = 255 * (np.arange(256) / 255) ** gamma
    if recipe.contrast:
        mean = curve[picture].mean()
        curve = np.clip((curve - mean) * (1 + draw.uniform(-recipe.contrast, recipe.contrast)) + mean, 0, 255)
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
