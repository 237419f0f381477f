"""All rows of the table `videos`, from however many files: what OUT knows of each video.

An archive has as many files as videos, and opening 10,000 of them takes seconds. What was read is therefore kept
in OUT/.state/videos.parquet, by the name, size and time of each file; without it everything is read again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.listing import StoredFile
from analytics.schema import SCHEMA_VERSION, VIDEOS
from analytics.snapshot import UNREADABLE, Key, all_rows, key_of, read_table
from analytics.whole import whole

STATE: Final = ".state"
TRANSIENT: Final = b"emobatch.transient"
"""Key of a file's metadata: its video failed for a reason that may have passed by the next run."""
PROMISED: Final = {"samples": "n_samples", "faces": "n_faces", "tracks": "n_tracks"}
"""Which column of `videos` says how many rows of a video another table holds."""

_OF_THE_FILE: Final = pa.schema(
    [
        ("in_folder", pa.dictionary(pa.int32(), pa.string())),
        ("in_file", pa.dictionary(pa.int32(), pa.string())),
        ("file_size", pa.int64()),
        ("file_changed_ns", pa.int64()),
        ("transient", pa.bool_()),
    ]
)
_PLAIN: Final = VIDEOS.remove_metadata()
_FEW: Final = 4
"""Rows that are held as Python values: as a table they would take twenty times as much, for each of 10,000 files."""
_KEPT: Final = pa.schema([*_PLAIN, *_OF_THE_FILE])


@dataclass
class StoredVideos:
    """The rows of `videos`, and where each lies."""

    table: pa.Table
    """Columns of the schema, then in_folder, in_file, file_size, file_changed_ns and transient."""
    unreadable: dict[Path, Exception] = field(default_factory=dict)
    """Files, and folders, that cannot be read, and why."""

    def rows(self) -> list[dict[str, Any]]:
        """All rows as Python values."""
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows


def read_videos(out: Path) -> StoredVideos:
    """All rows below OUT. Only files that are not kept yet are opened."""
    kept, known = _kept(out)
    found = read_table(out, "videos", _read, set(known))
    parts: list[pa.Table] = []
    few: list[dict[str, Any]] = []
    of_parts, of_few = [], []
    for file, (rows, transient) in found.parts:
        if isinstance(rows, list):
            few += rows
            of_few += [(file, transient)] * len(rows)
        else:
            parts.append(rows)
            of_parts += [(file, transient)] * len(rows)
    parts.append(pa.Table.from_pylist(few, schema=_PLAIN))
    of_parts += of_few
    still = pa.array([key in found.known for key in known], pa.bool_())
    return StoredVideos(_joined([kept.filter(still), *_with_files(parts, of_parts)]), found.unreadable)


def keep_videos(out: Path, videos: StoredVideos) -> None:
    """Keep what was read for the next time. For whoever holds the lock of OUT.

    Raises:
        OSError: the disk is full or OUT cannot be written.
    """
    write_state(out, "videos", videos.table.replace_schema_metadata(_version()))


def write_state(out: Path, name: str, table: pa.Table) -> None:
    """Write one file of OUT/.state, whole or not at all.

    Raises:
        OSError: the disk is full or OUT cannot be written.
    """
    path = out / STATE / f"{name}.parquet"
    path.parent.mkdir(exist_ok=True)
    with whole(path) as file:
        pq.write_table(table, file, compression="zstd")


def read_state(out: Path, name: str) -> pa.Table | None:
    """One file of OUT/.state; None where there is none that can be read, as nothing there is needed."""
    try:
        with (out / STATE / f"{name}.parquet").open("rb") as file:
            return all_rows(file)
    except UNREADABLE:
        return None


def _kept(out: Path) -> tuple[pa.Table, list[Key]]:
    """Rows that were kept, and the key of the file that each is of."""
    nothing = _KEPT.empty_table()
    table = read_state(out, "videos")
    if table is None or (table.schema.metadata or {}).get(b"version") != _version()[b"version"]:
        return nothing, []
    try:
        table = table.replace_schema_metadata(None).cast(_KEPT)
    except UNREADABLE:
        return nothing, []
    return table, _keys(table)


def _keys(table: pa.Table) -> list[Key]:
    columns: Iterable[list[Any]] = (table[name].to_pylist() for name in _OF_THE_FILE.names[:4])
    return list(zip(*columns, strict=True))


def _read(opened: BinaryIO) -> tuple[pa.Table | list[dict[str, Any]], bool]:
    """The rows of a file, and whether its video failed for a passing reason."""
    stored = pq.ParquetFile(opened)
    transient = TRANSIENT in (stored.schema_arrow.metadata or {})
    rows = stored.read(use_threads=False).select(VIDEOS.names).replace_schema_metadata(None).cast(_PLAIN)
    return rows.to_pylist() if len(rows) <= _FEW else rows, transient


def _with_files(parts: list[pa.Table], files: list[tuple[StoredFile, bool]]) -> list[pa.Table]:
    """The rows of all files together, each with what is known of its file."""
    table = _joined(parts)
    of_rows: list[list[Any]] = [[*key_of(file), transient] for file, transient in files]
    for column, values in zip(_OF_THE_FILE, zip(*of_rows, strict=True) if of_rows else [[]] * 5, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        table = table.append_column(column.name, pa.array(values, kind).cast(column.type))
    return [table.cast(_KEPT)]


def _joined(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _version() -> dict[bytes, bytes]:
    return {b"version": str(SCHEMA_VERSION).encode()}
