"""Labelled still pictures: a FER-style npz, a folder of class folders, or a CSV of path,label.

All three become one `LabelledPictures`. Pictures of folders and CSV files stay on disk until they are asked for.
"""

import csv
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from analytics.paths import is_file
from models.fer_npz import read_fer_npz
from models.labels import class_index, ferplus_labels, ferplus_targets, hard_targets
from models.pictures import PICTURE_SUFFIXES, PictureFiles, Pictures

LABEL_SCHEMES: Final = ("ferplus", "fer2013")
_NO_BOX: Final = (math.nan,) * 4
_SHOWN: Final = 40
"""Characters of a foreign label that an error repeats."""


@dataclass(frozen=True, eq=False)
class LabelledPictures:
    """Pictures with what people said of them."""

    pictures: Pictures
    labels: NDArray[np.int32]
    """(n,) index into the known classes of the one that counts as the truth; -1 where there is none."""
    targets: NDArray[np.float32]
    """(n, classes) soft targets that sum to one; all zero where nothing is to be learned."""
    groups: tuple[str, ...] = ()
    """(n,) what each picture is counted with besides; empty where nothing is said."""
    boxes: NDArray[np.float32] | None = None
    """(n, 4) where the face is: x, y of the upper left corner, width, height in px; NaN where nothing is said."""

    def only(self, keep: NDArray[np.bool_]) -> "LabelledPictures":
        """The pictures where keep, bool (n,), is true; none is read yet."""
        rows = np.flatnonzero(keep)
        return LabelledPictures(
            pictures=_Picked(self.pictures, rows),
            labels=self.labels[rows],
            targets=self.targets[rows],
            groups=tuple(self.groups[row] for row in rows) if self.groups else (),
            boxes=None if self.boxes is None else self.boxes[rows],
        )


class _Picked:
    """Some pictures of others."""

    def __init__(self, pictures: Pictures, rows: NDArray[np.intp]) -> None:
        self._pictures, self._rows = pictures, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]:
        return self._pictures[int(self._rows[index])]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._pictures[row] for row in self._rows.tolist())


def read_labelled(
    path: Path, split: str = "private", scheme: str = "ferplus", known: Sequence[str] = EXPRESSIONS
) -> LabelledPictures:
    """Read a DATASET argument: an npz, a folder of class folders, or a CSV with path,label.

    A picture file that turns out to be damaged raises its UsageError when it is asked for.

    Args:
        path: what the user named.
        split: part of an npz: train, public or private. Folders and CSV files have no parts.
        scheme: truth of an npz: ferplus (votes) or fer2013 (labels), of the seven expressions always.
        known: classes that folders and CSV files may name, the seven first.

    Raises:
        UsageError: unknown labels, or the data set is missing, of no known kind, damaged, or holds nothing usable.
    """
    if scheme not in LABEL_SCHEMES:
        raise UsageError(f"--labels {scheme}: no such labels", f"choose one of: {', '.join(LABEL_SCHEMES)}")
    try:
        if path.suffix.lower() == ".npz" and path.is_file():
            return _of_npz(path, split, scheme)
        if path.is_dir():
            return _of_files(path, _walk_class_folders(path), known)
        if path.suffix.lower() == ".csv" and path.is_file():
            return _of_files(path, _walk_csv(path), known)
    except OSError as error:
        where = error.filename or path
        raise UsageError(f"{where}: cannot be read ({error.strerror or error})", "let this user read it") from None
    raise UsageError(
        f"{path}: no data set here",
        "name a folder of class folders, a FER-style .npz, or a .csv with the columns path,label",
    )


