"""One file a table, day and camera in place of one a video: readers open hundreds of files instead of millions.

Both kinds may lie side by side. A video whose rows are to change gets files of its own again before. Each change is
one of analytics/commit.py, so emobatch's own readers see each row once, whenever they look.
"""

import errno
import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analytics.commit import commit, is_under_way
from analytics.listing import TABLES, Listing, StoredFile
from analytics.tables import NO_ROWS, write_half
from analytics.videos import TRANSIENT

COMPACTED: Final = "compacted.parquet"


def loose_files(listing: Listing, folder: str) -> list[StoredFile]:
    """Files of `videos` in a partition that hold one video each."""
    files = listing.files["videos"].get(folder, {})
    return [file for name, file in sorted(files.items()) if name not in (COMPACTED, NO_ROWS)]


def compact(out: Path, listing: Listing, folder: str) -> int:
    """Put the rows of all videos of a partition into one file a table; how many videos were moved.

    Rows are in the order of their videos' start, then of their source. Videos that failed for a passing reason stay
    apart: they are tried again soon.

    Args:
        out: the output folder.
        listing: of all tables.
        folder: the partition, day=…/cam=….

    Raises:
        OSError: OUT cannot be written, or a file cannot be read; nothing has changed then.
    """
    names = {file.name for file in loose_files(listing, folder) if TRANSIENT not in _metadata(file)}
    if not names:
        return 0
    old = {
        table: [
            file
            for name, file in sorted(listing.files[table].get(folder, {}).items())
            if name in names or name == COMPACTED
        ]
        for table in TABLES
    }
    rows = {table: _joined(files) for table, files in old.items() if files}
    rank = _rank(rows["videos"])
    rows = {table: part.take(pa.array(_order(part, rank))) for table, part in rows.items()}
    _replace(out, folder, old, {(table, COMPACTED): part for table, part in rows.items()})
    return len(names)


def loosen(out: Path, listing: Listing, folder: str, video_ids: Collection[str]) -> None:
    """Give some videos of the shared files of a partition files of their own again.

    Raises:
        OSError: OUT cannot be written, or a file cannot be read; nothing has changed then.
    """
    _take_out(out, listing, folder, video_ids, keep=True)


def drop(out: Path, listing: Listing, folder: str, video_ids: Collection[str]) -> None:
    """Remove all rows of some videos from a partition.

    Raises:
        OSError: OUT cannot be written, or a file cannot be read; nothing has changed then.
    """
    _take_out(out, listing, folder, video_ids, keep=False)


def _take_out(out: Path, listing: Listing, folder: str, video_ids: Collection[str], keep: bool) -> None:
    new: dict[tuple[str, str], pa.Table] = {}
    old: dict[str, list[StoredFile]] = {}
    wanted = pa.array(sorted(video_ids), pa.string())
    for table in TABLES:
        files = listing.files[table].get(folder, {})
        own = (files.get(f"{video_id}.parquet") for video_id in video_ids)
        old[table] = [] if keep else [file for file in own if file]
        if (shared := files.get(COMPACTED)) is None:
            continue
        rows = _read(shared)
        ids = rows["video_id"].cast(pa.string())
        mine = pc.is_in(ids, wanted)
        if not pc.any(mine).as_py():
            continue
        old[table].append(shared)
        if len(others := rows.filter(pc.invert(mine))):
            new[table, COMPACTED] = others
        if keep:
            present = set(ids.filter(mine).to_pylist())
            new |= {(table, f"{one}.parquet"): rows.filter(pc.equal(ids, one)) for one in sorted(present)}
    _replace(out, folder, old, new)


def _replace(
    out: Path, folder: str, old: Mapping[str, list[StoredFile]], new: Mapping[tuple[str, str], pa.Table]
) -> None:
    """Write new files of a partition and remove the old ones, all together."""
    change = f"partition-{hashlib.sha256(folder.encode()).hexdigest()[:16]}"
    halves: list[tuple[Path, Path]] = []
    try:
        for (table, name), rows in new.items():
            path = out / table / folder / name
            metadata = {key.decode(): value.decode() for key, value in (rows.schema.metadata or {}).items()}
            halves.append((write_half(rows, path, metadata), path))
        commit(out, change, halves, [out / table / folder / file.name for table in old for file in old[table]])
    finally:
        if not is_under_way(out, change):
            for half, _ in halves:
                half.unlink(missing_ok=True)


def _joined(files: list[StoredFile]) -> pa.Table:
    """The rows of some files; what their metadata agree on is that of the whole."""
    parts = [_read(file) for file in files]
    schema = parts[0].schema
    agreed = set((schema.metadata or {}).items()).intersection(
        *((part.schema.metadata or {}).items() for part in parts)
    )
    bare = [part.replace_schema_metadata(None).cast(schema.remove_metadata()) for part in parts]
    whole = pa.concat_tables(bare).unify_dictionaries().combine_chunks()
    return whole.cast(schema).replace_schema_metadata(dict(agreed))


def _rank(videos: pa.Table) -> dict[str, int]:
    """Place of each video among those of its partition: by start, then by source."""
    columns = (videos[name].to_pylist() for name in ("start_time", "source", "video_id"))
    keys = sorted(
        (start is None, start and start.timestamp(), source, one) for start, source, one in zip(*columns, strict=True)
    )
    return {key[-1]: place for place, key in enumerate(keys)}


def _order(rows: pa.Table, rank: Mapping[str, int]) -> NDArray[np.int64]:
    """(rows,) which row comes next; within a video as they were."""
    ranks = np.array([rank[one] for one in rows["video_id"].to_pylist()], np.int64)
    return np.argsort(ranks, kind="stable")


def _metadata(file: StoredFile) -> Mapping[bytes, bytes]:
    with file.path.open("rb") as opened:
        return pq.read_schema(opened).metadata or {}


def _read(file: StoredFile) -> pa.Table:
    try:
        with file.path.open("rb") as opened:
            return pq.ParquetFile(opened).read()
    except pa.ArrowException as error:
        raise OSError(errno.EIO, f"{file.path} is damaged; remove it and run again") from error
