"""Lists of labelled picture files: folders of classes, and CSV files with path,label. No picture is opened here."""

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TextIO

from analytics.errors import UsageError
from analytics.paths import is_file
from models.pictures import PICTURE_SUFFIXES

_SHOWN: Final = 40
"""Characters of a foreign value that an error repeats."""

SPLITS: Final = ("train", "public", "private")
"""What teaches, what chooses, and what judges, as the FER2013 challenge called them."""
_COLUMNS: Final = ("path", "label", "split", "subject", "box", "group", "file", "start_s", "end_s", "camera")
_SPLIT_NAMES: Final = {
    "train": ("train", "training", "train_set"),
    "public": ("public", "publictest", "val", "valid", "validation", "val_set", "dev"),
    "private": ("private", "privatetest", "test", "testing", "test_set"),
}


@dataclass(frozen=True)
class Listed:
    """One line of a data set."""

    file: str
    label: str
    groups: Mapping[str, str] = field(default_factory=dict)
    """What it is counted with besides, by column; nothing for a column that is empty here."""
    box: tuple[float, ...] | None = None
    split: str | None = None
    subject: str | None = None


def split_named(name: str) -> str | None:
    """The split that a folder or a column means, one of SPLITS; None where it means none."""
    lowered = name.strip().lower()
    return next((split for split, names in _SPLIT_NAMES.items() if lowered in names), None)


def walk_class_folders(root: Path) -> Iterator[Listed]:
    """Each picture file with its class folder's name, in order; with its split where there are folders of splits above."""
    splits = split_folders(root)
    for above, split in splits.items():
        yield from (replace(one, split=split) for one in _walk_classes(_folders(above)))
    if not splits:
        yield from _walk_classes(_folders(root))


def split_folders(root: Path) -> dict[Path, str]:
    """The folders right below, each with the split that it is called by; none where any is called otherwise."""
    splits = {folder: split_named(folder.name) for folder in _folders(root)}
    return {folder: split for folder, split in splits.items() if split} if all(splits.values()) else {}


def _folders(root: Path) -> list[Path]:
    """Folders right below, but for those that systems and archivers lay there (.git, __MACOSX)."""
    return sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith((".", "__")))


def _walk_classes(folders: list[Path]) -> Iterator[Listed]:
    for folder in folders:
        yield from (Listed(file, folder.name) for file in walk_pictures(folder))


def walk_pictures(folder: Path) -> list[str]:
    """All picture files in a folder and below it, in order."""
    files: list[str] = []
    for below, _, names in os.walk(folder, onerror=_refuse):
        # What begins with "._" holds no picture, but what a Mac had to say of one.
        files += (
            str(Path(below, name))
            for name in names
            if name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith("._")
        )
    return sorted(files, key=lambda file: Path(file).parts)


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed is an error: left out in silence, it would change the scores."""
    raise error


def group_columns(names: Iterable[str], more: Sequence[str] = ()) -> list[str]:
    """The columns that are groups: `group`, those that begin with `group_`, and others that are asked for."""
    return [name for name in names if name == "group" or name.startswith("group_") or name in more]


def list_reader(lines: TextIO) -> "csv.DictReader[str]":
    """A reader of a list's lines, which begin with the names of its columns.

    Between columns are commas, or semicolons or tabs as spreadsheets of many countries save them. Names that emobatch knows
    may be written in capitals.
    """
    first = lines.readline()
    lines.seek(0)
    reader = csv.DictReader(lines, delimiter=max(",;\t", key=first.count), skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = [name.lower() if name.lower() in _COLUMNS else name for name in names]
    return reader


def path_in_list(listed_in: Path, path: str) -> Path:
    """The file that a list names, also where it was written on Windows."""
    file = listed_in.parent / path
    return file if is_file(file) else listed_in.parent / path.replace("\\", "/")


def walk_csv(path: Path, groups: Sequence[str] = ()) -> Iterator[Listed]:
    """Each line's picture file and label; its groups, the face's box, split and subject where there are such columns.

    Args:
        path: the list.
        groups: columns that are groups besides `group` and group_….
    """
    with path.open(newline="", encoding="utf-8-sig") as lines:
        try:
            reader = list_reader(lines)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{path}: has no columns path,label", "name them in the first line")
            columns = group_columns(reader.fieldnames or (), groups)
            if missing := [name for name in groups if name not in columns]:
                named = f"name one of {', '.join(reader.fieldnames or ())}"
                raise UsageError(f"--group {missing[0]}: is no column of {path}", named)
            for row in reader:
                # A line that is too short has None there.
                file = str(path_in_list(path, row["path"] or ""))
                if not is_file(Path(file)):
                    where = f"line {reader.line_num} of {path}"
                    raise UsageError(f"{file}: no such picture", f"mend its path in {where}, or remove that line")
                box = _box(row.get("box"), f"{path}: line {reader.line_num}")
                told = {name: row[name].strip() for name in columns if (row[name] or "").strip()}
                split = _split(row.get("split"), f"{path}: line {reader.line_num}")
                yield Listed(file, row["label"] or "", told, box, split, row.get("subject"))
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: is not encoded as UTF-8 ({error.reason})", "save it as UTF-8") from None
        except csv.Error as error:
            problem = f"{path}: line {reader.line_num} is no CSV ({error})"
            raise UsageError(problem, "look there for a quote that is not closed") from None


def list_has_splits(path: Path) -> bool:
    """Whether a list says of any picture which split it belongs to."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        return any((row.get("split") or "").strip() for row in list_reader(lines))


def _split(text: str | None, where: str) -> str | None:
    """One of SPLITS; None where the line has none."""
    split = split_named(text or "")
    if split is None and (text or "").strip():
        raise UsageError(f"{where}: '{text:.{_SHOWN}}' is no split", f"call it {', '.join(SPLITS)} or leave it empty")
    return split


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
