"""What a run is told to watch for, and whom it tells how it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jobs.executors import Running
from jobs.outcome import VideoOutcome


class Listener(Protocol):
    """Is told how a run goes on."""

    def began(self, videos: int, size: int) -> None:
        """So many videos, so many bytes."""

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """One video is through; number counts from 1."""

    def working(self, running: dict[str, tuple[str, Running]], media_s: float, size: float) -> None:
        """What each worker is at, by call: source and progress; seconds of footage and bytes that are done."""


@dataclass(frozen=True)
class Limits:
    """When a run gives up a video, and when it ends by itself."""

    stall_s: float
    """Seconds without progress after which a video is given up."""
    until: float | None = None
    """Time (seconds since 1970) after which nothing more is begun; what is being done is finished."""
    check: Callable[[], None] = lambda: None
    """Raises where the run must not go on, because another one has taken its place."""
