"""`emobatch predict`: the apparent expressions of still pictures, found and judged as those of a video are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from av.video.frame import VideoFrame

from analytics.aggregate import labels_of
from analytics.decode import SampledFrame
from analytics.errors import UsageError
from analytics.paths import is_folder
from analytics.records import FaceRows, Picture
from analytics.upright import PictureShape
from jobs.options import RunOptions
from jobs.pipeline import Engines, read_faces
from models.classifier import ModelFacts
from models.detectors import DETECTORS
from models.pictures import PICTURE_SUFFIXES, read_picture

_PORTRAIT_LONG_SIDE: Final = 384
"""Px of the longer side in the second search, for faces that fill their picture."""


@dataclass(frozen=True, kw_only=True)
class Face:
    """One face of a picture."""

    x: float
    """Px of the upright picture, as the next three."""
    y: float
    w: float
    h: float
    score: float
    usable: bool
    """Big, sharp, lit, frontal and uncovered enough to judge."""
    expression: str
    """One of the classifier's classes, or uncertain."""
    confidence: float
    probabilities: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return vars(self)

    def in_words(self) -> str:
        """One line for a person."""
        likeliest = max(self.probabilities, key=lambda name: self.probabilities[name])
        doubt = f" (most likely {likeliest})" if likeliest != self.expression else ""
        unfit = "" if self.usable else "; hard to judge: too small, blurred, dark, turned or covered"
        return f"{self.expression}{doubt}, {self.confidence:.0%}, {self.w:.0f}x{self.h:.0f} px at {self.x:.0f},{self.y:.0f}{unfit}"


@dataclass(frozen=True)
class Predicted:
    """A picture with its faces, from left to right; or why it could not be read."""

    source: str
    picture: Picture | None
    faces: tuple[Face, ...]
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {"source": self.source, "faces": [face.to_json() for face in self.faces]}


def named_pictures(named: Iterable[str]) -> Iterator[str]:
    """The files that the arguments stand for: themselves, or the pictures in a folder and below, by name.

    Raises:
        UsageError: a folder that cannot be listed, or holds no picture.
    """
    for name in named:
        if not is_folder(Path(name)):
            yield name
            continue
        try:
            next(Path(name).iterdir(), None)  # rglob passes over what it may not read.
            inside = sorted(path for path in Path(name).rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
        except OSError as error:
            raise UsageError(f"{name}: cannot be read ({error.strerror})", "let this user read it") from None
        if not inside:
            remedy = f"known kinds: {', '.join(PICTURE_SUFFIXES)}; emobatch run takes videos"
            raise UsageError(f"{name}: holds no pictures", remedy)
        yield from map(str, inside)


def predict(sources: Sequence[str], options: RunOptions) -> Iterator[Predicted]:
    """Find and judge the faces of pictures, one at a time. A picture that cannot be read says why, and costs no other.

    Args:
        sources: paths of pictures.
        options: detector, model, thresholds; the rest of it is not looked at.

    Raises:
        UsageError: an unknown detector or model, or weights that are missing or damaged.
    """
    engines = Engines.load(options)
    closer = DETECTORS[options.detector](min_score=options.min_score, long_side=_PORTRAIT_LONG_SIDE)
    for source in sources:
        try:
            picture = read_picture(source)
        except UsageError as error:
            yield Predicted(source, None, (), error.problem)
            continue
        rows = _faces_of(picture, options, engines)
        if not len(rows):
            rows = _filling_faces(picture, options, replace(engines, detector=closer))
        yield Predicted(source, picture, tuple(_faces(rows, engines.classifier.facts)))


def _faces_of(picture: Picture, options: RunOptions, engines: Engines) -> FaceRows:
    _, rows = read_faces(iter([_as_frame(picture)]), options, engines)
    return rows


def _as_frame(picture: Picture) -> SampledFrame:
    height, width = picture.shape[:2]
    return SampledFrame(0, 0.0, VideoFrame.from_ndarray(picture, format="bgr24"), PictureShape(width, height, 0))


def _filling_faces(picture: Picture, options: RunOptions, engines: Engines) -> FaceRows:
    """Faces that fill the picture: they are found only when it has a surrounding."""
    rim_y, rim_x = (side // 2 for side in picture.shape[:2])
    framed = np.asarray(cv2.copyMakeBorder(picture, rim_y, rim_y, rim_x, rim_x, cv2.BORDER_REPLICATE), np.uint8)
    rows = _faces_of(framed, options, engines)
    rows.boxes[:, :2] -= (rim_x, rim_y)
    return rows


def _faces(rows: FaceRows, facts: ModelFacts) -> Iterator[Face]:
    labels = labels_of(rows.probabilities, facts.threshold)
    for k in range(len(rows)):
        x, y, w, h = rows.boxes[k].tolist()
        yield Face(
            x=x,
            y=y,
            w=w,
            h=h,
            score=float(rows.score[k]),
            usable=bool(rows.usable[k]),
            expression=facts.labels[labels[k]],
            confidence=float(rows.probabilities[k].max()),
            probabilities={
                name: p
                for name, p in zip(facts.columns, rows.probabilities[k].tolist(), strict=True)
                if name in facts.classes
            },
        )
