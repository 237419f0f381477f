"""Figures of many videos: how judged time divides among the labels, and when and where which was shown."""

from typing import Any, Final

import numpy as np
import pandas as pd

from reports.archive import Archive
from reports.charts import Figure, figure
from reports.colours import colours_of
from reports.hours import LEAST_TRACKS
from reports.text import chart_text, counted, percent

MOST_DAYS: Final = 92
MOST_CAMERAS: Final = 60


def shares(archive: Archive) -> Figure | None:
    """How the judged time of all tracks divides among the labels, with 95 % intervals; None with too few tracks."""
    found = archive.shares
    if found is None or found.n_tracks < LEAST_TRACKS:
        return None
    colours = colours_of(archive.labels)
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": list(archive.labels),
        "x": np.round(found.share, 4).tolist(),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": np.round(found.high - found.share, 4).tolist(),
            "arrayminus": np.round(found.share - found.low, 4).tolist(),
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": [colours[label] for label in archive.labels], "line": {"width": 0}},
        "customdata": [f"{percent(low)} to {percent(high)}" for low, high in zip(found.low, found.high, strict=True)],
        "hovertemplate": "%{y}: %{x:.1%} of the judged time, 95 % interval %{customdata}<extra></extra>",
    }
    most = float(found.high.max())
    return figure(
        [bar],
        height=30 + 28 * len(archive.labels),
        bargap=0.3,
        xaxis={"range": [0, min(most * 1.1, 1.02)], "tickformat": ".0%", "fixedrange": True, "zeroline": False},
        yaxis={"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 6},
        margin={"l": 76, "r": 16, "t": 4, "b": 26},
    )


def by_day_and_hour(archive: Archive) -> Figure | None:
    """Judged time and shares by local day and hour, the latest days at the bottom; None where nothing is dated."""
    cells = archive.cells.groupby(["day", "hour"]).sum(numeric_only=True)
    if not len(cells):
        return None
    days = sorted(cells.index.get_level_values("day").unique())[-MOST_DAYS:]
    return _heat(archive, cells, days, days)


def by_camera(archive: Archive) -> Figure | None:
    """The same by camera and hour of the day; None with a single camera."""
    cells = archive.cells.assign(camera=archive.cells["camera"].astype(object)).dropna(subset=["camera"])
    cells = cells.groupby(["camera", "hour"]).sum(numeric_only=True)
    cameras = sorted(cells.index.get_level_values("camera").unique())[:MOST_CAMERAS]
    return _heat(archive, cells, cameras, [chart_text(camera) for camera in cameras]) if len(cameras) > 1 else None


def _heat(archive: Archive, cells: pd.DataFrame, keys: list[str], names: list[str]) -> Figure:
    """One trace a measure, of which a page shows one at a time: people, then the share of each label."""
    grid = cells.reindex(pd.MultiIndex.from_product([keys, range(24)]))
    n_tracks = grid["n_tracks"].fillna(0).to_numpy(int).reshape(len(keys), 24)
    seconds = grid[list(archive.labels)].to_numpy(np.float64).reshape(len(keys), 24, -1)
    shares = seconds / np.where(seconds.sum(axis=2) > 0, seconds.sum(axis=2), np.nan)[..., None]
    shares[n_tracks < LEAST_TRACKS] = np.nan
    words = [
        [
            f"{names[i]}, {hour}:00 to {hour + 1}:00<br>{counted(int(n_tracks[i, hour]), 'judged track')}"
            for hour in range(24)
        ]
        for i in range(len(keys))
    ]
    measures: list[tuple[str, Any, str]] = [("tracks", np.where(n_tracks > 0, n_tracks, np.nan), "")]
    measures += [(label, shares[..., k], "%") for k, label in enumerate(archive.labels)]
    traces = [
        {
            "type": "heatmap",
            "name": name,
            "visible": k == 0,
            "x": list(range(24)),
            "y": names,
            "ids": keys,
            "z": [[None if np.isnan(v) else round(float(v), 3) for v in row] for row in values],
            "text": words,
            "hovertemplate": "%{text}<br>" + (f"{name} %{{z:.0%}}" if unit else "") + "<extra></extra>",
            "xgap": 1,
            "ygap": 1,
            "zmin": 0,
            "showscale": False,
        }
        for k, (name, values, unit) in enumerate(measures)
    ]
    return figure(
        traces,
        height=60 + 20 * max(len(keys), 2),
        xaxis={"fixedrange": True, "tickvals": list(range(0, 24, 3)), "ticktext": [f"{h}:00" for h in range(0, 24, 3)]},
        yaxis={"autorange": "reversed", "showgrid": False, "type": "category"},
        margin={"l": 96, "r": 16, "t": 8, "b": 30},
    )
