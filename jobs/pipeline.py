"""From one file to its rows: the table of contents of emobatch.

    plan → decode → sample → gate → detect → crop → classify      for the frames of each segment
    track → smooth → aggregate → write                             for the video

Each step is a named call below.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.aggregate import TrackSummary, labels_of, smoothed_labels, summarise
from analytics.coverage import LEAST_COVERAGE, Coverage, cover
from analytics.decode import DecodeOutcome, SampledFrame, decode_samples
from analytics.errors import UsageError, VideoError
from analytics.footage import Footage, facts_of
from analytics.packets import list_packets
from analytics.plan import PlanFacts, VideoPlan, facts_of_plan, plan_video, sampled_frames, with_corrupt_samples
from analytics.quality import judge
from analytics.records import Detections, FaceRows, Pulse, Quality, SampleRows
from analytics.segments import Segment, cut
from analytics.track import link
from analytics.upright import PictureShape
from jobs.heap import keep_freed_memory
from jobs.options import RunOptions
from jobs.search import FaceSearch
from models.classifier import ExpressionClassifier
from models.crop import crop_faces
from models.detectors import DETECTORS, FaceDetector
from models.obstruction import obstructed

_FACES_A_BATCH = 32
"""Faces that are classified one after the other: what the network knows has left the cache when a picture is decoded."""


@dataclass(frozen=True, eq=False)
class Engines:
    """What is loaded once and used for every video."""

    detector: FaceDetector
    classifier: ExpressionClassifier
    settings_hash: str
    loaded_by: tuple[object, ...] = ()
    """The settings that chose detector and classifier."""

    @staticmethod
    def load(options: RunOptions, others: Iterable["Engines"] = ()) -> "Engines":
        """Load detector and classifier.

        Args:
            options: what chooses them.
            others: what this thread has loaded already; cameras that differ in their masks alone share it.

        Raises:
            UsageError: an unknown name, or weights that are missing or damaged.
        """
        if options.detector not in DETECTORS:
            raise UsageError(
                f"--detector {options.detector}: no such detector", f"choose one of: {', '.join(DETECTORS)}"
            )
        loaded_by = options.detector, options.min_score, options.long_side, options.model
        if shared := next((one for one in others if one.loaded_by == loaded_by), None):
            decisive = shared.detector.sha256, shared.classifier.facts.decisive
            return replace(shared, settings_hash=options.settings_hash(*decisive))
        keep_freed_memory()
        cv2.setNumThreads(1)  # Processes, one a core, are what runs in parallel.
        detector = DETECTORS[options.detector](min_score=options.min_score, long_side=options.long_side)
        classifier = ExpressionClassifier(options.model)
        facts = classifier.facts
        return Engines(detector, classifier, options.settings_hash(detector.sha256, facts.decisive), loaded_by)


@dataclass(frozen=True, eq=False)
class SegmentRows:
    """What the frames of one segment gave, or of several that follow one another. Depends on their pixels alone."""

    decoded: NDArray[np.bool_]
    """(frames,) which frames of the segment came out undamaged."""
    samples: SampleRows
    faces: FaceRows
    shape: PictureShape | None
    errors: int
    """Packets that could not be decoded."""
    elapsed_s: float

    @staticmethod
    def joined(parts: "Iterable[SegmentRows]") -> "SegmentRows":
        """The rows of several segments, at least one, in order of time."""
        each = list(parts)
        return SegmentRows(
            decoded=np.concatenate([part.decoded for part in each]),
            samples=SampleRows.joined([part.samples for part in each]),
            faces=FaceRows.joined([part.faces for part in each]),
            shape=next((part.shape for part in each if part.shape), None),
            errors=sum(part.errors for part in each),
            elapsed_s=sum(part.elapsed_s for part in each),
        )


@dataclass(frozen=True, eq=False)
class VideoResult:
    """Everything that a video gave, before it becomes tables."""

    plan: PlanFacts
    shape: PictureShape
    decoded: NDArray[np.bool_]
    """(frames,) which frames came out undamaged."""
    errors: int
    coverage: Coverage
    samples: SampleRows
    faces: FaceRows
    track_id: NDArray[np.int32]
    """(faces,) from 1; 0 outside any track."""
    labels: NDArray[np.int64]
    """(faces,) index into the classifier's labels."""
    smoothed: NDArray[np.int64]
    """The same, smoothed; -1 where nothing can be said."""
    tracks: list[TrackSummary]
    elapsed_s: float

    @property
    def status(self) -> str:
        """done, or partial where damage left too little."""
        return "done" if self.coverage.share >= LEAST_COVERAGE else "partial"


def plan_file(path: Path, options: RunOptions, pulse: Pulse) -> tuple[VideoPlan, list[Segment]]:
    """List the packets of a file; plan its samples and its segments.

    Raises:
        VideoError: the file is no video.
    """
    plan = plan_video(list_packets(path, pulse), options.every, options.keyframes)
    return plan, cut(plan, options.segment, options.every)


def read_segment(
    path: Path,
    plan: VideoPlan,
    segment: Segment,
    options: RunOptions,
    engines: Engines,
    pulse: Pulse,
    shape: PictureShape | None = None,
) -> SegmentRows:
    """Turn the frames of a segment into rows.

    Args:
        path: the video.
        plan: of the whole video.
        segment: the stretch of it.
        options: what to do.
        engines: what to do it with.
        pulse: beats as the work goes on.
        shape: that of the video's first sound frame, where the segment is not the first.

    Raises:
        VideoError: the file cannot be opened.
    """
    started = time.monotonic()
    outcome = DecodeOutcome(decoded=np.zeros(len(segment), np.bool_), shape=shape, pulse=pulse)
    samples, faces = read_faces(decode_samples(path, plan, segment, outcome, options.masks), options, engines)
    return SegmentRows(
        decoded=outcome.decoded,
        samples=samples,
        faces=faces,
        shape=outcome.shape,
        errors=outcome.errors,
        elapsed_s=time.monotonic() - started,
    )


