"""The Parquet files below OUT: which of them hold a video's rows, whether they changed, and what they say."""

import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.compaction import COMPACTED
from analytics.errors import EmobatchError
from analytics.listing import StoredFile, list_tables
from analytics.moved import Moved, moved_in, written_ns
from analytics.snapshot import UNREADABLE, Key, Replaced, key_of, open_listed

VIDEO_ID: Final = re.compile("[0-9a-f]{16}")

_TABLES: Final = ("samples", "faces", "tracks")
_MOST_NAMED: Final = 5
_ATTEMPTS: Final = 20
_T = TypeVar("_T")


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


@dataclass(frozen=True)
class _Shared:
    """A file of many videos."""

    moved: Moved
    """The files that its rows are from."""
    rows: dict[str, tuple[int, int]] | None
    """First row and number of rows of each video; None where its rows do not lie together."""
    groups: list[int]
    """First row of each group of rows, and that behind the last."""


class StoredTables:
    """The tables below one OUT, but for `videos`. Listed once: make a new one after rows were written."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._listing = list_tables(out, _TABLES)
        self._shared: dict[Key, _Shared] = {}

    def state(self, table: str, partition: Path, video_id: str) -> tuple[tuple[str, int, int], ...]:
        """Name, bytes and time of the last change (ns) of each file that holds, or held, what rows() would read.

        Of a file that was put together with others it is the same as before: its rows are.

        Raises:
            UnreadableTablesError: the partition cannot be listed, or a file of it cannot be read.
        """
        return self._as_listed(lambda: self._state(table, partition, video_id))

    def _state(self, table: str, partition: Path, video_id: str) -> tuple[tuple[str, int, int], ...]:
        found = []
        for file in self._files(table, partition, video_id):
            moved = self._look_into(file).moved if file.name == COMPACTED else {}
            if not moved:
                found.append((file.name, file.size, file.changed_ns))
            elif video_id in moved:
                found.append((f"{video_id}.parquet", *moved[video_id]))
        return tuple(found)

    def rows(self, table: str, partition: Path, video_id: str, columns: list[str]) -> pd.DataFrame:
        """The rows of one video, from its own file or from the compacted files of its partition.

        Raises:
            UnreadableTablesError: one of these files cannot be read, or lacks a column.
        """
        return self._as_listed(lambda: self._rows(table, partition, video_id, columns))

    def _as_listed(self, read: Callable[[], _T]) -> _T:
        for _ in range(_ATTEMPTS):
            try:
                return read()
            except Replaced:  # By a process that has put it together with others, or apart.
                self._listing = list_tables(self.out, _TABLES)
        return read()

    def _rows(self, table: str, partition: Path, video_id: str, columns: list[str]) -> pd.DataFrame:
        parts = []
        for file in self._files(table, partition, video_id):
            try:
                parts.append(self._rows_in(file, video_id, columns).select(columns))
            except Replaced:
                raise
            except UNREADABLE as error:
                raise UnreadableTablesError({file.path: why_unreadable(error)}) from error
        if not parts:
            return pd.DataFrame({column: [] for column in columns})
        frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
        return frame

    def _rows_in(self, file: StoredFile, video_id: str, columns: list[str]) -> pa.Table:
        shared = self._look_into(file) if file.name == COMPACTED else None
        with open_listed(file) as opened:
            if shared is None or shared.rows is None:
                # The columns hold everything; partitioning=None keeps the keys of the folders out.
                mine = [("video_id", "=", video_id)]
                return pq.read_table(opened, columns=columns, filters=mine, partitioning=None)
            first, n = shared.rows.get(video_id, (0, 0))
            # Groups from the one that holds the first row to the one that holds the last.
            least = max(bisect_right(shared.groups, first) - 1, 0)
            groups = range(least, bisect_left(shared.groups, first + n)) if n else range(0)
            part = pq.ParquetFile(opened).read_row_groups(list(groups), columns=columns)
            return part.slice(first - shared.groups[least], n) if n else part

    def _look_into(self, file: StoredFile) -> _Shared:
        """Where the rows of each video lie in a file of many.

        Raises:
            UnreadableTablesError: it cannot be read.
            Replaced: it is not there any more.
        """
        if (known := self._shared.get(key_of(file))) is None:
            try:
                with open_listed(file) as opened:
                    known = _look_into(pq.ParquetFile(opened), file.changed_ns)
            except Replaced:
                raise
            except UNREADABLE as error:
                raise UnreadableTablesError({file.path: why_unreadable(error)}) from error
            self._shared[key_of(file)] = known
        return known

    def _files(self, table: str, partition: Path, video_id: str) -> list[StoredFile]:
        if self._listing.errors:
            for folder in (self.out / table, *(self.out / table / part for part in (partition.parent, partition))):
                if folder in self._listing.errors:
                    raise UnreadableTablesError({folder: why_unreadable(self._listing.errors[folder])})
        listed = self._listing.files[table].get(partition.as_posix(), {})
        own = f"{video_id}.parquet"
        if VIDEO_ID.fullmatch(video_id) and own in listed:
            return [listed[own]]
        return [file for name, file in sorted(listed.items()) if not VIDEO_ID.fullmatch(name.removesuffix(".parquet"))]


def _look_into(file: pq.ParquetFile, changed_ns: int) -> _Shared:
    metadata = file.schema_arrow.metadata
    # One that was changed since it was written says nothing of what its rows are now.
    moved = moved_in(metadata) if written_ns(metadata) == changed_ns else {}
    sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    coded = file.read(["video_id"])["video_id"].combine_chunks().dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    names = coded.dictionary.to_pylist()
    spans = [(names[codes[first]], first, end - first) for first, end in pairwise([*starts, len(codes)])]
    rows = {video_id: (first, n) for video_id, first, n in spans}
    return _Shared(moved, rows if len(rows) == len(spans) else None, [0, *accumulate(sizes)])


def why_unreadable(error: Exception) -> str:
    """In words, why a file cannot be read."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror or os.strerror(error.errno)})"
    return "is damaged, or no table of emobatch"