def _of_npz(path: Path, split: str, scheme: str) -> LabelledPictures:
    data = read_fer_npz(path, split)
    if scheme == "ferplus":
        if data.votes is None:
            raise UsageError(f"{path}: has no arrays 'ferplus_votes' and 'ferplus_names'", "use --labels fer2013")
        labels, targets = ferplus_labels(data.votes, data.vote_names), ferplus_targets(data.votes, data.vote_names)
        return LabelledPictures(data.pictures, labels, targets)
    if data.labels.min(initial=0) < 0 or data.labels.max(initial=0) >= len(data.class_names):
        found = f"{data.labels.min()} to {data.labels.max()} for {len(data.class_names)} 'class_names'"
        raise UsageError(f"{path}: has 'labels' from {found}", "labels are indices into class_names, from 0")
    to_ours = np.array([class_index(name) for name in data.class_names], np.int32)
    labels = to_ours[data.labels]
    return LabelledPictures(data.pictures, labels, hard_targets(labels))


@dataclass(frozen=True)
class _Listed:
    """One line of a data set."""

    file: str
    label: str
    group: str | None = None
    box: tuple[float, ...] | None = None


def _walk_class_folders(root: Path) -> Iterator[_Listed]:
    """Each picture file with its class folder's name, in order."""
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        files: list[str] = []
        for below, _, names in os.walk(folder, onerror=_refuse):
            files += (str(Path(below, name)) for name in names if name.lower().endswith(PICTURE_SUFFIXES))
        for file in sorted(files, key=lambda file: Path(file).parts):
            yield _Listed(file, folder.name)


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed is an error: left out in silence, it would change the scores."""
    raise error


def _walk_csv(path: Path) -> Iterator[_Listed]:
    """Each line's picture file and label, its group and the face's box where there are such columns."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        try:
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{path}: has no columns path,label", "name them in the first line")
            for row in reader:
                # A line that is too short has None there.
                file = str(path.parent / (row["path"] or ""))
                if not is_file(Path(file)):
                    where = f"line {reader.line_num} of {path}"
                    raise UsageError(f"{file}: no such picture", f"mend its path in {where}, or remove that line")
                box = _box(row.get("box"), f"{path}: line {reader.line_num}")
                yield _Listed(file, row["label"] or "", row.get("group"), box)
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: is not encoded as UTF-8 ({error.reason})", "save it as UTF-8") from None
        except csv.Error as error:
            problem = f"{path}: line {reader.line_num} is no CSV ({error})"
            raise UsageError(problem, "look there for a quote that is not closed") from None


def _box(text: str | None, where: str) -> tuple[float, ...] | None:
    """The four numbers of a box; None where the line has none."""
    if text is None or not text.strip():
        return None
    try:
        x, y, width, height = (float(number) for number in text.split())
    except ValueError:
        x = y = width = height = math.nan
    if not (math.isfinite(x) and math.isfinite(y) and 0 < width < math.inf and 0 < height < math.inf):
        raise UsageError(f"{where}: '{text[:_SHOWN]}' is no box", "give x y width height in px, with spaces between")
    return x, y, width, height


def _of_files(source: Path, listed: Iterable[_Listed], known: Sequence[str]) -> LabelledPictures:
    files: list[_Listed] = []
    labels: list[int] = []
    for one in listed:
        if (index := class_index(one.label, known)) < 0:
            raise UsageError(
                f"{source}: '{one.label[:_SHOWN]}' is no class", f"use one of: {', '.join(known)}; {one.file} has it"
            )
        files.append(one)
        labels.append(index)
    if not files:
        where = "put them into folders named as the classes" if source.is_dir() else "list one a line"
        raise UsageError(f"{source}: holds no pictures", f"{where}; known kinds: {', '.join(PICTURE_SUFFIXES)}")
    truth = np.array(labels, np.int32)
    return LabelledPictures(
        pictures=PictureFiles(source, [one.file for one in files]),
        labels=truth,
        targets=hard_targets(truth, len(known)),
        groups=tuple(one.group or "none" for one in files) if any(one.group for one in files) else (),
        boxes=np.array([one.box or _NO_BOX for one in files], np.float32) if any(one.box for one in files) else None,
    )
