"""Score a classifier on labelled still pictures, with the same crop and the same file as `emobatch run`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.classifier import ExpressionClassifier
from models.crop import crop_whole
from models.datasets import LabelledPictures, read_labelled
from models.detectors import FaceDetector
from models.groups import Grouping, grouping_of, not_tested
from models.groups import in_words as groups_in_words
from models.portraits import detected_crop, face_crop, portrait_detectors
from models.scores import Scores, confusion_of, macro_f1, score

_BATCH: Final = 256
"""Pictures whose crops are held at once."""
FACE_PX: Final = (32, 24, 20, 16)
"""Sides to which crops are scaled down, and up again, to see what small faces cost."""


@dataclass(frozen=True)
class Part:
    """Scores of some of the pictures, or of all of them degraded."""

    n: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores, and what became of the search for faces."""

    scores: Scores
    face_px: dict[int, Part]
    """All pictures, scaled down to a side and up again."""
    groups: dict[str, Grouping]
    """By column of groups, where the data set has any."""
    whole: int | None
    """Pictures in which no face was found and which were used whole; None without detection."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Pictures of classes that the classifier does not know, by class."""
    never_said: Mapping[str, int] = field(default_factory=dict)
    """Pictures of expressions that the classifier does not name, by expression: they count as wrong."""

    def to_json(self) -> dict[str, Any]:
        """The object that `emobatch evaluate --json` prints."""
        found = {} if self.whole is None else {"used_whole": self.whole}
        parts = {
            "face_px": {str(px): vars(part) for px, part in self.face_px.items()},
            "groups": {column: grouping.to_json() for column, grouping in self.groups.items()},
            "not_tested": list(not_tested(tuple(self.groups))),
        }
        classes = {"left_out": dict(self.left_out), "never_said": dict(self.never_said)}
        return self.scores.to_json() | parts | {name: told for name, told in classes.items() if told} | found


def evaluate(
    classifier: ExpressionClassifier,
    dataset: Path,
    split: str = "private",
    labels: str = "ferplus",
    *,
    detect: bool = False,
    groups: Sequence[str] = (),
) -> Evaluation:
    """Classify every labelled picture of a data set and compare.

    Pictures of folders and CSV files are read one by one, so that memory grows with the number of pictures by their
    paths and probabilities alone.

    Args:
        classifier: what is judged.
        dataset: FER-style npz, folder of class folders, or CSV with path,label and, if wanted, group and box.
        split: part of an npz.
        labels: truth of an npz, ferplus or fer2013.
        detect: find the face first; otherwise the pictures, or the boxes in them, are taken as faces.
        groups: columns of a CSV that are groups besides `group` and group_….

    Raises:
        UsageError: unknown labels, or a data set that is damaged or without labelled pictures.
    """
    columns = classifier.facts.columns
    data = read_labelled(dataset, split, labels, columns, groups)
    data = data.only(data.labels >= 0)
    if not len(data.labels):
        others = f"; its classes are {', '.join(data.foreign)}" if data.foreign else ""
        raise UsageError(f"{dataset}: no picture has a label that the classifier knows{others}", "check the labels")
    # Of the seven, those count that are said or seen.
    shown = [k for k, name in enumerate(columns) if name in classifier.facts.classes or (data.labels == k).any()]
    columns = tuple(columns[k] for k in shown)
    truth = np.array([shown.index(label) for label in data.labels.tolist()], np.int32)
    detectors = portrait_detectors("yunet") if detect else ()
    size = classifier.facts.size
    said: dict[int, list[NDArray[np.float32]]] = {px: [] for px in (size, *(px for px in FACE_PX if px < size))}
    whole = 0
    for batch in crop_batches(data, size, detectors):
        for px, probabilities in said.items():
            probabilities.append(classifier.classify(scaled_down(batch.crops, px))[:, shown])
        whole += batch.whole
    by_px = {px: np.concatenate(probabilities) for px, probabilities in said.items()}
    return Evaluation(
        scores=score(by_px[size], truth, classifier.facts.threshold, columns),
        face_px={px: _part(found, truth) for px, found in by_px.items() if px != size},
        groups={
            column: grouping_of(each, truth, by_px[size].argmax(axis=1), len(columns))
            for column, each in data.groups.items()
        },
        whole=whole if detect else None,
        left_out=dict(data.foreign),
        never_said={
            name: n
            for k, name in enumerate(columns)
            if name not in classifier.facts.classes and (n := int((truth == k).sum()))
        },
    )


