"""Videos that are open and the steps that lead them on, as the conductor keeps them."""

import time
from dataclasses import dataclass, field
from typing import Final

from jobs.rows import VideoKey
from jobs.task import VideoTask

_ORDER: Final = {"finish": 0, "read": 1, "refile": 2, "begin": 3, "hash_both": 4, "identify": 5}
"""What is handed out first: to close a video goes before opening another."""


@dataclass(eq=False)
class Video:
    """A video that is open."""

    index: int
    size: int
    changed_ns: int
    """When the file last changed, by the clock of its file system."""
    task: VideoTask
    opened_at: float = field(default_factory=time.monotonic)
    segments: int = 1
    left: int = 0
    """Segments that are still to be read."""
    identified: bool = False
    stuck: str = ""
    """Why its rows cannot be replaced."""
    original: VideoKey | None = None
    """The file that it is compared with."""
    parked: bool = False
    """One of its steps waits to be tried alone."""
    closed: bool = False


@dataclass(eq=False)
class Step:
    """One call for a video."""

    kind: str
    video: Video
    number: int = 0
    deaths: int = 0
    attempt: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.video.index}-{self.number}-{self.attempt}"

    @property
    def order(self) -> tuple[int, int, int]:
        return _ORDER[self.kind], self.video.index, self.number
