"""Judged time by camera, local day and hour, from tracks alone. Pure functions of frames and arrays."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.clock import Stretch

HOUR_S: Final = 3600.0
LEAST_TRACKS: Final = 5
"""Judged tracks below which shares are called not enough data."""

_LEAST_S: Final = 1e-3
"""A track is at least so long: at a date of our days a float holds some microseconds."""

Cells = pd.DataFrame
"""One row for each camera, day and hour with judged time: `camera` (text or null), `day` (YYYY-MM-DD), `hour` (0 to
23), `n_tracks`, then one column for each label: judged seconds."""


def judged_s(tracks: pd.DataFrame, every_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) seconds that the usable faces of each track stand for, as on the page of its video.

    Each stands until the next sample: the faces themselves need not be read, and time in which a track was out of sight
    counts nowhere.

    Args:
        tracks: start_s, end_s, n_faces, n_usable.
        every_s: (n,) the mean distance of the samples of each track's video; NaN where the video does not tell. There
            the faces of a track count as evenly apart.
    """
    steps = np.maximum(tracks["n_faces"].to_numpy(np.float64) - 1, 1)
    apart_s = (tracks["end_s"] - tracks["start_s"]).to_numpy(np.float64) / steps
    seconds: NDArray[np.float64] = tracks["n_usable"].to_numpy(np.float64) * np.where(
        np.isfinite(every_s), every_s, apart_s
    )
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
    return summed(pieces_of(tracks, labels, bucket_s))


def summed(pieces: pd.DataFrame) -> Cells:
    """Cells from pieces_of; a track of which two pieces lie in an hour, as that comes twice in autumn, counts once."""
    # The camera is the same in all pieces of a track.
    first = ~pieces.duplicated(["row", "day", "hour"])
    pieces = pieces.drop(columns=["row", "begins", "at_s"])
    pieces.insert(3, "n_tracks", first.astype(int))
    return pieces.groupby(["camera", "day", "hour"], dropna=False, sort=True).sum().reset_index()


def pieces_of(tracks: pd.DataFrame, labels: tuple[str, ...], bucket_s: float = HOUR_S) -> pd.DataFrame:
    """The judged time of each track, cut where a bucket of the camera's clock ends.

    Args:
        tracks: camera, local_start (seconds since 1970 by the camera's own clock; NaN where unknown), start_s, end_s,
            judged_s, and share_LABEL for each label. Tracks without known start or judged time have no piece. The
            clock goes on evenly within each: put_apart sees to that.
        labels: the order of the columns.
        bucket_s: length of a bucket, a divisor of a day.

    Returns:
        One row a piece: `camera`, `day` (YYYY-MM-DD), `hour` (number of the bucket in its day), `row` (place of the
        track in tracks), `begins` (seconds since 1970 by the camera's clock), `at_s` (the same as a second of the video),
        then judged seconds by label.
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
    pieces.insert(5, "at_s", told["start_s"].to_numpy(np.float64)[of] + begins - start[of])
    return pieces


def put_apart(tracks: pd.DataFrame, stretches: Mapping[int, Sequence[Stretch]]) -> pd.DataFrame:
    """Tracks as pieces_of takes them, cut where the clock of their camera is put, with the time judged divided.

    Args:
        tracks: with the place of the video of each in `video`.
        stretches: those of the videos in which a clock is put, by the place of the video.

    Returns:
        The same columns, and `of`, the place in tracks that each row is from.
    """
    put = tracks["video"].isin(list(stretches)).to_numpy()
    cut: list[tuple[int, float, float, float, float]] = []
    for k in np.flatnonzero(put).tolist():
        start_s, end_s = (float(tracks[name].iloc[k]) for name in ("start_s", "end_s"))
        of_video = stretches[int(tracks["video"].iloc[k])]
        cuts_s = [one.from_s for one in of_video if start_s < one.from_s < end_s]
        for from_s, to_s in pairwise([start_s, *cuts_s, end_s]):
            there = [one for one in of_video if one.from_s <= max(from_s, 0.0)][-1]
            share = (to_s - from_s) / (end_s - start_s) if cuts_s else 1.0
            cut.append((k, from_s, to_s, there.begin + from_s - there.from_s, share))
    others = np.flatnonzero(~put)
    told = np.array(cut, np.float64).reshape(-1, 5)
    of = np.concatenate([others, told[:, 0].astype(np.int64)])
    found = tracks.iloc[of].assign(of=of)
    for k, name in enumerate(("start_s", "end_s", "local_start"), 1):
        found[name] = np.concatenate([tracks[name].to_numpy(np.float64)[others], told[:, k]])
    found["judged_s"] *= np.concatenate([np.ones(len(others)), told[:, 4]])
    return found.reset_index(drop=True)
