"""Wall-clock time as the camera's own clock has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache

from analytics.errors import UsageError
from analytics.recorders import zone_of

_NO_OFFSET = timedelta(0)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stretch:
    """A part of a recording in which the camera's clock goes on evenly."""

    from_s: float
    """Seconds of the recording."""
    to_s: float
    begin: float
    """What the clock shows at from_s, as local_epoch_s tells it."""

    @property
    def end(self) -> float:
        """What the clock would show at to_s."""
        return self.begin + self.to_s - self.from_s


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


@lru_cache(1 << 16)
def stretches_of(start: datetime, length_s: float, time_zone: str | None) -> tuple[Stretch, ...]:
    """A recording by the clock of its camera, cut where the clock is put: where summer time begins or ends.

    Kept, as the index, a day and a camera ask for each video in turn.

    Args:
        start: of the recording.
        length_s: how long it goes on.
        time_zone: of the camera.
    """

    def offset(at: timedelta) -> timedelta:
        return local(start + at, time_zone).utcoffset() or _NO_OFFSET

    cuts, end = [timedelta(0)], timedelta(seconds=length_s)
    offsets, last = [offset(cuts[0])], offset(end)
    while offsets[-1] != last:
        low, high = cuts[-1], end
        while high - low > _TICK:
            middle = low + (high - low) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        cuts.append(high)
        offsets.append(offset(high))
    edges_s = [*(cut.total_seconds() for cut in cuts), length_s]
    begins = [start.timestamp() + (cut + there).total_seconds() for cut, there in zip(cuts, offsets, strict=True)]
    return tuple(Stretch(*told) for told in zip(edges_s, edges_s[1:], begins, strict=False))


def shown(stretches: Sequence[Stretch], from_s: float, to_s: float) -> list[tuple[float, float]]:
    """Begin and end, by the clock of the camera, of what lies between two seconds of a recording.

    More than one where the clock leaves out an hour meanwhile; of an hour that it shows twice nothing is told twice.
    """
    found: list[tuple[float, float]] = []
    for one in stretches:
        low_s, high_s = max(one.from_s, from_s), min(one.to_s, to_s)
        if low_s > high_s or (found and low_s == high_s):
            continue
        begin = one.begin + low_s - one.from_s
        end = one.begin + high_s - one.from_s
        if found and begin <= found[-1][1]:
            found[-1] = (min(found[-1][0], begin), max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
