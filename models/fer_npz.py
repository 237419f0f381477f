"""A FER-style npz as checked arrays: what is damaged, missing or misshapen is named before anything is computed.

docs/evaluate.md describes the arrays.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from analytics.schema import why_no_classes
from models.levels import NORMALISED
from models.listed import split_named

_DESCRIBED: Final = "write the npz as docs/evaluate.md describes"
_AGAIN: Final = "copy or write it again"
_LEFT_OUT: Final = ("exact_dup_in_train", "not_a_face_ferplus")
"""Copies of training pictures and rows that show no face would flatter or blur a score."""


@dataclass(frozen=True, eq=False)
class FerArrays:
    """The rows of one split, less the flagged ones."""

    pictures: NDArray[np.uint8]
    """(n, h, w)"""
    labels: NDArray[np.integer]
    """(n,) index into class_names."""
    class_names: tuple[str, ...]
    votes: NDArray[np.integer] | None
    """(n, names) of FER+; None where the file has none."""
    vote_names: tuple[str, ...]
    split: NDArray[np.str_]
    """(n,)"""
    classes: tuple[str, ...] = EXPRESSIONS
    """What is to be told apart, where the file says so (`classes`); the seven otherwise."""
    subjects: NDArray[np.str_] | None = None
    """(n,) whose face it is, empty where unknown; None where the file does not say."""
    names: NDArray[np.str_] | None = None
    """(n,) of the files that pictures were made of; None where the file does not say."""
    normalised: str = ""
    """What was done to the grey levels, one of models.levels.NORMALISED, or nothing."""
    flagged: int = 0
    """Rows that were left out because of _LEFT_OUT."""


def read_fer_npz(path: Path, split: str | None) -> FerArrays:
    """Read one split of a FER-style npz, or all of it (None).

    Raises:
        UsageError: the file cannot be read, is no npz or is damaged; an array is missing or not of the documented
            shape and type; there is no such split; or its classes or its normalisation can be none.
    """
    try:
        with path.open("rb") as file:
            return _split_of(_Arrays(path, _opened(path, file)), split)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})", "let this user read it") from None


def _opened(path: Path, file: BinaryIO) -> NpzFile:
    """The archive; a single array or a pickle that bears its name is refused."""
    whole = zipfile.is_zipfile(file)
    file.seek(0)
    try:
        data = np.load(file, allow_pickle=False) if whole else None
    except Exception as error:  # noqa: BLE001 What damage makes zipfile and numpy raise is no closed list.
        raise UsageError(f"{path}: is damaged ({_said(error)})", _AGAIN) from None
    if not isinstance(data, NpzFile):
        raise UsageError(f"{path}: is no npz, or was cut off", f"{_AGAIN}; a single array is not enough")
    return data


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Arrays:
    """Arrays of an npz by name, each checked when it is asked for."""

    def __init__(self, path: Path, data: NpzFile) -> None:
        self.path, self._data = path, data

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def get(self, name: str, kind: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """An array whose dtype is of a kind of _KINDS and whose shape is the given one; None stands for any length."""
        if name not in self._data:
            raise UsageError(f"{self.path}: has no array '{name}'", _DESCRIBED)
        array = self._read(name)
        fits = array.ndim == len(shape) and all(
            want in (None, has) for want, has in zip(shape, array.shape, strict=True)
        )
        if not fits or not _KINDS[kind](array):
            wanted = ", ".join("any" if length is None else str(length) for length in shape)
            raise UsageError(
                f"{self.path}: its array '{name}' is {array.dtype} {array.shape} instead of {kind} ({wanted})",
                _DESCRIBED,
            )
        return array

    def names(self, name: str) -> tuple[str, ...]:
        """A list of names."""
        return tuple(self.get(name, "text", (None,)).tolist())

    def _read(self, name: str) -> NDArray[Any]:
        try:
            array = self._data[name]
        except Exception as error:  # noqa: BLE001 What damage makes zipfile, zlib and numpy raise is no closed list.
            if "allow_pickle" in str(error):
                remedy = f"write it as a plain array: numpy.array({name}.tolist())"
                raise UsageError(f"{self.path}: its array '{name}' holds Python objects", remedy) from None
            raise UsageError(f"{self.path}: its array '{name}' is damaged ({_said(error)})", _AGAIN) from None
        if not isinstance(array, np.ndarray):  # numpy hands over the bytes of what is no array.
            raise UsageError(f"{self.path}: '{name}' in it is no array", _DESCRIBED)
        return array


_KINDS: Final[dict[str, Callable[[NDArray[Any]], bool]]] = {
    "uint8": lambda array: array.dtype == np.uint8,
    "integers": lambda array: array.dtype.kind in "iu",
    "flags": lambda array: array.dtype.kind in "biu",
    "text": lambda array: array.dtype.kind == "U",
}


def _split_of(arrays: _Arrays, split: str | None) -> FerArrays:
    images = arrays.get("images", "uint8", (None, None, None))
    n = len(images)
    if not images.size:
        raise UsageError(f"{arrays.path}: holds no pictures", _DESCRIBED)
    labels = arrays.get("labels", "integers", (n,))
    class_names = arrays.names("class_names")
    parts = arrays.get("split", "text", (n,))
    if split is not None and split not in parts:
        split = split_named(split) or split  # Its own names go before what others call them.
    inside: NDArray[np.bool_] = np.ones(n, np.bool_) if split is None else parts == split
    if not inside.any():
        known = ", ".join(sorted(set(parts.tolist())))
        raise UsageError(f"{arrays.path}: has no split '{split}'", f"choose one of: {known}")
    rows = inside
    for flag in _LEFT_OUT:
        if flag in arrays:
            rows = rows & ~arrays.get(flag, "flags", (n,)).astype(np.bool_)
    votes: NDArray[np.integer] | None = None
    vote_names: tuple[str, ...] = ()
    if "ferplus_votes" in arrays and "ferplus_names" in arrays:
        vote_names = arrays.names("ferplus_names")
        votes = arrays.get("ferplus_votes", "integers", (n, max(1, len(vote_names))))[rows]
    return FerArrays(
        pictures=images[rows],
        labels=labels[rows],
        class_names=class_names,
        votes=votes,
        vote_names=vote_names,
        split=parts[rows],
        classes=_classes_of(arrays),
        subjects=arrays.get("subjects", "text", (n,))[rows] if "subjects" in arrays else None,
        names=arrays.get("names", "text", (n,))[rows] if "names" in arrays else None,
        normalised=_normalised_of(arrays),
        flagged=int((inside & ~rows).sum()),
    )


def _normalised_of(arrays: _Arrays) -> str:
    """What was done to the grey levels, or nothing."""
    if "normalised" not in arrays:
        return ""
    (name,) = arrays.get("normalised", "text", (1,)).tolist()
    if name not in NORMALISED:
        problem = f"{arrays.path}: its array 'normalised' says '{name:.40}'"
        raise UsageError(problem, f"it is one of: {', '.join(NORMALISED)}; without it levels are as they were")
    return str(name)


def _classes_of(arrays: _Arrays) -> tuple[str, ...]:
    """The classes to be told apart."""
    if "classes" not in arrays:
        return EXPRESSIONS
    classes = arrays.names("classes")
    if why := why_no_classes(classes):
        raise UsageError(f"{arrays.path}: its array 'classes' has {why}", _DESCRIBED)
    return classes
