"""What the last runs did, from their records in OUT/runs: the morning summary of the index."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

MOST: Final = 14
"""Runs that are told of; the folder has them all."""
_STATUSES: Final = ("done", "partial", "failed", "duplicate", "unchanged")


@dataclass(frozen=True)
class Night:
    """One run."""

    started: datetime
    elapsed_s: float
    media_s: float
    counts: tuple[tuple[str, int], ...]
    """How many videos came to each status."""
    failures: tuple[tuple[str, str], ...]
    """Source and reason of videos that failed or are partial, and of sources that are missing."""
    left: tuple[tuple[str, str], ...]
    """Source and reason of videos that were left for a later run."""
    interrupted: bool
    missing: tuple[str, ...] | None = None
    """Sources that are missing; None in records that do not tell them from other failures."""

    def n(self, status: str) -> int:
        """Videos that came to a status."""
        return dict(self.counts).get(status, 0)


def read_nights(out: Path) -> tuple[Night, ...]:
    """The last runs, the latest first. Records that cannot be read are passed over: they are no part of the tables."""
    nights: list[Night] = []
    # A clock that was wrong once must not be the last run for years.
    until = datetime.now(UTC) + timedelta(days=1)
    for file in sorted((out / "runs").glob("*.json"), reverse=True):
        if len(nights) == MOST:
            break
        try:
            night = _night(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if night.started.astimezone(UTC) < until:
            nights.append(night)
    return tuple(nights)


def _night(record: dict[str, Any]) -> Night:
    return Night(
        started=datetime.fromisoformat(record["started_at"]),
        elapsed_s=float(record["elapsed_s"]),
        media_s=float(record["media_s"]),
        counts=tuple((status, int(record["videos"].get(status, 0))) for status in _STATUSES),
        failures=_pairs(record["failures"]),
        missing=None if "missing" not in record else tuple(str(one) for one in record["missing"]),
        left=_pairs(record.get("left", [])),
        interrupted=bool(record["interrupted"]),
    )


def _pairs(told: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one["source"]), str(one["reason"])) for one in told)
