"""`emobatch redact`: a copy of a video in which nobody's face can be seen, unless there is a reason.

hunt → (tracks that stay visible) → cover → draw
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.conceal import WAYS, conceal
from analytics.cover import FOUND, Regions, regions_of
from analytics.decode import SampledFrame
from analytics.doubts import Unsure, unsure_of
from analytics.errors import UsageError, VideoError
from analytics.every_frame import decode_every, outcome_for
from analytics.overlay import Drawn
from analytics.rewrite import Copying, rewrite
from analytics.strands import Sightings
from jobs.copying import Copied, lost_of, original_of
from jobs.excepted import check_tracks, without_excepted
from jobs.hunt import Hunt
from jobs.known import KnownFaces, known_faces
from jobs.passes import Passes
from jobs.recheck import FINEST_EVERY, Recheck
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
    check: bool = True
    """Look through the copy, and cover what a detector still finds there."""
    copying: Copying = field(default_factory=Copying)

    def __post_init__(self) -> None:
        if self.how not in WAYS:
            raise UsageError(f"--how {self.how}: no such way", f"choose one of: {', '.join(WAYS)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Redacted(Copied):
    """What was done."""

    how: str
    covered: int
    """Frames in which something is covered."""
    unfound: int
    """Frames in which something is covered that no detector found there."""
    added: int
    """Places that were covered only after the copy had been looked through."""
    unsure: list[Unsure]
    """Stretches that a person should look at."""
    still_seen: list[Unsure]
    """Frames of the last copy in which a detector still sees what may be a face."""
    cuts_s: list[float]
    """When shots begin but the first, seconds: nothing is known of faces across them."""
    visible: dict[int, int]
    """Frames in which each track that was to stay visible was not covered."""
    regions: Regions
    """What was covered, for those who check it."""

    @property
    def exit_code(self) -> int:
        """3 where something of the video is not in the copy, or a face may still be seen in it."""
        return 3 if self.lost or self.still_seen else 0

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "file": str(self.file),
            "how": self.how,
            "frames": self.frames,
            "covered_frames": self.covered,
            "frames_not_found": self.unfound,
            "covered_after_check": self.added,
            "unsure": [vars(one) for one in self.unsure],
            "still_seen": [one.start_s for one in self.still_seen],
            "cuts_s": self.cuts_s,
            "visible": {str(track): frames for track, frames in self.visible.items()},
            **self.rest_to_json(),
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
        check_tracks(options.except_tracks, known, plan)
    search = DenseSearch()
    outcome = outcome_for(plan, passes.begin("faces", plan.duration_s))
    hunted = Hunt(search, FINEST_EVERY if options.check else 1, plan.interval_s).through(
        decode_every(original.path, plan, outcome)
    )
    if outcome.shape is None:
        raise VideoError(f"{original.path}: none of its {len(plan.times_s)} frames can be decoded", "copy it again")
    found = regions_of(hunted.sightings, plan.times_s, hunted.cuts, interval_s=plan.interval_s)
    excepted = without_excepted(found, hunted.sightings, known, plan, options.except_tracks)
    size = outcome.shape.height, outcome.shape.width
    unsure = unsure_of(excepted.covered, hunted.sightings, plan.times_s, hunted.cuts, size)
    recheck = Recheck(search, plan, hunted.cuts, lambda what: passes.begin(what, plan.duration_s))
    drawing = _Drawing(
        excepted.covered, excepted.lifted, outcome.decoded, options.how, recheck if options.check else None
    )
    with disk_errors_told(options.file, "nothing is half-written"):
        written = rewrite(
            original.path,
            options.file,
            original.listed,
            plan,
            drawing.draw,
            options.copying,
            lambda: passes.begin("copy", plan.duration_s),
            lambda copy, decoded: drawing.is_enough(copy, decoded) and original.approve(copy, decoded),
            replace=options.force,
        )
    covered = drawing.regions.number[written.outcome.decoded[drawing.regions.number]]
    return Redacted(
        file=options.file,
        how=options.how,
        frames=int(written.outcome.decoded.sum()),
        covered=len(np.unique(covered)),
        unfound=_unfound(excepted.covered, hunted.sightings, written.outcome.decoded),
        added=recheck.added,
        unsure=unsure + recheck.left,
        still_seen=recheck.left,
        cuts_s=[round(float(plan.times_s[number]), 6) for number in hunted.cuts[1:]],
        visible=excepted.visible,
        left_behind=written.left_behind,
        dropped=written.dropped,
        lost=lost_of(original, written.outcome.decoded),
        elapsed_s=time.monotonic() - started,
        regions=drawing.regions,
    )


class _Drawing:
    """What is done to each frame."""

    def __init__(
        self, regions: Regions, lifted: Regions, searched: NDArray[np.bool_], how: str, recheck: Recheck | None
    ) -> None:
        self.regions = regions
        self._lifted, self._searched, self._how, self._recheck = lifted, searched, how, recheck

    def draw(self, frame: SampledFrame) -> Drawn | None:
        if not self._searched[frame.sample]:  # A frame that comes out now and did not before was never looked at.
            height, width = frame.size
            everything = np.array([[0, 0, width, height]], np.float32)
            return Drawn(frame.picture, conceal(frame.picture, everything, "box"))
        rows = self.regions.of_frame(frame.sample)
        if rows.start == rows.stop:
            return None
        return Drawn(frame.picture, conceal(frame.picture, self.regions.box[rows], self._how))

    def is_enough(self, copy: Path, decoded: NDArray[np.bool_]) -> bool:
        """Whether nothing is left in a copy; what is left is covered in the next one."""
        more = self._recheck.more(copy, decoded, self.regions, self._lifted) if self._recheck else None
        if more is None:
            return True
        self.regions = Regions.joined([self.regions, more])
        return False


def _unfound(regions: Regions, sightings: Sightings, decoded: NDArray[np.bool_]) -> int:
    """Frames with a face covered that no detector found there."""
    unfound = (regions.why != FOUND) & sightings.proven[regions.strand] & decoded[regions.number]
    return len(np.unique(regions.number[unfound]))
