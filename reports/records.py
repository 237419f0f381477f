"""What the pages say: the records that are read from the tables and that templates and charts draw."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from analytics.records import Gap
from reports.boxes import Boxes
from reports.clock import local
from reports.stored import VIDEO_ID
from reports.timeline import Distribution, Run, Timeline

STATUSES: Final = ("done", "partial", "failed", "duplicate")


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
    time_zone: str | None
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
        """File name of its page; None where it shows no face, or where its id must not name a file."""
        return f"{self.video_id}.html" if self.n_faces and VIDEO_ID.fullmatch(self.video_id) else None

    @property
    def local_start(self) -> datetime | None:
        """When it began by the camera's clock; by UTC where the time zone is unknown."""
        return local(self.start_time, self.time_zone) if self.start_time else None

    def moment(self, seconds: float) -> datetime | None:
        """When a second of it was, UTC; None where nobody knows."""
        return self.start_time + timedelta(seconds=seconds) if self.start_time else None


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
    """Of the judged time, in the order of the labels; None where no face was usable."""
    expression: str
    confidence: float | None
    best_pts_s: float


@dataclass(frozen=True)
class Change:
    """A change of expression within a track, as reports.changes finds them."""

    video_id: str
    track_id: int
    at_s: float
    before: str
    after: str
    before_s: float
    """For how long the expression before lasted, seconds."""
    after_s: float
    confidence: float
    """The lower of the mean confidences of both sides."""

    @property
    def strength(self) -> float:
        """0 to 1: how long both sides last, up to ten seconds, and how sure both are."""
        return min(self.before_s, self.after_s, 10.0) / 10 * self.confidence


@dataclass(frozen=True, eq=False)
class VideoPage:
    """Everything on the page of one video."""

    video: Video
    labels: tuple[str, ...]
    """What a face can be called; the order of every array."""
    end_s: float
    """Where the time axis ends: the expected duration, or the last face or sample where none is known."""
    every_s: float | None
    """Distance of the samples in seconds; None with fewer than two samples."""
    gates: tuple[tuple[str, int], ...]
    """How many sampled frames were detected, held, skipped, corrupt."""
    tracks: tuple[Track, ...]
    n_outside_tracks: int
    """Faces that belong to no track."""
    runs: tuple[Run, ...]
    changes: tuple[Change, ...]
    """Of expression, the strongest first."""
    boxes: Boxes
    thumbnails: tuple[int, ...]
    """Ids of the tracks that have a picture below the site."""
    timeline: Timeline | None
    """None where no tracked face was usable."""
    distribution: Distribution | None
    """None where no track was judged."""
    disagreements: tuple[str, ...]
    """Where the row in `videos` promises other numbers of rows than the tables hold."""
    unreadable: dict[Path, str]
    """Why files of the other tables cannot be read, by path; nothing but the row in `videos` is known then."""


@dataclass(frozen=True)
class Totals:
    """Sums over the videos of an index; copies of other videos count in n_by_status alone."""

    n_by_status: tuple[tuple[str, int], ...]
    duration_s: float
    decoded_s: float
    n_unknown_duration: int
    n_faces: int
    n_tracks: int
