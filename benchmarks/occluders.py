"""Things drawn over the faces of FER2013, each covering a known share of the face: for measuring.

Everything is drawn four times as large and averaged, so that its edges are no sharper than the pictures are.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Draw = np.random.Generator
Drawn = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(48, 48) how much of each px is covered, 0..1, and with what grey level."""

SIDE: Final = 48
_FINE: Final = 4
_BIG: Final = SIDE * _FINE
PLACES: Final = {"mouth": (0.5, 0.74), "right eye": (0.32, 0.38), "left eye": (0.68, 0.38), "cheek": (0.72, 0.6)}


@cache
def face_area() -> NDArray[np.float32]:
    """(48, 48) the oval that a face takes in a picture of FER2013."""
    area = np.zeros((_BIG, _BIG), np.uint8)
    cv2.ellipse(area, (_BIG // 2, round(0.52 * _BIG)), (round(0.38 * _BIG), round(0.46 * _BIG)), 0, 0, 360, 255, -1)
    return _small(area)


def covered(alpha: NDArray[np.float32]) -> float:
    """Share of the face that is covered."""
    area = face_area()
    return float((alpha * area).sum() / area.sum())


def over(picture: Gray, drawn: Drawn) -> Gray:
    """The picture with the thing before it."""
    alpha, levels = drawn
    return np.clip(picture * (1 - alpha) + levels * alpha + 0.5, 0, 255).astype(np.uint8)


def _small(area: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(area, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / 255, np.float32)


def _of_share(shape: Callable[[float], NDArray[np.uint8]], share: float) -> NDArray[np.float32]:
    """The shape at the size at which it covers such a share of the face."""
    size = float(np.sqrt(share))
    for _ in range(6):
        alpha = _small(shape(size))
        size *= float(np.clip(np.sqrt(share / max(covered(alpha), 0.01)), 0.6, 1.6))
    return _small(shape(size))


def _flat(level: float, draw: Draw, grain: float = 3.0) -> NDArray[np.float32]:
    return (level + draw.normal(0, grain, (SIDE, SIDE))).astype(np.float32)


def _shaded(level: float, draw: Draw, depth: float) -> NDArray[np.float32]:
    """Lit from one side, with soft folds."""
    angle = draw.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    slope = (x * np.cos(angle) + y * np.sin(angle)) * depth
    folds = cv2.GaussianBlur(draw.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 3) * depth
    shaded = level + slope + folds + draw.normal(0, 2, (SIDE, SIDE))
    return np.asarray(shaded, np.float32)


def _middle(draw: Draw, places: Sequence[str]) -> tuple[float, float]:
    x, y = PLACES[str(draw.choice(list(places)))]
    return x + draw.normal(0, 0.05), y + draw.normal(0, 0.05)


def rectangle(picture: Gray, share: float, draw: Draw, places: Sequence[str]) -> Drawn:
    """A flat board at a random angle."""
    x, y = _middle(draw, places)
    ratio, angle = draw.uniform(0.6, 1.7), draw.uniform(0, 180)

    def shape(size: float) -> NDArray[np.uint8]:
        area = np.zeros((_BIG, _BIG), np.uint8)
        box = cv2.boxPoints(((x * _BIG, y * _BIG), (size * _BIG * ratio, size * _BIG / ratio), angle))
        cv2.fillPoly(area, [np.round(box).astype(np.int32)], 255)
        return area

    return _of_share(shape, share), _flat(draw.uniform(10, 245), draw)


def hand(picture: Gray, share: float, draw: Draw, places: Sequence[str]) -> Drawn:
    """A palm and four fingers in the levels of the face's own skin."""
    x, y = _middle(draw, places)
    angle = draw.uniform(-60, 60)
    spread = draw.uniform(0.05, 0.16)

    def shape(size: float) -> NDArray[np.uint8]:
        area = np.zeros((_BIG, _BIG), np.uint8)
        unit = size * _BIG * 0.55
        turn = np.deg2rad(angle)
        up = np.array([np.sin(turn), -np.cos(turn)])
        beside = np.array([np.cos(turn), np.sin(turn)])
        middle = np.array([x * _BIG, y * _BIG]) - up * unit * 0.2
        cv2.ellipse(
            area, _px(middle - up * unit * 0.55), (round(unit * 0.5), round(unit * 0.6)), angle, 0, 360, 255, -1
        )
        for finger in range(4):
            across = (finger - 1.5) * 0.27
            root = middle + beside * across * unit
            tip = root + (up + beside * (finger - 1.5) * spread) * unit * (1.05 - 0.12 * abs(finger - 1.3))
            cv2.line(area, _px(root), _px(tip), 255, max(1, round(unit * 0.23)))
        return area

    alpha = _of_share(shape, share)
    skin = float(np.median(picture[18:34, 14:34]))
    levels = _shaded(np.clip(skin + draw.normal(0, 18), 15, 240), draw, 24)
    # Fingers are darker at their edges, and throw a shadow.
    edge = np.asarray(cv2.morphologyEx((alpha * 255).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2))), np.float32)
    return alpha, np.asarray(levels - edge / 255 * draw.uniform(10, 45), np.float32)


def _px(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def surgical_mask(picture: Gray, share: float, draw: Draw, places: Sequence[str]) -> Drawn:
    """From the nose to the chin, pleated; its share is what it covers."""
    top = 0.93 - share * 0.85
    side = draw.uniform(0.02, 0.1)
    outline = np.array(
        [[0.5, top - 0.05], [1 - side, top + 0.04], [0.92, 0.85], [0.5, 1.02], [0.08, 0.85], [side, top + 0.04]]
    )
    area = np.zeros((_BIG, _BIG), np.uint8)
    cv2.fillPoly(area, [np.round(outline * _BIG).astype(np.int32)], 255)
    levels = _shaded(draw.uniform(60, 235), draw, 20)
    for row in range(3):
        at = round((top + 0.12 + row * 0.11) * SIDE)
        levels[min(at, SIDE - 1)] -= draw.uniform(6, 25)
    return _small(area), levels


def scarf(picture: Gray, share: float, draw: Draw, places: Sequence[str]) -> Drawn:
    """Knitted, over all that is below."""
    top = 0.9 - share * 0.85
    area = np.zeros((_BIG, _BIG), np.uint8)
    across = np.linspace(0, 1, 9)
    edge = np.column_stack([across, top + draw.normal(0, 0.02, 9) + 0.06 * np.abs(across - 0.5)])
    outline = np.concatenate([edge, [[1, 1.05], [0, 1.05]]])
    cv2.fillPoly(area, [np.round(outline * _BIG).astype(np.int32)], 255)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    knit = np.sin(x * draw.uniform(0.8, 2) + np.sin(y * draw.uniform(0.5, 1.5)) * 1.5) * draw.uniform(5, 35)
    return _small(area), _shaded(draw.uniform(30, 210), draw, 25) + knit.astype(np.float32)


def sunglasses(picture: Gray, share: float, draw: Draw, places: Sequence[str]) -> Drawn:
    """Two dark glasses with a bridge."""

    def shape(size: float) -> NDArray[np.uint8]:
        area = np.zeros((_BIG, _BIG), np.uint8)
        wide, high = round(size * _BIG * 0.42), round(size * _BIG * 0.32)
        for x in (0.31, 0.69):
            cv2.ellipse(area, (round(x * _BIG), round(0.4 * _BIG)), (wide, high), 0, 0, 360, 255, -1)
        cv2.line(area, (round(0.1 * _BIG), round(0.37 * _BIG)), (round(0.9 * _BIG), round(0.37 * _BIG)), 255, 6)
        return area

    alpha = _of_share(shape, share)
    shine = cv2.GaussianBlur(draw.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 4) * 40
    return alpha, _flat(draw.uniform(8, 55), draw) + np.maximum(shine, 0)


OCCLUDERS: Final[dict[str, Callable[[Gray, float, Draw, Sequence[str]], Drawn]]] = {
    "rectangle": rectangle,
    "hand": hand,
    "surgical mask": surgical_mask,
    "scarf": scarf,
    "sunglasses": sunglasses,
}
