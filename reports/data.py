"""What the pages say, read from the tables alone. This file knows no HTML."""

import re
from collections import Counter
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, UNCERTAIN
from analytics.records import Gap
from reports.text import counted
from reports.timeline import Distribution, Run, Timeline, distribution_of, runs_of, timeline_of

_VIDEO_ID = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class Video:
    """One row of `videos`. None stands for what is unknown."""

    folder: Path
    """The partition, relative to its table: the rows of the other tables lie in the folder of the same name."""
    video_id: str
    source: str
    camera: str | None
    start_time: datetime | None
    start_time_source: str
    pts_source: str | None
    duration_s: float | None
    decoded_s: float | None
    coverage: float | None
    gaps: tuple[Gap, ...]
    duplicate_of: str | None
    width: int | None
    height: int | None
    rotation: int | None
    codec: str | None
    fps: float | None
    n_samples: int
    n_faces: int
    n_tracks: int
    status: str
    reason: str | None
    elapsed_s: float
    model: str
    detector: str
    settings_hash: str
    finished_at: datetime

    @property
    def name(self) -> str:
        """The last part of the source."""
        return self.source.rstrip("/").rpartition("/")[2] or self.source or self.video_id

    @property
    def page(self) -> str | None:
        """File name of its page; None where the id is none of ours and so must not name a file."""
        return f"{self.video_id}.html" if _VIDEO_ID.fullmatch(self.video_id) else None


@dataclass(frozen=True)
class Track:
    """One row of `tracks`, without the clock times."""

    track_id: int
    start_s: float
    end_s: float
    n_faces: int
    n_usable: int
    median_face_px: float
    shares: tuple[float, ...] | None
    """Of the judged time, in the order of EXPRESSIONS and uncertain last; None where no face was usable."""
    expression: str
    confidence: float | None
    best_pts_s: float


@dataclass(frozen=True, eq=False)
class VideoPage:
    """Everything on the page of one video."""

    video: Video
    end_s: float
    """Where the time axis ends: the expected duration, or the last face or sample where none is known."""
    every_s: float | None
    """Distance of the samples in seconds; None with fewer than two samples."""
    gates: tuple[tuple[str, int], ...]
    """How many sampled frames were detected, held, skipped, corrupt."""
    tracks: tuple[Track, ...]
    runs: tuple[Run, ...]
    timeline: Timeline | None
    """None where no tracked face was usable."""
    distribution: Distribution | None
    """None where no track was judged."""
    disagreements: tuple[str, ...]
    """Where the row in `videos` promises other numbers of rows than the tables hold."""


@dataclass(frozen=True)
class Totals:
    """Sums over the videos of an index; copies of other videos count in n_by_status alone."""

    n_by_status: tuple[tuple[str, int], ...]
    duration_s: float
    decoded_s: float
    n_unknown_duration: int
    n_faces: int
    n_tracks: int


@dataclass(frozen=True)
class IndexPage:
    """Everything on the first page."""

    videos: tuple[Video, ...]
    """In order of start time, unknown ones last, then of source."""
    totals: Totals
    unfinished: tuple[Video, ...]
    """The failed and then the partial ones."""
    models: tuple[str, ...]
    detectors: tuple[str, ...]


def read_index(out: Path) -> IndexPage:
    """All videos below out. Raises UsageError where out holds no table of videos."""
    if not (out / "videos").is_dir():
        raise UsageError(f"{out} holds no results", "name the folder that a run was given as --out")
    newest: dict[str, Video] = {}
    for file in sorted((out / "videos").rglob("*.parquet")):
        folder = file.parent.relative_to(out / "videos")
        for row in pq.ParquetFile(file).read().to_pylist():
            video = _video(folder, row)
            known = newest.get(video.video_id)
            if known is None or known.finished_at < video.finished_at:
                newest[video.video_id] = video
    videos = sorted(newest.values(), key=_by_start)
    return IndexPage(
        videos=tuple(videos),
        totals=_totals(videos),
        unfinished=tuple(video for status in ("failed", "partial") for video in videos if video.status == status),
        models=tuple(sorted({video.model for video in videos})),
        detectors=tuple(sorted({video.detector for video in videos})),
    )


