"""Read many files of a table as they were at one moment, while another process may put others in their place.

A listing (analytics/listing.py) is of one moment; opening its files takes longer, and compaction may replace them
meanwhile. A file that is not the one that was listed is therefore not read: all are listed again, and what has
been read of files that are still there is kept.
"""

import os
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.listing import StoredFile, list_tables

UNREADABLE: Final = (OSError, ValueError, KeyError, pa.ArrowException)
"""What pyarrow raises for files that are cut off, overwritten, foreign, or not ours to read."""

_ATTEMPTS: Final = 50
_AT_ONCE: Final = min(8, os.cpu_count() or 1)
_PAUSE_S: Final = 0.02
_T = TypeVar("_T")
Key = tuple[str, str, int, int]
"""Partition, name, size and time of the last change of a file: other content has another key."""


@dataclass
class Snapshot(Generic[_T]):
    """What was read of each file."""

    parts: list[tuple[StoredFile, _T]]
    known: set[Key]
    """Files that are there and were not read, as they are known."""
    unreadable: dict[Path, Exception]
    """Files, and folders, that cannot be read, and why."""


class Replaced(FileNotFoundError):
    """Another file has taken the place of one that was listed, or it is gone."""


def key_of(file: StoredFile) -> Key:
    """What tells the content of a file from any other that lay or lies there."""
    return file.folder, file.name, file.size, file.changed_ns


def open_listed(file: StoredFile) -> BinaryIO:
    """A file that was listed, opened.

    Raises:
        Replaced: it is not there any more.
        OSError: it cannot be read.
    """
    try:
        opened = file.path.open("rb")
    except FileNotFoundError:
        raise Replaced(file.path) from None
    stat = os.fstat(opened.fileno())
    if (stat.st_size, stat.st_mtime_ns) != (file.size, file.changed_ns):
        opened.close()
        raise Replaced(file.path)
    return opened


def all_rows(opened: BinaryIO, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of a file, read by this thread alone; of some columns where they are named.

    Threads of Arrow may hold Python's file a moment longer than the read lasts. One that asks for the interpreter while that
    ends is killed in the middle of C++, which aborts the process: a short command would end with 134 now and then.
    """
    return pq.ParquetFile(opened).read(columns, use_threads=False)


def read_table(
    out: Path, table: str, read: Callable[[BinaryIO], _T], known: Collection[Key] = frozenset()
) -> Snapshot[_T]:
    """What all files of a table say at one moment.

    Args:
        out: the output folder.
        table: faces, samples, tracks or videos.
        read: what to keep of an open file.
        known: files that need not be read.
    """
    found: dict[Key, Any] = {}
    for attempt in range(_ATTEMPTS):
        listing = list_tables(out, (table,))
        files = list(listing.of(table))
        unreadable: dict[Path, Exception] = dict(listing.errors)
        complete = True
        missing = [file for file in files if key_of(file) not in known and key_of(file) not in found]
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # Most of the time goes where Python waits: disk, and pyarrow.
            for file, said in zip(missing, pool.map(lambda file: _try(file, read), missing), strict=True):
                if isinstance(said, Exception):
                    unreadable[file.path] = said
                    complete &= not isinstance(said, Replaced)
                else:
                    found[key_of(file)] = said
        if complete:
            break
        time.sleep(_PAUSE_S * (attempt > 1))
    parts = [(file, found[key_of(file)]) for file in files if key_of(file) in found]
    return Snapshot(parts, {key_of(file) for file in files if key_of(file) in known}, unreadable)


def _try(file: StoredFile, read: Callable[[BinaryIO], _T]) -> _T | Exception:
    try:
        with open_listed(file) as opened:
            return read(opened)
    except UNREADABLE as error:
        return error
