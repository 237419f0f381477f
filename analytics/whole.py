"""Files that appear whole or not at all; and such that nobody may read, before or after, who could not read their source."""

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from analytics.commit import HALF, half_of
from analytics.errors import UsageError

_STALE_S: Final = 60.0
"""A half that nobody holds and that was not written to for so long is left over from a process that was killed."""


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


@contextmanager
def whole_place(path: Path, source: Path, *, replace: bool) -> Iterator[Path]:
    """A file beside a path, which takes its place once what was written there is safe on the disk.

    Args:
        path: where it is to be.
        source: what it is made of: whoever may not read it may not read the new file either.
        replace: a file that is there gives way; otherwise also one that came meanwhile stays.

    Raises:
        UsageError: there is a file now that must stay.
        OSError: the disk is full, or the folder cannot be written.
    """
    _remove_stale(path)
    half = half_of(path)
    held = os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with suppress(OSError):  # Not every filesystem knows locks; there nothing is taken for left over.
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield half
        os.fchmod(held, _mode_like(source))
        os.fsync(held)
        if replace:
            half.replace(path)
        else:
            _appear(half, path)
    finally:
        half.unlink(missing_ok=True)
        os.close(held)


def _appear(half: Path, path: Path) -> None:
    """Give a file its name, unless there is one."""
    try:
        os.link(half, path)
    except FileExistsError:
        raise _is_there(path) from None
    except OSError:  # Such as FAT, which knows no links.
        if os.path.lexists(path):
            raise _is_there(path) from None
        half.replace(path)


def _is_there(path: Path) -> UsageError:
    return UsageError(f"{path}: appeared while the copy was made", "name another file, or replace it with --force")


def _mode_like(source: Path) -> int:
    """What others may do with a source, as far as a new file is open to them at all."""
    masked = os.umask(0o077)
    os.umask(masked)
    return stat.S_IMODE(source.stat().st_mode) & 0o666 & ~masked | 0o600


def _remove_stale(path: Path) -> None:
    """Remove what processes left beside a path that were killed while they wrote."""
    name = re.compile(rf"{re.escape(path.name)}\.[0-9a-f]{{32}}{re.escape(HALF)}")
    for left in path.absolute().parent.iterdir():
        if not name.fullmatch(left.name):
            continue
        with suppress(OSError):
            held = os.open(left, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(held).st_mtime > _STALE_S:
                    left.unlink()
            finally:
                os.close(held)
