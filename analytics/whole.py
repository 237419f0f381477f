"""Write a file that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from analytics.commit import half_of


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file beside its place, which takes that place once it is written and safe on the disk.

    Its name is new each time: another attempt at the same file may still be at work.

    Raises:
        OSError: the disk is full, or the folder is not there or cannot be written. What was there before is.
    """
    half = half_of(path)
    try:
        with half.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
