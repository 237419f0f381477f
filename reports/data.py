"""What the pages say, read from the tables alone. This file knows no HTML."""

from collections import Counter
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

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
from reports.records import IndexPage, Totals, Track, Video, VideoPage
from reports.stored import StoredTables, UnreadableTablesError, why_unreadable
from reports.text import counted
from reports.timeline import LABELS, distribution_of, runs_of, timeline_of

_TRACK_FACTS = [field.name for field in fields(Track) if field.name != "shares"]
_COLUMNS = {
    "samples": ["sample", "pts_s", "gate"],
    "faces": ["pts_s", "track_id", "usable", "smoothed_expression"],
    "tracks": _TRACK_FACTS,
}
"""What is read of each table; of tracks the shares of all labels, too."""


def read_index(out: Path) -> IndexPage:
    """All videos below out, but for those in files that cannot be read.

    Raises UsageError where out holds no table of videos.
    """
    if not is_folder(out / "videos"):
        raise UsageError(f"{out} holds no results", "name the folder that a run was given as --out")
    with suppress(OSError):  # Whatever is damaged is told below.
        need_our_schema(out)
    newest: dict[str, Video] = {}
    stored = read_videos(out)
    unreadable = {file: why_unreadable(error) for file, error in stored.unreadable.items()}
    for row in stored.rows():
        video = _video(row)
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
        expressions=_expressions(out),
        unreadable=unreadable,
    )


def _expressions(out: Path) -> dict[str, tuple[tuple[str, int], ...]]:
    """The labels of the judged tracks of each video; none of files that cannot be read, which the pages tell."""
    columns = ["video_id", "expression", "n_usable"]
    found = read_table(
        out, "tracks", lambda file: pq.ParquetFile(file).read(columns, use_threads=False).select(columns)
    )
    parts = [part.replace_schema_metadata(None) for _, part in found.parts if len(part)]
    if not parts:
        return {}
    tracks = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    judged = tracks[tracks["n_usable"] > 0].astype({"video_id": str, "expression": str})
    counts = judged.groupby("video_id")["expression"].value_counts()
    labels: dict[str, list[tuple[str, int]]] = {}
    for (video_id, expression), n in counts.items():
        labels.setdefault(video_id, []).append((expression, int(n)))
    return {video_id: tuple(of_video) for video_id, of_video in labels.items()}


def inputs_of(tables: StoredTables, video: Video) -> str:
    """A text that is another one as soon as anything that read_page would read has changed.

    Raises UnreadableTablesError where the files cannot be listed.
    """
    return repr((video, [tables.state(table, video.folder, video.video_id) for table in _COLUMNS]))


def read_labels(out: Path) -> tuple[str, ...]:
    """What a face can be called in the tables below out; where they do not tell, the labels of emobatch's own."""
    try:
        classes = classes_of(out)
    except OSError:
        classes = None
    return labels_for(classes or EXPRESSIONS)


def read_page(tables: StoredTables, video: Video, labels: tuple[str, ...] = LABELS) -> VideoPage:
    """The page of one video of read_index. What cannot be read is named in it, and raises no error."""
    frames: dict[str, pd.DataFrame] = {}
    unreadable: dict[Path, str] = {}
    shares = [f"share_{label}" for label in labels]
    wanted = {**_COLUMNS, "tracks": [*_COLUMNS["tracks"], *shares]}
    for table, columns in wanted.items():
        try:
            frames[table] = tables.rows(table, video.folder, video.video_id, columns)
        except UnreadableTablesError as error:
            unreadable |= error.files
    if unreadable:
        # Charts of the tables that are left would look like those of a video without faces.
        frames = {table: pd.DataFrame({column: [] for column in columns}) for table, columns in wanted.items()}
    samples, faces = frames["samples"], frames["faces"].sort_values("pts_s", kind="stable")
    tracks = _tracks(frames["tracks"], shares)

    end_s = video.duration_s or max([0.0, *samples["pts_s"], *faces["pts_s"]])
    sampled_s = np.sort(samples["pts_s"].to_numpy(np.float64))
    runs = runs_of(faces, sampled_s, end_s, video.gaps, labels)
    gates = Counter(samples["gate"].astype(object))
    found = {"samples": len(samples), "faces": len(faces), "tracks": len(tracks)}
    promised = {"samples": video.n_samples, "faces": video.n_faces, "tracks": video.n_tracks}
    return VideoPage(
        video=video,
        labels=labels,
        end_s=end_s,
        every_s=_every(samples),
        gates=tuple((gate, gates[gate]) for gate in ("detected", "held", "skipped", "corrupt") if gates[gate]),
        tracks=tracks,
        n_outside_tracks=int(faces["track_id"].isna().sum()),
        runs=runs,
        timeline=timeline_of(faces, sampled_s, end_s, video.gaps, labels),
        distribution=distribution_of({track.track_id: track.shares for track in tracks}, runs),
        disagreements=tuple(
            f"The videos table promises {counted(promised[table], 'row')} in {table}, which holds {found[table]:,}."
            for table in found
            if found[table] != promised[table] and not unreadable
        ),
        unreadable=unreadable,
    )


def _video(row: dict[str, Any]) -> Video:
    gaps = sorted((Gap(**gap) for gap in row["holes"]), key=lambda gap: gap.start_s)
    facts = {field.name: row[field.name] for field in fields(Video) if field.name not in ("folder", "gaps")}
    return Video(folder=Path(row["in_folder"]), gaps=tuple(gaps), **facts)


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


def _tracks(frame: pd.DataFrame, shares: list[str]) -> tuple[Track, ...]:
    frame = frame.astype(object)
    frame = frame.where(frame.notna(), None)
    tracks = []
    for row in sorted(frame.to_dict("records"), key=lambda row: row["track_id"]):
        # The share of a class that the classifier does not know is null.
        of = tuple(row[name] or 0.0 for name in shares) if row["share_uncertain"] is not None else None
        tracks.append(Track(shares=of, **{name: row[name] for name in _TRACK_FACTS}))
    return tuple(tracks)


def _every(samples: pd.DataFrame) -> float | None:
    """Distance of the grid points in seconds: each sample lies at its own or less than a frame behind it."""
    grid = samples["sample"].to_numpy()
    if len(grid) < 2 or np.ptp(grid) == 0:
        return None
    return round(float(np.ptp(samples["pts_s"].to_numpy()) / np.ptp(grid)), 2)
