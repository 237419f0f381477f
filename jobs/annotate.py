"""`emobatch annotate`: a copy of a video with boxes, track ids and apparent expressions drawn in."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.decode import SampledFrame
from analytics.expressions import EXPRESSIONS
from analytics.masks import PAINT, Masks
from analytics.overlay import Drawn
from analytics.rewrite import Copying, rewrite
from jobs.copying import Copied, lost_of, original_of
from jobs.known import KnownFaces, known_faces
from jobs.passes import Passes
from jobs.writing import disk_errors_told
from reports.caption import Captions, Shown

_LONGEST_STEP_S: Final = 2.0
"""Between two samples of a track that lie further apart its box is not drawn."""


@dataclass(frozen=True, kw_only=True)
class AnnotateOptions:
    """One invocation of `emobatch annotate`."""

    video: str
    file: Path
    tracks: str | None = None
    """OUT of a run that saw the video; None runs the pipeline with the settings of a plain run."""
    force: bool = False
    copying: Copying = field(default_factory=Copying)


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotated(Copied):
    """What was done."""

    with_faces: int
    """Frames in which a face is drawn."""
    tracks: list[int]

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "file": str(self.file),
            "frames": self.frames,
            "frames_with_faces": self.with_faces,
            "tracks": self.tracks,
            **self.rest_to_json(),
        }


def annotate(options: AnnotateOptions, passes: Passes) -> Annotated:
    """Write the copy.

    Raises:
        UsageError: the paths, OUT, or what the copy's container cannot hold.
        VideoError: the video cannot be opened, or none of its frames decoded.
        EmobatchError: the copy cannot be written.
    """
    started = time.monotonic()
    original = original_of(options.video, options.file, options.copying, force=options.force)
    plan = original.plan
    known = known_faces(original.path, options.tracks, passes.begin("faces", plan.duration_s))
    drawing = _Drawing(Moments(known), known.masks)
    with disk_errors_told(options.file, "nothing is half-written"):
        written = rewrite(
            original.path,
            options.file,
            original.listed,
            plan,
            drawing.draw,
            options.copying,
            lambda: passes.begin("copy", plan.duration_s),
            original.approve,
            replace=options.force,
        )
    return Annotated(
        file=options.file,
        frames=int(written.outcome.decoded.sum()),
        with_faces=drawing.with_faces,
        tracks=known.tracks,
        left_behind=written.left_behind,
        dropped=written.dropped,
        lost=lost_of(original, written.outcome.decoded),
        elapsed_s=time.monotonic() - started,
    )


class Moments:
    """Tells which faces are to be drawn at any time: between samples boxes go straight on, labels are the nearest one's.

    Args:
        known: the faces of the samples.
    """

    def __init__(self, known: KnownFaces) -> None:
        self._known = known
        steps = np.diff(known.samples_s)
        self.reach_s = float(np.median(steps)) / 2 if len(steps) else 0.25
        """How long before its first and after its last sample a face is drawn, where it stood there."""
        self._rows = [np.flatnonzero(known.track_id == number) for number in known.tracks]
        # A face outside any track has nobody to go on to.
        self._rows += [np.array([row]) for row in np.flatnonzero(known.track_id == 0)]
        self._from = np.array([known.pts_s[rows[0]] for rows in self._rows]) - self.reach_s
        last = np.array([known.pts_s[rows[-1]] for rows in self._rows])
        # After the last sample of all nobody looked again, so what it showed holds for a whole step.
        is_end = last >= known.samples_s.max(initial=0.0)
        self._until = last + np.where(is_end, 2.2 * self.reach_s, self.reach_s)

    def at(self, now_s: float) -> list[Shown]:
        """What is drawn at a time, in seconds."""
        if not self._rows:
            return []
        present = np.flatnonzero((self._from <= now_s) & (now_s <= self._until))
        return [shown for k in present.tolist() if (shown := self._shown(self._rows[k], now_s)) is not None]

    def _shown(self, rows: NDArray[np.int64], now_s: float) -> Shown | None:
        known = self._known
        times = known.pts_s[rows]
        after = int(np.searchsorted(times, now_s))
        if 0 < after < len(rows) and times[after] - times[after - 1] > _LONGEST_STEP_S:
            return None
        near = min((k for k in (after - 1, after) if 0 <= k < len(rows)), key=lambda k: abs(times[k] - now_s))
        x, y, w, h = (float(np.interp(now_s, times, known.boxes[rows, k])) for k in range(4))
        row = int(rows[near])
        probabilities = known.probabilities[row]
        known_ones = np.nan_to_num(probabilities, nan=0.0)
        return Shown(
            box=(x, y, w, h),
            track_id=int(known.track_id[row]),
            label=known.smoothed[row] or known.expression[row],
            alone=known.expression[row],
            likeliest=known.classes[int(known_ones.argmax())],
            confidence=float(known.confidence[row]),
            usable=bool(known.usable[row]),
            probabilities=tuple(known_ones[: len(EXPRESSIONS)].tolist()) if known.usable[row] else None,
        )


class _Drawing:
    """Draws on one frame after the other."""

    def __init__(self, moments: Moments, masks: Masks) -> None:
        self._moments, self._masks = moments, masks
        self._captions: Captions | None = None
        self.with_faces = 0

    def draw(self, frame: SampledFrame) -> Drawn:
        if self._captions is None:
            self._captions = Captions(*frame.size)
        faces = self._moments.at(frame.pts_s)
        self.with_faces += bool(faces)
        frame = replace(frame, masks=self._masks)
        before = frame.picture.copy()
        words = "apparent expression" if faces else "no face found"
        self._captions.draw(frame.picture, faces, f"{_clock(frame.pts_s)} {words}")
        touched = (frame.picture != before).any(axis=2)
        if self._masks:
            touched |= (before == PAINT).all(axis=2)  # And what is of this grey anyway, which stays what it is.
        return Drawn(frame.picture, touched)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds * 10) / 10, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}"
