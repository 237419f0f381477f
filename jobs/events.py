"""Evaluate the rules over the tables of an OUT, and tell what that changes."""

import logging
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from analytics.errors import UsageError
from analytics.events.finding import find_events
from analytics.events.posters import Still, places
from analytics.events.rules import EventRules
from analytics.events.store import drop_stale, read_events, rows_of, write_events
from analytics.expressions import EXPRESSIONS
from analytics.schema import SEVERITIES
from analytics.tables import CLASSES, classes_of
from analytics.videos import read_videos
from emobatch import __version__
from jobs.config_events import check_classes, strangers
from jobs.options import RunOptions
from jobs.outcome import RunSummary
from jobs.screen import count

_log = logging.getLogger(__name__)

_SLACK_S: Final = 0.01
_OVERLAP: Final = 0.5
"""Share of the longer of two events by which they must overlap to be the same one, moved."""
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What the rules come to, against what the table held before."""

    events: tuple[Row, ...]
    """Rows of the table as the rules have it now."""
    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    changed: tuple[tuple[Row, Row], ...]
    """Events that are the same ones with other figures: as they were, and as they are."""
    warnings: tuple[str, ...]
    hours: float
    """Of recordings that a rule is for."""
    still: tuple[Still, ...] = ()
    """Stays of faces that no rule looked at, as they hardly move: posters, or people who stand or sit very still."""
    time_zones: Mapping[str, str | None] = field(default_factory=dict)
    """That of the camera of each video, by video_id."""

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        by_rule = Counter(str(row["rule"]) for row in self.events)
        by_severity = Counter(str(row["severity"]) for row in self.events)
        return {
            "events": len(self.events),
            "by_rule": dict(sorted(by_rule.items())),
            "by_severity": {name: by_severity[name] for name in SEVERITIES},
            "hours": round(self.hours, 3),
            "still": self._still(),
            "unchanged": len(self.events) - len(self.added) - len(self.changed),
            "added": [told(row) for row in self.added],
            "removed": [told(row) for row in self.removed],
            "changed": [{"before": told(one), "after": told(other)} for one, other in self.changed],
            "warnings": list(self.warnings),
        }

    def _still(self) -> dict[str, Any]:
        at_places = places(self.still)
        by_camera = Counter(place[0].camera or "" for place in at_places)
        longest = max(self.still, key=lambda one: one.seconds, default=None)
        return {
            "places": len(at_places),
            "stays": len(self.still),
            "tracks": sum(len(one.tracks) for one in self.still),
            "by_camera": dict(sorted(by_camera.items())),
            "longest": longest
            and {
                "camera": longest.camera,
                "video_id": longest.tracks[0][0],
                "track_id": longest.tracks[0][1],
                "seconds": longest.seconds,
            },
        }


def evaluate(out: Path, rules: EventRules, dry_run: bool = False) -> Evaluated:
    """Evaluate the rules, and write the table `events` unless it is a dry run.

    For whoever holds the lock of OUT, but for a dry run.

    Raises:
        UsageError: a rule asks for a class that the classifier of OUT does not have, or a table cannot be read.
        OSError: OUT cannot be written; the table is then as it was, or as it is to be.
    """
    classes = classes_of(out) or EXPRESSIONS
    check_classes(rules, classes)
    found = find_events(out, rules)
    before = read_events(out)
    now = rows_of(found.items)
    if not dry_run:
        metadata = {"emobatch.version": __version__, CLASSES: ",".join(classes)}
        finished = {one.video_id: one.finished for one in found.recordings if one.finished is not None}
        write_events(out, found.items, metadata, finished)
    added, removed, changed = compared(before, now)
    return Evaluated(
        events=tuple(now),
        added=added,
        removed=removed,
        changed=changed,
        warnings=tuple(strangers(rules, [one.camera for one in found.recordings if one.camera is not None])),
        hours=found.hours,
        still=found.still,
        time_zones=time_zones_of(out),
    )


def time_zones_of(out: Path) -> dict[str, str | None]:
    """The time zone of the camera of each video, by video_id; None where it is unknown."""
    videos = read_videos(out).table
    return dict(zip(*(videos[name].to_pylist() for name in ("video_id", "time_zone")), strict=True))


def note_events(options: RunOptions, summary: RunSummary) -> None:
    """What a run does at its end: evaluate its rules; without any, drop what is told of videos that are gone or done again.

    Raises:
        OSError: OUT cannot be written.
    """
    if options.events is None:
        videos = read_videos(options.out).table
        drop_stale(
            options.out, dict(zip(*(videos[name].to_pylist() for name in ("video_id", "finished_at")), strict=True))
        )
        return
    try:
        done = evaluate(options.out, options.events)
    except UsageError as error:  # A damaged table; all that was processed stands.
        summary.failures.append({"source": str(options.named_out), "reason": f"its events are as before: {error}"})
        return
    for warning in done.warnings:
        _log.warning("%s", warning)
    summary.events = len(done.events)
    _log.info("%s, %d of them new", count(len(done.events), "event"), len(done.added))
    if done.still:
        at_places = count(len(places(done.still)), "place")
        _log.info("faces at %s left out as still pictures; `emobatch events` tells more", at_places)


def compared(
    before: Sequence[Row], now: Sequence[Row]
) -> tuple[tuple[Row, ...], tuple[Row, ...], tuple[tuple[Row, Row], ...]]:
    """Events that came, that went, and that are others than they were although they are the same ones.

    The same are those of one id, then those of one rule and camera that overlap by at least half.
    """
    old = {row["event_id"]: row for row in before}
    pairs = [(old.pop(row["event_id"]), row) for row in now if row["event_id"] in old]
    paired = {row["event_id"] for _, row in pairs}
    fresh = [row for row in now if row["event_id"] not in paired]
    likely = _Likely(old.values())
    added = []
    for row in fresh:
        like = next((one for one in likely.to(row) if one["event_id"] in old and _overlap(one, row)), None)
        if like is None:
            added.append(row)
        else:
            pairs.append((old.pop(like["event_id"]), row))
    changed = tuple((one, other) for one, other in pairs if _what(one) != _what(other))
    return tuple(added), tuple(old.values()), changed


def told(row: Row) -> dict[str, Any]:
    """An event for --json."""
    times = {name: row[name].isoformat() if row[name] else None for name in ("time", "end_time")}
    names = ("event_id", "rule", "severity", "camera", "video_id", "start_s", "end_s", "evidence")
    return {**{name: row[name] for name in names}, **times}


def _what(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "event_id"}


class _Likely:
    """Events by rule, camera and start, so that each is held against few others."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[Any, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(_lies(row), []).append(row)
        for of_one in self._rows.values():
            of_one.sort(key=_start)
        self._starts = {lies: [_start(row) for row in of_one] for lies, of_one in self._rows.items()}

    def to(self, row: Row) -> Iterator[Row]:
        """Those that may overlap an event by half of the longer one: they begin within its length of its begin."""
        starts, start = self._starts.get(_lies(row), []), _start(row)
        length = row["end_s"] - row["start_s"] + _SLACK_S
        first, last = bisect_left(starts, start - length), bisect_right(starts, start + length)
        yield from self._rows.get(_lies(row), [])[first:last]


def _lies(row: Row) -> tuple[str, str | None, str | None]:
    return row["rule"], row["camera"], row["video_id"] if row["time"] is None else None


def _start(row: Row) -> float:
    return float(row["start_s"] if row["time"] is None else row["time"].timestamp())


def _overlap(one: Row, other: Row) -> bool:
    if (one["rule"], one["camera"]) != (other["rule"], other["camera"]):
        return False
    if one["time"] is not None and other["time"] is not None:
        (a, b), (c, d) = ((row["time"].timestamp(), row["end_time"].timestamp()) for row in (one, other))
    elif one["video_id"] == other["video_id"]:
        (a, b), (c, d) = ((row["start_s"], row["end_s"]) for row in (one, other))
    else:
        return False
    return bool(min(b, d) - max(a, c) >= _OVERLAP * max(b - a, d - c, 1e-9))
