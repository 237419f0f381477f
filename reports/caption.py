"""Draw what was found into a picture: boxes, track ids, labels, and bars of the seven probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS, UNCERTAIN
from reports.colours import colours_of
from reports.labels import Labels, Rect

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
_SMALLER: Final = (1.0, 0.75, 0.55)
"""Sizes of text, one after the other where there is no room; never below _LEAST_PX."""

_PATIENCE: Final = 25
"""Pictures for which a label stays as small as it had to become."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One face as it is drawn."""

    box: tuple[float, float, float, float]
    """x, y, width, height in px."""
    track_id: int
    """0 for a face outside any track."""
    label: str
    """What it is called, by all of its track around this moment; uncertain where the classifier would not say."""
    alone: str
    """What the face is called by this moment alone."""
    likeliest: str
    """The class with the largest probability at this moment; it is `alone` unless that is uncertain."""
    confidence: float
    """That probability."""
    usable: bool
    """Big, sharp and frontal enough to judge."""
    probabilities: tuple[float, ...] | None
    """Seven, in the order of EXPRESSIONS, also where the classifier has more; None leaves the bars out."""

    @property
    def words(self) -> str:
        """The line beside its box."""
        name = f"#{self.track_id}" if self.track_id else "no track"
        if not self.usable:
            return f"{name} hard to judge"
        moment = self.likeliest if self.alone == UNCERTAIN else self.alone
        now = f"{moment} {self.confidence:.0%}"
        if self.label == moment:
            return f"{name} {now}"
        if self.label == UNCERTAIN == self.alone:
            return f"{name} uncertain (likeliest {now})"
        # A single face is no proof: around it the track shows something else, or too little.
        return f"{name} {self.label} (for a moment {self.alone if self.alone == UNCERTAIN else now})"

    @property
    def short(self) -> str:
        """The same where there is little room."""
        name = f"#{self.track_id}" if self.track_id else "?"
        return f"{name} {self.label}" if self.usable else f"{name} not judged"

    @property
    def shortest(self) -> str:
        """Which face it is."""
        return f"#{self.track_id}" if self.track_id else "?"


@dataclass(frozen=True, kw_only=True)
class _Style:
    """One size of text; all but scale in px."""

    scale: float
    stroke: int
    line: int
    pad: int

    @staticmethod
    def of(letter: float) -> "_Style":
        """With capital letters of so many px."""
        return _Style(
            scale=letter / _LETTER_PX,
            stroke=max(1, round(letter / 8)),
            line=round(letter * 1.75),
            pad=max(2, round(letter * 0.4)),
        )

    def width_of(self, words: str) -> int:
        """Of a line of text."""
        return int(cv2.getTextSize(_plain(words), _FONT, self.scale, self.stroke)[0][0])

    def size_of(self, words: str) -> tuple[int, int]:
        """Width and height of a panel with a line of text."""
        return self.width_of(words) + 2 * self.pad + 1, self.line + self.pad

    def write(self, picture: Picture, words: str, x: int, base: int) -> None:
        """Write into a picture."""
        at = (x, base - round(self.line * 0.15))
        cv2.putText(picture, _plain(words), at, _FONT, self.scale, _INK, self.stroke, cv2.LINE_AA)


