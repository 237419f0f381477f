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
from analytics.expressions import EXPRESSIONS, UNCERTAIN
from analytics.paths import is_folder
from analytics.purpose import Declared, Purpose, purposes_below
from analytics.records import Gap
from analytics.tables import classes_of, need_our_schema
from analytics.videos import read_videos
from reports.clock import Stretch, shown, stretches_of
from reports.hours import HOUR_S, Cells, cells_of, pieces_of, put_apart, summed
from reports.intervals import Shares, shares_of
from reports.purposes import of_videos
from reports.records import STATUSES, Change, Totals, Video
from reports.stored import why_unreadable
from reports.timeline import seen_spans
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
    history: tuple[Declared, ...] = ()
    """What runs declared that they are for, in order."""
    day: str | None = None
    """The local day (YYYY-MM-DD) that totals and shares are of, where they are not of whole videos."""

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
            unreadable=self.unreadable,
            history=self.history,
        )

    @cached_property
    def purposes(self) -> tuple[Purpose, ...]:
        """What the videos were processed for."""
        return of_videos(self.history, self.videos)

    @cached_property
    def totals(self) -> Totals:
        """Sums; copies of other videos count in n_by_status alone."""
        counts = Counter(video.status for video in self.videos)
        originals = [video for video in self.videos if video.status != "duplicate"]
        known = [video for video in originals if video.duration_s is not None]
        if self.day is None:
            duration_s = sum(video.duration_s or 0.0 for video in known)
            decoded_s = sum(video.decoded_s or 0.0 for video in known)
            n_tracks = sum(video.n_tracks for video in originals)
        else:
            duration_s, decoded_s = self._footage_of(self.day)
            n_tracks = self.tracks_by_day.get(self.day, 0)
        return Totals(
            n_by_status=tuple((status, counts[status]) for status in STATUSES),
            duration_s=duration_s,
            decoded_s=decoded_s,
            n_unknown_duration=len(originals) - len(known),
            n_tracks=n_tracks,
        )

    def _footage_of(self, day: str) -> tuple[float, float]:
        """Seconds that were recorded on a day, and of these decoded."""
        midnight = float(np.datetime64(day, "s").astype(np.int64))
        cut = [
            max(min(one.end, midnight + DAY_S) - max(one.begin, midnight), 0.0)
            for video, stretches in zip(self.videos, self.stretches, strict=True)
            if video.status != "duplicate"
            for one in stretches
        ]
        recorded = self.recorded
        # What rounding adds is no footage.
        return sum(cut), min(float(recorded["recorded"][recorded["day"] == day].sum()), sum(cut))

    @cached_property
    def unfinished(self) -> tuple[Video, ...]:
        """The failed and then the partial ones."""
        return tuple(video for status in ("failed", "partial") for video in self.videos if video.status == status)

    @cached_property
    def shares(self) -> Shares | None:
        """How the judged time of all tracks divides among the labels; None where none was judged."""
        if self.day is None:
            columns = self.tracks[[f"share_{label}" for label in self.labels]]
            return shares_of(columns.to_numpy(np.float64), self.tracks["judged_s"].to_numpy(np.float64))
        pieces = self.pieces(HOUR_S)
        seconds = pieces[pieces["day"] == self.day].groupby("row")[list(self.labels)].sum().to_numpy(np.float64)
        judged_s = seconds.sum(axis=1)
        return shares_of(seconds / np.where(judged_s > 0, judged_s, 1.0)[:, None], judged_s)

    def pieces(self, bucket_s: float, tracks: pd.DataFrame | None = None) -> pd.DataFrame:
        """The judged time of tracks as reports.hours.pieces_of cuts it, also where a clock is put."""
        tracks = self.tracks if tracks is None else tracks
        put = {place: stretches for place, stretches in enumerate(self.stretches) if len(stretches) > 1}
        if not put:
            return pieces_of(tracks, self.labels, bucket_s)
        apart = put_apart(tracks, put)
        pieces = pieces_of(apart, self.labels, bucket_s)
        return pieces.assign(row=apart["of"].to_numpy(np.int64)[pieces["row"].to_numpy(np.int64)])

    @cached_property
    def cells(self) -> Cells:
        """Judged time by camera, local day and hour."""
        return summed(self.pieces(HOUR_S))

    @cached_property
    def tracks_by_day(self) -> dict[str, int]:
        """How many tracks, judged or not, were going on in each local day."""
        pieces = self.pieces(DAY_S, self.tracks.assign(judged_s=1.0))
        return {str(day): int(n) for day, n in pieces.groupby("day")["row"].nunique().items()}

    @cached_property
    def recorded(self) -> Cells:
        """The same of what was recorded and decoded, in a column `recorded`; what was lost in a hole is missing there."""
        rows = []
        for video, stretches in zip(self.videos, self.stretches, strict=True):
            if video.status == "duplicate" or not video.duration_s or not stretches:
                continue
            length_s = stretches[-1].to_s
            decoded_s = (video.decoded_s or 0.0) * length_s / video.duration_s
            seen = seen_spans([gap for gap in video.gaps if gap.kind == "hole"], length_s) or [(0.0, length_s)]
            per_s = decoded_s / sum(to_s - from_s for from_s, to_s in seen)
            for from_s, to_s in seen:
                for one in stretches:
                    low_s, high_s = max(from_s, one.from_s), min(to_s, one.to_s)
                    if high_s > low_s:
                        begin = one.begin + low_s - one.from_s
                        rows.append((video.camera, begin, 0.0, high_s - low_s, per_s * (high_s - low_s), 1.0))
        columns = ["camera", "local_start", "start_s", "end_s", "judged_s", "share_recorded"]
        return cells_of(
            pd.DataFrame(rows, columns=columns).astype({name: float for name in columns[1:]}), ("recorded",)
        )

    @cached_property
    def stretches(self) -> tuple[tuple[Stretch, ...], ...]:
        """Of each video, by the camera's own clock; none where its start is unknown."""
        return tuple(
            stretches_of(video.start_time, min(max(video.duration_s or 0.0, 0.0), _LONGEST_S), video.time_zone)
            if video.start_time is not None
            else ()
            for video in self.videos
        )

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
        for place, stretches in enumerate(self.stretches):
            for begin, end in shown(stretches, 0.0, np.inf):
                # What ends at midnight reaches into no other day.
                last = max(int(np.ceil(end / DAY_S)) - 1, int(begin // DAY_S))
                for day in range(int(begin // DAY_S), last + 1):
                    of_day = found.setdefault(_date(day), [])
                    if place not in of_day[-1:]:
                        of_day.append(place)
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
        told = hashlib.sha256(
            repr((self.labels, self.videos, self.changes, sorted(self.unreadable), self.purposes)).encode()
        )
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
    labels = (*read_classes(out), UNCERTAIN)
    tracks, unreadable = read_tracks(out, videos, labels)
    return Archive(
        videos=videos,
        tracks=tracks,
        labels=labels,
        unreadable={file: why_unreadable(error) for file, error in {**stored.unreadable, **unreadable}.items()},
        history=purposes_below(out),
    )


def read_classes(out: Path) -> tuple[str, ...]:
    """What the classifier of the tables below out tells apart; where they do not say, what emobatch's own does."""
    try:
        return classes_of(out) or EXPRESSIONS
    except OSError:
        return EXPRESSIONS


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
