"""One day in wall-clock time: for each camera what it recorded, and above that what was shown, in five-minute steps."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from reports.archive import DAY_S, Archive
from reports.charts import Figure, figure
from reports.colours import colours_of
from reports.recordings import recordings
from reports.text import chart_text, clock, counted, of_clock, percent

BUCKET_S: Final = 300
MOST_CAMERAS: Final = 120
_LANE_PX: Final = 30
_TOP_PX: Final = 50
"""Room for the buttons of the chart above the hours: they would lie over the last ones."""
_NAME: Final = 16
"""Characters of a camera's name that stand beside its lane; the rest is told on hovering."""
_LEVELS: Final = (0.4, 0.6, 0.8, 1.0)
"""Opacities by which a label is drawn: what has the smaller share of the judged time is paler."""
_SHARES: Final = (0.5, 0.7, 0.9)
"""Shares from which each next one is taken."""

Lanes = dict[str | None, int]
"""Place of each camera from the top, by name."""


def of_day(archive: Archive, day: str) -> Figure:
    """A lane for each camera, from 0:00 to 24:00 by its own clock.

    Args:
        archive: the videos that were going on that day, one at least.
        day: YYYY-MM-DD.
    """
    midnight = float(np.datetime64(day, "s").astype(np.int64))
    lanes = lanes_of(archive)
    # Plotly's dates are those of a clock without a time zone, as those of the cameras are.
    edges = [of_clock(midnight), of_clock(midnight + DAY_S)]
    time = {"type": "date", "range": edges, "minallowed": edges[0], "maxallowed": edges[1]}
    names = [name if name is not None else "unknown" for name in lanes]
    return figure(
        [*_expressions(archive, day, midnight, lanes), *recordings(archive, midnight, lanes)],
        height=84 + _LANE_PX * max(len(lanes), 2),
        barmode="overlay",
        margin={"l": 18 + 7 * min(_NAME, max(map(len, names))), "r": 22, "t": _TOP_PX, "b": 24},
        xaxis={**time, "tickformat": "%H:%M", "hoverformat": "%H:%M", "side": "top", "zeroline": False},
        yaxis={
            "range": [max(len(lanes), 2) - 0.5, -0.5],
            "tickvals": list(range(len(lanes))),
            "ticktext": [chart_text(name if len(name) <= _NAME else name[: _NAME - 1] + "…") for name in names],
            "showgrid": False,
            "ticks": "",
            "ticklabelstandoff": 6,
        },
    )


def lanes_of(archive: Archive) -> Lanes:
    """Cameras in order of their names, the unknown one last; of too many those that have most videos."""
    most = set(sorted(archive.cameras, key=lambda name: -len(archive.cameras[name]))[:MOST_CAMERAS])
    return {name: k for k, name in enumerate(name for name in archive.cameras if name in most)}


def _expressions(archive: Archive, day: str, midnight: float, lanes: Lanes) -> list[Figure]:
    """A trace a lane: the most frequent label of each bucket as a colour, its share as opacity."""
    pieces = archive.pieces(BUCKET_S)
    places = {name if name is not None else np.nan: lane for name, lane in lanes.items()}
    pieces["lane"] = [places.get(name if isinstance(name, str) else np.nan, -1) for name in pieces["camera"]]
    pieces = pieces[(pieces["day"] == day) & (pieces["lane"] >= 0)].sort_values(["lane", "hour", "begins", "row"])
    if not len(pieces):
        return []
    # Of an hour that comes twice in autumn one bucket may hold two pieces of a track.
    pieces["n_tracks"] = ~pieces.duplicated(["hour", "row"])
    groups = pieces.groupby(["lane", "hour"], sort=True)
    buckets = groups[list(archive.labels)].sum()
    buckets["n_tracks"] = groups["n_tracks"].sum()
    buckets["link"] = _links(archive, groups[["row", "at_s"]].first())
    scale = _scale(archive)
    names = {lane: chart_text(name if name is not None else "unknown") for name, lane in lanes.items()}
    traces = []
    for lane in sorted(set(buckets.index.get_level_values("lane"))):
        traces.append(_lane(archive.labels, midnight, lane, names[lane], buckets.loc[lane], scale))
    return traces


def _lane(
    labels: Sequence[str], midnight: float, lane: int, name: str, buckets: pd.DataFrame, scale: list[list[Any]]
) -> Figure:
    """One lane.

    Args:
        labels: what a face can be called.
        midnight: when the day begins.
        lane: its place from the top.
        name: of the camera, for Plotly.
        buckets: those with judged time, by number in the day: seconds of each label, n_tracks and link.
        scale: of colours, a step a label and level.
    """
    n_buckets = DAY_S // BUCKET_S
    codes: list[int | None] = [None] * n_buckets
    words, links = [""] * n_buckets, [""] * n_buckets
    seconds = buckets[list(labels)].to_numpy(np.float64)
    facts = zip(buckets.index, seconds, buckets["n_tracks"], buckets["link"], strict=True)
    for bucket, of_label, n_tracks, link in facts:
        top, total = int(of_label.argmax()), float(of_label.sum())
        share = float(of_label[top]) / total if total else 0.0
        codes[bucket] = top * len(_LEVELS) + bisect_right(_SHARES, share)
        begin = midnight + bucket * BUCKET_S
        words[bucket] = (
            f"<b>{name}</b>, {of_clock(begin)[11:16]} to {of_clock(begin + BUCKET_S)[11:16]}<br>"
            f"{chart_text(labels[top])} {percent(share)} of {clock(total)} judged, {counted(int(n_tracks), 'track')}"
        )
        links[bucket] = link
    return {
        "type": "heatmap",
        "x0": of_clock(midnight + BUCKET_S / 2),
        "dx": BUCKET_S * 1000,
        "xtype": "scaled",
        # Its two edges, whereas x0 is the middle of the first cell.
        "y": [lane - 0.4, lane + 0.1],
        "z": [codes],
        "text": [words],
        "customdata": [links],
        "zmin": -0.5,
        "zmax": len(labels) * len(_LEVELS) - 0.5,
        "colorscale": scale,
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _links(archive: Archive, firsts: pd.DataFrame) -> list[str]:
    """The page of a video at the moment where a track is seen first, relative to those of videos; empty without one.

    Args:
        archive: of the day.
        firsts: `row`, place of the track, and `at_s`, the second of the video.
    """
    tracks = archive.tracks.iloc[firsts["row"].to_numpy(np.int64)]
    found = []
    for video, track_id, second in zip(tracks["video"], tracks["track_id"], firsts["at_s"], strict=True):
        page = archive.videos[video].page
        found.append(f"{page}#t={second:.3f}&track={track_id:.0f}" if page is not None else "")
    return found


def _scale(archive: Archive) -> list[list[Any]]:
    """Steps of colour, one a label and level."""
    colours = colours_of(archive.labels)
    steps = [_faded(colours[label], level) for label in archive.labels for level in _LEVELS]
    n = len(steps)
    return [[edge, step] for k, step in enumerate(steps) for edge in (k / n, (k + 1) / n)]


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
