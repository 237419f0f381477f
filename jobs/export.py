"""Rows of one table for other programs, in one order, each once, while compaction or a run may be at work.

What is exported is decided at the start: the videos that have a row in `videos` then. Their rows are read video by
video, a few at a time in memory, from wherever they lie by then, and counted against what `videos` promises.
"""

import os
import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics.commit import version_of
from analytics.listing import StoredFile, list_tables
from analytics.snapshot import UNREADABLE, Key, Replaced, all_rows, key_of, open_listed
from analytics.videos import PROMISED, read_videos
from jobs.export_formats import FACTS, Format, classes_below, schema_of

_ROWS: Final = 16_384
"""Rows that are written at once."""
_PARTS: Final = 256
"""Videos that are held apart until then: a small table takes many times its content."""
_ATTEMPTS: Final = 50
_TOGETHER: Final = 3
"""Attempts to see videos and listing at one moment; without it a video that changed meanwhile is looked for anew."""
_PAUSE_S: Final = 0.02
_TIME: Final = {"samples": "pts_s", "faces": "pts_s", "tracks": "start_s"}
_OWN_FILE: Final = re.compile(r"[0-9a-f]{16}\.parquet")

Tell = Callable[[int, int, int], None]
"""Is told how many videos are read, of how many, and how many rows are written."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which rows and columns of a table."""

    table: str
    """faces, samples, tracks or videos."""
    columns: tuple[str, ...]
    """In the order in which they are written."""
    condition: pc.Expression | None = None
    """What holds for the rows, of columns of the table; None for all rows."""
    reads: tuple[str, ...] = ()
    """Other columns of the table that are needed: those of the condition, and what a format makes its own of."""
    videos: pc.Expression | None = None
    """What holds for the ids of the videos (video_id), so that no others are read."""
    facts: bool = False
    """Whether each row is told FACTS of its video."""


@dataclass(frozen=True)
class Exported:
    """What became of it."""

    rows: int
    problems: tuple[str, ...]
    """Files that cannot be read and videos whose rows are missing, in words; none where all was exported."""


def export(out: Path, file: BinaryIO, selection: Selection, form: Format, *, safe: bool, tell: Tell) -> Exported:
    """Write the selected rows by day, camera, start of the video and time. What cannot be read is left out and named.

    Args:
        out: the output folder.
        file: takes the text.
        selection: of rows and columns.
        form: of the text.
        safe: whether texts are kept from being taken for formulas by spreadsheets.
        tell: progress.

    Raises:
        OSError: the file cannot be written, or nobody reads it any more.
    """
    reader = VideoReader(out, selection)
    written = 0
    file.write(form.header(selection.columns))
    for done, rows in reader.batches():
        if selection.condition is not None:
            rows = rows.filter(selection.condition)
        file.write(form.lines(form.shape(rows).select(selection.columns), safe))
        written += len(rows)
        tell(done, reader.n_videos, written)
    return Exported(written, reader.problems)


@dataclass(frozen=True, slots=True)
class _Video:
    folder: str
    """Its partition, day=…/cam=…."""
    promised: int
    """Rows of the table, by its row in `videos`."""
    facts: dict[str, Any]
    """FACTS of it."""


