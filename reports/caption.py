"""Draw what was found into a picture: boxes, track ids, labels, and bars of the seven probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS, UNCERTAIN
from reports.colours import colours_of

Picture = NDArray[np.uint8]

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_LETTER_PX: Final = 21.0
"""Height of a capital letter at scale 1."""
_LEAST_PX: Final = 8.0
"""Height of a capital letter below which nobody reads it."""
_SHARE: Final = 1 / 60
"""Height of a capital letter, of the geometric mean of the picture's sides."""
_GROUND: Final = (32, 32, 32)
_INK: Final = (245, 245, 245)
_FAINT: Final = (110, 110, 110)
_CLEAR: Final = 0.3
"""Share of the picture that shows through behind text."""
_LEAST_BARS: Final = 0.35
"""Bars are left out where their panel would take more of the picture's height."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One face as it is drawn."""

    box: tuple[float, float, float, float]
    """x, y, width, height in px."""
    track_id: int
    """0 for a face outside any track."""
    label: str
    """What it is called; uncertain where the classifier would not say."""
    likeliest: str
    """The class with the largest probability, and that."""
    confidence: float
    usable: bool
    """Big, sharp and frontal enough to judge."""
    probabilities: tuple[float, ...] | None
    """Seven, in the order of EXPRESSIONS; None leaves the bars out."""

    @property
    def words(self) -> str:
        """The line beside its box."""
        name = f"#{self.track_id}" if self.track_id else "no track"
        if not self.usable:
            return f"{name} hard to judge"
        if self.label == UNCERTAIN:
            return f"{name} uncertain ({self.likeliest} {self.confidence:.0%})"
        return f"{name} {self.label} {self.confidence:.0%}"


class _Rect(NamedTuple):
    x: int
    y: int
    w: int
    h: int

    def common(self, other: "_Rect") -> int:
        """Px that both cover."""
        width = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        height = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        return max(width, 0) * max(height, 0)


