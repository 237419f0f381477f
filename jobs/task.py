"""The small records that travel between the conductor and the steps of a video."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analytics.fingerprint import id_of_content, id_of_path
from analytics.footage import Footage
from analytics.recorders import Recorded
from jobs.options import RunOptions
from jobs.rows import VideoKey
from jobs.unfinished import FOLDER


@dataclass(frozen=True, kw_only=True)
class VideoTask:
    """One video, and what to do with it. Small: it travels with every step."""

    path: Footage
    options: RunOptions
    settings_hash: str
    """What the engines of every worker must come to."""
    releases: Mapping[str, str]
    """What must be installed where it is worked on."""
    recorded: Recorded = field(default_factory=Recorded)
    """Camera and start, by its path."""
    digest: str | None = None
    """Fingerprint, where it is known already."""
    replaces: tuple[tuple[str, str], ...] = ()
    """Partition and video_id of files that hold older rows of this video."""
    term: str | None = None
    """In which its rows may be written (analytics/commit.py): that of the run which hands it out, so that no worker
    changes anything that begins, or wakes, when another run is at work. None for that of the moment."""

    @property
    def source(self) -> str:
        """The path as text that any reader can take."""
        return as_text(self.path)

    @property
    def key(self) -> VideoKey:
        """Which video its rows are about."""
        video_id = id_of_content(self.digest) if self.digest else id_of_path(self.path)
        return VideoKey(video_id, self.source, self.recorded)

    @property
    def folder(self) -> Path:
        """Where its rows wait for the last segment."""
        name = f"{self.key.video_id}-{self.settings_hash}-{self.options.segment}".replace("/", "_")
        return self.options.out / FOLDER / name


@dataclass(frozen=True)
class Failed:
    """A video that cannot be processed."""

    reason: str
    """Without the source."""
    transient: bool = False
    """The reason may have passed by the next run."""
    trace: str = ""
    """Where an unforeseen error came from."""


@dataclass(frozen=True)
class Begun:
    """A video of several segments."""

    segments: int
    media_s: float
    kept: tuple[int, ...] = ()
    """Segments that an interrupted run has read already."""


def as_text(path: Footage | str) -> str:
    """A path, or text that holds one, as valid Unicode, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
