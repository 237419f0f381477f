"""Sets without a convention of their own: folders of classes, with or without splits above them, and CSV manifests."""

from pathlib import Path

from models.listed import Listed, walk_class_folders, walk_csv
from models.pictures import PictureFiles
from models.sets.fer2013 import columns_of_csv
from models.sets.records import Item, ReadOptions, SourceSet


def is_manifest(path: Path) -> bool:
    """Whether a file is a CSV with path,label."""
    return {"path", "label"} <= set(columns_of_csv(path))


def read_folders(root: Path, options: ReadOptions) -> SourceSet:
    """A folder of class folders, or of train/, val/ and test/ with class folders in each."""
    del options
    return _of_files("folders", root, list(walk_class_folders(root)), root)


def read_manifest(path: Path, options: ReadOptions) -> SourceSet:
    """A CSV with path,label and, if wanted, split, subject and box.

    Raises:
        UsageError: as walk_csv.
    """
    del options
    return _of_files("manifest", path, list(walk_csv(path)), path.parent)


def _of_files(kind: str, source: Path, listed: list[Listed], below: Path) -> SourceSet:
    items = [
        Item(
            label=one.label,
            name=Path(one.file).relative_to(below).as_posix() if Path(one.file).is_relative_to(below) else one.file,
            subject=(one.subject or "").strip(),
            split=one.split or "",
            box=one.box,
        )
        for one in listed
    ]
    return SourceSet(kind=kind, items=items, pictures=PictureFiles(source, [one.file for one in listed]))