class VideoReader:
    """The rows of one table, video by video."""

    def __init__(self, out: Path, selection: Selection) -> None:
        self._out = out
        self._table = selection.table
        self._facts = FACTS if selection.facts else {}
        classes, self._problems = classes_below(out)
        needed = {"video_id", *selection.columns, *selection.reads, *_TIME.values()}
        self._schema = pa.schema([one for one in schema_of(selection.table, classes) if one.name in needed])
        self._shared: dict[Key, _SharedFile] = {}
        self._refresh()
        ids = pa.table({"video_id": pa.array(self._videos, pa.string())})
        self._order = (ids if selection.videos is None else ids.filter(selection.videos))["video_id"].to_pylist()
        self.n_videos = len(self._order)

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, and why."""
        return tuple(f"{where}: {why}" for where, why in sorted(self._problems.items()))

    def batches(self) -> Iterator[tuple[int, pa.Table]]:
        """Rows in order, at most _ROWS at once, each time with the number of videos that were read."""
        if self._table == "videos":
            yield from ((self.n_videos, part) for part in _sliced(self._rows_of_videos))
            return
        parts: list[pa.Table] = []
        for done, video_id in enumerate(self._order, 1):
            if (rows := self._of(video_id)) is not None:
                parts.append(_in_time(rows, _TIME[self._table]))
            full = len(parts) >= _PARTS or sum(map(len, parts)) >= _ROWS
            if parts and (full or done == self.n_videos):
                yield from ((done, part) for part in _sliced(pa.concat_tables(parts)))
                parts = []

    def _refresh(self) -> None:
        """List and read anew what is there now, and remember which moment that was."""
        for _ in range(_TOGETHER):
            self._version = version_of(self._out)
            stored = read_videos(self._out)
            self._listing = list_tables(self._out, (self._table,))
            if version_of(self._out) == self._version:
                break
        self._problems |= {str(file): _why(error) for file, error in stored.unreadable.items()}
        self._problems |= {str(folder): _why(error) for folder, error in self._listing.errors.items()}
        newest = _newest(stored.table)
        self._rows_of_videos = newest.select(self._schema.names).cast(self._schema) if self._table == "videos" else None
        promised = newest[PROMISED[self._table]].to_pylist() if self._table in PROMISED else [0] * len(newest)
        facts = newest.select(list(FACTS)).to_pylist()
        known = zip(newest["in_folder"].to_pylist(), promised, facts, strict=True)
        self._videos = dict(zip(newest["video_id"].to_pylist(), (_Video(*one) for one in known), strict=True))

    def _of(self, video_id: str) -> pa.Table | None:
        """The rows of one video with its facts; None where it has none, is gone, or cannot be read."""
        rows = None
        for attempt in range(_ATTEMPTS):
            video = self._videos.get(video_id)
            if video is None or not video.promised:
                return None
            try:
                rows = self._read(video_id, video.folder)
            except Replaced:
                rows = None
            except _UnreadableError as error:
                self._problems[str(error.path)] = error.why
                return None
            if rows is not None and (len(rows) == video.promised or version_of(self._out) == self._version):
                break
            time.sleep(_PAUSE_S * (attempt > 1))
            self._refresh()
        if (video := self._videos.get(video_id)) is None:
            return None
        if (found := 0 if rows is None else len(rows)) != video.promised:
            self._problems[f"{video.facts['source']} ({video_id})"] = (
                f"the table of videos promises {video.promised:,} rows of {self._table}, not {found:,}"
            )
        return None if rows is None else self._with_facts(rows, video)

    def _with_facts(self, rows: pa.Table, video: _Video) -> pa.Table:
        for name, kind in self._facts.items():
            rows = rows.append_column(name, pa.repeat(pa.scalar(video.facts[name], kind), len(rows)))
        return rows

    def _read(self, video_id: str, folder: str) -> pa.Table:
        listed = self._listing.files[self._table].get(folder, {})
        if (own := listed.get(f"{video_id}.parquet")) is not None:
            return _tried(own, partial(self._own, own))
        shared = [file for name, file in sorted(listed.items()) if not _OWN_FILE.fullmatch(name)]
        for key in self._shared.keys() - {key_of(file) for file in shared}:
            self._shared.pop(key).close()
        parts = [_tried(file, partial(self._of_shared, file, video_id)) for file in shared]
        return pa.concat_tables(parts) if parts else self._schema.empty_table()

    def _own(self, file: StoredFile) -> pa.Table:
        with open_listed(file) as opened:
            return _plain(all_rows(opened, self._schema.names), self._schema)

    def _of_shared(self, file: StoredFile, video_id: str) -> pa.Table:
        if (shared := self._shared.get(key_of(file))) is None:
            shared = self._shared[key_of(file)] = _SharedFile(file, self._schema)
        return shared.rows_of(video_id)


class _SharedFile:
    """A file of many videos. As long as it is open it stays what it is, whatever takes its place."""

    def __init__(self, file: StoredFile, schema: pa.Schema) -> None:
        self._schema = schema
        self._opened = open_listed(file)
        try:
            self._look_into(pq.ParquetFile(self._opened))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Nothing more is read."""
        self._opened.close()

    def _look_into(self, file: pq.ParquetFile) -> None:
        self._file = file
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        self._starts = [0, *accumulate(sizes)]
        self._groups: dict[int, pa.Table] = {}
        coded = file.read(["video_id"])["video_id"].combine_chunks().dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False)
        edges = [*np.flatnonzero(np.diff(codes, prepend=-1)).tolist(), len(codes)]
        names = coded.dictionary.to_pylist()
        self._spans: dict[str, list[tuple[int, int]]] = {}
        for first, end in pairwise(edges):
            self._spans.setdefault(names[codes[first]], []).append((first, end))

    def rows_of(self, video_id: str) -> pa.Table:
        """Those of one video, which may lie apart."""
        parts = [self._between(first, end) for first, end in self._spans.get(video_id, ())]
        return pa.concat_tables(parts) if parts else self._schema.empty_table()

    def _between(self, first: int, end: int) -> pa.Table:
        groups = range(bisect_right(self._starts, first) - 1, bisect_left(self._starts, end))
        self._groups = {k: self._groups[k] if k in self._groups else self._group(k) for k in groups}
        return pa.concat_tables(self._groups.values()).slice(first - self._starts[groups[0]], end - first)

    def _group(self, k: int) -> pa.Table:
        return _plain(self._file.read_row_group(k, self._schema.names), self._schema)


class _UnreadableError(Exception):
    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why


def _tried(file: StoredFile, read: Callable[[], pa.Table]) -> pa.Table:
    try:
        return read()
    except Replaced:
        raise
    except UNREADABLE as error:
        raise _UnreadableError(file.path, _why(error)) from error


def _plain(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns of a schema alone, in its types; texts are looked through, or a damaged one comes late."""
    plain = rows.select(schema.names).replace_schema_metadata(None).cast(schema)
    plain.validate(full=True)
    return plain


def _newest(table: pa.Table) -> pa.Table:
    """One row a video, the one that was written last, by partition, start and source."""
    columns = (table["in_folder"], table["start_time"].cast(pa.int64()), table["source"], table["video_id"])
    keys = [
        (folder, start is None, start or 0, source, one)
        for folder, start, source, one in zip(*(column.to_pylist() for column in columns), strict=True)
    ]
    newest = {}
    written = table["finished_at"].cast(pa.int64()).to_pylist()
    for row in sorted(range(len(keys)), key=lambda row: (written[row], keys[row])):
        newest[keys[row][-1]] = row
    return table.take(pa.array(sorted(newest.values(), key=keys.__getitem__), pa.int64()))


def _in_time(rows: pa.Table, column: str) -> pa.Table:
    times_s = rows[column].to_numpy()
    return rows if (np.diff(times_s) >= 0).all() else rows.take(pa.array(np.argsort(times_s, kind="stable")))


def _sliced(rows: pa.Table) -> Sequence[pa.Table]:
    return [rows.slice(first, _ROWS) for first in range(0, len(rows), _ROWS)]


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror or os.strerror(error.errno)})"
    return "is damaged, or no table of emobatch"
