"""What went wrong, put so that a person reads it in the morning: new first, and what shares a reason together."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from reports.archive import Archive
from reports.nights import Night
from reports.records import Video
from reports.rows import note_of
from reports.text import counted, moment, visible

MOST: Final = 25
"""Rows; the table of videos has all."""
AT_ONCE: Final = 5
"""Rows that are seen before a person asks for the others."""
_ALIKE: Final = 4
"""Videos that share a reason and are told in one row, at least."""
_NUMBERS: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_MOST_WORDS: Final = 8
_MOST_NAMED: Final = 3


@dataclass(frozen=True)
class Failure:
    """A row of the list: one video, or many that failed or are partial for the same reason."""

    videos: tuple[Video, ...]
    """The latest first."""
    status: str
    reason: str | None
    is_same: bool
    """Whether all have this very reason, or one that differs in its numbers."""
    n_new: int
    """How many of them the last run told of."""
    find: str
    """The fragment of the address under which the table shows them."""

    @property
    def cameras(self) -> str:
        """Their cameras, those with most of them first."""
        return named(video.camera for video in self.videos)

    @property
    def when(self) -> str:
        """When they began, by the clocks of their cameras, to the minute."""
        known = sorted(moment(v.start_time, v.time_zone)[:16] for v in self.videos if v.start_time)
        if not known:
            return moment(None)
        return known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def failures_of(archive: Archive, nights: Sequence[Night]) -> tuple[Failure, ...]:
    """All that failed or is partial, as rows: what the last run told of first, then failed before partial."""
    new = {source for source, _ in nights[0].failures} if nights else set()
    alike: dict[tuple[str, str], list[Video]] = {}
    for video in reversed(archive.videos):
        if video.status in ("failed", "partial"):
            alike.setdefault((video.status, _NUMBERS.sub("#", video.reason or "")), []).append(video)
    rows = []
    for (status, pattern), videos in alike.items():
        for group in [videos] if len(videos) >= _ALIKE else [[video] for video in videos]:
            rows.append(
                Failure(
                    videos=tuple(group),
                    status=status,
                    reason=group[0].reason if len(group) > 1 else note_of(group[0]),
                    is_same=len({video.reason for video in group}) == 1,
                    n_new=sum(video.source in new for video in group),
                    find=_find(status, pattern) if len(group) > 1 else "",
                )
            )
    return tuple(sorted(rows, key=lambda row: (not row.n_new, row.status != "failed", -len(row.videos))))


def named(cameras: Iterable[str | None]) -> str:
    """Names of cameras, the most frequent ones, and how many others."""
    counts = Counter(visible(camera) if camera is not None else "unknown" for camera in cameras)
    names = [name for name, _ in counts.most_common(_MOST_NAMED)]
    more = len(counts) - len(names)
    return ", ".join(names) + (f" and {counted(more, 'other')}" if more else "")


def _find(status: str, pattern: str) -> str:
    words = [word for word in visible(pattern).split() if "#" not in word][:_MOST_WORDS]
    return "#" + urlencode({"status": status, "q": " ".join(words)})
