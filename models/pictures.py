"""Still pictures from files, one at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError

PICTURE_SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# Of damaged pictures it would warn in words of its own, beside ours that name them.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

LEAST_PX: Final = 8
"""Px of the shorter side below which a picture shows no face to learn from or to score."""


class Pictures(Protocol):
    """Pictures in order, gray (h, w) or BGR (h, w, 3), in memory or read when asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]: ...

    def __iter__(self) -> Iterator[NDArray[np.uint8]]: ...


class PictureFiles:
    """Picture files, decoded anew at each look, so that a data set of any size fits into memory."""

    def __init__(self, source: Path, files: list[str]) -> None:
        self._remedy, self._files = f"remove it from {source}", files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]:
        file = self._files[index]
        picture = read_picture(file, self._remedy)
        height, width = picture.shape[:2]
        if min(height, width) < LEAST_PX:
            raise UsageError(f"{file}: is {width} x {height} px, too small for a face", self._remedy)
        return picture

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[index] for index in range(len(self)))


def read_picture(file: str, remedy: str = "name another picture") -> NDArray[np.uint8]:
    """A picture file as BGR (h, w, 3), turned as its EXIF says.

    Raises:
        UsageError: it cannot be read, with this remedy.
    """
    try:
        content = np.frombuffer(Path(file).read_bytes(), np.uint8)
        # OpenCV cannot open every path, and takes no empty content.
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except OSError as error:
        problem = f"{file}: cannot be read ({error.strerror or error})"
        raise UsageError(problem, f"let this user read it, or {remedy}") from None
    except cv2.error as error:  # Of more pixels than OpenCV decodes.
        raise UsageError(f"{file}: cannot be read as a picture ({error.err})", remedy) from None
    if picture is None:
        raise UsageError(f"{file}: cannot be read as a picture", f"repair it or {remedy}")
    return np.asarray(picture, np.uint8)
