"""The kinds of data sets that are read, by name."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from models.labels import class_index
from models.listed import split_named
from models.sets.fer2013 import columns_of_csv, is_fer_csv, read_fer_csv, read_npz
from models.sets.folders import is_manifest, read_folders, read_manifest
from models.sets.named import is_ckplus, is_jaffe, is_kdef, read_ckplus, read_jaffe, read_kdef
from models.sets.records import ReadOptions, SourceSet


@dataclass(frozen=True)
class Format:
    """A kind of data sets."""

    read: Callable[[Path, ReadOptions], SourceSet]
    fits: Callable[[Path], bool]
    """Whether a path is of this kind, which is tried in the order of FORMATS."""


def _npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz" and path.is_file()


def _unsorted(fits: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """A folder of this kind, and none that somebody has sorted into folders of classes or splits."""

    def fits_as_given(path: Path) -> bool:
        if not path.is_dir():
            return False
        below = [entry.name for entry in path.iterdir() if entry.is_dir()]
        return not any(class_index(name) >= 0 or split_named(name) for name in below) and fits(path)

    return fits_as_given


FORMATS: Final[dict[str, Format]] = {
    "npz": Format(read_npz, _npz),
    "fer2013": Format(read_fer_csv, is_fer_csv),
    "manifest": Format(read_manifest, is_manifest),
    "ckplus": Format(read_ckplus, _unsorted(is_ckplus)),
    "kdef": Format(read_kdef, _unsorted(is_kdef)),
    "jaffe": Format(read_jaffe, _unsorted(is_jaffe)),
    "folders": Format(read_folders, Path.is_dir),
}
"""Name before a SOURCE (`kdef:PATH`) -> how it is read. Without a name, the first that fits."""
_FOLDERS: Final = ("ckplus", "kdef", "jaffe", "folders")
_KINDS: Final = (
    "name a FER-style .npz, the csv of FER2013, a .csv with the columns path,label, or a folder of CK+, KDEF, JAFFE or "
    "of classes"
)


def read_source(source: str, options: ReadOptions) -> tuple[Path, SourceSet]:
    """Read one SOURCE: a path, or a path with the name of its kind and a colon before it.

    Returns:
        The path alone, and what is in it.

    Raises:
        UsageError: there is no data set of a known kind, or it cannot be read, or it holds no picture.
    """
    kind, colon, rest = source.partition(":")
    path = Path(rest if colon and kind in FORMATS else source)
    try:
        if not path.exists():
            raise UsageError(f"{path}: no data set here", _KINDS)
        if kind in _FOLDERS and colon and not path.is_dir():
            raise UsageError(
                f"{source}: is no folder", f"name the folder that holds the pictures, or leave out `{kind}:`"
            )
        if not (colon and kind in FORMATS):
            kind = next((name for name, one in FORMATS.items() if one.fits(path)), "")
        if not kind:
            raise UsageError(f"{path}: is no data set of a known kind", _unknown(path))
        found = FORMATS[kind].read(path, options)
    except OSError as error:
        where = error.filename or path
        raise UsageError(f"{where}: cannot be read ({error.strerror or error})", "let this user read it") from None
    if not len(found.items):
        why = "; ".join(f"{reason}: {n}" for reason, n in found.left_out.items())
        raise UsageError(f"{path}: holds no labelled pictures{f' ({why})' if why else ''}", _KINDS)
    return path, found


def _unknown(path: Path) -> str:
    if "neutral" in columns_of_csv(path):
        return "these are votes of FER+: name the csv of FER2013 beside it, of which they are read by themselves"
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "it is text in UTF-16: save it as UTF-8 (`CSV UTF-8` in spreadsheets)"
    return _KINDS
