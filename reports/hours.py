"""Judged time by camera, local day and hour, from tracks alone. Pure functions of frames and arrays."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HOUR_S: Final = 3600.0
LEAST_TRACKS: Final = 5
"""Judged tracks below which shares are called not enough data."""

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
        tracks: camera, local_start (seconds since 1970 by the camera's own clock; NaN where unknown), start_s, end_s,
            judged_s, and share_LABEL for each label. Tracks without known start or judged time count nowhere.
        labels: the order of the columns.
        bucket_s: length of a bucket, a divisor of a day; `hour` is then the number of the bucket in its day.

    Returns:
        As Cells says. A track that reaches over a full hour is divided among the hours.
    """
    shares = [f"share_{label}" for label in labels]
    told = tracks[tracks["local_start"].notna() & (tracks["judged_s"] > 0)]
    start = told["local_start"].to_numpy(np.float64)
    length_s = np.maximum((told["end_s"] - told["start_s"]).to_numpy(np.float64), 1e-6)
    first = np.floor_divide(start, bucket_s).astype(np.int64)
    n_buckets = np.floor_divide(start + length_s, bucket_s).astype(np.int64) - first + 1

    of_track = np.repeat(np.arange(len(told)), n_buckets)
    # 0, 1, … within each track.
    step = np.arange(len(of_track)) - np.repeat(np.cumsum(n_buckets) - n_buckets, n_buckets)
    bucket = first[of_track] + step
    begins = np.maximum(start[of_track], bucket * bucket_s)
    ends = np.minimum(start[of_track] + length_s[of_track], (bucket + 1) * bucket_s)
    weight = told["judged_s"].to_numpy(np.float64)[of_track] * np.maximum(ends - begins, 0) / length_s[of_track]

    per_day = round(86400 / bucket_s)
    pieces = pd.DataFrame(told[shares].fillna(0).to_numpy(np.float64)[of_track] * weight[:, None], columns=list(labels))
    pieces.insert(0, "camera", told["camera"].astype(object).to_numpy()[of_track])
    days = (bucket // per_day).astype("datetime64[D]").astype(str)
    pieces.insert(1, "day", days)
    pieces.insert(2, "hour", bucket % per_day)
    pieces.insert(3, "n_tracks", 1)
    return pieces.groupby(["camera", "day", "hour"], dropna=False, sort=True).sum().reset_index()
