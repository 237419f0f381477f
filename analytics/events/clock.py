"""Where each recording lies on a clock that files of one camera share, and where nothing was recorded on it.

Recordings of a camera that follow each other within seconds make a lane: presence goes on over their cuts. A lane that
overlaps another one, or whose time is unknown, is apart. Lanes lie far apart on the clock, so that nothing that is
close in time can be of two of them; a moment is a number of seconds on it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.events.rules import DAY_S

CUT_S: Final = 10.0
"""Between the end of a file and the begin of the next one of its camera; beyond it nobody is taken for the same."""
OVERLAP_S: Final = 5.0
"""By which two files may overlap, as those of recorders do that write a little from before the cut."""
LANE_S: Final = 4e7
"""From one lane to the next: more than a year, as none is as long."""
_LONGEST_LANE_S: Final = 3e7
MOST_LANES: Final = 10_000
"""Of one clock. So many lanes of moments on the grid are told apart by a float without rounding."""
_GRID: Final = 8192.0
SLACK_S: Final = 1e-3
"""By which moments are compared, as stamps are a little off the grid of samples."""

Stretches = NDArray[np.float64]
"""(n, 2) start and end, seconds, in order and apart."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One video that has rows, as far as rules need it."""

    video_id: str
    camera: str | None
    folder: str
    """The partition of its rows, day=…/cam=…."""
    begin: datetime | None
    """UTC; None where unknown."""
    zone: tzinfo
    duration_s: float
    holes: tuple[tuple[float, float], ...]
    """Stretches without a frame, by damage or because the recorder paused, seconds from its begin."""
    width: int
    height: int
    n_faces: int
    finished: datetime | None = None
    """When its row was written, UTC."""

    @property
    def end(self) -> datetime | None:
        """When it ends, UTC."""
        return self.begin + timedelta(seconds=self.duration_s) if self.begin else None


@dataclass(frozen=True, eq=False)
class Clock:
    """Recordings on one clock."""

    recordings: tuple[Recording, ...]
    """In order of their moments."""
    begins: NDArray[np.float64]
    """(recordings,) where each begins."""
    blind: Stretches
    """Where nothing was recorded: holes, pauses, and what lies between the files of a lane."""

    @staticmethod
    def of(lanes: Sequence[Sequence[Recording]]) -> "Clock":
        """Lay lanes out."""
        recordings, begins, blind = [], [], []
        for number, lane in enumerate(lanes):
            before: float | None = None
            for recording in lane:
                since = _seconds(lane[0], recording)
                begin = number * LANE_S + float(on_grid(since))
                if before is not None and begin > before:
                    blind.append((before, begin))
                blind += [(begin + float(on_grid(a)), begin + float(on_grid(b))) for a, b in recording.holes]
                recordings.append(recording)
                begins.append(begin)
                before = max(before or 0.0, begin + float(on_grid(recording.duration_s)))
        return Clock(tuple(recordings), np.array(begins, np.float64), joined(blind))

    def at(self, moment: float) -> int:
        """Which recording a moment lies in; the one before where it lies between two."""
        return max(int(np.searchsorted(self.begins, moment + 1e-6, side="right")) - 1, 0)

    def between(self, start: float, end: float) -> range:
        """The recordings that a stretch touches."""
        return range(self.at(start), self.at(end) + 1)

    def blind_s(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) seconds of stretches in which nothing was recorded."""
        return _passed(self.blind, end) - _passed(self.blind, start)

    def blind_between(self, start: float, end: float) -> float:
        """The same of one stretch, of which most hold none."""
        if self._ends[bisect_right(self._starts, end) - 1] <= start:
            return 0.0
        return float(self.blind_s(np.array([start]), np.array([end]))[0])

    @cached_property
    def _starts(self) -> list[float]:
        return [-np.inf, *self.blind[:, 0].tolist()]

    @cached_property
    def _ends(self) -> list[float]:
        return [-np.inf, *self.blind[:, 1].tolist()]

    def when(self, hours: tuple[float, float] | None, days: frozenset[int] | None) -> Stretches:
        """Where it is these hours of these days by the clocks of the cameras; nowhere where the time is unknown."""
        found = []
        for recording, begin in zip(self.recordings, self.begins.tolist(), strict=True):
            if recording.begin is None:
                continue
            for start, end in _windows(recording, hours, days):
                first = max((start - recording.begin).total_seconds(), 0.0)
                last = min((end - recording.begin).total_seconds(), recording.duration_s)
                if last > first:
                    found.append((begin + float(on_grid(first)), begin + float(on_grid(last))))
        return joined(found)


def lanes_of(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Which recordings follow each other. Those without a time, or without a camera, follow none."""
    alone = [[one] for one in recordings if one.begin is None or one.camera is None]
    dated = [one for one in recordings if one.begin is not None and one.camera is not None]
    lanes: list[list[Recording]] = []
    open_: dict[str, list[list[Recording]]] = {}
    for one in sorted(dated, key=lambda one: (one.camera, one.begin, one.video_id)):
        assert one.camera is not None
        running = open_.setdefault(one.camera, [])
        for lane in running:
            gap = _gap(lane[-1], one)
            if -OVERLAP_S <= gap <= CUT_S and _seconds(lane[0], one) < _LONGEST_LANE_S:
                lane.append(one)
                break
        else:
            running[:] = [lane for lane in running if _gap(lane[-1], one) <= CUT_S]
            running.append([one])
            lanes.append(running[-1])
    # Those of one camera after each other: they are read together, as they lie in the same files.
    return [*lanes, *sorted(alone, key=lambda lane: (lane[0].camera or "", lane[0].folder, lane[0].video_id))]


