"""The events below OUT with what was said of them, for the queue, for the pages of videos and for links to both."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from analytics.events.precision import OfRule, precision_by_rule
from analytics.events.reviews import FILE, OPEN, Matcher, Review, read_reviews
from analytics.listing import EVENTS
from analytics.schema import SEVERITIES
from analytics.snapshot import all_rows, read_table
from reports.archive import Archive
from reports.clock import local
from reports.records import Video
from reports.stored import why_unreadable
from reports.text import clock, moment

Row = Mapping[str, Any]
_HIGH: Final = SEVERITIES[-1]
_APART_S: Final = 0.5
"""From which on the begin of an event is told beside the second to look at."""


@dataclass(frozen=True)
class Event:
    """A row of the table `events`, the video to open it in, and the last verdict on it."""

    row: Row
    video: Video | None
    """That of the second to open it at; None where OUT does not know it."""
    time_zone: str | None
    review: Review | None
    withdrawn: datetime | None = None
    """When the verdict on it was withdrawn; None where none was."""

    @property
    def event_id(self) -> str:
        """16 hex digits."""
        return str(self.row["event_id"])

    @property
    def verdict(self) -> str | None:
        """None while it is open."""
        return self.review.verdict if self.review else None

    @property
    def day(self) -> str | None:
        """The local day on which it began."""
        return local(self.row["time"], self.time_zone).date().isoformat() if self.row["time"] else None

    @property
    def when(self) -> str:
        """When it began by the camera's clock, or else by the seconds of its video."""
        if self.row["time"] is None:
            return f"at {clock(self.row['start_s'])}"
        return moment(self.row["time"], self.time_zone)

    @property
    def at(self) -> str:
        """The same without the time zone."""
        return self.when if self.row["time"] is None else self.when[:19]

    @property
    def length_s(self) -> float:
        """How long it goes on."""
        return max(float(self.row["end_s"]) - float(self.row["start_s"]), 0.0)

    @property
    def fragment(self) -> str:
        """What follows # in the address of the second to open it at."""
        track, of_peak = self.row["track_id"], self.row["peak_video_id"] == self.row["video_id"]
        at = f"t={_finite(self.row['peak_pts_s']):.3f}"
        return f"{at}&track={track}" if track is not None and of_peak else at

    def at_s(self, video_id: str) -> float:
        """The second of one of its videos at which to look: its peak, its begin, or 0 where it goes on from before."""
        if self.row["peak_video_id"] == video_id:
            return _finite(self.row["peak_pts_s"])
        return _finite(self.row["start_s"]) if self.row["video_id"] == video_id else 0.0

    def begins_s(self, video_id: str) -> float | None:
        """The second of its video at which it begins; None where that is the one to look at, or in another video."""
        begins_s = _finite(self.row["start_s"])
        is_here = self.row["video_id"] == video_id and abs(begins_s - self.at_s(video_id)) >= _APART_S
        return begins_s if is_here else None


@dataclass(frozen=True)
class Queue:
    """All events, the severest first and of those the newest."""

    events: tuple[Event, ...] = ()
    damaged: Mapping[int, str] = field(default_factory=dict)
    """Lines of reviews.jsonl that are none, by number."""
    unreadable: Mapping[Path, str] = field(default_factory=dict)
    """Why files of the table cannot be read, or reviews.jsonl."""

    @cached_property
    def n_open(self) -> int:
        """Events without a verdict."""
        return sum(event.review is None for event in self.events)

    @cached_property
    def n_high(self) -> int:
        """Those of them of the highest severity."""
        return sum(event.review is None and event.row["severity"] == _HIGH for event in self.events)

    @cached_property
    def by_video(self) -> dict[str, tuple[Event, ...]]:
        """The events that go on in each video, in order of time."""
        found: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            for video_id in event.row["videos"]:
                found[video_id].append(event)
        return {
            video_id: tuple(sorted(events, key=lambda event: (event.at_s(video_id), event.event_id)))
            for video_id, events in found.items()
        }

    @cached_property
    def rules(self) -> list[OfRule]:
        """Precision and trend of each rule."""
        return precision_by_rule(
            [
                (event.row, event.verdict, local(time, event.time_zone).date() if (time := event.row["time"]) else None)
                for event in self.events
            ]
        )

    def told_of(self, video_id: str) -> str:
        """A text that is another one as soon as the page of a video would tell something else of its events."""
        return repr([(event.row, event.review) for event in self.by_video.get(video_id, ())])


def read_queue(out: Path, archive: Archive) -> Queue:
    """Events of the videos that OUT knows, with their verdicts. What cannot be read is named in it, and raises no error."""
    found = read_table(out, EVENTS, lambda opened: all_rows(opened).to_pylist())
    unreadable = {path: why_unreadable(error) for path, error in found.unreadable.items()}
    videos = {video.video_id: video for video in archive.videos}
    rows = [row for _, part in found.parts for row in part]
    if not archive.unreadable:
        # A purge that was killed may have left some; nothing is told of a video that is gone.
        rows = [row for row in rows if videos.keys() >= set(row["videos"])]
    damaged: Mapping[int, str] = {}
    last: dict[str, Review] = {}
    if rows:
        try:
            stored = read_reviews(out)
        except OSError as error:
            unreadable[out / FILE] = why_unreadable(error)
        else:
            damaged = stored.damaged
            last, _ = Matcher(rows).last(stored.reviews)
    events = []
    for row in sorted(rows, key=_in_queue):
        first = videos.get(row["video_id"])
        zone = first.time_zone if first else None
        said = last.get(row["event_id"])
        withdrawn = said.when if said and said.verdict == OPEN else None
        events.append(Event(row, videos.get(row["peak_video_id"]), zone, None if withdrawn else said, withdrawn))
    return Queue(tuple(events), damaged, unreadable)


def _in_queue(row: Row) -> tuple[int, bool, float, str]:
    severity = SEVERITIES.index(row["severity"]) if row["severity"] in SEVERITIES else -1
    time = row["time"]
    return -severity, time is None, -time.timestamp() if time else row["start_s"], row["event_id"]


def _finite(seconds: float) -> float:
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
