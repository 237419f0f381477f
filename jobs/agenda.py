"""What a run has to do: each file that was found, held against what OUT knows. Nothing is opened here."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from analytics.errors import UsageError
from analytics.fingerprint import id_of_content, id_of_path
from analytics.paths import exists
from analytics.recorders import Recorded, recorded, zone_of
from jobs.fingerprints import Fingerprints
from jobs.ledger import Known, Ledger, Need, need_of
from jobs.options import RunOptions
from jobs.sources import Sources
from jobs.task import as_text

_FEW: Final = 10
"""Videos that are decoded again because of a changed setting without being asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file that something may have to be done for."""

    path: Path
    size: int
    changed_ns: int
    recorded: Recorded
    digest: str | None
    """Fingerprint, where it is known from before; "" for an empty file."""


@dataclass
class Agenda:
    """What a run has to do."""

    items: list[Item] = field(default_factory=list)
    """Files that are new, have changed, moved, failed before, or are to be done again."""
    unchanged: int = 0
    """Files with nothing to do."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """Files that are left for a later run, and why."""
    passed_over: int = 0
    """Files that were not asked for: excluded, or recorded at another time."""
    settled: dict[str, str] = field(default_factory=dict)
    """Source of each file with nothing to do -> its video_id."""
    redone: list[str] = field(default_factory=list)
    """Sources that are decoded again because settings changed."""

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        return {
            "to_look_at": [as_text(item.path) for item in self.items],
            "unchanged": self.unchanged,
            "passed_over": self.passed_over,
            "redone_for_settings": len(self.redone),
            "left": [{"source": source, "reason": reason} for source, reason in self.left],
        }


def draw_up(
    sources: Sources,
    options: RunOptions,
    hashes: Mapping[str | None, str],
    ledger: Ledger,
    fingerprints: Fingerprints,
) -> Agenda:
    """Decide for each file, by what is known without opening it.

    Args:
        sources: what was found.
        options: what is asked for.
        hashes: settings hash by camera; that of None for all others.
        ledger: what OUT knows.
        fingerprints: of files that have not changed.

    Raises:
        UsageError: changed settings would decode more than ten videos again, and nobody asked for it.
    """
    agenda = Agenda()
    now_ns = time.time_ns()
    rules = tuple(rule if rule.timezone else replace(rule, timezone=options.timezone) for rule in options.recorders)
    options = replace(options, recorders=rules)
    items: list[Item] = []
    for path in sources.videos:
        item = _item(path, options, fingerprints)
        if not _is_asked_for(item, options):
            agenda.passed_over += 1
            continue
        age_s = (now_ns - item.changed_ns) / 1e9
        if path not in sources.direct and 0 <= age_s < options.stable_for_s:
            words = f"changed {age_s:.0f} s ago and may still be written (--stable-for {options.stable_for_s:g}s)"
            agenda.left.append((as_text(path), words))
            continue
        settings_hash = hashes.get(item.recorded.camera, hashes[None])
        if (video_id := _settled(item, options, settings_hash, ledger)) is not None:
            agenda.unchanged += 1
            agenda.settled[as_text(path)] = video_id
            continue
        items.append(item)
        if _was_done_otherwise(ledger, as_text(path), settings_hash):
            agenda.redone.append(as_text(path))
    if len(agenda.redone) > _FEW and not options.force:
        raise UsageError(
            f"--out {options.out}: {len(agenda.redone):,} videos were processed with other settings and would be "
            f"decoded again, such as {agenda.redone[0]}",
            "give --force to do that, the settings that were used before, or another --out",
        )
    agenda.items = sorted(items, key=_newest_first) if options.newest_first else items
    return agenda


def _item(path: Path, options: RunOptions, fingerprints: Fingerprints) -> Item:
    try:
        stat = path.stat()
        size, changed_ns = stat.st_size, stat.st_mtime_ns
    except OSError:
        size, changed_ns = 0, 0  # Whoever opens it learns why.
    modified = datetime.fromtimestamp(changed_ns / 1e9, UTC) if changed_ns else None
    where = recorded(path, options.recorders, modified)
    if options.camera is not None:
        where = replace(where, camera=options.camera)
    if where.timezone is None:
        where = replace(where, timezone=options.timezone)
    digest = fingerprints.get(path, size, changed_ns) if changed_ns else None
    return Item(path=path, size=size, changed_ns=changed_ns, recorded=where, digest=digest)


def _is_asked_for(item: Item, options: RunOptions) -> bool:
    """Whether the patterns and times that a run is limited to take a file in. An unknown start is within all hours."""
    if options.include and not _matches(item.path, options.include):
        return False
    if _matches(item.path, options.exclude) or item.recorded.camera in options.excluded_cameras:
        return False
    start = item.recorded.start
    zone = zone_of(item.recorded.timezone) if item.recorded.timezone else None  # None: that of this machine.
    # Where nothing tells the start, the file's last change is the end.
    local = start.astimezone(zone) if start else datetime.fromtimestamp(item.changed_ns / 1e9, zone)
    if options.since and local.date() < options.since:
        return False
    return not (options.hours and start and not _within(local.hour, *options.hours))


def _settled(item: Item, options: RunOptions, settings_hash: str, ledger: Ledger) -> str | None:
    """The video_id of a file for which nothing is to be done; None where there is, or may be."""
    if item.digest is None:
        return None
    source, by_path = as_text(item.path), ledger.by_id.get(id_of_path(item.path))
    if not item.digest:  # It is empty still.
        known = by_path
    else:
        video_id = id_of_content(item.digest)
        known = ledger.by_id.get(video_id)
        if video_id in ledger.purged and known is None:
            return video_id
        if known and known.source != source and by_path is None and id_of_path(item.path) in ledger.purged:
            return id_of_path(item.path) if exists(Path(known.source)) else None  # A copy of which only this is gone.
        if known and known.source != source and by_path and by_path.duplicate_of == video_id:
            # A copy stays one as long as the file that it is a copy of is where it was.
            same = by_path.source == source and by_path.camera == item.recorded.camera and exists(Path(known.source))
            return by_path.video_id if same else None
    if known is None:
        return None
    need = need_of(known, source, item.recorded, settings_hash, options.retry_failed)
    return known.video_id if need is Need.NOTHING else None


def _was_done_otherwise(ledger: Ledger, source: str, settings_hash: str) -> bool:
    known: Iterable[Known] = (ledger.by_id[video_id] for video_id in ledger.ids_of(source))
    return any(one.settings_hash != settings_hash and one.status in ("done", "partial") for one in known)


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    return any(path.match(pattern) for pattern in patterns)


def _within(hour: int, first: int, until: int) -> bool:
    return first <= hour < until if first < until else hour >= first or hour < until


def _newest_first(item: Item) -> float:
    return -(item.recorded.start.timestamp() if item.recorded.start else item.changed_ns / 1e9)