def finish_video(
    path: Footage, plan: VideoPlan, rows: SegmentRows, options: RunOptions, engines: Engines
) -> VideoResult:
    """Link, smooth and sum up all rows of a video. Writes nothing.

    Args:
        path: the video.
        plan: of the whole video.
        rows: of all its segments.
        options: what to do.
        engines: what the rows were made with.

    Raises:
        VideoError: no frame of the video could be decoded.
    """
    started = time.monotonic()
    if rows.shape is None:
        raise VideoError(f"{path}: none of its {len(rows.decoded)} frames can be decoded", "copy it again")
    faces = rows.faces
    coverage = cover(plan, rows.decoded, facts_of(path).size / plan.duration_s)

    threshold = engines.classifier.facts.threshold
    # At a sample every few seconds a track must outlast more than one missed sighting, too.
    apart_s = max(float(options.every), _keyframes_apart_s(plan) if plan.keyframes_only else 0.0)
    tracking = replace(options.tracking, max_gap_s=max(options.tracking.max_gap_s, apart_s * 2.5))
    track_id = link(faces.pts_s, faces.boxes, faces.score, tracking)
    smoothed = smoothed_labels(faces, track_id, threshold)
    tracks = summarise(faces, track_id, threshold, engines.classifier.facts.labels)
    return VideoResult(
        plan=facts_of_plan(plan),
        shape=rows.shape,
        decoded=rows.decoded,
        errors=rows.errors,
        coverage=coverage,
        samples=with_corrupt_samples(rows.samples, plan),
        faces=faces,
        track_id=track_id,
        labels=labels_of(faces.probabilities, threshold),
        smoothed=smoothed,
        tracks=tracks,
        elapsed_s=rows.elapsed_s + time.monotonic() - started,
    )


def _keyframes_apart_s(plan: VideoPlan) -> float:
    """How far apart nearly all neighbouring samples are at most, seconds."""
    steps = np.diff(plan.times_s[sampled_frames(plan)])
    return float(np.quantile(steps, 0.95)) if len(steps) else 0.0


def read_faces(frames: Iterator[SampledFrame], options: RunOptions, engines: Engines) -> tuple[SampleRows, FaceRows]:
    """Search, judge and classify the faces of sampled frames.

    Faces of several frames are classified together. A face that has not changed since the sample before keeps its row;
    every other one depends on its own frame's pixels alone.
    """
    search = FaceSearch(engines.detector, options)
    numbers: list[int] = []
    times_s: list[float] = []
    counts: list[int] = []
    gates: list[str] = []
    seen = [FaceRows.none(len(engines.classifier.facts.columns))]
    waiting: list[tuple[FaceRows, NDArray[np.uint8]]] = []
    n_seen = 0
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    """Of each sample: which of the faces seen so far each of its faces is."""
    for frame, found in search.faces_in(frames):
        numbers.append(frame.sample)
        times_s.append(frame.pts_s)
        counts.append(len(found.faces))
        gates.append(found.gate)
        new = found.faces.only(found.held < 0)
        places = rows[-1][found.held] if len(rows[-1]) else np.empty(len(found.held), np.int64)
        places[found.held < 0] = n_seen + np.arange(len(new))
        rows.append(places)
        n_seen += len(new)
        if not len(new):
            continue
        crops = crop_faces(frame.picture, new, engines.classifier.facts.size)
        hidden = options.masks.hide(new.boxes, *frame.size[::-1]) | obstructed(crops)
        quality = judge(new, crops, options.quality, hidden)
        waiting.append((_unclassified(frame, new, quality, len(engines.classifier.facts.columns)), crops))
        if sum(len(crops) for _, crops in waiting) >= _FACES_A_BATCH:
            seen.append(_classified(waiting, engines.classifier))
            waiting = []
    if waiting:
        seen.append(_classified(waiting, engines.classifier))
    faces = FaceRows.joined(seen).at(np.concatenate(rows))
    faces = replace(
        faces,
        sample=np.repeat(np.array(numbers, np.int32), counts),
        pts_s=np.repeat(np.array(times_s, np.float64), counts),
    )
    return SampleRows.of(numbers, times_s, counts, gates), faces


def _unclassified(frame: SampledFrame, found: Detections, quality: Quality, columns: int) -> FaceRows:
    n = len(found)
    return FaceRows(
        sample=np.full(n, frame.sample, np.int32),
        pts_s=np.full(n, frame.pts_s),
        boxes=found.boxes,
        score=found.scores,
        sharpness=quality.sharpness,
        yaw_deg=quality.yaw_deg,
        pitch_deg=quality.pitch_deg,
        brightness=quality.brightness,
        usable=quality.usable,
        probabilities=np.zeros((n, columns), np.float32),
    )


def _classified(waiting: list[tuple[FaceRows, NDArray[np.uint8]]], classifier: ExpressionClassifier) -> FaceRows:
    rows = FaceRows.joined([part for part, _ in waiting])
    rows.probabilities[:] = classifier.classify(np.concatenate([crops for _, crops in waiting]))
    return rows