class Captions:
    """Draws on pictures of one size.

    Args:
        height: of the pictures, px.
        width: of the pictures, px.
    """

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        letter = max(_LEAST_PX, float(np.sqrt(height * width)) * _SHARE)
        self._scale = letter / _LETTER_PX
        self._stroke = max(1, round(letter / 8))
        self._line = round(letter * 1.75)
        self._pad = max(2, round(letter * 0.4))
        self._sides: dict[int, int] = {}
        """On which side of its box each track's panel was last: it stays there as long as nothing is in its way."""

    def draw(self, picture: Picture, faces: Sequence[Shown], status: str) -> None:
        """Draw faces and a line at the bottom, in place.

        Args:
            picture: (h, w, 3), blue-green-red.
            faces: what is in it.
            status: the line: what is shown, and when.
        """
        bottom = self._status(picture, status)
        boxes = [_Rect(*(round(value) for value in face.box)) for face in faces]
        for face, box in zip(faces, boxes, strict=True):
            low, high = (box.x, box.y), (box.x + box.w, box.y + box.h)
            cv2.rectangle(picture, low, high, _GROUND, self._stroke + 2, cv2.LINE_AA)
            cv2.rectangle(picture, low, high, _colour(face), self._stroke, cv2.LINE_AA)
        taken = [bottom]
        # Large faces first: beside small ones a panel may find no room.
        for k in sorted(range(len(faces)), key=lambda k: -boxes[k].w * boxes[k].h):
            others = [*taken, *(box for i, box in enumerate(boxes) if i != k)]
            taken.append(self._panel(picture, faces[k], boxes[k], others))

    def _status(self, picture: Picture, status: str) -> _Rect:
        words = self._fitting(status)
        rect = _Rect(
            0, self._height - self._line - self._pad, self._width_of(words) + 2 * self._pad, self._line + self._pad
        )
        self._ground(picture, rect)
        self._text(picture, words, rect.x + self._pad, rect.y + self._line)
        return rect

    def _panel(self, picture: Picture, face: Shown, box: _Rect, others: list[_Rect]) -> _Rect:
        """The line and, where there is room, the bars beside a face."""
        names = max(self._width_of(name) for name in EXPRESSIONS)
        width = self._width_of(face.words) + 2 * self._pad
        bars = face.probabilities is not None and 8 * self._line <= _LEAST_BARS * self._height + 4 * self._line
        place = None
        if bars:
            size = (max(width, 2 * names + 3 * self._pad), 8 * self._line + 2 * self._pad)
            place = self._place(box, size, others, face.track_id, must_be_free=True)
        if place is None:
            bars, size = False, (width, self._line + self._pad)
            place = self._place(box, size, others, face.track_id, must_be_free=False)
        assert place is not None
        self._ground(picture, place)
        cv2.rectangle(
            picture, (place.x, place.y), (place.x + self._stroke + 1, place.y + place.h), _colour(face), cv2.FILLED
        )
        self._text(picture, face.words, place.x + self._pad + 1, place.y + self._line)
        if bars and face.probabilities is not None:
            self._bars(picture, face.probabilities, place, names)
        return place

    def _bars(self, picture: Picture, probabilities: Sequence[float], place: _Rect, names: int) -> None:
        left = place.x + names + 2 * self._pad + 1
        longest = place.x + place.w - self._pad - left
        colours = colours_of(EXPRESSIONS)
        for row, (name, p) in enumerate(zip(EXPRESSIONS, probabilities, strict=True), start=1):
            base = place.y + (row + 1) * self._line
            self._text(picture, name, place.x + self._pad + 1, base)
            top, bottom = base - round(self._line * 0.5), base
            cv2.rectangle(picture, (left, top), (left + longest, bottom), _FAINT, cv2.FILLED)
            if p > 0:  # Not so where the classifier does not know the class.
                end = left + max(1, round(longest * min(float(p), 1.0)))
                cv2.rectangle(picture, (left, top), (end, bottom), _bgr(colours[name]), cv2.FILLED)

    def _place(
        self, box: _Rect, size: tuple[int, int], others: list[_Rect], track: int, *, must_be_free: bool
    ) -> _Rect | None:
        """Beside, above or below a box, where it covers least of what matters; None where it must be free and is not."""
        width, height = size
        gap = self._stroke + 1
        places = [
            (box.x, box.y - height - gap),
            (box.x + box.w + gap, box.y),
            (box.x - width - gap, box.y),
            (box.x, box.y + box.h + gap),
            (box.x + box.w - width, box.y - height - gap),
            (box.x + box.w - width, box.y + box.h + gap),
            (box.x + box.w + gap, box.y + box.h - height),
            (box.x - width - gap, box.y + box.h - height),
        ]
        rects = [
            _Rect(max(0, min(x, self._width - width)), max(0, min(y, self._height - height)), width, height)
            for x, y in places
        ]
        # Its own face is the last that it may cover.
        costs = [sum(rect.common(other) for other in others) + 2 * rect.common(box) for rect in rects]
        last = self._sides.get(track, 0)
        best = last if costs[last] == min(costs) else int(np.argmin(costs))
        if must_be_free and costs[best]:
            return None
        self._sides[track] = best
        return rects[best]

    def _ground(self, picture: Picture, rect: _Rect) -> None:
        part = picture[max(0, rect.y) : rect.y + rect.h, max(0, rect.x) : rect.x + rect.w]
        part[:] = (part * _CLEAR + np.array(_GROUND) * (1 - _CLEAR)).astype(np.uint8)

    def _text(self, picture: Picture, words: str, x: int, base: int) -> None:
        at = (x, base - round(self._line * 0.15))
        cv2.putText(picture, _plain(words), at, _FONT, self._scale, _INK, self._stroke, cv2.LINE_AA)

    def _width_of(self, words: str) -> int:
        return cv2.getTextSize(_plain(words), _FONT, self._scale, self._stroke)[0][0]

    def _fitting(self, words: str) -> str:
        """As many of the words as fit into a line."""
        while " " in words and self._width_of(words) > self._width - 2 * self._pad:
            words = words.rpartition(" ")[0]
        return words


def _colour(face: Shown) -> tuple[int, int, int]:
    label = face.label if face.usable else UNCERTAIN
    return _bgr(colours_of([label])[label])


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return blue, green, red


def _plain(text: str) -> str:
    """What OpenCV's letters can show; other characters become question marks."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)
