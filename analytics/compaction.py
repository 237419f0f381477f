"""One file a table, day and camera in place of one a video: readers open hundreds of files instead of millions.

Both kinds may lie side by side. A video whose rows are to change gets files of its own again before. Each change is
one of analytics/commit.py, so emobatch's own readers see each row once, whenever they look.
"""

import errno
import hashlib
import os
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
from analytics.moved import Moved, moved_in, with_moved, written_ns
from analytics.snapshot import all_rows
from analytics.tables import NO_ROWS, write_half
from analytics.videos import PROMISED, TRANSIENT

COMPACTED: Final = "compacted.parquet"
_GROUP: Final = 65_536
"""Rows of a group: a page needs those of one video, and reads the groups that hold them."""

_BATCH: Final = 256
"""Files that are held apart: a small table takes fifty times its content."""


class DamagedFileError(OSError):
    """A file of the tables cannot be read."""


def loose_files(listing: Listing, folder: str) -> list[StoredFile]:
    """Files of `videos` in a partition that hold one video each."""
    files = listing.files["videos"].get(folder, {})
    return [file for name, file in sorted(files.items()) if name not in (COMPACTED, NO_ROWS)]


def movable_files(listing: Listing, folder: str) -> list[StoredFile]:
    """Those of them that compact() would move. Videos that failed for a passing reason are tried again soon.

    Raises:
        DamagedFileError: one of them cannot be read.
    """
    return [file for file in loose_files(listing, folder) if TRANSIENT not in _metadata(file)]


