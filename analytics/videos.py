"""All rows of the table `videos`, from however many files: what OUT knows of each video.

An archive has as many files as videos, and opening 10,000 of them takes seconds. What was read is therefore kept
in OUT/.state/videos.parquet, by the name, size and time of each file; without it everything is read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.commit import half_of
from analytics.listing import StoredFile, list_tables
from analytics.schema import SCHEMA_VERSION, VIDEOS

STATE: Final = ".state"
TRANSIENT: Final = b"emobatch.transient"
"""Key of a file's metadata: its video failed for a reason that may have passed by the next run."""
UNREADABLE: Final = (OSError, ValueError, KeyError, pa.ArrowException)
"""What pyarrow raises for files that are cut off, overwritten, foreign, or not ours to read."""

_OF_THE_FILE: Final = pa.schema(
    [
        ("in_folder", pa.dictionary(pa.int32(), pa.string())),
        ("in_file", pa.dictionary(pa.int32(), pa.string())),
        ("file_size", pa.int64()),
        ("file_changed_ns", pa.int64()),
        ("transient", pa.bool_()),
    ]
)
_KEPT: Final = pa.schema([*VIDEOS.remove_metadata(), *_OF_THE_FILE])
_Key = tuple[str, str, int, int]


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
    listing = list_tables(out, ("videos",))
    unreadable: dict[Path, Exception] = dict(listing.errors)
    wanted = {_key(file): file for file in listing.of("videos")}
    kept, found = _kept(out, wanted)
    parts: list[pa.Table] = []
    of_parts: list[tuple[StoredFile, bool]] = []
    for key, file in wanted.items():
        if key not in found:
            try:
                rows, transient = _read(file)
            except UNREADABLE as error:
                unreadable[file.path] = error
                continue
            parts.append(rows)
            of_parts += [(file, transient)] * len(rows)
    return StoredVideos(_joined([kept, *_with_files(parts, of_parts)]), unreadable)


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
    half = half_of(path)
    try:
        with half.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def read_state(out: Path, name: str) -> pa.Table | None:
    """One file of OUT/.state; None where there is none that can be read, as nothing there is needed."""
    try:
        with (out / STATE / f"{name}.parquet").open("rb") as file:
            return pq.ParquetFile(file).read()
    except UNREADABLE:
        return None


def _kept(out: Path, wanted: Mapping[_Key, StoredFile]) -> tuple[pa.Table, set[_Key]]:
    """Rows of files that are still as they were when they were kept."""
    table = read_state(out, "videos")
    if table is None or (table.schema.metadata or {}).get(b"version") != _version()[b"version"]:
        return _KEPT.empty_table(), set()
    try:
        table = table.replace_schema_metadata(None).cast(_KEPT)
    except UNREADABLE:
        return _KEPT.empty_table(), set()
    keys = _keys(table)
    mask = [key in wanted for key in keys]
    return table.filter(pa.array(mask, pa.bool_())), {key for key, still in zip(keys, mask, strict=True) if still}


def _keys(table: pa.Table) -> list[_Key]:
    columns: Iterable[list[Any]] = (table[name].to_pylist() for name in _OF_THE_FILE.names[:4])
    return list(zip(*columns, strict=True))


def _read(file: StoredFile) -> tuple[pa.Table, bool]:
    """The rows of a file, and whether its video failed for a passing reason."""
    with file.path.open("rb") as opened:
        stored = pq.ParquetFile(opened)
        transient = TRANSIENT in (stored.schema_arrow.metadata or {})
        rows = stored.read(use_threads=False).select(VIDEOS.names).replace_schema_metadata(None)
    return rows.cast(VIDEOS.remove_metadata()), transient


def _with_files(parts: list[pa.Table], files: list[tuple[StoredFile, bool]]) -> list[pa.Table]:
    """The rows of all files together, each with what is known of its file."""
    if not parts:
        return []
    table = _joined(parts)
    of_rows: list[list[Any]] = [[*_key(file), transient] for file, transient in files]
    for column, values in zip(_OF_THE_FILE, zip(*of_rows, strict=True) if of_rows else [[]] * 5, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        table = table.append_column(column.name, pa.array(values, kind).cast(column.type))
    return [table.cast(_KEPT)]


def _joined(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _key(file: StoredFile) -> _Key:
    return file.folder, file.name, file.size, file.changed_ns


def _version() -> dict[bytes, bytes]:
    return {b"version": str(SCHEMA_VERSION).encode()}
