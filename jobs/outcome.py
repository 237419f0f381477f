"""What became of videos and of a run: the records that screen, log, --json and Python callers see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jobs.agenda import Agenda

RUNS: Final = "runs"
"""Folder below OUT with a record and a log of each run."""
EXIT_SOME_FAILED: Final = 3
FAR_KEYFRAMES: Final = 2.5
"""Times --every: where most samples lie farther apart than that for want of keyframes, far too few were searched."""
REFUSED: Final = "refused"
"""Kind of a failure: a file that was not looked at, as it may be from a camera with masks."""
STATUSES: Final = ("done", "partial", "failed", "duplicate", "unchanged")


@dataclass(frozen=True, kw_only=True)
class VideoOutcome:
    """What became of one video; a line on the screen."""

    source: str
    status: str
    reason: str | None = None
    """Why it is not simply done; without the source."""
    media_s: float = 0.0
    elapsed_s: float = 0.0
    """Work that it took, seconds; several workers may have shared it."""
    faces: int = 0
    tracks: int = 0
    coverage: float | None = None
    few_keyframes: bool = False
    """Nothing else was decoded, and most samples lie more than FAR_KEYFRAMES apart for it."""


@dataclass(kw_only=True)
class RunSummary:
    """What a run did. Its JSON form is what --json prints and what OUT/runs/ keeps."""

    run_id: str
    out: str
    started_at: str
    media_s: float = 0.0
    elapsed_s: float = 0.0
    faces: int = 0
    tracks: int = 0
    videos: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    failures: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    """Videos that are left for a later run, and why."""
    not_done: dict[str, int] = field(default_factory=dict)
    """How many of the unchanged videos are failed or partial since an earlier run, or were purged, by status."""
    n_found: int = 0
    missing: list[str] = field(default_factory=list)
    """Sources that were named and not found; why stands among the failures."""
    masks_of_nobody: list[str] = field(default_factory=list)
    """Cameras with masks that no file and no video in OUT is from."""
    passed_over: int = 0
    """Files that were found and not asked for."""
    too_old: int = 0
    """Files that were not processed, as they were recorded longer ago than the declared retention."""
    redone: int = 0
    """Videos that were decoded again because settings changed."""
    few_keyframes: int = 0
    """Videos of which keyframes alone were decoded, and that have far too few of them."""
    tells_no_camera: bool = False
    """No camera is known of any video that was looked at."""
    events: int | None = None
    """Events of all videos as the rules have them; None where there are no rules."""
    removed: int = 0
    """Videos that were removed at the end, as they were older than the declared retention."""
    held_back_since: str | None = None
    """When the first of the runs up to this one began that all left what is too old to a person; None where this one did not."""
    interrupted: bool = False
    """It ended before all videos had their turn."""

    def found(self, n: int, agenda: "Agenda") -> None:
        """Count what was found, and what of it needs nothing."""
        self.n_found, self.passed_over, self.too_old = n, agenda.passed_over, agenda.too_old
        self.videos["unchanged"] += agenda.unchanged
        self.not_done = dict(agenda.not_done)
        self.tells_no_camera = agenda.tells_no_camera
        self.redone = len(agenda.redone)
        self.left += [{"source": source, "reason": reason} for source, reason in agenda.left]
        self.masks_of_nobody = list(agenda.nobodys)
        self.failures += agenda.told_of_nobodys
        self.failures += [{"source": source, "reason": reason, "kind": REFUSED} for source, reason in agenda.refused]

    def add(self, outcome: VideoOutcome) -> None:
        """Count one video."""
        self.videos[outcome.status] += 1
        self.media_s += outcome.media_s
        self.faces += outcome.faces
        self.tracks += outcome.tracks
        self.few_keyframes += outcome.few_keyframes
        if outcome.status in ("failed", "partial"):
            self.failures.append({"source": outcome.source, "reason": outcome.reason or outcome.status})

    def gone(self, n: int, unchanged: Mapping[str, int]) -> None:
        """Count what was removed at the end, and count it no more among the unchanged: by status, as it was."""
        self.removed = n
        self.videos["unchanged"] -= sum(unchanged.values())
        left = {status: known - unchanged.get(status, 0) for status, known in self.not_done.items()}
        self.not_done = {status: known for status, known in left.items() if known}

    @property
    def refused(self) -> list[dict[str, str]]:
        """Those of the failures that are files which were not looked at, as they may be from a camera with masks."""
        return refused_of(self.failures)

    @property
    def exit_code(self) -> int:
        """0 where everything named was processed whole, else 3."""
        return EXIT_SOME_FAILED if self.failures else 0

    @property
    def times_real_time(self) -> float:
        """Seconds of footage a second."""
        return self.media_s / self.elapsed_s if self.elapsed_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        names = (
            *("run_id", "out", "videos", "media_s", "elapsed_s", "faces", "tracks", "events", "removed"),
            *("too_old", "failures", "left"),
        )
        return {name: getattr(self, name) for name in names}


def refused_of(failures: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Those of some failures that are refused files: source and reason."""
    return [{"source": one["source"], "reason": one["reason"]} for one in failures if one.get("kind") == REFUSED]
