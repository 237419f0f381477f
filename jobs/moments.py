"""Times, spans and switches as the command line has them."""

import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

from analytics.errors import UsageError

_SHOWN: Final = 40
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LEAST_EVERY: Final = Fraction(1, 1000)
_MOST_EVERY: Final = Fraction(3600)
_NUMBER: Final = re.compile(r"[+-]?[0-9./]{1,40}")
"""Without exponents: Fraction would spend hours on 1e999999999."""
_HOURS: Final = re.compile(r"([0-9]{1,2})(?::([0-5][0-9]))?-([0-9]{1,2})(?::([0-5][0-9]))?")
_DAY_S: Final = _UNITS["d"]
_SPAN: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([smhdw]?)")


def parse_span(name: str, text: str) -> float:
    """Seconds of `90`, `90s`, `2m`, `1h`, `30d`, `4w`.

    Raises:
        UsageError: it is none of these.
    """
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{name} {text[:_SHOWN]}: no span of time", "give a number with s, m, h, d or w, such as 2m")
    return float(found[1]) * _UNITS[found[2]]


def moment_before(now: datetime, older_than: str, option: str = "--older-than") -> datetime:
    """The moment that is as long ago as a text says: `30d`, `4w`, `36h`.

    An error names the option, or whatever else the text stands at.

    Raises:
        UsageError: it is no span of time, or has no unit, or nothing is that old.
    """
    seconds = parse_span(option, older_than)
    if older_than.strip().replace(".", "").isdigit():
        # Elsewhere that is seconds, and would be nearly everything here.
        raise UsageError(f"{option} {older_than}: has no unit", "say h, d or w, such as 30d")
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        raise UsageError(f"{option} {older_than}: longer ago than any date", "give less, such as 30d") from None


def parse_date(name: str, text: str, now: datetime | None = None) -> date:
    """The day of `2026-11-25`, or of `7d`, which is a week ago.

    Raises:
        UsageError: it is neither.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        pass
    if re.fullmatch(r"[0-9]{1,4} ?[dw]", text.strip()):
        return ((now or datetime.now()) - timedelta(seconds=parse_span(name, text))).date()
    raise UsageError(f"{name} {text[:_SHOWN]}: no date", "give YYYY-MM-DD, or days before today such as 7d")


def parse_hours(name: str, text: str) -> tuple[float, float]:
    """First hour, and hour before which it ends: 22.0 and 6.0 of `22-06`, 22.5 and 5.25 of `22:30-05:15`.

    Raises:
        UsageError: no two times of a day, or the same one twice.
    """
    found = seconds_of_hours(text)
    if found is None:
        remedy = "give two times of day, such as 22-06 or 22:30-05:15"
        raise UsageError(f"{name} {text[:_SHOWN]}: no hours of a day", remedy)
    return found[0] / 3600, found[1] / 3600


def seconds_of_hours(text: str) -> tuple[int, int] | None:
    """Begin and end of `22-06`, `8:30-18`, `22:30-05:15`, seconds of the day; None where they are none, or the same."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        return None
    start, end = (int(found[k]) * 3600 + int(found[k + 1] or 0) * 60 for k in (1, 3))
    return (start, end) if start < _DAY_S and end <= _DAY_S and start != end else None


def next_time(name: str, text: str, now: datetime | None = None) -> datetime:
    """When a clock of this machine next shows `06:00`; aware.

    Raises:
        UsageError: no time of day.
    """
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if not found:
        raise UsageError(f"{name} {text[:_SHOWN]}: no time of day", "give HH:MM, such as 06:00")
    here = (now or datetime.now()).replace(tzinfo=None)
    wanted = here.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    # Days, not 24 hours, and the offset afterwards: the night may be one of 23 or 25 hours.
    return (wanted if wanted > here else wanted + timedelta(days=1)).astimezone()


def parse_segment(text: str) -> Fraction:
    """Seconds of footage in one task from the command line.

    Raises:
        UsageError: no number, or no multiple of 10 between 10 and a day.
    """
    shown = text[:_SHOWN]
    seconds = Fraction(text) if _NUMBER.fullmatch(text) and re.fullmatch(r"[0-9]+", text) else None
    if seconds is None or seconds % 10 or not 10 <= seconds <= 86_400:
        raise UsageError(f"--segment {shown}: not a whole number of tens of seconds", "give 10 to 86400, such as 300")
    return seconds


def parse_gate(text: str) -> bool:
    """Whether the gate is on, from the command line: `on` or `off`.

    Raises:
        UsageError: it is neither.
    """
    if text not in ("on", "off"):
        raise UsageError(f"--gate {text[:_SHOWN]}: is neither on nor off", "give on or off")
    return text == "on"


def parse_every(text: str) -> Fraction:
    """Seconds between samples from the command line: `0.5`, `1/3`.

    Raises:
        UsageError: no number, or not between a millisecond and an hour.
    """
    remedy = "give seconds between 0.001 and 3600, such as 0.5"
    shown = text[:_SHOWN]
    try:
        every = Fraction(text) if _NUMBER.fullmatch(text) else None
    except (ValueError, ZeroDivisionError):
        every = None
    if every is None:
        raise UsageError(f"--every {shown}: not a number of seconds", remedy)
    if not _LEAST_EVERY <= every <= _MOST_EVERY:
        raise UsageError(f"--every {shown}: out of range", remedy)
    return every
