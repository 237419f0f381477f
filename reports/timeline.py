"""Faces and tracks condensed to what a chart can show. Pure functions of arrays and frames."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS, labels_for
from analytics.records import Gap

LABELS: Final = labels_for(EXPRESSIONS)
"""The order of every array in here, where the classifier has no classes of its own."""

MAX_BUCKETS: Final = 240
"""With eight labels a chart has at most about 2,000 points, and some more where gaps cut buckets."""
MAX_GAPS: Final = 200
"""Gaps that are shaded and cut buckets, the longest ones; the coverage strip shows all."""

_BUCKETS_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Usable faces of tracks, counted by smoothed label in equal buckets of time.

    A gap ends the bucket that it begins in, and a new one begins where it ends: no bucket reaches into
    time that nobody saw.
    """

    bucket_s: float
    """Length of a bucket that no gap and no end of the video cuts."""
    starts_s: NDArray[np.float64]
    """(b,) where each bucket starts."""
    ends_s: NDArray[np.float64]
    """(b,) where each bucket ends."""
    counts: NDArray[np.int64]
    """(b, labels) faces by label, in the order of the labels."""
    n_samples: NDArray[np.int64]
    """(b,) sampled frames, with faces or without."""


@dataclass(frozen=True)
class Run:
    """A stretch of one track with the same smoothed label."""

    track_id: int
    start_s: float
    end_s: float
    label: str | None
    """One of the labels; None where no usable face was near."""
    n_faces: int
    n_usable: int
    judged_s: float
    """Time that its usable faces stand for."""
    confidence: float
    """Mean of its usable faces, 0 to 1; 0 where it has none."""


@dataclass(frozen=True)
class Distribution:
    """How the judged time divides among the labels, each track weighted by its own judged time."""

    seconds: tuple[float, ...]
    """(labels,) in the order of the labels."""
    n_judged: int
    n_left_out: int
    """Tracks without a usable face, which count in nothing."""


def bucket_width(end_s: float) -> float:
    """The narrowest round width in seconds that makes at most MAX_BUCKETS buckets."""
    for width in _BUCKETS_S:
        if end_s / width <= MAX_BUCKETS:
            return width
    return math.ceil(end_s / MAX_BUCKETS / 3600) * 3600


def longest(gaps: Sequence[Gap]) -> list[Gap]:
    """The MAX_GAPS longest of them, by start."""
    return sorted(sorted(gaps, key=lambda gap: gap.start_s - gap.end_s)[:MAX_GAPS], key=lambda gap: gap.start_s)


def seen_spans(gaps: Sequence[Gap], end_s: float) -> list[tuple[float, float]]:
    """What is left of the time from 0 to end_s between gaps that are in order of their starts."""
    spans = []
    reached_s = 0.0
    for gap in gaps:
        if min(gap.start_s, end_s) > reached_s:
            spans.append((reached_s, min(gap.start_s, end_s)))
        reached_s = max(reached_s, gap.end_s)
    return [*spans, (reached_s, end_s)] if end_s > reached_s else spans


