"""Sets without a convention of their own: folders of classes, with or without splits above them, and CSV manifests."""

from pathlib import Path

from analytics.errors import UsageError
from models.listed import Listed, split_named, walk_class_folders, walk_csv
from models.pictures import PictureFiles
from models.sets.fer2013 import columns_of_csv
from models.sets.records import Item, ReadOptions, SourceSet


def is_manifest(path: Path) -> bool:
    """Whether a file is a CSV with path,label."""
    return {"path", "label"} <= set(columns_of_csv(path))


def read_folders(root: Path, options: ReadOptions) -> SourceSet:
    """A folder of class folders, or of train/, val/ and test/ with class folders in each."""
    del options
    return _of_files("folders", root, [(one, one.split or "") for one in walk_class_folders(root)], root)


def read_manifest(path: Path, options: ReadOptions) -> SourceSet:
    """A CSV with path,label and, if wanted, split, subject and box.

    Raises:
        UsageError: as walk_csv, and a split that is none.
    """
    del options
    listed = []
    for one in walk_csv(path):
        if (split := split_named(one.split or "")) is None and (one.split or "").strip():
            problem = f"{path}: '{one.split or '':.40}' is no split"
            raise UsageError(problem, f"use train, public or private; {one.file} has it")
        listed.append((one, split or ""))
    return _of_files("manifest", path, listed, path.parent)


def _of_files(kind: str, source: Path, listed: list[tuple[Listed, str]], below: Path) -> SourceSet:
    items = [
        Item(
            label=one.label,
            name=Path(one.file).relative_to(below).as_posix() if Path(one.file).is_relative_to(below) else one.file,
            subject=(one.subject or "").strip(),
            split=split,
            box=one.box,
        )
        for one, split in listed
    ]
    return SourceSet(kind=kind, items=items, pictures=PictureFiles(source, [one.file for one, _ in listed]))
