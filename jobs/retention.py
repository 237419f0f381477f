"""What is older than the declared retention goes at the end of each run; where nothing is declared, nothing goes.

Both what may go and whether it is too much are taken from what the run found, so that a dry run tells them before: what came in
tonight neither goes tonight nor makes most of an archive look like less.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analytics.events.store import read_events
from analytics.fingerprint import id_of_content
from analytics.videos import StoredVideos
from jobs.access import note_access
from jobs.at_work import held_back_since
from jobs.ledger import Ledger, Need, need_of
from jobs.options import RunOptions
from jobs.outcome import RunSummary
from jobs.purge import older_than, purge
from jobs.purpose import too_old
from jobs.task import as_text

if TYPE_CHECKING:
    from jobs.agenda import Agenda

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Due:
    """Videos that are older than the declared retention, as a run found them."""

    videos: int
    """How many of them the end of the run is to remove."""
    ids: frozenset[str]
    """All of them, also those that the run is to do again: they go where it cannot."""
    known: int
    """How many videos OUT knew; where the runs before held back, without those that came in since."""
    last: datetime
    """When the last of these was processed."""
    before: datetime
    """What is older than this moment is too old."""
    oldest: datetime
    """When the oldest of them was recorded, or processed where nothing tells that."""
    youngest: datetime
    span: str
    held_back: str | None = None
    """Why they do not go by themselves."""
    since: datetime | None = None
    """When the first of the runs before this one began that all held them back."""

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        moments = {name: getattr(self, name).isoformat() for name in ("oldest", "youngest")}
        return {"videos": self.videos, **moments, "retention": self.span, "held_back": self.held_back}


def due_at(
    agenda: "Agenda",
    stored: StoredVideos,
    ledger: Ledger,
    hashes: Mapping[str | None, str],
    options: RunOptions,
    now: datetime,
) -> Due | None:
    """What the end of a run is to remove; None where nothing is too old.

    Args:
        agenda: what the run is to do.
        stored: all rows of `videos`, as it found them.
        ledger: of them.
        hashes: settings hash by camera; that of None for all others.
        options: of the run.
        now: aware.
    """
    before = too_old(options.purpose, now)
    if before is None:
        return None
    older = older_than(stored, ledger, before)
    if not older.videos:
        return None
    anew = _dated_anew(agenda, ledger, hashes, options)
    going = [one for one in older.videos if one.video_id not in anew]
    # What comes in under a wrong clock would, night by night, make most of an archive less than half of it.
    since = held_back_since(options.out)
    before_that = {one: when for one, when in older.finished.items() if since is None or when < since}
    counted = before_that or older.finished
    known, last = len(counted), max(counted.values())
    moments = [older.decided(one)[0] for one in going or older.videos]
    return Due(
        videos=len(going),
        ids=frozenset(one.video_id for one in older.videos),
        known=known,
        last=last,
        before=before,
        oldest=min(moments),
        youngest=max(moments),
        span=str(options.purpose.retention),
        held_back=_why_not(sum(one.video_id in counted for one in going), known, last, before, options),
        since=since,
    )


def since_of(due: Due | None, summary: RunSummary) -> str | None:
    """What the record of a run says as held_back_since: that of the runs before, or else that it begins here."""
    if due is None or not due.held_back:
        return None
    return _first_held_back(due, summary)


def _first_held_back(due: Due, summary: RunSummary) -> str:
    return due.since.isoformat() if due.since else summary.started_at


def _dated_anew(
    agenda: "Agenda", ledger: Ledger, hashes: Mapping[str | None, str], options: RunOptions
) -> frozenset[str]:
    """Ids of videos that will not be too old any more: they are done again, and nothing but that dates them; or a rule does now."""
    anew = set()
    for item in agenda.items:
        source = as_text(item.path)
        ids = {id_of_content(item.digest)} if item.digest else ledger.ids_of(source)
        for known in (ledger.by_id[one] for one in ids if one in ledger.by_id):
            settings_hash = hashes.get(item.recorded.camera, hashes[None])
            need = need_of(known, source, item.recorded, settings_hash, options.retry_failed)
            # What a rule dates before the retention is no item.
            if (need is not Need.NOTHING and item.recorded.start) or (
                need is Need.PROCESS and known.start_time is None
            ):
                anew.add(known.video_id)
    return frozenset(anew)


def _why_not(n: int, known: int, last: datetime, before: datetime, options: RunOptions) -> str | None:
    """Why what is too old must be looked at by a person first: mostly a clock, a rule or the span is wrong.

    Args:
        n: how many videos are too old.
        known: how many OUT knew when the run began.
        last: when the last of these was processed.
        before: what is older than this moment is too old.
        options: of the run.
    """
    span = options.purpose.retention
    command = f"emobatch purge {as_text(options.named_out)} --older-than {span} --dry-run"
    if n > 1 and 2 * n > known:
        return (
            f"{n:,} of {known:,} videos are older than the retention of {span}, which are too many to go unseen: look at "
            f"{command}, and give it without --dry-run"
        )
    if n == known and last < before:
        return (
            f"all there is is older than the retention of {span}, and so is the last run: look whether the clock of this "
            f"machine is right, and at {command}"
        )
    return None


def remove_old(
    options: RunOptions, due: Due | None, summary: RunSummary, unchanged: Collection[str] = ()
) -> frozenset[str]:
    """Purge what is too old, and note it. For whoever holds the lock of OUT; pages are drawn afterwards.

    Args:
        options: of the run.
        due: what was too old when the run began; None where nothing was. Nothing else goes.
        summary: gets what is gone, and loses it from what it counts.
        unchanged: ids of the videos that the run found as they were.

    Returns:
        Ids of all videos that were purged, now or ever.

    Raises:
        EmobatchError: rows lie in a damaged file, or it cannot be noted.
        OSError: OUT cannot be written.
    """
    if due is None:
        return frozenset()
    n = len(purge(options.out, due.before, dry_run=True, only=due.ids).videos)
    # More than was told where files cannot be done again, as of a disk that is away.
    if reason := due.held_back or _why_not(n, due.known, due.last, due.before, options):
        summary.failures.append({"source": as_text(options.named_out), "reason": reason})
        summary.held_back_since = _first_held_back(due, summary)
        return frozenset()
    if not n:
        return frozenset()
    note_access(options.named_out, "retention", options.purpose, run_id=summary.run_id, videos=n)
    done = purge(options.out, due.before, dry_run=False, only=due.ids)
    ids = {one.video_id for one in done.videos}
    summary.gone(len(ids), Counter(one.status for one in done.videos if one.video_id in unchanged))
    if summary.events is not None:
        summary.events = len(read_events(options.out))
    _log.info("%d videos removed, as they are older than %s; log: %s", summary.removed, due.span, done.log)
    return done.gone
