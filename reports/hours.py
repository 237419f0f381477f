"""Judged time by camera, local day and hour, from tracks alone. Pure functions of frames and arrays."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HOUR_S: Final = 3600.0
LEAST_TRACKS: Final = 5
"""Judged tracks below which shares are called not enough data."""

_LEAST_S: Final = 1e-3
"""A track is at least so long: at a date of our days a float holds some microseconds."""

Cells = pd.DataFrame
"""One row for each camera, day and hour with judged time: `camera` (text or null), `day` (YYYY-MM-DD), `hour` (0 to
23), `n_tracks`, then one column for each label: judged seconds."""


def judged_s(tracks: pd.DataFrame) -> NDArray[np.float64]:
    """(n,) seconds that the usable faces of each track stand for.

    Its length times the share of its faces that are usable: the faces themselves need not be read. A track of one
    sample's length counts as long as its two samples are apart.
    """
    faces = np.maximum(tracks["n_faces"].to_numpy(np.float64), 2)
    # n faces mark n - 1 steps, and each stands until the next one.
    length_s = (tracks["end_s"] - tracks["start_s"]).to_numpy(np.float64) * faces / (faces - 1)
    seconds: NDArray[np.float64] = length_s * tracks["n_usable"].to_numpy(np.float64) / faces
    return seconds


def cells_of(tracks: pd.DataFrame, labels: tuple[str, ...], bucket_s: float = HOUR_S) -> Cells:
    """Judged time of tracks by camera, local day and hour, or bucket of the day.

    Args:
        tracks: as pieces_of takes them.
        labels: the order of the columns.
        bucket_s: length of a bucket, a divisor of a day; `hour` is then the number of the bucket in its day.

    Returns:
        As Cells says. A track that reaches over a full hour is divided among the hours.
    """
    pieces = pieces_of(tracks, labels, bucket_s).drop(columns=["row", "begins"])
    pieces.insert(3, "n_tracks", 1)
    return pieces.groupby(["camera", "day", "hour"], dropna=False, sort=True).sum().reset_index()


def pieces_of(tracks: pd.DataFrame, labels: tuple[str, ...], bucket_s: float = HOUR_S) -> pd.DataFrame:
    """The judged time of each track, cut where a bucket of the camera's clock ends.

    Args:
        tracks: camera, local_start (seconds since 1970 by the camera's own clock; NaN where unknown), start_s, end_s,
            judged_s, and share_LABEL for each label. Tracks without known start or judged time have no piece.
        labels: the order of the columns.
        bucket_s: length of a bucket, a divisor of a day.

    Returns:
        One row a piece: `camera`, `day` (YYYY-MM-DD), `hour` (number of the bucket in its day), `row` (place of the
        track in tracks), `begins` (seconds since 1970 by the camera's clock), then judged seconds by label.
    """
    start_s = tracks["local_start"].to_numpy(np.float64)
    judged = tracks["judged_s"].to_numpy(np.float64)
    rows = np.flatnonzero(np.isfinite(start_s) & (judged > 0))
    start, told = start_s[rows], tracks.iloc[rows]
    length_s = np.maximum((told["end_s"] - told["start_s"]).to_numpy(np.float64), _LEAST_S)
    end = start + length_s
    first = np.floor_divide(start, bucket_s).astype(np.int64)
    # What ends with a bucket reaches into no other.
    last = np.maximum(np.ceil(end / bucket_s).astype(np.int64) - 1, first)
    n_buckets = last - first + 1

    of = np.repeat(np.arange(len(rows)), n_buckets)
    # 0, 1, … within each track.
    step = np.arange(len(of)) - np.repeat(np.cumsum(n_buckets) - n_buckets, n_buckets)
    bucket = first[of] + step
    begins = np.maximum(start[of], bucket * bucket_s)
    inside_s = np.maximum(np.minimum(end[of], (bucket + 1) * bucket_s) - begins, 0)
    # By what was measured, not by length_s: of a large number plus a small one some of the small one is lost.
    of_length = inside_s / np.maximum(np.bincount(of, inside_s, len(rows)), 1e-12)[of]
    weight = judged[rows][of] * of_length

    per_day = round(86400 / bucket_s)
    shares = told[[f"share_{label}" for label in labels]].fillna(0).to_numpy(np.float64)
    pieces = pd.DataFrame(shares[of] * weight[:, None], columns=list(labels))
    pieces.insert(0, "camera", told["camera"].astype(object).to_numpy()[of])
    pieces.insert(1, "day", (bucket // per_day).astype("datetime64[D]").astype(str))
    pieces.insert(2, "hour", bucket % per_day)
    pieces.insert(3, "row", rows[of])
    pieces.insert(4, "begins", begins)
    return pieces
