"""Remove what is known of old videos, for good: rows, pages, unfinished work. Never touches footage."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from analytics.commit import half_of
from analytics.tables import Place
from analytics.videos import read_videos
from jobs.ledger import Known, Ledger
from jobs.settle import remove
from jobs.unfinished import FOLDER, forget

PURGED: Final = "purged"
"""Folder below OUT: a file of JSON lines for each purge, which log it and keep the videos from coming back."""


@dataclass(frozen=True)
class Purge:
    """What is, or would be, removed."""

    videos: tuple[Known, ...]
    log: Path | None

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        sources = [{"video_id": one.video_id, "source": one.source} for one in self.videos]
        return {"videos": len(self.videos), "log": str(self.log) if self.log else None, "list": sources}


def too_old(out: Path, before: datetime) -> list[Known]:
    """Videos that were recorded before a moment; where the start is unknown, that were processed before it."""
    videos = read_videos(out)
    finished = dict(zip(*(videos.table[name].to_pylist() for name in ("video_id", "finished_at")), strict=True))
    known = Ledger.of(videos).by_id.values()
    return sorted(
        (one for one in known if (one.start_time or finished[one.video_id]) < before), key=lambda one: one.source
    )


def purge(out: Path, before: datetime, dry_run: bool) -> Purge:
    """Remove the videos that are too old. For whoever holds the lock of OUT.

    Args:
        out: the output folder.
        before: what was recorded before it is too old; aware.
        dry_run: only tell.

    Raises:
        OSError: OUT cannot be written. What was not removed is, by the next purge.
    """
    videos = too_old(out, before)
    if dry_run or not videos:
        return Purge(tuple(videos), None)
    now = datetime.now(UTC)
    # First, so that nothing comes back even if the power fails while rows are being removed.
    log = _write_log(out, now, videos)
    remove(out, videos)
    for one in videos:
        (out / "reports" / "videos" / f"{one.video_id}.html").unlink(missing_ok=True)
        for folder in (out / FOLDER).glob(f"{one.video_id}-*"):
            forget(folder)
    _remove_empty_folders(out, {one.in_folder for one in videos})
    return Purge(tuple(videos), log)


def read_tombstones(out: Path) -> frozenset[str]:
    """Ids of the videos that were removed on purpose and are not to come back.

    Raises:
        OSError: a log of a purge cannot be read.
    """
    logs = sorted((out / PURGED).glob("*.jsonl"))
    return frozenset(json.loads(line)["video_id"] for log in logs for line in log.read_text("utf-8").splitlines())


def _write_log(out: Path, now: datetime, videos: Iterable[Known]) -> Path:
    log = out / PURGED / f"{now:%Y%m%dT%H%M%S.%fZ}.jsonl"
    log.parent.mkdir(exist_ok=True)
    half = half_of(log)
    try:
        with half.open("w", encoding="utf-8") as file:
            for one in videos:
                start = one.start_time.isoformat() if one.start_time else None
                row = {"video_id": one.video_id, "source": one.source, "camera": one.camera, "start_time": start}
                file.write(json.dumps({**row, "status": one.status, "purged_at": now.isoformat()}) + "\n")
        half.replace(log)
    finally:
        half.unlink(missing_ok=True)
    return log


def _remove_empty_folders(out: Path, partitions: Iterable[str]) -> None:
    for partition in set(partitions) - {Place(None, None).partition}:
        for table in ("videos", "faces", "samples", "tracks"):
            for folder in (out / table / partition, (out / table / partition).parent):
                with suppress(OSError):  # Not empty.
                    folder.rmdir()