def videos_together(file: StoredFile) -> int:
    """How many videos a file of `videos` holds.

    Raises:
        DamagedFileError: it cannot be read.
    """
    try:
        with file.path.open("rb") as opened:
            return int(pq.read_metadata(opened).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(file) from error


def compact(out: Path, listing: Listing, folder: str) -> int:
    """Put the rows of all videos of a partition into one file a table; how many videos were moved.

    Rows are in the order of their videos' start, then of their source. Rows of a video that is in no file of
    `videos` are not kept: somebody removed that file, as he was told to where it is damaged.

    Args:
        out: the output folder.
        listing: of all tables.
        folder: the partition, day=…/cam=….

    Raises:
        DamagedFileError: a file cannot be read, or is gone; nothing has changed then.
        OSError: OUT cannot be written; nothing has changed then.
    """
    names = {file.name for file in movable_files(listing, folder)}
    if not names:
        return 0
    own_ids = pa.array(sorted(name.removesuffix(".parquet") for name in names), pa.string())
    old: dict[str, list[StoredFile]] = {}
    rows: dict[str, pa.Table] = {}
    rank: dict[str, int] = {}
    for table in ("videos", *(name for name in TABLES if name != "videos")):
        files = listing.files[table].get(folder, {})
        old[table] = [file for name, file in sorted(files.items()) if name in names or name == COMPACTED]
        if table != "videos" and COMPACTED not in files and _promises(rows["videos"], table, own_ids):
            path = out / table / folder / COMPACTED  # A new file there would look as if it held their rows.
            raise DamagedFileError(errno.ENOENT, f"{path} is gone; run again, which makes its rows anew")
        if old[table]:
            part = _joined(old[table], own_ids)
            rank = rank or _rank(part)
            rows[table] = _in_order(part, rank)
    # `videos` comes last: what has no row there is not done.
    _replace(out, folder, old, {(table, COMPACTED): rows[table] for table in TABLES if table in rows})
    return len(names)


def loosen(out: Path, listing: Listing, folder: str, video_ids: Collection[str]) -> None:
    """Give some videos of the shared files of a partition files of their own again.

    Raises:
        DamagedFileError: a file cannot be read; nothing has changed then.
        OSError: OUT cannot be written; nothing has changed then.
    """
    _take_out(out, listing, folder, video_ids, keep=True)


def drop(out: Path, listing: Listing, folder: str, video_ids: Collection[str]) -> None:
    """Remove all rows of some videos from a partition.

    Raises:
        DamagedFileError: a file cannot be read; nothing has changed then.
        OSError: OUT cannot be written; nothing has changed then.
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
        moved = moved_in(rows.schema.metadata)
        ids = rows["video_id"].cast(pa.string())
        mine = pc.is_in(ids, wanted)
        # A video without a face had a file without rows, too.
        present = set(moved).intersection(video_ids) | set(ids.filter(mine).unique().to_pylist())
        if not present:
            continue
        old[table].append(shared)
        others = {one: facts for one, facts in moved.items() if one not in present}
        left = rows.filter(pc.invert(mine))
        if len(left) or others:
            new[table, COMPACTED] = with_moved(left, others)
        if keep:
            for one in sorted(present):
                new[table, f"{one}.parquet"] = with_moved(rows.filter(pc.equal(ids, one)), {})
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
            half = write_half(rows, path, metadata, _GROUP)
            halves.append((half, path))
            if (when := written_ns(rows.schema.metadata)) is not None:
                os.utime(half, ns=(when, when))
        commit(out, change, halves, [out / table / folder / file.name for table in old for file in old[table]])
    finally:
        if not is_under_way(out, change):
            for half, _ in halves:
                half.unlink(missing_ok=True)


def _joined(files: list[StoredFile], own_ids: pa.Array) -> pa.Table:
    """The rows of some files; what their metadata agree on is that of the whole."""
    moved: Moved = {}
    whole: list[pa.Table] = []
    for batch in (files[k : k + _BATCH] for k in range(0, len(files), _BATCH)):
        parts = []
        for file in batch:
            part = _read(file)
            if file.name == COMPACTED:
                moved |= moved_in(part.schema.metadata)
                # Rows of its own are the younger ones.
                part = part.filter(pc.invert(pc.is_in(part["video_id"].cast(pa.string()), own_ids)))
            parts.append(part)
        whole.append(_one(parts, batch[0]))
    moved |= {
        file.name.removesuffix(".parquet"): (file.size, file.changed_ns) for file in files if file.name != COMPACTED
    }
    return with_moved(_one(whole, files[0]), moved)


def _one(parts: list[pa.Table], file: StoredFile) -> pa.Table:
    schema = parts[0].schema
    metadata = [part.schema.metadata or {} for part in parts]
    agreed = set(metadata[0].items()).intersection(*(one.items() for one in metadata))
    try:
        bare = [part.replace_schema_metadata(None).cast(schema.remove_metadata()) for part in parts]
    except (ValueError, pa.ArrowException) as error:
        raise DamagedFileError(errno.EIO, f"{file.path.parent}: its files do not fit together") from error
    one = pa.concat_tables(bare).unify_dictionaries().combine_chunks()
    return one.cast(schema).replace_schema_metadata(dict(agreed))


def _promises(videos: pa.Table, table: str, own_ids: pa.Array) -> bool:
    """Whether videos that have no files of their own have rows in a table."""
    shared = pc.invert(pc.is_in(videos["video_id"].cast(pa.string()), own_ids))
    return bool(pc.any(pc.greater(videos.filter(shared)[PROMISED[table]], 0)).as_py())


def _rank(videos: pa.Table) -> dict[str, int]:
    """Place of each video among those of its partition: by start, then by source."""
    columns = (videos[name].to_pylist() for name in ("start_time", "source", "video_id"))
    keys = sorted(
        (start is None, start and start.timestamp(), source, one) for start, source, one in zip(*columns, strict=True)
    )
    return {key[-1]: place for place, key in enumerate(keys)}


def _in_order(rows: pa.Table, rank: Mapping[str, int]) -> pa.Table:
    """The rows of the videos that have a rank, by rank; within a video as they were."""
    coded = rows["video_id"].combine_chunks().dictionary_encode()
    # A partition may hold millions of rows of a few videos: no Python value for each.
    of_ids = np.array([rank.get(one, -1) for one in coded.dictionary.to_pylist()], np.int64)
    ranks: NDArray[np.int64] = of_ids[coded.indices.to_numpy(zero_copy_only=False)]
    order = np.argsort(ranks, kind="stable")
    return rows.take(pa.array(order[np.searchsorted(ranks[order], 0) :]))


def _metadata(file: StoredFile) -> Mapping[bytes, bytes]:
    try:
        with file.path.open("rb") as opened:
            return pq.read_schema(opened).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise _damaged(file) from error


def _read(file: StoredFile) -> pa.Table:
    try:
        with file.path.open("rb") as opened:
            return all_rows(opened)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(file) from error


def _damaged(file: StoredFile) -> DamagedFileError:
    return DamagedFileError(errno.EIO, f"{file.path} cannot be read; remove it and run again")
