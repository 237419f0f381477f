"""What is older than the declared retention goes at the end of each run; where nothing is declared, nothing goes."""

import logging
from datetime import UTC, datetime

from analytics.errors import UsageError
from jobs.access import note_access
from jobs.options import RunOptions
from jobs.outcome import RunSummary
from jobs.purge import purge
from jobs.purpose import too_old
from jobs.task import as_text

_log = logging.getLogger(__name__)


def remove_old(options: RunOptions, summary: RunSummary) -> frozenset[str]:
    """Purge what is too old, and note it. For whoever holds the lock of OUT; pages are drawn afterwards.

    Returns:
        Ids of all videos that were purged, now or ever.

    Raises:
        EmobatchError: rows lie in a damaged file, or it cannot be noted.
        OSError: OUT cannot be written.
    """
    before = too_old(options.purpose, datetime.now(UTC))
    if before is None:
        return frozenset()
    older = purge(options.out, before, dry_run=True)
    if not older.videos:
        return frozenset()
    n, known = len(older.videos), len(older.finished)
    span = options.purpose.retention
    if n > 1 and 2 * n > known:  # It is mostly a wrong clock, rule or span.
        reason = (
            f"{n:,} of {known:,} videos are older than the retention of {span}, which are too many to go unseen: look at "
            f"emobatch purge {as_text(options.named_out)} --older-than {span} --dry-run, and give it without --dry-run"
        )
        summary.failures.append({"source": as_text(options.named_out), "reason": reason})
        return frozenset()
    note_access(options.named_out, "retention", options.purpose, run_id=summary.run_id, videos=n)
    try:
        done = purge(options.out, before, dry_run=False)
    except UsageError as error:  # The clock seems to be wrong.
        summary.failures.append({"source": as_text(options.named_out), "reason": f"{error.problem}: {error.remedy}"})
        return frozenset()
    summary.removed = len(done.videos)
    _log.info("%d videos removed, as they are older than %s; log: %s", summary.removed, span, done.log)
    return done.gone
