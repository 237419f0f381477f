"""Lists of labelled picture files: folders of classes, and CSV files with path,label. No picture is opened here."""

import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from analytics.paths import is_file
from models.pictures import PICTURE_SUFFIXES

_SHOWN: Final = 40
"""Characters of a foreign value that an error repeats."""


@dataclass(frozen=True)
class Listed:
    """One line of a data set."""

    file: str
    label: str
    group: str | None = None
    box: tuple[float, ...] | None = None
    split: str | None = None
    subject: str | None = None


def walk_class_folders(root: Path) -> Iterator[Listed]:
    """Each picture file with its class folder's name, in order."""
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        for file in walk_pictures(folder):
            yield Listed(file, folder.name)


def walk_pictures(folder: Path) -> list[str]:
    """All picture files in a folder and below it, in order."""
    files: list[str] = []
    for below, _, names in os.walk(folder, onerror=_refuse):
        files += (str(Path(below, name)) for name in names if name.lower().endswith(PICTURE_SUFFIXES))
    return sorted(files, key=lambda file: Path(file).parts)


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed is an error: left out in silence, it would change the scores."""
    raise error


def walk_csv(path: Path) -> Iterator[Listed]:
    """Each line's picture file and label; its group, the face's box, split and subject where there are such columns."""
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
                yield Listed(file, row["label"] or "", row.get("group"), box, row.get("split"), row.get("subject"))
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
