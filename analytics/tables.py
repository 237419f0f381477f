"""Write the tables: one Parquet file per video and table, whole or not at all."""

import errno
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.commit import JOURNAL, commit, complete, half_of, is_under_way
from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from analytics.schema import SCHEMA_VERSION, tables_for
from analytics.snapshot import all_rows
from analytics.videos import STATE

UNDATED: Final = "undated"
NO_CAMERA: Final = "unnamed"
"""Not Hive's word for null: pyarrow finds no type for a key that is null in every file, nor pandas where it is in some.

The columns `camera` hold the null. A word also keeps readers from taking a key for a number or a date: every
table has a file without rows here, so a camera called `01` stays `01`."""
_HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_MOST_CAMERA_BYTES: Final = 255 - len("cam=")
"""What file systems take as the name of a folder."""
NO_ROWS: Final = "0000000000000000.parquet"
"""A file without rows, so that no table is ever an empty glob. The name is no video's: readers skip names with _."""
_VERSION: Final = "emobatch.schema_version"
CLASSES: Final = "emobatch.classes"
"""Key of a file's metadata: the classes of the classifier, with commas between, in the order of their columns."""
MOST_ROWS: Final = 65_536
"""Of one group of a file, which is what is encoded at once, and the least that can be read of it."""
_WRITE_ORDER: Final = ("faces", "samples", "tracks", "videos")


@dataclass(frozen=True)
class Place:
    """Where a video's rows belong."""

    day: str | None
    """Local start date of the camera, YYYY-MM-DD; None where unknown."""
    camera: str | None

    @property
    def partition(self) -> str:
        """Folder of its files below that of each table."""
        # Dots stay as they are in a URL, and a camera called `..` would still be no step up after `cam=`.
        camera = quote(self.camera, safe="") if self.camera else NO_CAMERA
        return f"day={self.day or UNDATED}/cam={camera}"

    def folder(self, out: Path, table: str) -> Path:
        """Folder of a table's files, below out whatever the camera is called."""
        return out / table / self.partition


def why_no_camera(name: str) -> str | None:
    """What keeps a text from being the name of a camera, or None where nothing does."""
    try:
        length = len(quote(name, safe=""))
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if length > _MOST_CAMERA_BYTES:
        return f"takes {length} bytes as part of a path, more than {_MOST_CAMERA_BYTES}"
    return "stands for a missing value in partitioned tables" if name == _HIVE_NULL else None


def classes_of(out: Path) -> tuple[str, ...] | None:
    """The classes that the tables below OUT are of; None where there are none that say so.

    Raises:
        OSError: the file that says it cannot be read.
    """
    told = _told_of(out).get(CLASSES.encode())
    return tuple(told.decode().split(",")) if told else None


def need_our_schema(out: Path) -> None:
    """Make sure that what lies below OUT is laid out as this release reads and writes it.

    Raises:
        UsageError: another release wrote it in another way.
        OSError: the file that says so cannot be read.
    """
    told = _told_of(out).get(_VERSION.encode())
    if told is not None and told.decode() != str(SCHEMA_VERSION):
        raise UsageError(
            f"{out}: holds tables of schema version {told.decode()}, and this emobatch has {SCHEMA_VERSION}",
            "name another --out, or use the release of emobatch that wrote them",
        )


def _told_of(out: Path) -> Mapping[bytes, bytes]:
    """Metadata of the tables below OUT, by the file without rows that each OUT has."""
    file = Place(None, None).folder(out, "tracks") / NO_ROWS
    try:
        with file.open("rb") as opened:  # Or pyarrow would put its own words into the error.
            return pq.read_schema(opened).metadata or {}
    except FileNotFoundError:
        return {}
    except pa.ArrowException as error:
        raise OSError(errno.EIO, f"{file} is damaged; remove it") from error


