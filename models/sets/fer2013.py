"""FER2013 as its challenge gave it out, a CSV of pixels, with the votes of FER+ where their file lies beside it.

Goodfellow et al. (2013), arXiv:1307.0414; Barsoum et al. (2016), arXiv:1608.01041.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.fer_npz import read_fer_npz
from models.labels import ferplus_labels
from models.listed import list_reader, split_named
from models.sets.records import Item, ReadOptions, SourceSet

_CONTEMPT: Final = "contempt"
_NAMES: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", _CONTEMPT)
"""By the number in the column `emotion`; the last is not FER2013's, but that of CK+ where others have written it so."""
_VOTES_FILE: Final = "fer2013new.csv"
_NOT_VOTES: Final = ("Usage", "Image name")
_AGAIN: Final = "copy the file again"


def columns_of_csv(path: Path) -> tuple[str, ...]:
    """The names in the first line of a CSV; none where it cannot be read as one."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            return tuple(list_reader(lines).fieldnames or ())
    except csv.Error:
        return ()


def is_fer_csv(path: Path) -> bool:
    """Whether a file is a CSV with emotion,pixels."""
    return {"emotion", "pixels"} <= set(columns_of_csv(path))


def read_fer_csv(path: Path, options: ReadOptions) -> SourceSet:
    """FER2013's csv: emotion,pixels and, if it is there, Usage; with fer2013new.csv beside it, the votes of FER+.

    Raises:
        UsageError: a row that is no square picture or has no label from 0 to 7; votes of another number of rows; or
            ferplus is asked for and there are none.
    """
    items: list[Item] = []
    pictures: list[NDArray[np.uint8]] = []
    for line, row in _rows(path):
        where = f"{path}: line {line}"
        emotion, usage = (row.get("emotion") or "").strip(), row.get("Usage") or ""
        if not emotion.isdecimal() or int(emotion) >= len(_NAMES):
            raise UsageError(f"{where}: '{emotion[:20]}' is no emotion", f"give 0 to {len(_NAMES) - 1}, or {_AGAIN}")
        if (split := split_named(usage)) is None and usage:
            remedy = "Training, PublicTest or PrivateTest is meant"
            raise UsageError(f"{where}: '{usage[:20]}' is no Usage", remedy)
        pictures.append(_picture(row.get("pixels") or "", where, pictures[0].shape if pictures else None))
        items.append(Item(label=_NAMES[int(emotion)], name=f"line {line}", split=split or ""))
    votes, names = _votes_beside(path, len(items))
    stacked = np.stack(pictures) if pictures else np.empty((0, 1, 1), np.uint8)
    spare = (_CONTEMPT,)
    made = SourceSet(kind="fer2013", items=items, pictures=stacked, votes=votes, vote_names=names, spare=spare)
    return by_majority(made, path) if options.labels == "ferplus" else made


def read_npz(path: Path, options: ReadOptions) -> SourceSet:
    """A FER-style npz, as emobatch writes and reads it; flagged rows are left out.

    Raises:
        UsageError: as read_fer_npz, a label or a split that is none, or ferplus is asked for and there are no votes.
    """
    data = read_fer_npz(path, None)
    if data.labels.min(initial=0) < 0 or data.labels.max(initial=0) >= len(data.class_names):
        raise UsageError(
            f"{path}: has 'labels' beyond its 'class_names'", "labels are indices into class_names, from 0"
        )
    subjects = [""] * len(data.labels) if data.subjects is None else data.subjects.tolist()
    names = [f"row {row}" for row in range(len(data.labels))] if data.names is None else data.names.tolist()
    items = []
    for label, name, subject, told in zip(data.labels, names, subjects, data.split.tolist(), strict=True):
        if (split := split_named(told)) is None:
            raise UsageError(f"{path}: '{told}' is no split", "call its splits train, public and private")
        items.append(Item(label=data.class_names[label], name=name, subject=subject, split=split))
    made = SourceSet(
        kind="npz",
        items=items,
        pictures=data.pictures,
        votes=data.votes,
        vote_names=data.vote_names,
        spare=(_CONTEMPT,),
        normalised=data.normalised,
        left_out={"flagged as copy or as no face": data.flagged} if data.flagged else {},
    )
    return by_majority(made, path) if options.labels == "ferplus" else made


def by_majority(source: SourceSet, path: Path) -> SourceSet:
    """The same set with the majority of the votes as labels, less the rows without a clear one.

    Raises:
        UsageError: there are no votes.
    """
    if source.votes is None:
        remedy = f"put {_VOTES_FILE} of FER+ beside the csv, or use --labels fer2013"
        raise UsageError(f"{path}: has no votes of FER+", remedy)
    known = (*EXPRESSIONS, _CONTEMPT)
    labels = ferplus_labels(source.votes, source.vote_names, known)
    kept = np.flatnonzero(labels >= 0)
    items = [replace(source.items[row], label=known[labels[row]]) for row in kept.tolist()]
    pictures = np.asarray(source.pictures)[kept]
    left_out = source.left_out | {"no clear majority": len(labels) - len(kept)}
    told = {reason: n for reason, n in left_out.items() if n}
    return replace(source, items=items, pictures=pictures, votes=source.votes[kept], left_out=told)


def _picture(pixels: str, where: str, shape: tuple[int, ...] | None) -> NDArray[np.uint8]:
    try:
        values = np.frombuffer(bytes(map(int, pixels.split())), np.uint8)
    except ValueError:
        raise UsageError(f"{where}: its pixels are no numbers from 0 to 255", _AGAIN) from None
    side = round(len(values) ** 0.5)
    if not side or side * side != len(values) or (shape is not None and shape != (side, side)):
        wanted = f"not {shape[0] * shape[1]}" if shape else "which make no square"
        raise UsageError(f"{where}: has {len(values)} pixels, {wanted}", _AGAIN)
    return values.reshape(side, side)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Each row of a CSV with the number of its line."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, skipinitialspace=True)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        try:
            for row in reader:
                yield reader.line_num, row
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: is not encoded as UTF-8 ({error.reason})", "save it as UTF-8") from None
        except csv.Error as error:
            raise UsageError(f"{path}: line {reader.line_num} is no CSV ({error})", _AGAIN) from None


def _votes_beside(path: Path, n: int) -> tuple[NDArray[np.uint8] | None, tuple[str, ...]]:
    """The votes of FER+, (n, names), from the file that joins FER2013 row by row; None where there is none."""
    beside = path.with_name(_VOTES_FILE)
    names = tuple(name for name in columns_of_csv(beside) if name not in _NOT_VOTES)
    if not names:
        return None, ()
    votes = []
    for line, row in _rows(beside):
        try:
            votes.append(list(bytes(int(row.get(name) or "") for name in names)))
        except ValueError:
            raise UsageError(f"{beside}: line {line} has no whole votes", _AGAIN) from None
    if len(votes) != n:
        problem = f"{beside}: has {len(votes):,} rows for the {n:,} of {path.name}"
        raise UsageError(problem, "the two files are joined row by row: take whole ones, or move it elsewhere")
    return np.array(votes, np.uint8), names
