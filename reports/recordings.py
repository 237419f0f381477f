"""What each camera recorded on a day, as thin bars of the day's lanes: holes and failures stand out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reports.archive import DAY_S, Archive
from reports.charts import Figure
from reports.records import Video
from reports.text import chart_text, counted, of_clock, visible

MOST_BARS: Final = 1000
"""Bars of a kind; more of them are joined over what lies between."""
NOBODY: Final = "(unknown)"
"""What the filters call a camera without a name."""
_SEEN: Final = {"recorded": "#6C8EA4", "partial": "#B98A3C"}
_LOST: Final = "#DC267F"
_HATCHED: Final = {
    "color": _LOST,
    "pattern": {"shape": "/", "fillmode": "overlay", "size": 5},
    "line": {"width": 1, "color": _LOST},
}
_BELOW: Final = 0.25
"""Where the bars stand below the middle of a lane."""
_LONGEST_REASON: Final = 120


@dataclass(frozen=True)
class Bar:
    """A stretch of one lane, in seconds since 1970 by the camera's clock."""

    lane: int
    begin: float
    end: float
    n: int = 1
    """Videos or holes in it."""


def recordings(archive: Archive, midnight: float, lanes: dict[str | None, int]) -> list[Figure]:
    """Traces: what was seen whole, what is partial, holes, and a cross where a video failed.

    Args:
        archive: the videos of a day.
        midnight: when it begins, by the cameras' clocks.
        lanes: of the cameras, by name.
    """
    seen: dict[str, list[Bar]] = {name: [] for name in _SEEN}
    holes: list[Bar] = []
    failed: list[tuple[int, float, Video]] = []
    for video, (begin, end) in zip(archive.videos, archive.local_spans, strict=True):
        lane = lanes.get(video.camera, -1)
        if lane < 0 or video.status == "duplicate":
            continue
        if video.status == "failed":
            failed.append((lane, max(begin, midnight), video))
            continue
        seen["partial" if video.status == "partial" else "recorded"].append(Bar(lane, begin, end))
        holes += [Bar(lane, begin + gap.start_s, begin + gap.end_s) for gap in video.gaps if gap.kind == "hole"]
    cameras = {lane: visible(name) if name is not None else NOBODY for name, lane in lanes.items()}
    traces = []
    for name, bars in seen.items():
        marker = {"color": _SEEN[name], "line": {"width": 0}}
        traces.append(_bars(name, "video", within(bars, midnight), cameras, marker))
    traces.append(_bars("hole", "hole", within(holes, midnight), cameras, _HATCHED))
    traces.append(_crosses(failed[:MOST_BARS], cameras))
    return [trace for trace in traces if trace["y"]]


def within(bars: Iterable[Bar], midnight: float) -> list[Bar]:
    """What of these lies within the day, those that touch put together, and so on until MOST_BARS are left."""
    cut = [Bar(bar.lane, max(bar.begin, midnight), min(bar.end, midnight + DAY_S), bar.n) for bar in bars]
    cut = sorted((bar for bar in cut if bar.end > bar.begin), key=lambda bar: (bar.lane, bar.begin))
    between_s = 1.0
    while True:
        joined: list[Bar] = []
        for bar in cut:
            last = joined[-1] if joined else None
            if last and last.lane == bar.lane and bar.begin - last.end <= between_s:
                joined[-1] = Bar(bar.lane, last.begin, max(last.end, bar.end), last.n + bar.n)
            else:
                joined.append(bar)
        if len(joined) <= MOST_BARS or between_s > DAY_S:
            return joined
        cut, between_s = joined, between_s * 2


def _bars(name: str, noun: str, bars: Sequence[Bar], cameras: dict[int, str], marker: Figure) -> Figure:
    return {
        "type": "bar",
        "name": name,
        "orientation": "h",
        "y": [bar.lane + _BELOW for bar in bars],
        "base": [of_clock(bar.begin) for bar in bars],
        "x": [round((bar.end - bar.begin) * 1000) for bar in bars],
        "width": 0.16,
        "marker": marker,
        # What a click filters the table by.
        "meta": [cameras[bar.lane] for bar in bars],
        "text": [
            f"<b>{chart_text(cameras[bar.lane])}</b>, {name} {of_clock(bar.begin)[11:]} to {of_clock(bar.end)[11:]}<br>"
            + counted(bar.n, noun)
            for bar in bars
        ],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }


def _crosses(failed: Sequence[tuple[int, float, Video]], cameras: dict[int, str]) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "failed",
        "x": [of_clock(begin) for _, begin, _ in failed],
        "y": [lane + _BELOW for lane, _, _ in failed],
        "marker": {"symbol": "x", "size": 9, "color": _LOST, "line": {"width": 0}},
        "cliponaxis": False,
        "meta": [cameras[lane] for lane, _, _ in failed],
        "text": [
            f"<b>{chart_text(cameras[lane])}</b>, {of_clock(begin)[11:16]}: failed<br>{chart_text(video.name)}<br>"
            + chart_text((video.reason or "")[:_LONGEST_REASON])
            for lane, begin, video in failed
        ],
        "hovertemplate": "%{text}<extra></extra>",
    }
