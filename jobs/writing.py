"""Errors of a disk that cannot be written: how a worker reports them, and in which words the user is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analytics.commit import HALF
from analytics.errors import EmobatchError


class CannotWrite(Exception):
    """OUT cannot be written; carries the system's number and words. It is no OSError, which may be the footage's."""

    def __init__(self, number: int | None, words: str) -> None:
        super().__init__(number, words)
        self.number, self.words = number, words


def writing(write: Callable[..., None], *arguments: Any) -> None:
    """Write something below OUT.

    Raises:
        CannotWrite: the disk is full or OUT cannot be written.
    """
    try:
        write(*arguments)
    except OSError as error:
        raise CannotWrite(error.errno, error.strerror or str(error)) from None


@contextmanager
def disk_errors_told(out: Path | str, left: str = "finished videos are kept") -> Iterator[None]:
    """Tell the user of any error of the disk.

    Args:
        out: what is named where the error names no file.
        left: what becomes of what was done before.

    Raises:
        EmobatchError: something within could not be written, or not be read.
    """
    try:
        yield
    except CannotWrite as error:
        raise cannot_write(out, error.words, left) from None
    except OSError as error:
        name = str(error.filename or "")
        # Nobody knows the name of a half; and it is gone.
        where = out if not name or name.endswith(HALF) else name
        raise cannot_write(where, error.strerror or str(error), left) from error


def cannot_write(where: Path | str, words: str, left: str = "finished videos are kept") -> EmobatchError:
    """The error of a disk that is full or broken."""
    return EmobatchError(f"{where}: cannot write ({words})", f"free or mend the disk and run again; {left}")
