"""Remove what is known of old videos, for good: rows, pages, unfinished work. Never touches footage."""

import errno
import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from analytics.errors import EmobatchError, UsageError
from analytics.events.store import drop_events
from analytics.listing import EVENTS, TABLES, list_tables
from analytics.tables import Place
from analytics.videos import StoredVideos, keep_videos, read_videos
from analytics.whole import whole
from jobs.astray import Strays
from jobs.ledger import Known, Ledger
from jobs.removal import remove
from jobs.unfinished import FOLDER, forget

PURGED: Final = "purged"
"""Folder below OUT: a file of JSON lines for each purge, which log it and keep the videos from coming back."""
FINISHED_AT: Final = "finished_at"
"""What decides where the start of a recording is unknown."""


@dataclass(frozen=True)
class Purge:
    """What is, or would be, removed."""

    videos: tuple[Known, ...]
    log: Path | None
    pages_left: bool = False
    """There are pages of purged videos, of this purge or an earlier one that was killed, until the site is drawn."""
    gone: frozenset[str] = frozenset()
    """Ids of all videos that were purged, now or ever, and are not there."""
    finished: Mapping[str, datetime] = field(default_factory=dict)
    """When each video that OUT knew was processed."""

    def decided(self, one: Known) -> tuple[datetime, str]:
        """The moment by which a video is too old, and where it comes from: start_time_source, or finished_at."""
        if one.start_time is not None:
            return one.start_time, one.start_time_source
        return self.finished[one.video_id], FINISHED_AT

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        sources = []
        for one in self.videos:
            moment, decided_by = self.decided(one)
            told = {"moment": moment.isoformat(), "decided_by": decided_by}
            sources.append({"video_id": one.video_id, "source": one.source, **told})
        return {"videos": len(self.videos), "log": str(self.log) if self.log else None, "list": sources}


def older_than(stored: StoredVideos, ledger: Ledger, before: datetime, only: Collection[str] | None = None) -> Purge:
    """The videos that are too old, in the order of their sources. Changes nothing.

    Args:
        stored: all rows of `videos`.
        ledger: of them.
        before: what was recorded, or where that is unknown processed, before this moment is too old; aware.
        only: ids of those that may be; None for all.
    """
    finished = dict(zip(*(stored.table[name].to_pylist() for name in ("video_id", FINISHED_AT)), strict=True))
    older = (one for one in ledger.by_id.values() if (one.start_time or finished[one.video_id]) < before)
    mine = (one for one in older if only is None or one.video_id in only)
    return Purge(tuple(sorted(mine, key=lambda one: one.source)), None, finished=finished)


def purge(
    out: Path, before: datetime, dry_run: bool, force: bool = False, only: Collection[str] | None = None
) -> Purge:
    """Remove the videos that are too old, but for their pages: write_site() does. For whoever holds the lock of OUT.

    Too old is what was recorded before a moment; where the start is unknown, what was processed before it.

    Args:
        out: the output folder.
        before: that moment; aware.
        dry_run: only tell.
        force: remove all there is, too.
        only: ids of the videos that may go; None for all.

    Raises:
        UsageError: all videos are too old, and so is the last run, as where the clock is wrong.
        EmobatchError: rows lie in a file that is damaged; all others are gone.
        OSError: OUT cannot be written. What was not removed is, by the next purge.
    """
    stored = read_videos(out)
    ledger = Ledger.of(stored)
    older = older_than(stored, ledger, before, only)
    videos, finished = older.videos, older.finished
    if dry_run:
        return older
    if (
        videos
        and not force
        and len(videos) == len(ledger.by_id)
        and max(stored.table["finished_at"].to_pylist()) < before
    ):
        raise UsageError(
            f"{out}: all {len(videos):,} videos would go, and the last run was before {before:%Y-%m-%d}, too",
            "look whether the clock of this machine is right, or give --force",
        )
    now, log = datetime.now(UTC), None
    if videos:
        # First, so that nothing comes back even if the power fails while rows are being removed.
        log = _write_log(out, now, videos)
        ids = {one.video_id for one in videos}
        damaged = remove(out, [*videos, *(one for one in ledger.doubles if one.video_id in ids)])
        drop_events(out, ids)
        keep_videos(out, read_videos(out))  # What is kept of them to be fast goes, too.
        if damaged:
            raise EmobatchError(
                f"{len(damaged)} videos are still there, such as {damaged[0]['source']}: {damaged[0]['reason']}",
                "mend or remove that file and purge again; all others are gone",
            )
    there = set(stored.table["video_id"].to_pylist()) - {one.video_id for one in videos}
    gone = frozenset(read_tombstones(out)) - there
    drop_events(out, gone)  # An earlier purge may have been killed before it came to them.
    Strays(out, list_tables(out)).drop(gone)  # Where `videos` had lost a file, rows of its videos may lie alone.
    for folder in (out / FOLDER).glob("*-*"):
        if folder.name.partition("-")[0] in gone:
            forget(folder)
    _remove_empty_folders(out, {one.in_folder for one in videos})
    # The index has to be drawn before pages go, or it would lead to them; and they tell that this is still to be done.
    pages = (out / "reports" / "videos").glob("*.html")
    return Purge(videos, log, any(page.stem in gone for page in pages), gone, finished)


def read_tombstones(out: Path) -> dict[str, str | None]:
    """The videos that were removed on purpose and are not to come back: id -> camera, where it was known.

    Raises:
        OSError: a log of a purge cannot be read.
    """
    cameras: dict[str, str | None] = {}
    for log in sorted((out / PURGED).glob("*.jsonl")):
        try:
            rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
            cameras |= {row["video_id"]: row.get("camera") for row in rows}
        except (AttributeError, ValueError, KeyError, TypeError) as error:
            words = "is damaged, and keeps purged videos from coming back; mend or remove it"
            raise OSError(errno.EIO, words, str(log)) from error
    return cameras


def _write_log(out: Path, now: datetime, videos: Iterable[Known]) -> Path:
    log = out / PURGED / f"{now:%Y%m%dT%H%M%S.%fZ}.jsonl"
    log.parent.mkdir(exist_ok=True)
    with whole(log) as file:
        for one in videos:
            start = one.start_time.isoformat() if one.start_time else None
            row = {"video_id": one.video_id, "source": one.source, "camera": one.camera, "start_time": start}
            line = json.dumps({**row, "status": one.status, "purged_at": now.isoformat()})
            file.write(f"{line}\n".encode())
    return log


def _remove_empty_folders(out: Path, partitions: Iterable[str]) -> None:
    for partition in set(partitions) - {Place(None, None).partition}:
        for table in (*TABLES, EVENTS):
            for folder in (out / table / partition, (out / table / partition).parent):
                with suppress(OSError):  # Not empty.
                    folder.rmdir()
