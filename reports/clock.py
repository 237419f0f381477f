"""Wall-clock time as the camera's own clock has it."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

from analytics.errors import UsageError
from analytics.recorders import zone_of

_NO_OFFSET = timedelta(0)


@cache
def zone(time_zone: str | None) -> tzinfo:
    """The time zone of this name; UTC where it is unknown, here or at all."""
    try:
        return zone_of(time_zone) if time_zone else UTC
    except UsageError:  # Another machine's data knew it.
        return UTC


def local(when: datetime, time_zone: str | None) -> datetime:
    """A moment by the clock of a camera in this time zone."""
    return when.astimezone(zone(time_zone))


def local_epoch_s(when: datetime, time_zone: str | None) -> float:
    """Seconds from 1970-01-01 00:00 to a moment, both by the clock of a camera: days and hours are divisions of it."""
    there = local(when, time_zone)
    return there.timestamp() + (there.utcoffset() or _NO_OFFSET).total_seconds()
