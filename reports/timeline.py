"""Faces and tracks condensed to what a chart can show. Pure functions of arrays and frames."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS, UNCERTAIN

LABELS: Final = (*EXPRESSIONS, UNCERTAIN)
"""The order of every array in here."""

MAX_BUCKETS: Final = 240
"""With eight labels a chart has at most about 2,000 points."""

_CODES: Final = {label: code for code, label in enumerate(LABELS)}
_BUCKETS_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Usable faces of tracks, counted by smoothed label in equal buckets of time."""

    bucket_s: float
    starts_s: NDArray[np.float64]
    """(b,) where each bucket starts."""
    counts: NDArray[np.int64]
    """(b, 8) faces by label, in the order of LABELS."""
    n_samples: NDArray[np.int64]
    """(b,) sampled frames, with faces or without."""


@dataclass(frozen=True)
class Run:
    """A stretch of one track with the same smoothed label."""

    track_id: int
    start_s: float
    end_s: float
    label: str | None
    """One of LABELS; None where no usable face was near."""
    n_faces: int
    n_usable: int


@dataclass(frozen=True)
class Distribution:
    """How the tracked time divides among the labels, each track weighted by its duration."""

    seconds: tuple[float, ...]
    """(8,) in the order of LABELS."""
    n_judged: int
    n_left_out: int
    """Tracks without a usable face, which count in nothing."""


def bucket_width(end_s: float) -> float:
    """The narrowest round width in seconds that makes at most MAX_BUCKETS buckets."""
    for width in _BUCKETS_S:
        if end_s / width <= MAX_BUCKETS:
            return width
    return math.ceil(end_s / MAX_BUCKETS / 3600) * 3600


def timeline_of(faces: pd.DataFrame, sample_pts_s: NDArray[np.float64], end_s: float) -> Timeline | None:
    """Buckets from 0 to end_s over faces (pts_s, track_id, usable, smoothed_expression).

    None where no face is usable, tracked and labelled.
    """
    codes = faces["smoothed_expression"].astype(object).map(_CODES).fillna(-1).to_numpy(int)
    judged = faces["usable"].to_numpy(bool) & faces["track_id"].notna().to_numpy() & (codes >= 0)
    if not judged.any():
        return None
    pts_s = faces["pts_s"].to_numpy(np.float64)[judged]
    last_s = max(end_s, float(pts_s.max()))
    width = bucket_width(last_s)
    n_buckets = int(last_s // width) + 1

    counts = np.zeros((n_buckets, len(LABELS)), np.int64)
    np.add.at(counts, ((pts_s // width).astype(int), codes[judged]), 1)
    inside = sample_pts_s[(sample_pts_s >= 0) & (sample_pts_s < n_buckets * width)]
    n_samples = np.bincount((inside // width).astype(int), minlength=n_buckets)
    return Timeline(width, np.arange(n_buckets, dtype=np.float64) * width, counts, n_samples)


def runs_of(faces: pd.DataFrame, step_s: float, end_s: float) -> tuple[Run, ...]:
    """The runs of every track, by track and time, from faces (as in timeline_of) in order of time.

    step_s is the usual distance of two sampled frames. A face stands for the time until the next
    face of its track; where that is more than one and a half steps away the track was out of sight,
    and the face stands for one step, so that a gap shows in place of a guess.
    """
    tracked = faces[faces["track_id"].notna()]
    runs: list[Run] = []
    for _, track in tracked.groupby("track_id", sort=True):
        labels = track["smoothed_expression"].astype(object)
        columns = zip(track["pts_s"], labels.where(labels.isin(LABELS), None), track["usable"], strict=True)
        runs += _runs_of_track(int(track["track_id"].iloc[0]), list(columns), step_s, end_s)
    return tuple(runs)


def _runs_of_track(
    track_id: int, faces: Sequence[tuple[float, str | None, bool]], step_s: float, end_s: float
) -> list[Run]:
    next_starts = [*(pts_s for pts_s, _, _ in faces[1:]), math.inf]
    runs: list[Run] = []
    for (pts_s, label, usable), next_s in zip(faces, next_starts, strict=True):
        until_s = next_s if next_s <= pts_s + 1.5 * step_s else max(pts_s, min(pts_s + step_s, end_s))
        if runs and runs[-1].label == label and runs[-1].end_s == pts_s:
            last = runs.pop()
            runs.append(Run(track_id, last.start_s, until_s, label, last.n_faces + 1, last.n_usable + int(usable)))
        else:
            runs.append(Run(track_id, pts_s, until_s, label, 1, int(usable)))
    return runs


def distribution_of(tracks: Iterable[tuple[float, tuple[float, ...] | None]]) -> Distribution | None:
    """From each track's duration in seconds and its shares by label; None where no track has shares."""
    tracks = list(tracks)
    judged = [(duration_s, shares) for duration_s, shares in tracks if shares is not None]
    if not judged:
        return None
    seconds = sum(duration_s * np.asarray(shares, np.float64) for duration_s, shares in judged)
    return Distribution(tuple(np.asarray(seconds).tolist()), len(judged), len(tracks) - len(judged))
