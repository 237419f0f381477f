"""What goes on in an OUT, and what its last run did: from its lock, and from the records in OUT/runs. Changes nothing."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from analytics.footage import is_url
from jobs.lock import LOCK, STALE_S
from jobs.lock_file import Holder, look
from jobs.outcome import RUNS, refused_of


@dataclass(frozen=True)
class AtWork:
    """Who holds an OUT."""

    command: str
    host: str
    pid: int
    since: str
    """By the clock of its machine."""
    last_sign_s: float
    """Seconds since its last sign of life; on a disk by two clocks, that of the disk and ours."""

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def at_work(out: str) -> AtWork | None:
    """Who is at work in an OUT now; None where nobody is, or who was is known, or has to be taken, for dead.

    Args:
        out: a path, or an s3:// URL.

    Raises:
        EmobatchError: the bucket cannot be asked.
    """
    seen = _seen_in_bucket(out) if is_url(out) else _seen_in(Path(out))
    if seen is None:
        return None
    holder, age_s = seen
    lives = holder.lives()
    if lives is False or (lives is None and age_s > STALE_S):
        return None
    return AtWork(holder.command, holder.host, holder.pid, holder.started_at, round(age_s, 1))


def last_run(out: Path, now: AtWork | None) -> dict[str, Any] | None:
    """What stands in the record of the last run that has ended, or was killed; None where there is none.

    Args:
        out: the folder of OUT, or of a copy of it.
        now: who is at work; their record is not of the last run.
    """
    for record in _records(out):
        if now and record.get("interrupted") and (record.get("host"), record.get("pid")) == (now.host, now.pid):
            continue
        return {
            "run_id": record["run_id"],
            "started_at": record["started_at"],
            "elapsed_s": record["elapsed_s"],
            "videos": record["videos"],
            "failures": len(record["failures"]),
            "left": len(record["left"]),
            "refused": refused_of(record["failures"]),
            "masks_of_nobody": record.get("masks_of_nobody", []),
            "interrupted": record["interrupted"],
            "exit_code": record.get("exit_code"),
        }
    return None


def held_back_since(out: Path) -> datetime | None:
    """When the first of the last runs began that all found too much too old to remove it; None where the last one did not.

    Args:
        out: the folder of OUT.
    """
    since = next((record.get("held_back_since") for record in _records(out)), None)
    try:
        moment = datetime.fromisoformat(since) if isinstance(since, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _seen_in(out: Path) -> tuple[Holder, float] | None:
    try:
        seen = look(out / LOCK)
    except OSError:  # The tables can be read all the same.
        return None
    if seen is None or seen.holder is None:
        return None
    return seen.holder, max(0.0, time.time() - seen.touched_ns / 1e9)


def _seen_in_bucket(url: str) -> tuple[Holder, float] | None:
    from analytics.store import name
    from jobs.bucket_lock import look as look_at
    from jobs.mirror import worded

    with worded():
        seen = look_at(name(f"{url.rstrip('/')}/{LOCK}"))
    return None if seen is None or seen.holder is None else (seen.holder, seen.age_s)


def _records(out: Path) -> Iterator[dict[str, Any]]:
    """Records of runs, the latest first; one that cannot be read is no part of the tables, and passed over."""
    # A clock that was wrong once must not be the last run for years.
    until = datetime.now(UTC) + timedelta(days=1)
    for file in sorted((out / RUNS).glob("*.json"), reverse=True):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            if datetime.fromisoformat(record["started_at"]) < until and {"videos", "failures", "left"} <= record.keys():
                yield record
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
