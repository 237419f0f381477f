"""What the pages say: the records that are read from the tables and that templates and charts draw."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analytics.records import Gap
from reports.stored import VIDEO_ID
from reports.timeline import Distribution, Run, Timeline


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
        return f"{self.video_id}.html" if VIDEO_ID.fullmatch(self.video_id) else None


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
    expressions: dict[str, tuple[tuple[str, int], ...]]
    """By video_id: labels of its judged tracks and how many have each, the most frequent first."""
    unreadable: dict[Path, str]
    """Why files of `videos` cannot be read, by path; their videos are not among these."""
