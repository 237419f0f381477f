"""Labelled still pictures: a FER-style npz, a folder of class folders, or a CSV of path,label.

All three become one `LabelledPictures`. Pictures of folders and CSV files stay on disk until they are asked for.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.fer_npz import read_fer_npz
from models.labels import class_index, ferplus_labels, ferplus_targets, hard_targets
from models.listed import Listed, list_has_splits, split_folders, split_named, walk_class_folders, walk_csv
from models.pictures import PICTURE_SUFFIXES, PictureFiles, Pictures

_log = logging.getLogger(__name__)
LABEL_SCHEMES: Final = ("ferplus", "fer2013")
NO_GROUP: Final = "none"
"""Of a picture of which a column says nothing."""
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
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """(n,) what each picture is counted with besides, by what it is told of: a column of a list."""
    classes: tuple[str, ...] = EXPRESSIONS
    """What labels and targets are indices of."""
    normalised: str = ""
    """What was done to the grey levels, one of models.levels.NORMALISED, or nothing."""
    boxes: NDArray[np.float32] | None = None
    """(n, 4) where the face is: x, y of the upper left corner, width, height in px; NaN where nothing is said."""
    foreign: Mapping[str, int] = field(default_factory=dict)
    """How many pictures are of classes that are none of the known ones, by class; they have no label."""

    def only(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "LabelledPictures":
        """The pictures where keep, bool (n,), is true, or those of such rows, in their order; none is read yet."""
        rows = np.arange(len(self.labels))[keep]
        return LabelledPictures(
            pictures=_Picked(self.pictures, rows),
            labels=self.labels[rows],
            targets=self.targets[rows],
            groups={column: tuple(each[row] for row in rows) for column, each in self.groups.items()},
            classes=self.classes,
            normalised=self.normalised,
            boxes=None if self.boxes is None else self.boxes[rows],
            foreign=self.foreign,
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
    path: Path,
    split: str = "private",
    scheme: str = "ferplus",
    known: Sequence[str] | None = None,
    groups: Sequence[str] = (),
) -> LabelledPictures:
    """Read a DATASET argument: an npz, a folder of class folders, or a CSV with path,label.

    A picture file that turns out to be damaged raises its UsageError when it is asked for.

    Args:
        path: what the user named.
        split: part of an npz, of folders of splits, or of a CSV with a column `split`: train, public or private. Other folders
            and lists have no parts.
        scheme: truth of an npz: ferplus (votes) or fer2013 (labels).
        known: what labels are to be indices of; folders and CSV files may name no others, and what an npz has besides
            gets no label. Unless given, an npz' own classes, and the seven expressions.
        groups: columns of a CSV that are groups besides `group` and group_….

    Raises:
        UsageError: unknown labels, or the data set is missing, of no known kind, damaged, or holds nothing usable.
    """
    if scheme not in LABEL_SCHEMES:
        raise UsageError(f"--labels {scheme}: no such labels", f"choose one of: {', '.join(LABEL_SCHEMES)}")
    if groups and path.suffix.lower() != ".csv":
        raise UsageError(f"--group {groups[0]}: {path} is no list with columns", "give a .csv, or leave it out")
    try:
        if path.suffix.lower() == ".npz" and path.is_file():
            data = _of_npz(path, split, scheme)
            return data if known is None else _among(data, tuple(known))
        if path.is_dir():
            return _of_files(path, _in_split(path, walk_class_folders(path), split), tuple(known or EXPRESSIONS))
        if path.suffix.lower() == ".csv" and path.is_file():
            return _of_files(path, _in_split(path, walk_csv(path, groups), split), tuple(known or EXPRESSIONS))
    except OSError as error:
        where = error.filename or path
        raise UsageError(f"{where}: cannot be read ({error.strerror or error})", "let this user read it") from None
    raise UsageError(
        f"{path}: no data set here",
        "name a folder of class folders, a FER-style .npz, or a .csv with the columns path,label",
    )


def has_splits(path: Path) -> bool:
    """Whether `split` chooses among the pictures of a DATASET: of an npz, of folders of splits, of lists that say it."""
    try:
        if path.is_dir():
            return bool(split_folders(path))
        return path.suffix.lower() == ".npz" or (path.suffix.lower() == ".csv" and list_has_splits(path))
    except OSError:  # Whoever reads it says so.
        return False


def _of_npz(path: Path, split: str, scheme: str) -> LabelledPictures:
    data = read_fer_npz(path, split)
    if scheme == "ferplus":
        if data.votes is None:
            raise UsageError(f"{path}: has no arrays 'ferplus_votes' and 'ferplus_names'", "use --labels fer2013")
        labels = ferplus_labels(data.votes, data.vote_names, data.classes)
        targets = ferplus_targets(data.votes, data.vote_names, data.classes)
        return LabelledPictures(data.pictures, labels, targets, classes=data.classes, normalised=data.normalised)
    if data.labels.min(initial=0) < 0 or data.labels.max(initial=0) >= len(data.class_names):
        found = f"{data.labels.min()} to {data.labels.max()} for {len(data.class_names)} 'class_names'"
        raise UsageError(f"{path}: has 'labels' from {found}", "labels are indices into class_names, from 0")
    to_ours = np.array([class_index(name, data.classes) for name in data.class_names], np.int32)
    labels = to_ours[data.labels]
    targets = hard_targets(labels, len(data.classes))
    foreign = {name: int((data.labels == k).sum()) for k, name in enumerate(data.class_names) if to_ours[k] < 0}
    if told := ", ".join(f"{name} {n}" for name, n in foreign.items() if n):
        _log.warning(
            "%s: pictures of classes that are none of %s are left out: %s", path, ", ".join(data.classes), told
        )
    return LabelledPictures(data.pictures, labels, targets, classes=data.classes, normalised=data.normalised)


def _among(data: LabelledPictures, known: tuple[str, ...]) -> LabelledPictures:
    """The same with indices into the known classes; pictures of other classes have no label there."""
    places = np.array([known.index(name) if name in known else -1 for name in data.classes], np.int32)
    targets = np.zeros((len(data.labels), len(known)), np.float32)
    targets[:, places[places >= 0]] = data.targets[:, places >= 0]
    labels = np.where(data.labels >= 0, places[data.labels], -1).astype(np.int32)
    foreign = {
        name: n
        for place, name in enumerate(data.classes)
        if places[place] < 0 and (n := int((data.labels == place).sum()))
    }
    return replace(data, labels=labels, targets=targets, classes=known, foreign=foreign)


def _in_split(source: Path, listed: Iterable[Listed], split: str) -> list[Listed]:
    """All pictures; those of one split where any of them belongs to one."""
    everything = list(listed)
    found = {one.split for one in everything if one.split}
    split = split_named(split) or split
    if found and split not in found:
        raise UsageError(f"{source}: has no split '{split}'", f"choose one of: {', '.join(sorted(found))}")
    return [one for one in everything if one.split == split] if found else everything


def _of_files(source: Path, listed: Iterable[Listed], known: tuple[str, ...]) -> LabelledPictures:
    files: list[Listed] = []
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
    columns = dict.fromkeys(column for one in files for column in one.groups)
    return LabelledPictures(
        pictures=PictureFiles(source, [one.file for one in files]),
        labels=truth,
        targets=hard_targets(truth, len(known)),
        groups={column: tuple(one.groups.get(column, NO_GROUP) for one in files) for column in columns},
        classes=known,
        boxes=np.array([one.box or _NO_BOX for one in files], np.float32) if any(one.box for one in files) else None,
    )
