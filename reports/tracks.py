"""The rows of `tracks` of all videos, as the pages of many videos sum them up."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from analytics.snapshot import all_rows, read_table
from reports.clock import local, local_epoch_s
from reports.hours import judged_s
from reports.records import Video

_COLUMNS: Final = ("video_id", "track_id", "start_s", "end_s", "n_faces", "n_usable", "expression", "confidence")


def read_tracks(
    out: Path, videos: Sequence[Video], labels: tuple[str, ...]
) -> tuple[pd.DataFrame, dict[Path, Exception]]:
    """All tracks of these videos, and the files that cannot be read, and why.

    Returns:
        One row a track, by the place of its video: `video` (place in videos), track_id, start_s, end_s, n_faces,
        n_usable, expression, confidence, share_LABEL for each label, camera, local_start (seconds since 1970 by the
        camera's own clock; NaN where unknown), judged_s.
    """
    columns = [*_COLUMNS, *(f"share_{label}" for label in labels)]

    def read(file: BinaryIO) -> pa.Table:
        return all_rows(file, columns).select(columns).replace_schema_metadata(None)

    stored = read_table(out, "tracks", read)
    parts = [
        part.append_column("folder", pa.array([file.folder] * len(part), pa.string()))
        for file, part in stored.parts
        if len(part)
    ]
    if parts:
        tracks = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    else:
        tracks = pd.DataFrame({column: pd.Series(dtype="float64") for column in [*columns, "folder"]})
    places = {video.video_id: place for place, video in enumerate(videos)}
    tracks.insert(0, "video", tracks.pop("video_id").astype(object).map(places))
    tracks = tracks[tracks["video"].notna()].astype({"video": np.int64}).sort_values(["video", "track_id"])
    # What a video left behind in another partition is none of its rows.
    folders = np.array([video.folder.as_posix() for video in videos], object)
    tracks = tracks[tracks.pop("folder").to_numpy(object) == folders[tracks["video"].to_numpy()]]
    place = tracks["video"].to_numpy()
    found: pd.DataFrame = tracks.assign(
        camera=np.array([video.camera for video in videos], object)[place],
        local_start=_local_starts(videos, place, tracks["start_s"].to_numpy(np.float64)),
        judged_s=judged_s(tracks, np.array([_every_s(video) for video in videos], np.float64)[place]),
    ).reset_index(drop=True)
    return found, stored.unreadable


def _every_s(video: Video) -> float:
    """The mean distance of its samples; NaN where it does not tell."""
    if not video.decoded_s or not video.n_samples:
        return np.nan
    # No sample is in a pause, in which nothing is lost either.
    paused_s = sum(gap.end_s - gap.start_s for gap in video.gaps if gap.kind == "paused")
    return max(video.decoded_s - paused_s, 0.0) / video.n_samples


def _local_starts(
    videos: Sequence[Video], place: NDArray[np.int64], start_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(tracks,) when each begins, in seconds since 1970 by the clock of its camera."""
    starts = np.array([local_epoch_s(v.start_time, v.time_zone) if v.start_time else np.nan for v in videos])
    found: NDArray[np.float64] = starts[place] + start_s if len(place) else np.zeros(0)
    for k, video in enumerate(videos):
        if video.start_time is None or not _clock_is_put(video):
            continue
        for row in np.flatnonzero(place == k):
            begins = video.start_time + timedelta(seconds=float(start_s[row]))
            found[row] = local_epoch_s(begins, video.time_zone)
    return found


def _clock_is_put(video: Video) -> bool:
    """Whether summer time begins or ends while the video goes on."""
    if video.start_time is None or video.time_zone is None or not video.duration_s:
        return False
    end = video.start_time + timedelta(seconds=video.duration_s)
    return local(video.start_time, video.time_zone).utcoffset() != local(end, video.time_zone).utcoffset()
