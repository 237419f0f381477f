"""`emobatch explain`: a sheet of faces of each class, and where a classifier looked when it judged them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.classifier import ExpressionClassifier
from models.datasets import LabelledPictures, read_labelled
from models.occlusion import Crops, occlusion_map
from models.portraits import face_crops
from reports.heat_sheet import Looked, heat_sheet

_log = logging.getLogger(__name__)
METHODS: Final = ("both", "occlusion", "grad-cam")
KERAS: Final = (".keras", ".h5")
_THE_SAME: Final = 1e-4
"""Of probabilities that differ by no more."""


class Explained(Protocol):
    """What is asked of a classifier."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns of the probabilities stand for."""

    @property
    def size(self) -> int:
        """Side of the faces in px."""

    def classify(self, crops: Crops) -> NDArray[np.float32]:
        """Probabilities (n, columns) of gray faces (n, size, size)."""


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """What decides a sheet."""

    model: str
    dataset: Path
    out: Path
    split: str = "public"
    labels: str = "ferplus"
    each: int = 3
    """Faces of a class."""
    method: str = "both"
    """One of METHODS."""
    patch: int = 0
    """Side of the hidden square in px; 0 is a sixth of the face."""
    seed: int = 20


def explain(options: ExplainOptions) -> list[dict[str, Any]]:
    """Draw where a classifier looked in faces of each class, and write the sheet.

    Explained is the class that was said, right or wrong.

    Returns:
        A row each face, in the order of the sheet: truth, said, confidence; `drop`, by how much hiding a part lowered that
        confidence at most, and `hides`, the middle x, y of that part as shares of the side.

    Raises:
        UsageError: an unknown model or method, a data set that cannot be read, or a sheet that cannot be written.
    """
    if options.method not in METHODS:
        raise UsageError(f"--method {options.method}: no such method", f"choose one of: {', '.join(METHODS)}")
    if options.out.suffix.lower() not in (".png", ".jpg"):
        raise UsageError(f"--out {options.out}: is no name of a picture", "end it in .png or .jpg")
    of_keras = Path(options.model).suffix.lower() in KERAS
    if options.method == "grad-cam" and not of_keras:
        remedy = "name the .keras file that it was made of, or give --method occlusion"
        raise UsageError(f"--method grad-cam: {options.model} has no gradients", remedy)
    classifier = _of_keras(options) if of_keras else _Converted(options.model)
    if options.patch > classifier.size:
        raise UsageError(f"--patch {options.patch}: is larger than the face", f"give 1 to {classifier.size}")
    data = read_labelled(options.dataset, options.split, options.labels, classifier.columns)
    picked = _picked(data, classifier, options)
    maps = _maps(classifier, picked, options, of_keras)
    if len(picked.labels) > 1 and np.ptp(picked.probabilities, axis=0).max() < _THE_SAME:
        _log.warning("%s says the same of every face: its maps show nothing", options.model)
    _write(options.out, classifier, picked, maps)
    return [_row(classifier, picked, k, maps.get("occlusion")) for k in range(len(picked.labels))]


@dataclass(frozen=True, eq=False)
class _Picked:
    """Some faces, by class."""

    crops: Crops
    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]

    @property
    def said(self) -> NDArray[np.intp]:
        said: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return said


class _Converted:
    """A classifier as it runs."""

    def __init__(self, model: str) -> None:
        self._classifier = ExpressionClassifier(model, "MODEL")
        self.columns, self.size = self._classifier.facts.columns, self._classifier.facts.size

    def classify(self, crops: Crops) -> NDArray[np.float32]:
        return self._classifier.classify(crops)


def _of_keras(options: ExplainOptions) -> Explained:
    from models.grad_cam import GradCam

    return GradCam(Path(options.model), options.labels)


def _picked(data: LabelledPictures, classifier: Explained, options: ExplainOptions) -> _Picked:
    """Faces of each class, drawn by the seed and cut as they are to be scored."""
    draw = np.random.default_rng(options.seed)
    rows: list[int] = []
    for label in range(len(classifier.columns)):
        rows += draw.permutation(np.flatnonzero(data.labels == label))[: options.each].tolist()
    if not rows:
        raise UsageError(f"{options.dataset}: no picture of it has a label", "check --split and --labels")
    drawn = data.only(np.array(rows, np.intp))
    crops = face_crops(drawn, classifier.size)
    return _Picked(crops, drawn.labels, classifier.classify(crops))


def _maps(
    classifier: Explained, picked: _Picked, options: ExplainOptions, of_keras: bool
) -> dict[str, Sequence[NDArray[np.float32]]]:
    """The maps of all faces, by method."""
    found: dict[str, Sequence[NDArray[np.float32]]] = {}
    if options.method != "grad-cam":
        pairs = zip(picked.crops, picked.said.tolist(), strict=True)
        found["occlusion"] = [occlusion_map(classifier.classify, crop, said, options.patch) for crop, said in pairs]
    if options.method != "occlusion" and of_keras:
        from models.grad_cam import GradCam

        assert isinstance(classifier, GradCam)
        found["Grad-CAM"] = list(classifier.maps(picked.crops, picked.said))
    return found


def _row(
    classifier: Explained, picked: _Picked, k: int, occluded: Sequence[NDArray[np.float32]] | None
) -> dict[str, Any]:
    said = int(picked.said[k])
    row: dict[str, Any] = {
        "truth": classifier.columns[picked.labels[k]],
        "said": classifier.columns[said],
        "confidence": float(picked.probabilities[k, said]),
    }
    if occluded is not None:
        hottest = np.argwhere(occluded[k] == occluded[k].max()).mean(axis=0) + 0.5
        y, x = (hottest / classifier.size).tolist()
        row |= {"drop": float(occluded[k].max()), "hides": [x, y]}
    return row


def _write(out: Path, classifier: Explained, picked: _Picked, maps: dict[str, Sequence[NDArray[np.float32]]]) -> None:
    looked = [
        Looked(
            picked.crops[k],
            tuple(found[k] for found in maps.values()),
            f"said {classifier.columns[picked.said[k]]}, {picked.probabilities[k].max():.0%}",
            bool(picked.said[k] == picked.labels[k]),
        )
        for k in range(len(picked.labels))
    ]
    by_class = [
        (name, [looked[k] for k in np.flatnonzero(picked.labels == label)])
        for label, name in enumerate(classifier.columns)
        if (picked.labels == label).any()
    ]
    _, code = cv2.imencode(out.suffix.lower(), heat_sheet(by_class, list(maps)))
    half = out.with_name(f".{out.name}.unfinished")
    try:
        half.write_bytes(code.tobytes())
        half.replace(out)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another file") from None
    finally:
        half.unlink(missing_ok=True)