def read_page(out: Path, video: Video) -> VideoPage:
    """The page of one video of read_index."""
    samples = _rows(out, "samples", video, ["sample", "pts_s", "gate"])
    faces = _rows(out, "faces", video, ["pts_s", "track_id", "usable", "smoothed_expression"])
    faces = faces.sort_values("pts_s", kind="stable")
    tracks = _tracks(out, video)

    end_s = video.duration_s or max([0.0, *samples["pts_s"], *faces["pts_s"]])
    sampled_s = np.sort(samples["pts_s"].to_numpy(np.float64))
    step_s = float(np.median(np.diff(sampled_s))) if len(sampled_s) > 1 else 0.0
    gates = Counter(samples["gate"].astype(object))
    found = {"samples": len(samples), "faces": len(faces), "tracks": len(tracks)}
    promised = {"samples": video.n_samples, "faces": video.n_faces, "tracks": video.n_tracks}
    return VideoPage(
        video=video,
        end_s=end_s,
        every_s=_every(samples),
        gates=tuple((gate, gates[gate]) for gate in ("detected", "held", "skipped", "corrupt") if gates[gate]),
        tracks=tracks,
        runs=runs_of(faces, step_s, end_s),
        timeline=timeline_of(faces, sampled_s, end_s),
        distribution=distribution_of([(track.end_s - track.start_s, track.shares) for track in tracks]),
        disagreements=tuple(
            f"The videos table promises {counted(promised[table], 'row')} in {table}, which holds {found[table]:,}."
            for table in found
            if found[table] != promised[table]
        ),
    )


def _video(folder: Path, row: dict[str, Any]) -> Video:
    gaps = sorted((Gap(**gap) for gap in row["holes"]), key=lambda gap: gap.start_s)
    facts = {field.name: row[field.name] for field in fields(Video) if field.name not in ("folder", "gaps")}
    return Video(folder=folder, gaps=tuple(gaps), **facts)


def _by_start(video: Video) -> tuple[bool, float, str]:
    start = video.start_time
    return start is None, start.timestamp() if start else 0.0, video.source


def _totals(videos: list[Video]) -> Totals:
    counts = Counter(video.status for video in videos)
    originals = [video for video in videos if video.status != "duplicate"]
    known = [video for video in originals if video.duration_s is not None]
    return Totals(
        n_by_status=tuple((status, counts[status]) for status in ("done", "partial", "failed", "duplicate")),
        duration_s=sum(video.duration_s or 0.0 for video in known),
        decoded_s=sum(video.decoded_s or 0.0 for video in known),
        n_unknown_duration=len(originals) - len(known),
        n_faces=sum(video.n_faces for video in originals),
        n_tracks=sum(video.n_tracks for video in originals),
    )


def _rows(out: Path, table: str, video: Video, columns: list[str]) -> pd.DataFrame:
    """The rows of one video, from its own file or from the compacted files of its partition."""
    folder = out / table / video.folder
    own = folder / f"{video.video_id}.parquet"
    if video.page and own.is_file():
        files = [own]
    else:
        files = sorted(file for file in folder.glob("*.parquet") if not _VIDEO_ID.fullmatch(file.stem))
    # The columns hold everything; partitioning=None keeps the keys of the folders out.
    mine = [("video_id", "=", video.video_id)]
    parts = [pq.read_table(file, columns=columns, filters=mine, partitioning=None) for file in files]
    if not parts:
        return pd.DataFrame({column: [] for column in columns})
    frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    return frame


def _tracks(out: Path, video: Video) -> tuple[Track, ...]:
    shares = [f"share_{label}" for label in (*EXPRESSIONS, UNCERTAIN)]
    facts = [field.name for field in fields(Track) if field.name != "shares"]
    frame = _rows(out, "tracks", video, [*facts, *shares]).astype(object)
    frame = frame.where(frame.notna(), None)
    tracks = []
    for row in sorted(frame.to_dict("records"), key=lambda row: row["track_id"]):
        judged = row[shares[0]] is not None
        track_shares = tuple(row[name] for name in shares) if judged else None
        tracks.append(Track(shares=track_shares, **{name: row[name] for name in facts}))
    return tuple(tracks)


def _every(samples: pd.DataFrame) -> float | None:
    """Distance of the grid points in seconds: each sample lies at its own or less than a frame behind it."""
    grid = samples["sample"].to_numpy()
    if len(grid) < 2 or np.ptp(grid) == 0:
        return None
    return round(float(np.ptp(samples["pts_s"].to_numpy()) / np.ptp(grid)), 2)
