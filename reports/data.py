"""What the page of a video says, read from the tables alone. This file knows no HTML."""

from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from reports.boxes import boxes_of
from reports.changes import changes_of
from reports.files import THUMBNAILS, made_of
from reports.records import Track, Video, VideoPage
from reports.stored import StoredTables, UnreadableTablesError
from reports.text import counted
from reports.timeline import LABELS, distribution_of, runs_of, timeline_of

_TRACK_FACTS = [field.name for field in fields(Track) if field.name != "shares"]
_COLUMNS = {
    "samples": ["sample", "pts_s", "gate"],
    "faces": ["pts_s", "track_id", "usable", "confidence", "smoothed_expression", "x", "y", "w", "h"],
    "tracks": _TRACK_FACTS,
}
"""What is read of each table; of tracks the shares of all labels, too."""


def inputs_of(tables: StoredTables, video: Video) -> str:
    """A text that is another one as soon as anything that read_page would read has changed.

    Raises UnreadableTablesError where the files cannot be listed.
    """
    states = [tables.state(table, video.folder, video.video_id) for table in _COLUMNS]
    return repr((video, states, thumbnails_of(tables.out, video)))


def thumbnails_of(out: Path, video: Video) -> tuple[int, ...]:
    """The ids of the tracks of which there is a picture, OUT/reports/thumbnails/<video_id>/<track_id>.jpg.

    None where they were drawn of rows that were made with other settings: tracks had other ids then.
    """
    folder = out / "reports" / THUMBNAILS / video.video_id
    if made_of(folder) != video.settings_hash:
        return ()
    names = [path.stem for path in folder.glob("*.jpg")]
    return tuple(sorted(int(name) for name in names if name.isascii() and name.isdecimal()))


def read_page(tables: StoredTables, video: Video, labels: tuple[str, ...] = LABELS) -> VideoPage:
    """The page of one video of reports.archive. What cannot be read is named in it, and raises no error."""
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
        changes=changes_of(video.video_id, runs),
        boxes=boxes_of(faces, sampled_s, end_s, video.gaps),
        thumbnails=thumbnails_of(tables.out, video),
        timeline=timeline_of(faces, sampled_s, end_s, video.gaps, labels),
        distribution=distribution_of({track.track_id: track.shares for track in tracks}, runs),
        disagreements=tuple(
            f"The videos table promises {counted(promised[table], 'row')} in {table}, which holds {found[table]:,}."
            for table in found
            if found[table] != promised[table] and not unreadable
        ),
        unreadable=unreadable,
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
