"""Score a classifier on labelled still pictures, with the same crop and the same file as `emobatch run`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.classifier import ExpressionClassifier
from models.crop import crop_faces, crop_whole
from models.datasets import LABEL_SCHEMES, read_labelled
from models.detectors import FaceDetector
from models.scores import Scores, score


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores, and what became of the search for faces."""

    scores: Scores
    whole: int | None
    """Pictures in which no face was found and which were used whole; None without detection."""

    def to_json(self) -> dict[str, Any]:
        """The object that `emobatch evaluate --json` prints."""
        found = {} if self.whole is None else {"used_whole": self.whole}
        return self.scores.to_json() | found


def evaluate(
    classifier: ExpressionClassifier,
    dataset: Path,
    split: str = "private",
    labels: str = "ferplus",
    detector: FaceDetector | None = None,
) -> Evaluation:
    """Classify every labelled picture of a data set and compare.

    Args:
        classifier: what is judged.
        dataset: FER-style npz, folder of class folders, or CSV with path,label.
        split: part of an npz.
        labels: truth of an npz, ferplus or fer2013.
        detector: finds the face first; None takes the pictures as crops.

    Raises:
        UsageError: unknown labels, or a data set without labelled pictures.
    """
    if labels not in LABEL_SCHEMES:
        raise UsageError(f"--labels {labels}: no such labels", f"choose one of: {', '.join(LABEL_SCHEMES)}")
    data = read_labelled(dataset, split, labels)
    data = data.only(data.labels >= 0)
    if not len(data.labels):
        raise UsageError(f"{dataset}: no picture has a label", "check the labels")
    size, whole = classifier.facts.size, 0
    crops = np.empty((len(data.labels), size, size), np.uint8)
    for i, picture in enumerate(data.pictures):
        crop = crop_whole(picture, size) if detector is None else _detected_crop(picture, size, detector)
        whole += crop is None
        crops[i] = crop_whole(picture, size) if crop is None else crop
    scores = score(classifier.classify(crops), data.labels, classifier.facts.threshold)
    return Evaluation(scores, whole if detector else None)


def _detected_crop(picture: NDArray[np.uint8], size: int, detector: FaceDetector) -> NDArray[np.uint8] | None:
    """The crop of the largest face; None where no face is found."""
    frame = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    found = detector.detect(np.asarray(frame, np.uint8))
    if not len(found):
        return None
    largest = np.arange(len(found)) == (found.boxes[:, 2] * found.boxes[:, 3]).argmax()
    return np.asarray(crop_faces(np.asarray(frame, np.uint8), found.only(largest), size)[0], np.uint8)


def in_words(evaluation: Evaluation) -> str:
    """The result as lines for a person."""
    scores = evaluation.scores
    figures = scores.to_json()
    lines = [
        f"{scores.n} pictures: accuracy {scores.accuracy:.3f}, macro-F1 {scores.macro_f1:.3f}, "
        f"calibration error {scores.ece:.3f}",
        f"uncertain below {scores.threshold:g}: {scores.uncertain_share:.1%} of the pictures; "
        f"accuracy of the others {scores.accepted_accuracy:.3f}",
    ]
    if evaluation.whole is not None:
        lines.append(f"no face found in {evaluation.whole}, which were used whole")
    lines.append(f"{'':10}{'n':>6}{'precision':>11}{'recall':>8}")
    for name, row in figures["classes"].items():
        shown = [f"{row[key]:.3f}" if row[key] is not None else "-" for key in ("precision", "recall")]
        lines.append(f"{name:10}{row['n']:>6}{shown[0]:>11}{shown[1]:>8}")
    return "\n".join(lines)