def timeline_of(
    faces: pd.DataFrame,
    sample_pts_s: NDArray[np.float64],
    end_s: float,
    gaps: Sequence[Gap],
    labels: tuple[str, ...] = LABELS,
) -> Timeline | None:
    """Buckets from 0 to end_s, less the gaps, over faces (pts_s, track_id, usable, smoothed_expression).

    A face inside a gap counts in no bucket. None where no face is usable, tracked and labelled.
    """
    codes_of = {label: code for code, label in enumerate(labels)}
    codes = faces["smoothed_expression"].astype(object).map(codes_of).fillna(-1).to_numpy(int)
    judged = faces["usable"].to_numpy(bool) & faces["track_id"].notna().to_numpy() & (codes >= 0)
    if not judged.any():
        return None
    pts_s = faces["pts_s"].to_numpy(np.float64)[judged]
    last_s = max(end_s, round(float(pts_s.max()), 6))
    width = bucket_width(last_s)
    grid = np.arange(int(last_s // width) + 1, dtype=np.float64) * width
    buckets = [
        bucket
        for start_s, until_s in seen_spans(longest(gaps), last_s)
        for bucket in pairwise([start_s, *grid[(grid > start_s) & (grid < until_s)].tolist(), until_s])
    ]
    edges = np.array(buckets, np.float64).reshape(-1, 2)

    counts = np.zeros((len(edges), len(labels)), np.int64)
    bucket, inside = _bucket_of(pts_s, edges)
    np.add.at(counts, (bucket[inside], codes[judged][inside]), 1)
    bucket, inside = _bucket_of(sample_pts_s, edges)
    n_samples = np.bincount(bucket[inside], minlength=len(edges))
    return Timeline(width, edges[:, 0], edges[:, 1], counts, n_samples)


def _bucket_of(pts_s: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The bucket of each moment, and whether it lies in it: (n,) each, from (b, 2) starts and ends."""
    # Gaps are rounded to the microsecond, and the frame that ends one must not fall into it.
    rounded_s = np.round(pts_s, 6)
    bucket = np.searchsorted(edges[:, 0], rounded_s, side="right") - 1
    return bucket, (bucket >= 0) & (rounded_s <= np.append(edges[:, 1], -1.0)[bucket])


def runs_of(
    faces: pd.DataFrame,
    sample_pts_s: NDArray[np.float64],
    end_s: float,
    gaps: Sequence[Gap],
    labels: tuple[str, ...] = LABELS,
) -> tuple[Run, ...]:
    """The runs of every track, by track and time, from faces (as in timeline_of, and confidence) in order of time.

    A face stands until the next sampled frame, whoever is in it: where its track is not, the track was out of
    sight, and a gap shows in place of a guess. No face stands for time in which nobody saw anything: a gap of
    the video ends it.
    """
    tracked = faces[faces["track_id"].notna()]
    sampled = Sampled.of(faces, sample_pts_s, end_s, gaps)
    runs: list[Run] = []
    for _, track in tracked.groupby("track_id", sort=True):
        said = track["smoothed_expression"].astype(object)
        until_s = sampled.until(track["pts_s"].to_numpy(np.float64))
        labelled = said.where(said.isin(labels), None)
        columns = zip(track["pts_s"], until_s.tolist(), labelled, track["usable"], track["confidence"], strict=True)
        runs += _runs_of_track(int(track["track_id"].iloc[0]), list(columns))
    return tuple(runs)


@dataclass(frozen=True, eq=False)
class Sampled:
    """When a video was looked at, and until when what was seen then stands."""

    moments_s: NDArray[np.float64]
    """(m,) times of the sampled frames, rising."""
    usual_s: float
    """The median distance of two of them; 0 with fewer."""
    end_s: float
    """Where what the last one shows ends."""
    gap_starts_s: NDArray[np.float64]
    """(g,) rising."""

    @staticmethod
    def of(faces: pd.DataFrame, sample_pts_s: NDArray[np.float64], end_s: float, gaps: Sequence[Gap]) -> "Sampled":
        """From faces and samples: a frame with a face was sampled, also where rows of samples are missing."""
        moments_s = np.union1d(sample_pts_s, faces["pts_s"].to_numpy(np.float64))
        usual_s = float(np.median(np.diff(moments_s))) if len(moments_s) > 1 else 0.0
        last_s = float(moments_s[-1]) if len(moments_s) else 0.0
        gap_starts_s = np.array(sorted(gap.start_s for gap in gaps), np.float64)
        return Sampled(moments_s, usual_s, max(last_s, min(last_s + usual_s, end_s)), gap_starts_s)

    def until(self, pts_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) until when each face of one track stands: the next sampled frame, or a gap that comes before."""
        # By the order of the frames, never by seconds: at low frame rates the samples are not evenly apart.
        next_s = np.append(self.moments_s, self.end_s)[np.searchsorted(self.moments_s, pts_s, side="right")]
        next_gap_s = np.append(self.gap_starts_s, np.inf)[np.searchsorted(self.gap_starts_s, pts_s, side="right")]
        earlier_s: NDArray[np.float64] = np.minimum(next_s, next_gap_s)
        return earlier_s


def _runs_of_track(track_id: int, faces: Sequence[tuple[float, float, str | None, bool, float]]) -> list[Run]:
    """From start, end, label, usable and confidence of each face."""
    runs: list[Run] = []
    for pts_s, until_s, label, usable, confidence in faces:
        if not (runs and runs[-1].label == label and runs[-1].end_s == pts_s):
            runs.append(Run(track_id, pts_s, pts_s, label, 0, 0, 0.0, 0.0))
        last = runs.pop()
        n_usable = last.n_usable + usable
        # The mean goes on from face to face.
        sure = last.confidence + (confidence - last.confidence) / n_usable if usable else last.confidence
        judged_s = last.judged_s + (until_s - pts_s if usable else 0.0)
        runs.append(Run(track_id, last.start_s, until_s, label, last.n_faces + 1, n_usable, judged_s, sure))
    return runs


def distribution_of(shares: Mapping[int, tuple[float, ...] | None], runs: Sequence[Run]) -> Distribution | None:
    """From each track's shares of its judged time by label, and the runs; None where no time was judged."""
    judged_s = dict.fromkeys(shares, 0.0)
    for run in runs:
        if run.track_id in judged_s:
            judged_s[run.track_id] += run.judged_s
    judged = [judged_s[track_id] * np.asarray(of, np.float64) for track_id, of in shares.items() if of is not None]
    seconds = np.sum(judged, axis=0).tolist() if judged else []
    if not any(seconds):
        return None
    return Distribution(tuple(seconds), len(judged), len(shares) - len(judged))
