"""Where and when a file was recorded, from its path: rules of cameras and their clocks.

Nothing is guessed: a start is known only where date, time of day and time zone are. What a time that occurs twice or
never (the changes of summer time) was taken for, `start_source` says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePath
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from analytics.errors import UsageError
from analytics.recorder_patterns import read_pattern
from analytics.recorder_presets import PRESETS

UNKNOWN: Final = "unknown"
CONTAINER: Final = "container"
AMBIGUOUS: Final = ":ambiguous"
"""End of start_source: the local time occurred twice that day. Which of the two is meant is a judgement."""
SKIPPED: Final = ":skipped"
"""End of start_source: the local time did not occur that day; the clock had not been put forward."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIXED_OFFSET: Final = re.compile(r"(?:UTC)?([+-])([01]?[0-9]|2[0-3])(?::([0-5][0-9]))?")
_DATE_AND_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:?[0-9]{2}.*")
# A file that changed later than this after a start was copied or edited since, and tells nothing of its recording.
_LONGEST_RECORDING: Final = timedelta(hours=6)
# Before this there were no recorders that write such files: it is the 1904, 1970 or 1980 of a clock that was never set.
_FIRST_YEAR: Final = 1995
_CLOCK_TOLERANCE: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """One rule: files whose path ends like the pattern were recorded by this camera, with this clock.

    Raises:
        UsageError: the pattern or the time zone cannot be read, or the camera has no name.
    """

    pattern: str
    """See docs/cameras.md."""
    timezone: str | None = None
    """IANA name such as Europe/Berlin, or a fixed offset such as UTC+01:00; None: unknown, and so is the start unless
    the path says its offset."""
    camera: str | None = None
    """Name of the camera of all files that match, where the pattern has no {camera}."""
    preset: str | None = None
    """The preset that this rule is from."""

    def __post_init__(self) -> None:
        for name, text in (("pattern", self.pattern), ("timezone", self.timezone), ("camera", self.camera)):
            # The rules of a configuration file may hold anything.
            if text is not None and not isinstance(text, str):
                raise UsageError(f"{name} = {text!r} of a recorder is no text", "write it in quotes")
        read_pattern(self.pattern)
        if self.timezone is not None:
            zone_of(self.timezone)
        if self.camera is not None and not self.camera:
            raise UsageError(f"pattern {self.pattern!r}: the camera has an empty name", "name it, or leave camera out")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Where and when one file was recorded, as far as it is known."""

    camera: str | None = None
    """Name as the path has it; it may hold any character."""
    start: datetime | None = None
    """Aware, UTC."""
    timezone: str | None = None
    """Of the camera, for its local day."""
    start_source: str = UNKNOWN
    """unknown, pattern, preset:NAME or container; then AMBIGUOUS or SKIPPED where that is so."""

    @property
    def day(self) -> str | None:
        """Local date of the start, YYYY-MM-DD, in UTC where the time zone is unknown; None where the start is."""
        if self.start is None:
            return None
        return self.start.astimezone(zone_of(self.timezone) if self.timezone else UTC).date().isoformat()


def recorders_of(
    preset_or_pattern: str, *, timezone: str | None = None, camera: str | None = None
) -> tuple[Recorder, ...]:
    """The rules of a preset, or the one rule of a pattern.

    Raises:
        UsageError: there is no such preset, or a rule is wrong.
    """
    name = preset_or_pattern.strip().lower()
    if name in PRESETS:
        return tuple(
            Recorder(pattern=pattern, timezone=timezone, camera=camera, preset=name) for pattern in PRESETS[name]
        )
    if not set(preset_or_pattern) & set("{}*/."):
        raise UsageError(
            f"preset {preset_or_pattern!r} is unknown", f"use {', '.join(sorted(PRESETS))}, or write a pattern"
        )
    return (Recorder(pattern=preset_or_pattern, timezone=timezone, camera=camera),)


def recorded(path: str | Path, recorders: Sequence[Recorder], modified: datetime | None = None) -> Recorded:
    """Where and when a file was recorded, by the first rule that matches its path.

    Args:
        path: of the file; only its text is looked at.
        recorders: in the order of the user's configuration.
        modified: when the file was last changed, aware; it is about the end of the recording, and tells which of two
            equal local times in autumn is meant.
    """
    return rule_of(path, recorders, modified)[1]


def rule_of(
    path: str | Path, recorders: Sequence[Recorder], modified: datetime | None = None
) -> tuple[Recorder | None, Recorded]:
    """The rule that matches, if one does, and what it tells; as recorded()."""
    parts = PurePath(path)
    for recorder in recorders:
        found = _by_rule(parts, recorder, modified)
        if found is not None:
            return recorder, found
    return None, Recorded()


def with_container_time(recorded: Recorded, creation_time: str | None, now: datetime | None = None) -> Recorded:
    """The start from the container's creation time, where the path told none.

    Args:
        recorded: what the path told.
        creation_time: as the metadata of MP4, MOV or Matroska have it: ISO 8601, UTC where it names no offset.
            What cannot be read, or is the time of a clock that was never set, is left aside.
        now: the present, aware; the clock of this machine unless said.
    """
    text = (creation_time or "").strip()
    if recorded.start is not None or not _DATE_AND_TIME.fullmatch(text):
        return recorded
    try:
        time = datetime.fromisoformat(text)
        start = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return recorded
    if start.year < _FIRST_YEAR or start > (now or datetime.now(UTC)) + _CLOCK_TOLERANCE:
        return recorded
    return replace(recorded, start=start, start_source=CONTAINER)


@cache
def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name or of a fixed offset.

    Raises:
        UsageError: there is no such time zone.
    """
    if name == "UTC":
        return UTC
    if fixed := _FIXED_OFFSET.fullmatch(name):
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3] or 0))
        return timezone(-offset if fixed[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # ValueError and OSError: names with .. or zero bytes, and folders of the data base such as Europe.
        pass
    # Cities alone are proposed: Etc/GMT+1 is an hour behind UTC, not ahead of it.
    known = {zone.rpartition("/")[2].lower(): zone for zone in sorted(available_timezones()) if zone.find("/") > 3}
    if not known:
        remedy = "this system has no time zone data: pip install tzdata, or use a fixed offset such as UTC+01:00"
    elif like := get_close_matches(name.rpartition("/")[2].lower(), known, n=1, cutoff=0.75):
        remedy = f"did you mean {known[like[0]]}?"
    else:
        remedy = "use an IANA name such as Europe/Berlin, or a fixed offset such as UTC+01:00"
    raise UsageError(f"time zone {name!r} is unknown", remedy)


def _by_rule(path: PurePath, recorder: Recorder, modified: datetime | None) -> Recorded | None:
    """What one rule tells of a path; None where it does not match, or no calendar has the date."""
    found = read_pattern(recorder.pattern).match(path)
    if found is None:
        return None
    known = Recorded(camera=found.camera or recorder.camera, timezone=recorder.timezone)
    try:
        clock = _clock(found.pieces)
        if clock is None:
            return known
        source = f"preset:{recorder.preset}" if recorder.preset else "pattern"
        if clock.tzinfo is not None:
            zone = recorder.timezone or (_name_of(clock) if "z" in found.pieces else None)
            return replace(known, start=clock.astimezone(UTC), timezone=zone, start_source=source)
        if found.utc:
            return replace(known, start=clock.replace(tzinfo=UTC), start_source=source)
        if recorder.timezone is None:
            return known
        start, remark = _instant(clock, zone_of(recorder.timezone), modified)
        return replace(known, start=start, start_source=source + remark)
    except (ValueError, OverflowError):
        return None


def _clock(pieces: Mapping[str, str]) -> datetime | None:
    """What the clock showed, aware where the path tells the offset; None where date or time of day is incomplete.

    Raises:
        ValueError: there is no such date or time.
    """
    part = {letter: int(text) for letter, text in pieces.items() if text.isdecimal()}
    fraction = timedelta(microseconds=int(pieces.get("f", "0").ljust(6, "0")))
    if "s" in part:
        return datetime.fromtimestamp(part["s"], UTC) + fraction
    date = _date(pieces, part)
    hour = part.get("H")
    if hour is None and "I" in part and "p" in pieces:
        if not 1 <= part["I"] <= 12:
            raise ValueError(part["I"])
        hour = part["I"] % 12 + 12 * (pieces["p"].lower() == "pm")
    if date is None or hour is None or "M" not in part:
        return None
    time = date.replace(hour=hour, minute=part["M"], second=part.get("S", 0)) + fraction
    return time.replace(tzinfo=_offset(pieces["z"])) if "z" in pieces else time


def _date(pieces: Mapping[str, str], part: Mapping[str, int]) -> datetime | None:
    year = part.get("Y")
    if year is None and "y" in part:
        # As POSIX has it.
        year = part["y"] + (2000 if part["y"] < 69 else 1900)
    month = _MONTHS.index(pieces["b"].lower()) + 1 if "b" in pieces else part.get("m")
    if year is None:
        return None
    if month is not None and "d" in part:
        return datetime(year, month, part["d"])
    if "j" in part:
        date = datetime(year, 1, 1) + timedelta(days=part["j"] - 1)
        if date.year != year:
            raise ValueError(part["j"])
        return date
    return None


def _offset(text: str) -> tzinfo:
    if text in "zZ":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _name_of(clock: datetime) -> str:
    """The fixed offset of a time, as a time zone that zone_of() reads."""
    return "UTC" if not clock.utcoffset() else f"UTC{clock.isoformat()[-6:]}"


def _instant(clock: datetime, zone: tzinfo, modified: datetime | None) -> tuple[datetime, str]:
    """The instant at which a local clock showed this, and what was odd about it.

    fold 0 is the offset before a change and fold 1 the one after it. In autumn the clock goes back, and both are true
    of the hour that occurs twice. In spring neither is of the hour left out; only a clock that does not change by
    itself shows it, and that has the offset before.
    """
    first = clock.replace(tzinfo=zone, fold=0)
    second = clock.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    first, second = first.astimezone(UTC), second.astimezone(UTC)
    if before == after:
        return first, ""
    if first > second:
        return first, SKIPPED
    if modified is not None and second <= modified <= second + _LONGEST_RECORDING:
        return second, AMBIGUOUS
    return first, AMBIGUOUS
