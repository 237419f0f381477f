"""What the tables tell of all videos together: the pages of the archive, of a day and of a camera are parts of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, labels_for
from analytics.paths import is_folder
from analytics.records import Gap
from analytics.snapshot import read_table
from analytics.tables import classes_of, need_our_schema
from analytics.videos import read_videos
from reports.hours import Cells, cells_of, judged_s
from reports.intervals import Shares, shares_of
from reports.records import STATUSES, Change, Totals, Video
from reports.stored import why_unreadable

_TRACK_COLUMNS: Final = ("video_id", "track_id", "start_s", "end_s", "n_faces", "n_usable", "expression", "confidence")


@dataclass(frozen=True, eq=False)
class Archive:
    """Some videos and their tracks: all below OUT, those of one local day, or those of one camera."""

    videos: tuple[Video, ...]
    """In order of start time, unknown ones last, then of source."""
    tracks: pd.DataFrame
    """One row a track, by the place of its video: `video` (place in videos), track_id, start_s, end_s, n_faces,
    n_usable, expression, confidence, share_LABEL for each label, judged_s, camera, and local_start (seconds since
    1970 by the camera's own clock; NaN where unknown)."""
    labels: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    """The strongest first."""
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Why files of `videos` cannot be read, by path; their videos are not among these."""

    def part(self, places: Sequence[int]) -> "Archive":
        """The videos at these places, and what belongs to them."""
        new = {place: k for k, place in enumerate(places)}
        tracks = self.tracks[self.tracks["video"].isin(new)]
        ids = {self.videos[place].video_id for place in places}
        return Archive(
            videos=tuple(self.videos[place] for place in places),
            tracks=tracks.assign(video=tracks["video"].map(new).astype(np.int64)),
            labels=self.labels,
            changes=tuple(change for change in self.changes if change.video_id in ids),
        )

    @cached_property
    def totals(self) -> Totals:
        """Sums; copies of other videos count in n_by_status alone."""
        counts = Counter(video.status for video in self.videos)
        originals = [video for video in self.videos if video.status != "duplicate"]
        known = [video for video in originals if video.duration_s is not None]
        return Totals(
            n_by_status=tuple((status, counts[status]) for status in STATUSES),
            duration_s=sum(video.duration_s or 0.0 for video in known),
            decoded_s=sum(video.decoded_s or 0.0 for video in known),
            n_unknown_duration=len(originals) - len(known),
            n_faces=sum(video.n_faces for video in originals),
            n_tracks=sum(video.n_tracks for video in originals),
        )

    @cached_property
    def unfinished(self) -> tuple[Video, ...]:
        """The failed and then the partial ones."""
        return tuple(video for status in ("failed", "partial") for video in self.videos if video.status == status)

    @cached_property
    def shares(self) -> Shares | None:
        """How the judged time of all tracks divides among the labels; None where none was judged."""
        columns = self.tracks[[f"share_{label}" for label in self.labels]]
        return shares_of(columns.to_numpy(np.float64), self.tracks["judged_s"].to_numpy(np.float64))

    @cached_property
    def cells(self) -> Cells:
        """Judged time by camera, local day and hour."""
        return cells_of(self.tracks, self.labels)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the classifiers that were at work."""
        return tuple(sorted({video.model for video in self.videos}))

    @cached_property
    def detectors(self) -> tuple[str, ...]:
        """Names of the detectors that were at work."""
        return tuple(sorted({video.detector for video in self.videos}))

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Hashes of the settings that decided the rows."""
        return tuple(sorted({video.settings_hash for video in self.videos}))

    @cached_property
    def days(self) -> dict[str | None, list[int]]:
        """Places of the videos of each local day on which one began, in order; None for an unknown start."""
        found = _grouped((start.date().isoformat() if (start := v.local_start) else None) for v in self.videos)
        return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or "")))

    @cached_property
    def cameras(self) -> dict[str | None, list[int]]:
        """Places of the videos of each camera, by name; None for an unknown one, last."""
        found = _grouped(video.camera for video in self.videos)
        return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or "")))


def read_archive(out: Path) -> Archive:
    """All videos below OUT, but for those in files that cannot be read; without changes, which the pages tell.

    Raises:
        UsageError: there is no table of videos.
    """
    if not is_folder(out / "videos"):
        raise UsageError(f"{out} holds no results", "name the folder that a run was given as --out")
    with suppress(OSError):  # Whatever is damaged is told below.
        need_our_schema(out)
    newest: dict[str, Video] = {}
    stored = read_videos(out)
    for row in stored.rows():
        video = _video(row)
        known = newest.get(video.video_id)
        if known is None or known.finished_at < video.finished_at:
            newest[video.video_id] = video
    videos = tuple(sorted(newest.values(), key=_by_start))
    labels = read_labels(out)
    return Archive(
        videos=videos,
        tracks=_tracks(out, videos, labels),
        labels=labels,
        unreadable={file: why_unreadable(error) for file, error in stored.unreadable.items()},
    )


def read_labels(out: Path) -> tuple[str, ...]:
    """What a face can be called in the tables below out; where they do not tell, the labels of emobatch's own."""
    try:
        classes = classes_of(out)
    except OSError:
        classes = None
    return labels_for(classes or EXPRESSIONS)


def _tracks(out: Path, videos: tuple[Video, ...], labels: tuple[str, ...]) -> pd.DataFrame:
    """All tracks of these videos; none of files that cannot be read, which the pages of their videos tell."""
    shares = [f"share_{label}" for label in labels]
    columns = [*_TRACK_COLUMNS, *shares]

    def read(file: BinaryIO) -> pa.Table:
        return pq.ParquetFile(file).read(columns, use_threads=False).select(columns).replace_schema_metadata(None)

    parts = [
        part.append_column("folder", pa.array([file.folder] * len(part), pa.string()))
        for file, part in read_table(out, "tracks", read).parts
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
    starts = np.array([_local_epoch_s(video) for video in videos], np.float64)
    place = tracks["video"].to_numpy()
    tracks["camera"] = np.array([video.camera for video in videos], object)[place]
    tracks["local_start"] = starts[place] + tracks["start_s"].to_numpy(np.float64) if len(tracks) else np.nan
    tracks["judged_s"] = judged_s(tracks)
    sorted_out: pd.DataFrame = tracks.reset_index(drop=True)
    return sorted_out


def _local_epoch_s(video: Video) -> float:
    start = video.local_start
    return start.timestamp() + (start.utcoffset() or _NO_TIME).total_seconds() if start else np.nan


_NO_TIME: Final = pd.Timedelta(0)


def _video(row: dict[str, Any]) -> Video:
    gaps = sorted((Gap(**gap) for gap in row["holes"]), key=lambda gap: gap.start_s)
    facts = {known.name: row[known.name] for known in fields(Video) if known.name not in ("folder", "gaps")}
    return Video(folder=Path(row["in_folder"]), gaps=tuple(gaps), **facts)


def _by_start(video: Video) -> tuple[bool, float, str]:
    start = video.start_time
    return start is None, start.timestamp() if start else 0.0, video.source


def _grouped(keys: Iterable[str | None]) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return found
