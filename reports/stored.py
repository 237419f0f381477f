"""The Parquet files below OUT: which of them hold a video's rows, whether they changed, and what they say."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.errors import EmobatchError

VIDEO_ID: Final = re.compile("[0-9a-f]{16}")

_MOST_NAMED: Final = 5
_UNREADABLE: Final = (OSError, ValueError, KeyError, pa.ArrowException)
"""What pyarrow raises for files that are cut off, overwritten, foreign, or not ours to read."""


class UnreadableTablesError(EmobatchError):
    """Files of the tables cannot be read. All that the others tell is drawn before this is raised."""

    exit_code = 3

    def __init__(self, files: Mapping[Path, str]) -> None:
        named = "; ".join(f"{file}: {reason}" for file, reason in list(files.items())[:_MOST_NAMED])
        more = f"; and {len(files) - _MOST_NAMED:,} more files" if len(files) > _MOST_NAMED else ""
        them = "it" if len(files) == 1 else "them"
        super().__init__(f"{named}{more}", f"remove {them} and run again; the pages of all other videos are drawn")
        self.files = dict(files)
        """Why each file, by its path, cannot be read."""


class StoredTables:
    """The tables below one OUT, but for `videos`. Each folder is listed once: make a new one after rows were written."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._folders: dict[Path, dict[str, tuple[int, int]]] = {}
        self._shared: dict[Path, list[str]] = {}

    def state(self, table: str, partition: Path, video_id: str) -> tuple[tuple[str, int, int], ...]:
        """Name, bytes and time of the last change (ns) of each file that rows() would read.

        Raises:
            UnreadableTablesError: the partition cannot be listed.
        """
        folder = self.out / table / partition
        listed = self._list(folder)
        return tuple((name, *listed[name]) for name in self._names(folder, video_id))

    def rows(self, table: str, partition: Path, video_id: str, columns: list[str]) -> pd.DataFrame:
        """The rows of one video, from its own file or from the compacted files of its partition.

        Raises:
            UnreadableTablesError: one of these files cannot be read, or lacks a column.
        """
        folder = self.out / table / partition
        # The columns hold everything; partitioning=None keeps the keys of the folders out.
        mine = [("video_id", "=", video_id)]
        parts = []
        for name in self._names(folder, video_id):
            try:
                part = pq.read_table(folder / name, columns=columns, filters=mine, partitioning=None)
                parts.append(part.select(columns))
            except _UNREADABLE as error:
                raise UnreadableTablesError({folder / name: why_unreadable(error)}) from error
        if not parts:
            return pd.DataFrame({column: [] for column in columns})
        frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
        return frame

    def _names(self, folder: Path, video_id: str) -> list[str]:
        listed = self._list(folder)
        own = f"{video_id}.parquet"
        return [own] if VIDEO_ID.fullmatch(video_id) and own in listed else self._shared[folder]

    def _list(self, folder: Path) -> dict[str, tuple[int, int]]:
        if folder not in self._folders:
            try:
                with os.scandir(folder) as entries:
                    found = {entry.name: entry.stat() for entry in entries if entry.name.endswith(".parquet")}
            except FileNotFoundError:
                found = {}
            except OSError as error:
                raise UnreadableTablesError({folder: why_unreadable(error)}) from error
            self._folders[folder] = {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}
            compacted = (name for name in found if not VIDEO_ID.fullmatch(name.removesuffix(".parquet")))
            self._shared[folder] = sorted(compacted)
        return self._folders[folder]


def rows_of_file(file: Path) -> list[dict[str, Any]]:
    """All rows of one Parquet file.

    Raises:
        UnreadableTablesError: it cannot be read.
    """
    try:
        rows: list[dict[str, Any]] = pq.ParquetFile(file).read().to_pylist()
    except _UNREADABLE as error:
        raise UnreadableTablesError({file: why_unreadable(error)}) from error
    return rows


def why_unreadable(error: Exception) -> str:
    """In words, why a file cannot be read."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror or os.strerror(error.errno)})"
    return "is damaged, or no table of emobatch"
