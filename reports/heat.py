"""When and where people were seen and what they showed, hour by hour. heat.js draws what is counted here."""

from typing import Any, Final

import numpy as np
import pandas as pd

from reports.archive import Archive
from reports.hours import LEAST_TRACKS
from reports.names import camera_page
from reports.text import visible

MOST_DAYS: Final = 92
MOST_CAMERAS: Final = 60

Heat = dict[str, Any]
"""For JSON. `names` of the rows, `pages` (file name of the page of each, or ""), `tracks` and `recorded` (judged tracks
and recorded minutes by row and hour of the day), `shares` (by label, row and hour: per cent of the judged time, -1 where
fewer than `least` tracks were judged), `labels`, `least`, and `n_all`, how many rows there are in all."""


def by_day_and_hour(archive: Archive) -> Heat | None:
    """By local day and hour, the latest days first; None where nothing is dated."""
    days = list(archive.days)
    shown = days[-MOST_DAYS:][::-1]
    return _heat(archive, "day", shown, shown, [f"{day}.html" for day in shown], len(days)) if days else None


def by_camera(archive: Archive) -> Heat | None:
    """By camera and hour of the day, those with the most tracks; None with a single camera or where nothing is dated."""
    recorded = archive.recorded.dropna(subset=["camera"])
    tracks = archive.cells.groupby("camera")["n_tracks"].sum() if len(archive.cells) else pd.Series(dtype=int)
    cameras = sorted(recorded["camera"].unique(), key=lambda camera: (-int(tracks.get(camera, 0)), camera))
    shown = sorted(cameras[:MOST_CAMERAS])
    if len(shown) < 2:
        return None
    return _heat(
        archive, "camera", shown, [visible(name) for name in shown], [camera_page(name) for name in shown], len(cameras)
    )


def _heat(archive: Archive, key: str, rows: list[str], names: list[str], pages: list[str], n_all: int) -> Heat:
    index = pd.MultiIndex.from_product([rows, range(24)])

    def grid(cells: pd.DataFrame, columns: list[str]) -> "np.ndarray[Any, np.dtype[np.float64]]":
        summed = cells.groupby([key, "hour"])[columns].sum().reindex(index, fill_value=0)
        return summed.to_numpy(np.float64).reshape(len(rows), 24, len(columns))

    n_tracks = grid(archive.cells, ["n_tracks"])[..., 0].astype(int)
    minutes = np.ceil(grid(archive.recorded, ["recorded"])[..., 0] / 60).astype(int)
    seconds = grid(archive.cells, list(archive.labels))
    total = seconds.sum(axis=2, keepdims=True)
    enough = (n_tracks >= LEAST_TRACKS) & (total[..., 0] > 0)
    per_cent = np.where(enough[..., None], np.rint(100 * seconds / np.where(total > 0, total, 1)), -1).astype(int)
    return {
        "labels": [visible(label) for label in archive.labels],
        "least": LEAST_TRACKS,
        "names": names,
        "pages": pages,
        "n_all": n_all,
        "tracks": n_tracks.tolist(),
        "recorded": minutes.tolist(),
        "shares": [per_cent[..., k].tolist() for k in range(len(archive.labels))],
    }
