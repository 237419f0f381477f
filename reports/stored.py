"""The Parquet files below OUT: which of them hold a video's rows, whether they changed, and what they say."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.errors import EmobatchError
from analytics.listing import StoredFile, list_tables
from analytics.videos import UNREADABLE

VIDEO_ID: Final = re.compile("[0-9a-f]{16}")

_MOST_NAMED: Final = 5


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
    """The tables below one OUT, but for `videos`. Listed once: make a new one after rows were written."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._listing = list_tables(out, ("samples", "faces", "tracks"))

    def state(self, table: str, partition: Path, video_id: str) -> tuple[tuple[str, int, int], ...]:
        """Name, bytes and time of the last change (ns) of each file that rows() would read.

        Raises:
            UnreadableTablesError: the partition cannot be listed.
        """
        return tuple((file.name, file.size, file.changed_ns) for file in self._files(table, partition, video_id))

    def rows(self, table: str, partition: Path, video_id: str, columns: list[str]) -> pd.DataFrame:
        """The rows of one video, from its own file or from the compacted files of its partition.

        Raises:
            UnreadableTablesError: one of these files cannot be read, or lacks a column.
        """
        # The columns hold everything; partitioning=None keeps the keys of the folders out.
        mine = [("video_id", "=", video_id)]
        parts = []
        for file in self._files(table, partition, video_id):
            try:
                part = pq.read_table(file.path, columns=columns, filters=mine, partitioning=None)
                parts.append(part.select(columns))
            except UNREADABLE as error:
                raise UnreadableTablesError({file.path: why_unreadable(error)}) from error
        if not parts:
            return pd.DataFrame({column: [] for column in columns})
        frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
        return frame

    def _files(self, table: str, partition: Path, video_id: str) -> list[StoredFile]:
        for folder in (self.out / table, *(self.out / table / part for part in (partition.parent, partition))):
            if folder in self._listing.errors:
                raise UnreadableTablesError({folder: why_unreadable(self._listing.errors[folder])})
        listed = self._listing.files[table].get(partition.as_posix(), {})
        own = f"{video_id}.parquet"
        if VIDEO_ID.fullmatch(video_id) and own in listed:
            return [listed[own]]
        return [file for name, file in sorted(listed.items()) if not VIDEO_ID.fullmatch(name.removesuffix(".parquet"))]


def why_unreadable(error: Exception) -> str:
    """In words, why a file cannot be read."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror or os.strerror(error.errno)})"
    return "is damaged, or no table of emobatch"
