"""The zones that the page of a video outlines over its player while an event of a rule that names them goes on."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from analytics.polygons import Polygon, corners_of
from analytics.touching import touching
from reports.events import Event
from reports.records import Video
from reports.text import visible


class _Span(NamedTuple):
    start_s: float
    end_s: float


def zones_of(events: Iterable[Event], video: Video) -> list[list[Any]]:
    """What zones.js draws: of each zone its name, its corners, and from when until when, in ms of the video.

    Args:
        events: those that go on in the video.
        video: that of the page.
    """
    found: dict[tuple[str, Polygon], list[_Span]] = defaultdict(list)
    for event in events:
        for zone in drawn_zones(event.row["thresholds"]):
            found[zone].append(_span(event, video))
    return [
        [
            visible(name),
            points,
            [[math.floor(start * 1000), math.ceil(end * 1000)] for start, end, _ in touching(spans)],
        ]
        for (name, points), spans in sorted(found.items())
    ]


def drawn_zones(thresholds: str) -> list[tuple[str, Polygon]]:
    """Names and corners of the zones of an event; none where its table is older than they are."""
    try:
        told = json.loads(thresholds).get("zones", {}).items()
    except (ValueError, AttributeError):
        return []
    return [(name, corners) for name, points in told if (corners := corners_of(points))]


def _span(event: Event, video: Video) -> _Span:
    """Seconds of a video at which an event begins and ends, before and after it as well."""
    row = event.row
    if row["video_id"] == video.video_id or row["time"] is None or video.start_time is None:
        return _Span(row["start_s"], row["end_s"])
    since = (row["time"] - video.start_time).total_seconds()
    return _Span(since, since + event.length_s)
