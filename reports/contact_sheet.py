"""A contact sheet: every face of some pictures with its label, for a look at many of them at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from reports.colours import COLOURS

_TILE: Final = 168
_STRIP: Final = 44
_GAP: Final = 8
_COLUMNS: Final = 6
_MARGIN: Final = 1.5
"""Side of the square around a face, of the longer side of its box."""
_MOST_CHARACTERS: Final = 24
MAX_TILES: Final = 1200
"""More than that would be a picture that few programs open."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Tile:
    """A face, or a picture without one."""

    picture: Picture
    """uint8 (h, w, 3), blue-green-red."""
    box: tuple[float, float, float, float] | None
    """x, y, width, height in px; None shows the picture whole."""
    label: str
    """One of the labels, or what is to be said in place of one."""
    words: str
    """Below the label: how sure, which file."""


def tile_of(tile: Tile) -> Picture:
    """One tile, uint8 (height, width, 3)."""
    drawn = np.full((_TILE + _STRIP, _TILE, 3), 255, np.uint8)
    shown = _square(tile.picture, tile.box)
    factor = _TILE / max(shown.shape[:2])
    size = (max(1, round(shown.shape[1] * factor)), max(1, round(shown.shape[0] * factor)))
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    top, left = (_TILE - size[1]) // 2, (_TILE - size[0]) // 2
    drawn[top : top + size[1], left : left + size[0]] = small
    red, green, blue = (int(COLOURS.get(tile.label, "#333333")[k : k + 2], 16) for k in (1, 3, 5))
    cv2.rectangle(drawn, (0, _TILE), (7, _TILE + _STRIP), (blue, green, red), cv2.FILLED)
    for text, y, scale in ((tile.label, 18, 0.5), (tile.words, 36, 0.36)):
        cv2.putText(drawn, _plain(text), (14, _TILE + y), cv2.FONT_HERSHEY_SIMPLEX, scale, (40, 40, 40), 1, cv2.LINE_AA)
    return drawn


def sheet_of(tiles: Iterable[Picture]) -> Picture:
    """Tiles from left to right and top to bottom, at least one, uint8 (height, width, 3)."""
    drawn = list(tiles)
    columns = min(_COLUMNS, len(drawn))
    rows = -(-len(drawn) // columns)
    step_x, step_y = _TILE + _GAP, _TILE + _STRIP + _GAP
    sheet = np.full((rows * step_y + _GAP, columns * step_x + _GAP, 3), 235, np.uint8)
    for place, tile in enumerate(drawn):
        y, x = _GAP + place // columns * step_y, _GAP + place % columns * step_x
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return sheet


def _square(picture: Picture, box: tuple[float, float, float, float] | None) -> Picture:
    """The face with some of its surroundings, as far as the picture reaches."""
    if box is None:
        return picture
    x, y, width, height = box
    half = _MARGIN * max(width, height) / 2
    middle_x, middle_y = x + width / 2, y + height / 2
    top, bottom = max(0, round(middle_y - half)), round(middle_y + half)
    left, right = max(0, round(middle_x - half)), round(middle_x + half)
    part = picture[top:bottom, left:right]
    return part if part.size else picture


def _plain(text: str) -> str:
    """What OpenCV's letters can show; other characters become question marks."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return plain if len(plain) <= _MOST_CHARACTERS else f"{plain[: _MOST_CHARACTERS - 2]}.."