def prepare(out: Path, metadata: Mapping[str, str], classes: tuple[str, ...] = EXPRESSIONS) -> None:
    """Make OUT with one file a table that holds the schema and no rows; complete or clear what was interrupted.

    For whoever holds the lock of OUT.

    Raises:
        OSError: OUT cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    complete(out)
    for table, schema in tables_for(classes).items():
        folder = Place(None, None).folder(out, table)
        if not (folder / NO_ROWS).exists():
            write_half(schema.empty_table(), folder / NO_ROWS, metadata).replace(folder / NO_ROWS)
    clear_halves(out)


def clear_halves(out: Path) -> None:
    """Remove what was being written and never took its place. For whoever holds the lock of OUT, after complete().

    Raises:
        OSError: OUT cannot be written.
    """
    # Whoever may still be writing one of them began in a term that is over.
    for half in (*out.glob("*/day=*/cam=*/*.tmp"), *out.glob(f"{JOURNAL}/*.tmp"), *out.glob(f"{STATE}/*.tmp")):
        half.unlink(missing_ok=True)


def write_video(
    out: Path,
    place: Place,
    video_id: str,
    tables: Mapping[str, pa.Table],
    metadata: Mapping[str, str],
    classes: tuple[str, ...] = EXPRESSIONS,
    replaces: Iterable[tuple[str, str]] = (),
    term: str | None = None,
) -> None:
    """Write the rows of one video in place of any that it had before.

    All is on the disk before anything old goes, and all of it takes effect together (analytics/commit.py). The
    `videos` row comes last: a video without one is not done, whatever lies in the other tables.

    Args:
        out: the output folder.
        place: day and camera.
        video_id: 16 hex digits.
        tables: rows by table name, in the schemas of analytics.schema; missing tables get no file.
        metadata: text added to each file's metadata.
        classes: of the classifier.
        replaces: partition (day=…/cam=…) and video_id of files of its own that hold older rows.
        term: in which the work on it was begun (analytics/commit.py); None for that of now.

    Raises:
        OSError: the disk is full, OUT cannot be written, or the term is over. The video has either the rows that it
            had, or the new ones.
    """
    halves: list[tuple[Path, Path]] = []
    old = {(place.partition, video_id), *replaces}
    try:
        for name in _WRITE_ORDER:
            if name in tables:
                path = place.folder(out, name) / f"{video_id}.parquet"
                halves.append((write_half(tables[name].cast(tables_for(classes)[name]), path, metadata), path))
        commit(out, video_id, halves, [file for folder, old_id in old for file in files_of(out, folder, old_id)], term)
    finally:
        if not is_under_way(out, video_id):
            for half, _ in halves:
                half.unlink(missing_ok=True)


def read_video(out: Path, partition: str, video_id: str) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """What a video's own files in a partition hold, by table, and the metadata of its row in `videos`.

    Raises:
        OSError: one of them cannot be read.
    """
    tables = {}
    for name, path in zip(_WRITE_ORDER, files_of(out, partition, video_id), strict=True):
        if path.exists():
            with path.open("rb") as file:
                tables[name] = all_rows(file)
    metadata = tables["videos"].schema.metadata or {}
    return tables, {key.decode(): value.decode() for key, value in metadata.items()}


def files_of(out: Path, partition: str, video_id: str) -> list[Path]:
    """Where a video's own files lie in a partition (day=…/cam=…), whether or not they are there."""
    if not re.fullmatch(r"[0-9a-f]{16}", video_id):
        raise ValueError(f"no video_id: {video_id!r}")
    return [out / table / partition / f"{video_id}.parquet" for table in _WRITE_ORDER]


def write_half(table: pa.Table, path: Path, metadata: Mapping[str, str], group: int = MOST_ROWS) -> Path:
    """Write a table beside its path, whole and safe on the disk; it still has to be renamed.

    Args:
        table: the rows.
        path: where they are to be.
        metadata: text added to the file's metadata.
        group: rows of one group of the file.

    Raises:
        OSError: the disk is full or OUT cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.replace_schema_metadata({_VERSION: str(SCHEMA_VERSION), **metadata})
    # Hardly two numbers are the same: their codes would take as much as they do, and be written with them.
    coded = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    half = half_of(path)
    try:
        with half.open("wb") as file:
            pq.write_table(table, file, compression="zstd", row_group_size=group, use_dictionary=coded)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    return half


def to_table(name: str, columns: Mapping[str, Any], classes: tuple[str, ...] = EXPRESSIONS) -> pa.Table:
    """A table of the schema `name` from columns by name: sequences, numpy arrays, or None for all null.

    Raises:
        ValueError: columns are missing or foreign, or a column that may not be null holds one.
    """
    schema = tables_for(classes)[name]
    if set(columns) != set(schema.names):
        raise ValueError(f"{name}: columns differ: {sorted(set(columns) ^ set(schema.names))}")
    rows = next(len(values) for values in columns.values() if values is not None)
    arrays = [
        pa.nulls(rows, field.type) if columns[field.name] is None else column_of(columns[field.name], field.type)
        for field in schema
    ]
    for field, array in zip(schema, arrays, strict=True):
        if array.null_count and not field.nullable:
            raise ValueError(f"{name}.{field.name} may not be null")
    return pa.Table.from_arrays(arrays, schema=schema)


def column_of(values: Any, kind: pa.DataType) -> pa.Array:
    """Values as a column of a table; texts may be coded, those of some columns already are."""
    if isinstance(values, pa.DictionaryArray):
        return values.cast(kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind, from_pandas=True)
