"""The table `events` below OUT: written whole, read, and cleared of videos that are gone."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from analytics.commit import commit, is_under_way
from analytics.errors import UsageError
from analytics.events.evidence import as_json, figures_of, in_words, thresholds_of
from analytics.events.items import Item
from analytics.listing import EVENTS, StoredFile, list_tables
from analytics.schema import EVENTS as SCHEMA
from analytics.snapshot import all_rows, read_table
from analytics.tables import NO_ROWS, Place, to_table, write_half

FILE: Final = "events.parquet"
_CHANGE: Final = "events"
_SEEN: Final = "emobatch.events_of_rows_until"
"""Key of a file's metadata: when the last row of the videos of its events was written. Of a video that is done again it
is later, and its events are of other faces; that of the evaluation itself would make each one write other bytes."""


def rows_of(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Events as rows of the table, in order of their start."""
    return [_row(item) for item in sorted(items, key=lambda item: (item.begin is None, item.start, item.event_id))]


def write_events(
    out: Path, items: Sequence[Item], metadata: Mapping[str, str], finished: Mapping[str, datetime] | None = None
) -> None:
    """Write the table in place of what it was. Files that would not change stay as they are.

    For whoever holds the lock of OUT.

    Args:
        out: the output folder.
        items: all events.
        metadata: text added to each file's metadata.
        finished: when the row of each video was written, by which drop_stale tells later ones.

    Raises:
        OSError: OUT cannot be written; the table is then as it was, or as it is to be.
    """
    schema = Place(None, None).folder(out, EVENTS) / NO_ROWS
    if not schema.exists():  # An OUT that is older than its events: no table may be an empty glob.
        write_half(SCHEMA.empty_table(), schema, metadata).replace(schema)
    folders = sorted({item.folder for item in items})
    tables = {folder: _table(rows_of([item for item in items if item.folder == folder])) for folder in folders}
    for folder, table in tables.items():
        videos = {one for of_event in table["videos"].to_pylist() for one in of_event}
        if newest := max((when for one, when in (finished or {}).items() if one in videos), default=None):
            tables[folder] = table.replace_schema_metadata({_SEEN: newest.isoformat()})
    _replace(out, tables, metadata)


def drop_events(out: Path, video_ids: Collection[str]) -> None:
    """Remove all events that touch one of some videos. For whoever holds the lock of OUT.

    Raises:
        OSError: OUT cannot be written, or a file of the table cannot be read.
    """
    gone = set(video_ids)
    changed = {}
    for file in _files(out):
        table = _read(file)
        keep = [not gone.intersection(videos) for videos in table["videos"].to_pylist()]
        if not all(keep):
            changed[file.folder] = table.filter(pa.array(keep, pa.bool_()))
    if changed:
        _replace(out, changed, None)


def drop_stale(out: Path, finished: Mapping[str, datetime]) -> None:
    """Remove all events of videos that OUT does not know any more, or whose rows are newer than the events are.

    For whoever holds the lock of OUT.

    Args:
        out: the output folder.
        finished: when the row of each video was written.

    Raises:
        OSError: OUT cannot be written, or a file of the table cannot be read.
    """
    gone: set[str] = set()
    for file in _files(out):
        table = _read(file)
        there = {one for videos in table["videos"].to_pylist() for one in videos}
        told = (table.schema.metadata or {}).get(_SEEN.encode())
        seen = datetime.fromisoformat(told.decode()) if told else None
        gone |= {one for one in there if one not in finished or (seen is not None and finished[one] > seen)}
    drop_events(out, gone)


def read_events(out: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """All rows, in order of day, camera and start; of some columns where they are named.

    Raises:
        UsageError: a file of the table cannot be read.
    """
    found = read_table(out, EVENTS, partial(all_rows, columns=columns))
    for file, error in found.unreadable.items():
        raise UsageError(f"{file}: cannot be read ({error})", "remove it and evaluate the rules again") from None
    return [row for _, part in found.parts for row in part.to_pylist()]


def _files(out: Path) -> list[StoredFile]:
    return [file for file in list_tables(out, (EVENTS,)).of(EVENTS) if file.name != NO_ROWS]


def _read(file: StoredFile) -> pa.Table:
    with file.path.open("rb") as opened:
        try:
            return all_rows(opened)
        except pa.ArrowException as error:
            raise OSError(f"{file.path} is damaged; remove it") from error


def _replace(out: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, str] | None) -> None:
    """Put files in place of those of their partitions; of all partitions where metadata is given."""
    there = {(file.folder, file.name): file for file in _files(out)}
    puts: list[tuple[Path, Path]] = []
    removes = [out / EVENTS / folder / name for folder, name in there if metadata is not None and folder not in tables]
    halves: list[Path] = []
    try:
        for folder, table in tables.items():
            path = out / EVENTS / folder / FILE
            if not len(table):
                removes.append(path)
                continue
            kept = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            half = write_half(table, path, kept if metadata is None else {**metadata, **kept})
            halves.append(half)
            old = there.get((folder, FILE))
            if old is not None and old.path.read_bytes() == half.read_bytes():
                continue
            puts.append((half, path))
        if puts or removes:
            commit(out, _CHANGE, puts, removes)
        for path in removes:
            for folder_ in (path.parent, path.parent.parent):
                with suppress(OSError):  # Not empty.
                    folder_.rmdir()
    finally:
        if not is_under_way(out, _CHANGE):
            for half in halves:
                half.unlink(missing_ok=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return to_table(EVENTS, {name: [row[name] for row in rows] for name in SCHEMA.names})


def _row(item: Item) -> dict[str, Any]:
    tracks = item.tracks.get(item.video_id, ())
    alone = sum(len(ids) for ids in item.tracks.values()) == len(tracks) == 1 or _is_one_person(item)
    return {
        "event_id": item.event_id,
        "video_id": item.video_id,
        "camera": item.camera,
        "track_id": tracks[0] if alone and tracks else None,
        "rule": item.rule.name,
        "severity": item.rule.severity,
        "start_s": item.start_s,
        "end_s": item.end_s,
        "time": item.time(item.start_s),
        "end_time": item.time(item.end_s),
        "evidence": in_words(item),
        "tracks": list(tracks),
        "videos": list(item.videos),
        "peak_video_id": item.peak_video_id,
        "peak_pts_s": item.peak_s,
        "thresholds": as_json(thresholds_of(item)),
        "figures": as_json(figures_of(item)),
    }


def _is_one_person(item: Item) -> bool:
    """Whether everything was measured of the same person, who has one track in the first video."""
    people = {person for told in item.told for person in told.people}
    firsts = {person[0] for person in people if person}
    return len(item.tracks.get(item.video_id, ())) == 1 and len(firsts) == 1
