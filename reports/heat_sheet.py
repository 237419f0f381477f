"""A sheet of faces by class, each beside pictures of where a classifier looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from reports.colours import colours_of
from reports.contact_sheet import Picture

_SIDE: Final = 112
_STRIP: Final = 22
_GAP: Final = 10
_HEADER: Final = 34
_LABEL: Final = 104
_MIXED: Final = 0.55
"""Share of the map in what is drawn over the face."""
_INK: Final = (40, 40, 40)
_WRONG: Final = (0, 0, 190)


@dataclass(frozen=True, eq=False)
class Looked:
    """A face, and where a classifier looked in it."""

    crop: NDArray[np.uint8]
    """(size, size), gray."""
    maps: tuple[NDArray[np.float32], ...]
    """(size, size) each; each is drawn from 0, cold, to its own largest value, hot."""
    words: str
    """What was said."""
    right: bool


def heat_sheet(by_class: Sequence[tuple[str, Sequence[Looked]]], titles: Sequence[str]) -> Picture:
    """A row for each class, the face before its maps, uint8 (height, width, 3), blue-green-red.

    Args:
        by_class: name of the class, and its faces; at least one class has one.
        titles: of the maps.
    """
    colours = colours_of([name for name, _ in by_class])
    wide = (1 + len(titles)) * _SIDE
    columns = max(len(faces) for _, faces in by_class)
    height, step = _HEADER + len(by_class) * (_SIDE + _STRIP + _GAP), wide + 2 * _GAP
    sheet = np.full((height, _LABEL + columns * step, 3), 255, np.uint8)
    for column in range(columns):
        for place, title in enumerate(("face", *titles)):
            _write(sheet, title, _LABEL + column * step + place * _SIDE + 2, 22, 0.42)
    for row, (name, faces) in enumerate(by_class):
        y = _HEADER + row * (_SIDE + _STRIP + _GAP)
        red, green, blue = (int(colours[name][k : k + 2], 16) for k in (1, 3, 5))
        cv2.rectangle(sheet, (8, y), (15, y + _SIDE - 1), (blue, green, red), cv2.FILLED)
        _write(sheet, name, 24, y + _SIDE // 2, 0.48)
        for column, face in enumerate(faces):
            x = _LABEL + column * step
            sheet[y : y + _SIDE, x : x + wide] = np.hstack([_drawn(face.crop, one) for one in (None, *face.maps)])
            _write(sheet, face.words, x + 2, y + _SIDE + 15, 0.4, _INK if face.right else _WRONG)
    return sheet


def _drawn(crop: NDArray[np.uint8], heat: NDArray[np.float32] | None) -> Picture:
    gray = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    face = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)
    if heat is None:
        return face
    top = float(heat.max())
    levels = np.clip(heat / top if top > 0 else np.zeros_like(heat), 0, 1)
    fine = cv2.resize((levels * 255).astype(np.uint8), (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    hot = cv2.applyColorMap(fine, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.addWeighted(face, 1 - _MIXED, hot, _MIXED, 0), np.uint8)


def _write(sheet: Picture, words: str, x: int, y: int, scale: float, ink: tuple[int, int, int] = _INK) -> None:
    plain = "".join(char if " " <= char <= "~" else "?" for char in words)
    cv2.putText(sheet, plain, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
