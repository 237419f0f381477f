"""`emobatch redact`: a copy of a video in which nobody's face can be seen, unless there is a reason.

hunt → (tracks that stay visible) → cover → draw
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.conceal import WAYS, conceal
from analytics.cover import FOUND, Regions, Unsure, regions_of, unsure_of
from analytics.decode import DecodeOutcome, SampledFrame
from analytics.errors import UsageError, VideoError
from analytics.every_frame import decode_every, outcome_for
from analytics.overlay import Drawn
from analytics.records import Gap
from analytics.rewrite import Copying, rewrite
from analytics.strands import Sightings
from jobs.copying import lost_of, original_of
from jobs.excepted import check_tracks, without_excepted
from jobs.hunt import Hunt
from jobs.known import KnownFaces, known_faces
from jobs.passes import Passes
from jobs.writing import disk_errors_told
from models.detectors.dense import DenseSearch


@dataclass(frozen=True, kw_only=True)
class RedactOptions:
    """One invocation of `emobatch redact`.

    Raises:
        UsageError: how is none of WAYS.
    """

    video: str
    file: Path
    how: str = "box"
    except_tracks: tuple[int, ...] = ()
    """Tracks that stay visible."""
    tracks: str | None = None
    """OUT of the run whose numbers they are; None has a plain run's numbers worked out."""
    force: bool = False
    """Replace the file."""
    copying: Copying = field(default_factory=Copying)

    def __post_init__(self) -> None:
        if self.how not in WAYS:
            raise UsageError(f"--how {self.how}: no such way", f"choose one of: {', '.join(WAYS)}")


@dataclass(frozen=True, eq=False)
class Redacted:
    """What was done."""

    file: Path
    how: str
    frames: int
    """In the copy."""
    covered: int
    """Frames in which something is covered."""
    unfound: int
    """Frames in which something is covered that no detector found there."""
    unsure: list[Unsure]
    """Stretches that a person should look at."""
    visible: dict[int, int]
    """Frames in which each track that was to stay visible was not covered."""
    left_behind: tuple[str, ...]
    dropped: int
    """Packets of sound and subtitles without a place in time."""
    lost: list[Gap]
    elapsed_s: float
    regions: Regions
    """What was covered, for those who check it."""

    @property
    def exit_code(self) -> int:
        """3 where something of the video is not in the copy."""
        return 3 if self.lost else 0

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "file": str(self.file),
            "how": self.how,
            "frames": self.frames,
            "covered_frames": self.covered,
            "frames_not_found": self.unfound,
            "unsure": [vars(one) for one in self.unsure],
            "visible": {str(track): frames for track, frames in self.visible.items()},
            "left_behind": list(self.left_behind),
            "dropped_packets": self.dropped,
            "lost": [vars(gap) for gap in self.lost],
            "elapsed_s": round(self.elapsed_s, 3),
        }


def redact(options: RedactOptions, passes: Passes) -> Redacted:
    """Write the copy.

    Raises:
        UsageError: the paths, the tracks, or what the copy's container cannot hold.
        VideoError: the video cannot be opened, or none of its frames decoded.
        EmobatchError: the copy cannot be written.
    """
    started = time.monotonic()
    original = original_of(options.video, options.file, options.copying, force=options.force)
    plan = original.plan
    known: KnownFaces | None = None
    if options.except_tracks:
        known = known_faces(original.path, options.tracks, passes.begin("tracks", plan.duration_s))
        check_tracks(options.except_tracks, known)
    outcome = outcome_for(plan, passes.begin("faces", plan.duration_s))
    hunted = Hunt(DenseSearch()).through(decode_every(original.path, plan, outcome))
    if outcome.shape is None:
        raise VideoError(f"{original.path}: none of its {len(plan.times_s)} frames can be decoded", "copy it again")
    regions = regions_of(hunted.sightings, plan.times_s, hunted.cuts)
    size = outcome.shape.height, outcome.shape.width
    unsure = unsure_of(regions, hunted.sightings, plan.times_s, hunted.cuts, size)
    visible: dict[int, int] = {}
    if known is not None:
        regions, visible = without_excepted(regions, hunted.sightings, known, plan, options.except_tracks)
    with disk_errors_told(options.file, "nothing is half-written"):
        written = rewrite(
            original.path,
            options.file,
            original.listed,
            plan,
            _drawing(regions, outcome.decoded, options.how),
            options.copying,
            passes.begin("copy", plan.duration_s),
            original.check_unchanged,
        )
    covered, unfound = _counted(regions, hunted.sightings, written.outcome)
    return Redacted(
        file=options.file,
        how=options.how,
        frames=int(written.outcome.decoded.sum()),
        covered=covered,
        unfound=unfound,
        unsure=unsure,
        visible=visible,
        left_behind=written.left_behind,
        dropped=written.dropped,
        lost=lost_of(original, written.outcome.decoded),
        elapsed_s=time.monotonic() - started,
        regions=regions,
    )


def _drawing(regions: Regions, searched: NDArray[np.bool_], how: str) -> Callable[[SampledFrame], Drawn | None]:
    """What is done to each frame."""

    def draw(frame: SampledFrame) -> Drawn | None:
        if not searched[frame.sample]:  # A frame that comes out now and did not before was never looked at.
            height, width = frame.size
            everything = np.array([[0, 0, width, height]], np.float32)
            return Drawn(frame.picture, conceal(frame.picture, everything, "box"))
        rows = regions.of_frame(frame.sample)
        if rows.start == rows.stop:
            return None
        return Drawn(frame.picture, conceal(frame.picture, regions.box[rows], how))

    return draw


def _counted(regions: Regions, sightings: Sightings, outcome: DecodeOutcome) -> tuple[int, int]:
    """Frames with something covered, and with a face covered that no detector found there."""
    shown = outcome.decoded[regions.number]
    unfound = (regions.why != FOUND) & sightings.proven[regions.strand]
    return len(np.unique(regions.number[shown])), len(np.unique(regions.number[shown & unfound]))
