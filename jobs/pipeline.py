"""From one file to its rows: the table of contents of emobatch.

    plan → decode → sample → detect → crop → classify      for the frames
    track → smooth → aggregate → write                      for the video

Each step is a named call below.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.aggregate import TrackSummary, labels_of, smoothed_labels, summarise
from analytics.container import PacketList, list_packets
from analytics.coverage import LEAST_COVERAGE, Coverage, cover
from analytics.decode import DecodeOutcome, SampledFrame, decode_samples
from analytics.errors import UsageError, VideoError
from analytics.plan import VideoPlan, plan_video, sampled_frames
from analytics.quality import judge
from analytics.records import FaceRows, Quality, SampleRow
from analytics.track import link
from jobs.options import RunOptions
from models.classifier import ExpressionClassifier
from models.crop import crop_faces
from models.detectors import DETECTORS, FaceDetector

_FACES_A_BATCH = 32


@dataclass(frozen=True, eq=False)
class Engines:
    """What is loaded once and used for every video."""

    detector: FaceDetector
    classifier: ExpressionClassifier
    settings_hash: str

    @staticmethod
    def load(options: RunOptions) -> "Engines":
        """Load detector and classifier.

        Raises:
            UsageError: an unknown name, or weights that are missing or damaged.
        """
        if options.detector not in DETECTORS:
            raise UsageError(
                f"--detector {options.detector}: no such detector", f"choose one of: {', '.join(DETECTORS)}"
            )
        detector = DETECTORS[options.detector](min_score=options.min_score, long_side=options.long_side)
        classifier = ExpressionClassifier(options.model)
        facts = classifier.facts
        return Engines(detector, classifier, options.settings_hash(detector.sha256, facts.sha256, facts.threshold))


@dataclass(frozen=True, eq=False)
class VideoResult:
    """Everything that a video gave, before it becomes tables."""

    listed: PacketList
    plan: VideoPlan
    outcome: DecodeOutcome
    coverage: Coverage
    samples: list[SampleRow]
    faces: FaceRows
    track_id: NDArray[np.int32]
    """(faces,) from 1; 0 outside any track."""
    labels: NDArray[np.int64]
    """(faces,) index into LABELS."""
    smoothed: NDArray[np.int64]
    """(faces,) index into LABELS; -1 where nothing can be said."""
    tracks: list[TrackSummary]
    elapsed_s: float

    @property
    def status(self) -> str:
        """done, or partial where damage left too little."""
        return "done" if self.coverage.share >= LEAST_COVERAGE else "partial"


def process_video(path: Path, options: RunOptions, engines: Engines) -> VideoResult:
    """Turn one recorded file into rows. Writes nothing.

    Raises:
        VideoError: the file is no video, or no frame of it can be decoded.
    """
    started = time.monotonic()
    listed = list_packets(path)
    plan = plan_video(listed, options.every)
    outcome = DecodeOutcome(decoded=np.zeros(len(plan.times_s), np.bool_))

    frames = decode_samples(path, plan, outcome)
    samples, faces = read_faces(frames, options, engines)
    if not outcome.decoded.any():
        raise VideoError(f"{path}: none of its {len(plan.times_s)} frames can be decoded", "copy it again")
    samples = with_corrupt_samples(samples, plan, outcome)
    coverage = cover(plan, outcome.decoded, path.stat().st_size / plan.duration_s)

    threshold = engines.classifier.facts.threshold
    # At a sample every few seconds a track must outlast more than one missed sighting, too.
    tracking = replace(options.tracking, max_gap_s=max(options.tracking.max_gap_s, float(options.every) * 2.5))
    track_id = link(faces.pts_s, faces.boxes, faces.score, tracking)
    smoothed = smoothed_labels(faces, track_id, threshold)
    tracks = summarise(faces, track_id, threshold)
    return VideoResult(
        listed=listed,
        plan=plan,
        outcome=outcome,
        coverage=coverage,
        samples=samples,
        faces=faces,
        track_id=track_id,
        labels=labels_of(faces.probabilities, threshold),
        smoothed=smoothed,
        tracks=tracks,
        elapsed_s=time.monotonic() - started,
    )


def read_faces(
    frames: Iterator[SampledFrame], options: RunOptions, engines: Engines
) -> tuple[list[SampleRow], FaceRows]:
    """Search, judge and classify the faces of sampled frames.

    Faces of several frames are classified together; a row depends on its own frame's pixels alone.
    """
    samples: list[SampleRow] = []
    parts: list[FaceRows] = []
    waiting: list[tuple[FaceRows, NDArray[np.uint8]]] = []
    for frame in frames:
        found = engines.detector.detect(frame.picture)
        found = found.only(found.boxes[:, 2:].min(axis=1, initial=np.inf) >= options.min_face)
        samples.append(SampleRow(frame.sample, frame.pts_s, len(found), "detected"))
        if not len(found):
            continue
        crops = crop_faces(frame.picture, found, engines.classifier.facts.size)
        rows = _unclassified(frame, found.boxes, found.scores, judge(found, crops, options.quality))
        waiting.append((rows, crops))
        if sum(len(crops) for _, crops in waiting) >= _FACES_A_BATCH:
            parts.append(_classified(waiting, engines.classifier))
            waiting = []
    if waiting:
        parts.append(_classified(waiting, engines.classifier))
    return samples, FaceRows.joined(parts)


def _unclassified(
    frame: SampledFrame, boxes: NDArray[np.float32], scores: NDArray[np.float32], quality: Quality
) -> FaceRows:
    n = len(scores)
    return FaceRows(
        sample=np.full(n, frame.sample, np.int32),
        pts_s=np.full(n, frame.pts_s),
        boxes=boxes,
        score=scores,
        sharpness=quality.sharpness,
        yaw_deg=quality.yaw_deg,
        pitch_deg=quality.pitch_deg,
        brightness=quality.brightness,
        usable=quality.usable,
        probabilities=np.zeros((n, 7), np.float32),
    )


def _classified(waiting: list[tuple[FaceRows, NDArray[np.uint8]]], classifier: ExpressionClassifier) -> FaceRows:
    rows = FaceRows.joined([part for part, _ in waiting])
    rows.probabilities[:] = classifier.classify(np.concatenate([crops for _, crops in waiting]))
    return rows


def with_corrupt_samples(samples: list[SampleRow], plan: VideoPlan, outcome: DecodeOutcome) -> list[SampleRow]:
    """The samples with a row for each planned one of which no frame could be decoded, in order of time."""
    corrupt = [
        SampleRow(int(plan.cells[frame]), float(plan.times_s[frame]), 0, "corrupt")
        for frame in sampled_frames(plan)
        if int(plan.cells[frame]) not in outcome.sampled
    ]
    return sorted(samples + corrupt, key=lambda row: row.sample)
