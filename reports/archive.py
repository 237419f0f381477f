"""What the tables tell of all videos together: the pages of the archive, of a day and of a camera are parts of it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, labels_for
from analytics.paths import is_folder
from analytics.records import Gap
from analytics.tables import classes_of, need_our_schema
from analytics.videos import read_videos
from reports.clock import local_epoch_s
from reports.hours import Cells, cells_of
from reports.intervals import Shares, shares_of
from reports.records import STATUSES, Change, Totals, Video
from reports.stored import why_unreadable
from reports.tracks import read_tracks

DAY_S: Final = 86400
_LONGEST_S: Final = 7.0 * DAY_S
"""A recording that claims to be longer reaches into no later day."""


@dataclass(frozen=True, eq=False)
class Archive:
    """Some videos and their tracks: all below OUT, those of one local day, or those of one camera."""

    videos: tuple[Video, ...]
    """In order of start time, unknown ones last, then of source."""
    tracks: pd.DataFrame
    """As reports.tracks reads them: `video` is a place in videos."""
    labels: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    """The strongest first."""
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Why files of `videos` and `tracks` cannot be read, by path; what they hold is not among these."""

    def part(self, places: Sequence[int]) -> "Archive":
        """The videos at these places, and what belongs to them."""
        new = np.full(len(self.videos), -1)
        new[list(places)] = range(len(places))
        of = new[self.tracks["video"].to_numpy(np.int64)]
        ids = {self.videos[place].video_id for place in places}
        return Archive(
            videos=tuple(self.videos[place] for place in places),
            tracks=self.tracks[of >= 0].assign(video=of[of >= 0]).reset_index(drop=True),
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
    def recorded(self) -> Cells:
        """The same of what was recorded and decoded, in a column `recorded`; n_tracks counts videos there."""
        known = [k for k, video in enumerate(self.videos) if video.status != "duplicate" and video.duration_s]
        durations = [min(self.videos[k].duration_s or 0.0, _LONGEST_S) for k in known]
        frame = pd.DataFrame(
            {
                "camera": np.array([self.videos[k].camera for k in known], object),
                "local_start": self.local_spans[known, 0],
                "start_s": 0.0,
                "end_s": durations,
                "judged_s": [self.videos[k].decoded_s or 0.0 for k in known],
                "share_recorded": 1.0,
            }
        )
        return cells_of(frame, ("recorded",))

    @cached_property
    def local_spans(self) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        """(videos, 2) begin and end, seconds since 1970 by the camera's own clock; NaN where unknown."""
        spans = np.full((len(self.videos), 2), np.nan)
        for k, video in enumerate(self.videos):
            if video.start_time is not None:
                spans[k] = local_epoch_s(video.start_time, video.time_zone)
                spans[k, 1] += min(max(video.duration_s or 0.0, 0.0), _LONGEST_S)
        return spans

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
    def days(self) -> dict[str, list[int]]:
        """Places of the videos that were going on in each local day, in order; those of unknown start are in none."""
        found: dict[str, list[int]] = {}
        for place, (begin, end) in enumerate(self.local_spans):
            if np.isfinite(begin):
                # What ends at midnight reaches into no other day.
                last = max(int(np.ceil(end / DAY_S)) - 1, int(begin // DAY_S))
                for day in range(int(begin // DAY_S), last + 1):
                    found.setdefault(_date(day), []).append(place)
        return dict(sorted(found.items()))

    @cached_property
    def cameras(self) -> dict[str | None, list[int]]:
        """Places of the videos of each camera, by name; None for an unknown one, last."""
        found = _grouped(video.camera for video in self.videos)
        return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or "")))

    @cached_property
    def n_undated(self) -> int:
        """Videos of which nothing tells when they began."""
        return sum(video.start_time is None for video in self.videos)

    def digest(self) -> str:
        """A text that is another one as soon as a page of these videos would say anything else."""
        told = hashlib.sha256(repr((self.labels, self.videos, self.changes)).encode())
        told.update(pd.util.hash_pandas_object(self.tracks, index=False).to_numpy().tobytes())
        return told.hexdigest()


def read_archive(out: Path) -> Archive:
    """All videos below OUT, but for what stands in files that cannot be read; without changes, which the pages tell.

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
    tracks, unreadable = read_tracks(out, videos, labels)
    return Archive(
        videos=videos,
        tracks=tracks,
        labels=labels,
        unreadable={file: why_unreadable(error) for file, error in {**stored.unreadable, **unreadable}.items()},
    )


def read_labels(out: Path) -> tuple[str, ...]:
    """What a face can be called in the tables below out; where they do not tell, the labels of emobatch's own."""
    try:
        classes = classes_of(out)
    except OSError:
        classes = None
    return labels_for(classes or EXPRESSIONS)


def _video(row: dict[str, Any]) -> Video:
    gaps = sorted((Gap(**gap) for gap in row["holes"]), key=lambda gap: gap.start_s)
    facts = {name: row[name] for name in _FACTS}
    return Video(folder=Path(row["in_folder"]), gaps=tuple(gaps), **facts)


_FACTS: Final = tuple(known.name for known in fields(Video) if known.name not in ("folder", "gaps"))


def _by_start(video: Video) -> tuple[bool, float, str]:
    start = video.start_time
    return start is None, start.timestamp() if start else 0.0, video.source


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat()


def _grouped(keys: Iterable[str | None]) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return found