def scaled_down(crops: NDArray[np.uint8], px: int) -> NDArray[np.uint8]:
    """Crops (n, size, size) as a camera would have seen them px wide, at their old size."""
    size = crops.shape[1]
    if px >= size:
        return crops
    small = [cv2.resize(crop, (px, px), interpolation=cv2.INTER_AREA) for crop in crops]
    return np.stack([cv2.resize(crop, (size, size), interpolation=cv2.INTER_LINEAR) for crop in small]).astype(np.uint8)


def _part(probabilities: NDArray[np.float32], labels: NDArray[np.int32]) -> Part:
    confusion = confusion_of(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    return Part(n=len(labels), accuracy=float(confusion.trace() / len(labels)), macro_f1=macro_f1(confusion))


@dataclass(frozen=True, eq=False)
class CropBatch:
    """Some pictures of a data set as the classifier takes them."""

    crops: NDArray[np.uint8]
    """(n, size, size), gray."""
    labels: NDArray[np.int32]
    """(n,)"""
    whole: int
    """How many were used whole because no face was found."""


def crop_batches(
    data: LabelledPictures, size: int, detectors: tuple[FaceDetector, ...] = (), most: int = _BATCH
) -> Iterator[CropBatch]:
    """The crops of a data set in its order, at most so many at once; one picture is held at a time.

    Args:
        data: n pictures with their labels.
        size: side of the crops in px.
        detectors: search the face, each where those before found none; without any, pictures count as crops. Where
            the data set says where the face is, nothing is searched.
        most: crops in a batch, at least 1.

    Raises:
        UsageError: a picture file cannot be read.
    """
    pictures = iter(data.pictures)
    for start in range(0, len(data.labels), most):
        labels = data.labels[start : start + most]
        crops, whole = np.empty((len(labels), size, size), np.uint8), 0
        for i in range(len(labels)):
            picture = next(pictures)
            box = None if data.boxes is None else data.boxes[start + i]
            searched = detectors and (box is None or not np.isfinite(box).all())
            crop = detected_crop(picture, size, detectors) if searched else face_crop(picture, box, size)
            whole += crop is None
            crops[i] = crop_whole(picture, size) if crop is None else crop
        yield CropBatch(crops, labels, whole)


def in_words(evaluation: Evaluation) -> str:
    """The result as lines for a person."""
    scores = evaluation.scores
    figures = scores.to_json()
    lines = [
        (
            f"{scores.n} pictures: accuracy {scores.accuracy:.3f} ({_range(scores.accuracy_interval)}), "
            f"macro-F1 {scores.macro_f1:.3f} ({_range(scores.macro_f1_interval)}), "
            f"calibration error {scores.ece:.3f}"
        ),
        f"uncertain below {scores.threshold:g}: {scores.uncertain_share:.1%} of the pictures{_others(scores)}",
    ]
    for told, what in (
        (evaluation.left_out, "left out, of classes that the classifier does not know"),
        (evaluation.never_said, "counted as wrong, of expressions that the classifier never names"),
    ):
        if told:
            lines.append(f"{sum(told.values())} {what}: {', '.join(f'{name} {n}' for name, n in told.items())}")
    if evaluation.whole is not None:
        lines.append(f"no face found in {evaluation.whole}, which were used whole")
    lines.append(f"{'':10}{'n':>6}{'precision':>11}{'recall':>8}")
    for name, row in figures["classes"].items():
        shown = [f"{row[key]:.3f}" if row[key] is not None else "-" for key in ("precision", "recall")]
        lines.append(f"{name:10}{row['n']:>6}{shown[0]:>11}{shown[1]:>8}")
    for px, part in evaluation.face_px.items():
        lines.append(f"scaled to {px} px and up again: accuracy {part.accuracy:.3f}, macro-F1 {part.macro_f1:.3f}")
    lines += groups_in_words(evaluation.groups, not_tested(tuple(evaluation.groups)))
    return "\n".join(lines)


def _others(scores: Scores) -> str:
    """How right what is left is, where anything is."""
    accuracy = scores.accepted_accuracy
    return f"; accuracy of the others {accuracy:.3f}" if accuracy is not None else ""


def _range(interval: tuple[float, float] | None) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "too few or too much alike to say how sure"
