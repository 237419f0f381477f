"""What a run has to do: each file that was found, held against what OUT knows. Nothing is opened here."""

import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from analytics.errors import NoVideoError, UsageError
from analytics.fingerprint import id_of_content, id_of_path
from analytics.footage import Footage, facts_of, footage_of
from analytics.recorders import Recorded, recorded, zone_of
from analytics.tables import why_no_camera
from jobs.fingerprints import Fingerprints
from jobs.ledger import Known, Ledger, Need, is_misfiled, need_of
from jobs.masked import OF_NOBODY, check_found, check_names, of_nobody, why_refused
from jobs.options import RunOptions
from jobs.purpose import too_old
from jobs.sources import Sources
from jobs.task import as_text
from jobs.warned import warn_of_cameras, warn_of_rules

if TYPE_CHECKING:
    from jobs.retention import Due

_log = logging.getLogger(__name__)

_FEW: Final = 10
"""Videos that are decoded again because of a changed setting without being asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file that something may have to be done for."""

    path: Footage
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
    not_done: Counter[str] = field(default_factory=Counter)
    """How many of these are failed or partial since an earlier run, or were purged."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """Files that are left for a later run, and why."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Files that must not be processed as they are, and why."""
    nobodys: tuple[str, ...] = ()
    """Cameras with masks that no file and no video in OUT is from."""
    passed_over: int = 0
    """Files that were not asked for: excluded, or recorded at another time."""
    too_old: int = 0
    """Files that were recorded longer ago than the declared retention: their rows would go as soon as they are there."""
    due: "Due | None" = None
    """What the end of the run is to remove for the declared retention."""
    settled: dict[str, str] = field(default_factory=dict)
    """Source of each file with nothing to do -> its video_id."""
    redone: list[str] = field(default_factory=list)
    """Sources that are decoded again because settings changed."""

    @property
    def tells_no_camera(self) -> bool:
        """Whether there is something to do, and no camera is known of any of it."""
        return bool(self.items) and not any(item.recorded.camera for item in self.items)

    @property
    def told_of_nobodys(self) -> list[dict[str, str]]:
        """A failure for each camera with masks that nothing is from."""
        return [{"source": f"camera {name}", "reason": OF_NOBODY} for name in self.nobodys]

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        return {
            "to_look_at": [as_text(item.path) for item in self.items],
            "unchanged": self.unchanged,
            "passed_over": self.passed_over,
            "too_old": self.too_old,
            "due": self.due.to_json() if self.due and self.due.videos else None,
            "redone_for_settings": len(self.redone),
            "left": [{"source": source, "reason": reason} for source, reason in self.left],
            "refused": [{"source": source, "reason": reason} for source, reason in self.refused],
            "masks_of_nobody": list(self.nobodys),
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
        UsageError: changed settings would decode more than ten videos again, and nobody asked for it; or masks are given
            for a camera that no file can be from.
        NoVideoError: no file fits the patterns, so one of them is probably mistyped.
    """
    _check_patterns(options)
    check_names(options)
    agenda = Agenda()
    now_ns = time.time_ns()
    options = replace(options, recorders=options.rules)
    found = [_item(path, options, fingerprints) for path in sources.videos]
    cameras = {item.recorded.camera for item in found if item.recorded.camera}
    check_found(options, cameras)
    warn_of_cameras([item.recorded for item in found], options)
    warn_of_rules([(item.path, item.recorded) for item in found], options)
    if found and not any(_fits_patterns(item, options) for item in found):
        raise NoVideoError(
            f"none of {len(found):,} files fits --include and --exclude, such as {as_text(found[0].path)}",
            "mend the patterns, such as --include '*.mp4'; `emobatch config show` tells where they come from",
        )
    wanted = [item for item in found if _is_asked_for(item, options)]
    asked = [_filed(item) for item in _kept(wanted, options)]
    agenda.nobodys = of_nobody(options, cameras, ledger.cameras)
    agenda.passed_over, agenda.too_old = len(found) - len(wanted), len(wanted) - len(asked)
    settled: dict[str, str | None] = {
        as_text(item.path): _settled(item, options, _hash_of(item, hashes), ledger) for item in asked
    }
    agenda.settled = {source: video_id for source, video_id in settled.items() if video_id}
    # What is a copy is told by where its original is.
    copies = {as_text(item.path): _settled_copy(item, ledger, agenda.settled, fingerprints) for item in asked}
    agenda.settled |= {source: video_id for source, video_id in copies.items() if video_id}
    items: list[Item] = []
    for item in asked:
        source, age_s = as_text(item.path), (now_ns - item.changed_ns) / 1e9
        if source in agenda.settled:
            agenda.unchanged += 1
            known = ledger.by_id.get(agenda.settled[source])
            agenda.not_done[known.status if known else "purged"] += 1
        # Clocks of file servers differ from ours a little, and those of cameras a lot.
        elif item.path not in sources.direct and abs(age_s) < options.stable_for_s:
            words = f"changed {max(age_s, 0):.0f} s ago and may still be written"
            agenda.left.append((source, f"{words} (--stable-for {options.stable_for_s:g}s; 0 takes it at once)"))
        elif why := why_refused(item.recorded.camera, options, agenda.nobodys, ledger):
            agenda.refused.append((source, why))
        else:
            items.append(item)
            if _was_done_otherwise(ledger, source, _hash_of(item, hashes)):
                agenda.redone.append(source)
    if len(agenda.redone) > _FEW and not options.force:
        raise UsageError(
            f"{len(agenda.redone):,} videos were processed with other settings and would be decoded again, such as "
            f"{agenda.redone[0]}",
            "give --force to do that, the settings that were used before, or another --out",
        )
    for status in ("done", "duplicate"):
        del agenda.not_done[status]
    agenda.items = sorted(items, key=_newest_first) if options.newest_first else items
    return agenda


def _item(path: Footage, options: RunOptions, fingerprints: Fingerprints) -> Item:
    try:
        facts = facts_of(path)
        size, changed_ns = facts.size, facts.changed_ns
        digest = fingerprints.get(path, size, changed_ns)
        if not size and facts.regular:
            digest = ""  # Whatever is remembered of it.
    except OSError:
        size, changed_ns, digest = 0, 0, None  # Whoever opens it learns why.
    modified = datetime.fromtimestamp(changed_ns / 1e9, UTC) if changed_ns else None
    where = recorded(os.fspath(path), options.recorders, modified)
    if options.camera is not None:
        where = replace(where, camera=options.camera)
    if where.timezone is None:
        where = replace(where, timezone=options.timezone)
    return Item(path=path, size=size, changed_ns=changed_ns, recorded=where, digest=digest)


def _filed(item: Item) -> Item:
    """The item without a camera that no table and no folder can be named after."""
    camera = item.recorded.camera
    if camera is None or not why_no_camera(camera):
        return item
    return replace(item, recorded=replace(item.recorded, camera=None))


def _hash_of(item: Item, hashes: Mapping[str | None, str]) -> str:
    return hashes.get(item.recorded.camera, hashes[None])


def _check_patterns(options: RunOptions) -> None:
    for name, patterns in (("include", options.include), ("exclude", options.exclude)):
        for pattern in patterns:
            try:
                Path("name").match(pattern)
            except ValueError:
                raise UsageError(f"--{name} {pattern!r}: matches nothing", "give a pattern such as *.mp4") from None


def _fits_patterns(item: Item, options: RunOptions) -> bool:
    if options.include and not _matches(item.path, options.include):
        return False
    return not _matches(item.path, options.exclude)


def _is_asked_for(item: Item, options: RunOptions) -> bool:
    """Whether the patterns and times that a run is limited to take a file in. An unknown start is within all hours."""
    if not _fits_patterns(item, options) or item.recorded.camera in options.excluded_cameras:
        return False
    start = item.recorded.start
    if not (start or item.changed_ns):
        return True  # It cannot be looked at, which is to be told.
    # Where nothing tells the start, the file's last change is the end, by the clock of this machine.
    zone = zone_of(item.recorded.timezone) if item.recorded.timezone else UTC if start else None
    local = start.astimezone(zone) if start else datetime.fromtimestamp(item.changed_ns / 1e9, zone)
    if options.since and local.date() < options.since:
        return False
    hour = (local.hour * 3600 + local.minute * 60 + local.second) / 3600
    return not (options.hours and start and not _within(hour, *options.hours))


def _kept(items: Sequence[Item], options: RunOptions) -> list[Item]:
    """All but those that are too old; tells of those that a recorder with a wrong clock may have dated."""
    before = too_old(options.purpose, datetime.now(UTC))
    if before is None:
        return list(items)
    old = [item for item in items if item.recorded.start and item.recorded.start < before]
    if fresh := [item for item in old if item.changed_ns / 1e9 >= before.timestamp()]:
        _log.warning(
            "%d of the files found are dated before the retention of %s and were written since, such as %s: look at the clock of "
            "the recorder, and at the rule that reads its names; they are not processed",
            len(fresh), options.purpose.retention, as_text(fresh[0].path),
        )  # fmt: skip
    return [item for item in items if not (item.recorded.start and item.recorded.start < before)]


def _settled(item: Item, options: RunOptions, settings_hash: str, ledger: Ledger) -> str | None:
    """The video_id of a file for which nothing is to be done; None where there is, may be, or it may be a copy."""
    if item.digest is None:
        return None
    # A file that is empty still is known by its path.
    video_id = id_of_content(item.digest) if item.digest else id_of_path(item.path)
    known = ledger.by_id.get(video_id)
    if known is None:
        return video_id if video_id in ledger.purged else None
    need = need_of(known, as_text(item.path), item.recorded, settings_hash, options.retry_failed)
    return known.video_id if need is Need.NOTHING else None


def _settled_copy(item: Item, ledger: Ledger, settled: Mapping[str, str], fingerprints: Fingerprints) -> str | None:
    """The video_id of a copy for which nothing is to be done: it stays one as long as its original is where it was."""
    original = ledger.by_id.get(id_of_content(item.digest)) if item.digest else None
    if original is None or original.source == as_text(item.path):
        return None
    if original.source in settled:
        there = settled[original.source] == original.video_id
    else:  # This run does not look there, or not yet.
        there = item.digest == fingerprints.of_file(footage_of(original.source))
    copy_id = id_of_path(item.path)
    known = ledger.by_id.get(copy_id)
    if not there or (known is None and copy_id not in ledger.purged):
        return None
    same = known is None or known.duplicate_of == original.video_id
    return copy_id if same and not (known and is_misfiled(known, as_text(item.path), item.recorded)) else None


def _was_done_otherwise(ledger: Ledger, source: str, settings_hash: str) -> bool:
    known: Iterable[Known] = (ledger.by_id[video_id] for video_id in ledger.ids_of(source))
    return any(one.settings_hash != settings_hash and one.status in ("done", "partial") for one in known)


def _matches(path: Footage, patterns: Sequence[str]) -> bool:
    return any(PurePath(path).match(pattern) for pattern in patterns)


def _within(hour: float, first: float, until: float) -> bool:
    return first <= hour < until if first < until else hour >= first or hour < until


def _newest_first(item: Item) -> float:
    return -(item.recorded.start.timestamp() if item.recorded.start else item.changed_ns / 1e9)
