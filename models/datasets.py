"""Labelled still pictures: a FER-style npz, a folder of class folders, or a CSV of path,label.

All three become one `LabelledPictures`. FER2013's own labels come from Goodfellow et al. (2013),
arXiv:1307.0414; the FER+ votes, ten people a picture, from Barsoum et al. (2016), arXiv:1608.01041.
"""

import csv
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS

LABEL_SCHEMES: Final = ("ferplus", "fer2013")
PICTURE_SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_SYNONYMS: Final = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
_LEAST_VOTES: Final = 5


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with what people said of them."""

    pictures: Sequence[NDArray[np.uint8]]
    """Gray (h, w) or BGR (h, w, 3)."""
    labels: NDArray[np.int32]
    """(n,) index into EXPRESSIONS of the class that counts as the truth; -1 where there is none."""
    targets: NDArray[np.float32]
    """(n, 7) soft targets that sum to one; all zero where nothing is to be learned."""

    def only(self, keep: NDArray[np.bool_]) -> "LabelledPictures":
        """The pictures where keep, bool (n,), is true."""
        rows = np.flatnonzero(keep)
        return LabelledPictures([self.pictures[i] for i in rows.tolist()], self.labels[rows], self.targets[rows])


def read_labelled(path: Path, split: str = "private", scheme: str = "ferplus") -> LabelledPictures:
    """Read a DATASET argument: an npz, a folder of class folders, or a CSV with path,label.

    Args:
        path: what the user named.
        split: part of an npz: train, public or private. Folders and CSV files have no parts.
        scheme: truth of an npz: ferplus (votes) or fer2013 (labels).

    Raises:
        UsageError: unknown labels, or the data set is missing, of no known kind, damaged, or holds nothing usable.
    """
    if scheme not in LABEL_SCHEMES:
        raise UsageError(f"--labels {scheme}: no such labels", f"choose one of: {', '.join(LABEL_SCHEMES)}")
    if path.suffix == ".npz" and path.is_file():
        return _read_npz(path, split, scheme)
    if path.is_dir():
        return _read_files(path, _walk_class_folders(path))
    if path.suffix == ".csv" and path.is_file():
        return _read_files(path, _walk_csv(path))
    raise UsageError(
        f"{path}: no data set here",
        "name a folder of class folders, a FER-style .npz, or a .csv with the columns path,label",
    )


def class_index(name: str) -> int:
    """Index into EXPRESSIONS of a class name as data sets spell it (`Happiness`, `anger`); -1 if foreign."""
    lowered = name.strip().lower()
    name = _SYNONYMS.get(lowered, lowered)
    return EXPRESSIONS.index(name) if name in EXPRESSIONS else -1


def ferplus_labels(votes: NDArray[np.integer], names: Sequence[str]) -> NDArray[np.int32]:
    """The majority's class of each row of votes, int (n, 10); -1 where there is no clear face.

    Left out are rows whose largest vote overall goes to contempt, unknown or NF, or is below five
    of ten. Ties go to the first name.
    """
    to_ours = np.array([class_index(name) for name in names], np.int32)
    labels: NDArray[np.int32] = to_ours[votes.argmax(axis=1)]
    labels[votes.max(axis=1) < _LEAST_VOTES] = -1
    return labels


def ferplus_targets(votes: NDArray[np.integer], names: Sequence[str]) -> NDArray[np.float32]:
    """Soft targets (n, 7): the shares of the votes among the seven classes, single votes dropped.

    One vote of ten is more often a slip than an opinion (Barsoum et al. drop it too). Rows that
    most people call unknown or no face become all zero.
    """
    heard = np.where(votes > 1, votes, 0)
    targets = np.zeros((len(votes), len(EXPRESSIONS)), np.float32)
    for column, name in enumerate(names):
        if (ours := class_index(name)) >= 0:
            targets[:, ours] = heard[:, column]
    unclear = np.array([name.lower() in ("unknown", "nf") for name in names])
    targets[unclear[votes.argmax(axis=1)]] = 0
    total: NDArray[np.float32] = targets.sum(axis=1, keepdims=True)
    total[total == 0] = 1
    return targets / total


def _read_npz(path: Path, split: str, scheme: str) -> LabelledPictures:
    with path.open("rb") as file:
        try:
            data = np.load(file)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise UsageError(f"{path}: cannot be read as npz ({error})", "copy or write it again") from None
        for array in ("images", "labels", "class_names", "split"):
            if array not in data:
                raise UsageError(f"{path}: has no array '{array}'", "write the npz as docs/evaluate.md describes")
        rows = data["split"] == split
        if not rows.any():
            known = ", ".join(sorted({str(name) for name in data["split"]}))
            raise UsageError(f"{path}: has no split '{split}'", f"choose one of: {known}")
        # Copies of training pictures and rows that show no face would flatter or blur a score.
        for flag in ("exact_dup_in_train", "not_a_face_ferplus"):
            if flag in data:
                rows &= ~data[flag].astype(np.bool_)
        pictures = data["images"][rows]
        if scheme == "ferplus":
            if "ferplus_votes" not in data or "ferplus_names" not in data:
                raise UsageError(f"{path}: has no arrays 'ferplus_votes' and 'ferplus_names'", "use --labels fer2013")
            votes, names = data["ferplus_votes"][rows], [str(name) for name in data["ferplus_names"]]
            return LabelledPictures(pictures, ferplus_labels(votes, names), ferplus_targets(votes, names))
        to_ours = np.array([class_index(str(name)) for name in data["class_names"]], np.int32)
        return _with_hard_labels(pictures, to_ours[data["labels"][rows]])


def _with_hard_labels(pictures: Sequence[NDArray[np.uint8]], labels: NDArray[np.int32]) -> LabelledPictures:
    targets = np.zeros((len(labels), len(EXPRESSIONS)), np.float32)
    targets[labels >= 0, labels[labels >= 0]] = 1
    return LabelledPictures(pictures, labels, targets)


def _walk_class_folders(root: Path) -> Iterable[tuple[Path, str]]:
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in PICTURE_SUFFIXES:
                yield file, folder.name


def _walk_csv(path: Path) -> Iterable[tuple[Path, str]]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        if not {"path", "label"} <= set(reader.fieldnames or ()):
            raise UsageError(f"{path}: has no columns path,label", "name them in the first line")
        for row in reader:
            # A line that is too short has None there.
            yield path.parent / (row["path"] or ""), row["label"] or ""


def _read_files(source: Path, listed: Iterable[tuple[Path, str]]) -> LabelledPictures:
    pictures: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for file, label in listed:
        if (index := class_index(label)) < 0:
            raise UsageError(f"{source}: '{label}' is no class", f"use one of: {', '.join(EXPRESSIONS)}")
        content = np.fromfile(file, np.uint8) if file.is_file() else np.empty(0, np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
        if picture is None:
            raise UsageError(f"{file}: cannot be read as a picture", f"repair it or remove it from {source}")
        pictures.append(np.asarray(picture, np.uint8))
        labels.append(index)
    if not pictures:
        raise UsageError(f"{source}: holds no pictures", f"known kinds: {', '.join(PICTURE_SUFFIXES)}")
    return _with_hard_labels(pictures, np.array(labels, np.int32))