class Captions:
    """Draws on pictures of one size.

    Args:
        height: of the pictures, px.
        width: of the pictures, px.
    """

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        letter = max(_LEAST_PX, float(np.sqrt(height * width)) * _SHARE)
        self._styles = [_Style.of(size) for size in dict.fromkeys(max(_LEAST_PX, letter * by) for by in _SMALLER)]
        self._style = self._styles[0]
        self._labels = Labels(height, width, self._style.stroke + 1)
        self._forms: dict[int, tuple[int, int]] = {}
        """How each track's label looks, 0 with bars, and in which picture there was last no room for more."""
        self._number = 0

    def draw(self, picture: Picture, faces: Sequence[Shown], status: str) -> None:
        """Draw faces and a line at the bottom, in place.

        Args:
            picture: (h, w, 3), blue-green-red.
            faces: what is in it.
            status: the line: what is shown, and when.
        """
        bottom = self._status(picture, status)
        boxes = [Rect(*(round(value) for value in face.box)) for face in faces]
        for face, box in zip(faces, boxes, strict=True):
            low, high, stroke = (box.x, box.y), (box.x + box.w, box.y + box.h), self._style.stroke
            cv2.rectangle(picture, low, high, _GROUND, stroke + 2, cv2.LINE_AA)
            cv2.rectangle(picture, low, high, _colour(face), stroke, cv2.LINE_AA)
        self._number += 1
        self._labels.begin(boxes, [bottom])
        # Large faces first: beside small ones a label may find no room. Bars last, of what room is left. Faces of about
        # one size keep their order from frame to frame.
        order = sorted(range(len(faces)), key=lambda k: (-round(np.log2(max(1, boxes[k].w * boxes[k].h))), k))
        lines = {k: self._line_of(k, faces[k]) for k in order}
        for k in order:
            if lines[k] is not None and (panel := self._panel_of(k, faces[k])) is not None:
                self._ground(picture, panel, faces[k], self._style)
                self._style.write(picture, faces[k].words, panel.x + self._style.pad + 1, panel.y + self._style.line)
                self._bars(picture, faces[k].probabilities or (), panel)
            elif (line := lines[k]) is not None:
                words, style, rect = line
                self._ground(picture, rect, faces[k], style)
                style.write(picture, words, rect.x + style.pad + 1, rect.y + style.line)

    def _line_of(self, k: int, face: Shown) -> tuple[str, _Style, Rect] | None:
        """What is written beside a face, how, and where; None where there is no room at all."""
        small = self._styles[-1]
        forms = [(words, style, False) for words in (face.words, face.short) for style in self._styles]
        # Over a face, if need be, but over no other label.
        forms += [(words, small, True) for words in (face.short, face.shortest)]
        least, could_grow = self._least_form(face), False
        for form, (words, style, over_faces) in enumerate(forms, start=1):
            size = style.size_of(words)
            if form < least:
                could_grow |= self._labels.has_room(k, size)
            elif rect := self._labels.place(k, size, face.track_id, over_faces=over_faces):
                # Of the first, whether there is room for bars decides, if the face has any.
                if (form > 1 or face.probabilities is None) and not (form == least and could_grow):
                    self._note_form(face, form)
                return words, style, rect
        return None

    def _least_form(self, face: Shown) -> int:
        """The best form that a label may take now: one that had to be smaller stays so for a while, or it would flicker."""
        form, since = self._forms.get(face.track_id, (0, self._number))
        return form if self._number - since < _PATIENCE else 0

    def _note_form(self, face: Shown, form: int) -> None:
        if face.track_id:
            self._forms[face.track_id] = form, self._number

    def _panel_of(self, k: int, face: Shown) -> Rect | None:
        """Where there is room for all bars of a face; its line is given up for them."""
        style = self._style
        if face.probabilities is None or 8 * style.line > _LEAST_BARS * self._height + 4 * style.line:
            return None
        width = max(style.size_of(face.words)[0], 2 * self._names + 3 * style.pad)
        size = (width, 8 * style.line + 2 * style.pad)
        if (least := self._least_form(face)) > 0:
            if least == 1 and not self._labels.has_room(k, size):
                self._note_form(face, 1)
            return None
        place = self._labels.place(k, size, face.track_id)
        self._note_form(face, 0 if place else 1)
        return place

    @property
    def _names(self) -> int:
        """Width of the longest name, px."""
        return max(self._style.width_of(name) for name in EXPRESSIONS)

    def _status(self, picture: Picture, status: str) -> Rect:
        words, style = self._fitting(status), self._style
        width, height = style.size_of(words)
        rect = Rect(0, self._height - height, width, height)
        self._ground(picture, rect, None, style)
        style.write(picture, words, rect.x + style.pad, rect.y + style.line)
        return rect

    def _bars(self, picture: Picture, probabilities: Sequence[float], place: Rect) -> None:
        style, names = self._style, self._names
        left = place.x + names + 2 * style.pad + 1
        longest = min(place.x + place.w - style.pad - left, names)  # Also under a long line of words.
        colours = colours_of(EXPRESSIONS)
        for row, (name, p) in enumerate(zip(EXPRESSIONS, probabilities, strict=True), start=1):
            base = place.y + (row + 1) * style.line
            style.write(picture, name, place.x + style.pad + 1, base)
            top, bottom = base - round(style.line * 0.5), base
            cv2.rectangle(picture, (left, top), (left + longest, bottom), _FAINT, cv2.FILLED)
            if p > 0:  # Not so where the classifier does not know the class.
                end = left + max(1, round(longest * min(float(p), 1.0)))
                cv2.rectangle(picture, (left, top), (end, bottom), _bgr(colours[name]), cv2.FILLED)

    def _ground(self, picture: Picture, rect: Rect, face: Shown | None, style: _Style) -> None:
        part = picture[max(0, rect.y) : rect.y + rect.h, max(0, rect.x) : rect.x + rect.w]
        part[:] = (part * _CLEAR + np.array(_GROUND) * (1 - _CLEAR)).astype(np.uint8)
        if face is not None:
            end = (rect.x + style.stroke, rect.y + rect.h - 1)
            cv2.rectangle(picture, (rect.x, rect.y), end, _colour(face), cv2.FILLED)

    def _fitting(self, words: str) -> str:
        """As many of the words as fit into a line."""
        while " " in words and self._style.size_of(words)[0] > self._width:
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
