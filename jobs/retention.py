"""What is older than the declared retention goes at the end of each run; where nothing is declared, nothing goes."""

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analytics.events.store import read_events
from jobs.access import note_access
from jobs.options import RunOptions
from jobs.outcome import RunSummary
from jobs.purge import Purge, purge
from jobs.purpose import too_old
from jobs.task import as_text

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Due:
    """Videos that are older than the declared retention."""

    videos: int
    oldest: datetime
    """When the oldest of them was recorded, or processed where nothing tells that."""
    youngest: datetime
    span: str
    held_back: str | None = None
    """Why they do not go by themselves."""

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        moments = {name: getattr(self, name).isoformat() for name in ("oldest", "youngest")}
        return {"videos": self.videos, **moments, "retention": self.span, "held_back": self.held_back}


def due_at(out: Path, options: RunOptions, now: datetime) -> Due | None:
    """What the end of a run would remove now; None where there is nothing. Changes nothing.

    Args:
        out: the folder with the tables.
        options: of the run.
        now: aware.

    Raises:
        OSError: the tables cannot be read.
    """
    before = too_old(options.purpose, now)
    if before is None:
        return None
    older = purge(out, before, dry_run=True)
    if not older.videos:
        return None
    moments = [older.decided(one)[0] for one in older.videos]
    span = str(options.purpose.retention)
    reason = _why_not(older, before, f"emobatch purge {as_text(options.named_out)} --older-than {span} --dry-run", span)
    return Due(videos=len(older.videos), oldest=min(moments), youngest=max(moments), span=span, held_back=reason)


def _why_not(older: Purge, before: datetime, command: str, span: str) -> str | None:
    """Why what is too old must be looked at by a person first: mostly a clock, a rule or the span is wrong."""
    n, known = len(older.videos), len(older.finished)
    if n > 1 and 2 * n > known:
        return (
            f"{n:,} of {known:,} videos are older than the retention of {span}, which are too many to go unseen: look at "
            f"{command}, and give it without --dry-run"
        )
    if n == known and max(older.finished.values()) < before:
        return (
            f"all there is is older than the retention of {span}, and so is the last run: look whether the clock of this "
            f"machine is right, and at {command}"
        )
    return None


def remove_old(options: RunOptions, summary: RunSummary, unchanged: Collection[str] = ()) -> frozenset[str]:
    """Purge what is too old, and note it. For whoever holds the lock of OUT; pages are drawn afterwards.

    Args:
        options: of the run.
        summary: gets what is gone, and loses it from what it counts.
        unchanged: ids of the videos that the run found as they were.

    Returns:
        Ids of all videos that were purged, now or ever.

    Raises:
        EmobatchError: rows lie in a damaged file, or it cannot be noted.
        OSError: OUT cannot be written.
    """
    now = datetime.now(UTC)
    due, before = due_at(options.out, options, now), too_old(options.purpose, now)
    if due is None or before is None:
        return frozenset()
    if due.held_back is not None:
        summary.failures.append({"source": as_text(options.named_out), "reason": due.held_back})
        return frozenset()
    note_access(options.named_out, "retention", options.purpose, run_id=summary.run_id, videos=due.videos)
    done = purge(options.out, before, dry_run=False)
    ids = {one.video_id for one in done.videos}
    summary.gone(len(ids), Counter(one.status for one in done.videos if one.video_id in unchanged))
    if summary.events is not None:
        summary.events = len(read_events(options.out))
    _log.info("%d videos removed, as they are older than %s; log: %s", summary.removed, due.span, done.log)
    return done.gone