def on_grid(seconds: "float | NDArray[np.float64]") -> NDArray[np.float64]:
    """Seconds to the next 1/8192 s: sums and differences are then exact, wherever on the clock they lie."""
    return np.round(np.asarray(seconds, np.float64) * _GRID) / _GRID


def joined(stretches: Sequence[tuple[float, float]]) -> Stretches:
    """Stretches in order, those that touch made one."""
    found: list[list[float]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        elif end > start:
            found.append([start, end])
    return np.array(found, np.float64).reshape(-1, 2)


def lies_in(stretches: Stretches, moments: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether each moment lies in one of the stretches."""
    if not len(stretches):
        return np.zeros(len(moments), np.bool_)
    k = np.searchsorted(stretches[:, 0], moments, side="right") - 1
    inside: NDArray[np.bool_] = (k >= 0) & (moments < stretches[np.maximum(k, 0), 1])
    return inside


def _passed(stretches: Stretches, moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) seconds of the stretches that lie before each moment."""
    if not len(stretches):
        return np.zeros(len(moments))
    lengths = stretches[:, 1] - stretches[:, 0]
    whole = np.concatenate([[0.0], np.cumsum(lengths)])
    k = np.searchsorted(stretches[:, 0], moments, side="right")
    last = np.maximum(k - 1, 0)
    part = np.clip(moments - stretches[last, 0], 0, lengths[last])
    passed: NDArray[np.float64] = np.where(k > 0, whole[last] + part, 0.0)
    return passed


def _seconds(first: Recording, one: Recording) -> float:
    return (one.begin - first.begin).total_seconds() if first.begin and one.begin else 0.0


def _gap(before: Recording, one: Recording) -> float:
    assert before.end is not None and one.begin is not None
    return (one.begin - before.end).total_seconds()


def _windows(
    recording: Recording, hours: tuple[float, float] | None, days: frozenset[int] | None
) -> list[tuple[datetime, datetime]]:
    assert recording.begin is not None and recording.end is not None
    start_s, end_s = hours or (0.0, DAY_S)
    over = end_s <= start_s
    windows = []
    day = recording.begin.astimezone(recording.zone).date() - timedelta(days=1)
    last = recording.end.astimezone(recording.zone).date()
    while day <= last:
        if days is None or day.weekday() in days:
            start = _local(day, start_s, recording.zone, last=False)
            end = _local(day, end_s + over * DAY_S, recording.zone, last=True)
            windows.append((start, end))
        day += timedelta(days=1)
    return windows


def _local(day: date, seconds: float, zone: tzinfo, *, last: bool) -> datetime:
    """The moment at which the clock of a camera shows so many seconds of a day, beyond midnight too.

    Of a time that it shows twice, the first moment or the last; for one that it leaves out, the moment of the leap.
    """
    wall = datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    before, after = second, first
    offset = before.astimezone(zone).utcoffset()
    while (apart := (after - before) // timedelta(seconds=1)) > 1:
        middle = before + timedelta(seconds=apart // 2)
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after
