"""From the faces of a track to what can be said of it: smoothed labels, means and shares of time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS, UNCERTAIN, labels_for
from analytics.records import FaceRows

_SMOOTHING_S: Final = 0.65
"""Reach of the smoothing to either side: three samples at two samples a second, so that one alone makes no label."""
_LEAST_PROBABILITY: Final = 0.002
"""Smaller ones count as this in a pool: no single face can rule an expression out."""
_FULL_SIZE_PX: Final = 64.0
_MOST_OF_THE_TIME: Final = 0.5
_LONGEST_STAND_S: Final = 2.0
"""A face stands for the time until the next one of its track, but never for longer than this."""

LABELS: Final = labels_for(EXPRESSIONS)
"""Of the classifiers that come with emobatch."""


@dataclass(frozen=True, eq=False)
class TrackSummary:
    """One row of `tracks`, short of the video's own columns."""

    track_id: int
    start_s: float
    end_s: float
    n_faces: int
    n_usable: int
    median_face_px: float
    probabilities: NDArray[np.float32] | None
    """(classes,) quality-weighted means; None without usable faces."""
    shares: NDArray[np.float32] | None
    """(classes + 1,) shares of the judged time by label, uncertain last; None without usable faces."""
    expression: str
    confidence: float | None
    best_pts_s: float


def labels_of(probabilities: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Label of each row (n, classes): the place of the largest probability, or n for uncertain below the threshold."""
    if not len(probabilities):
        return np.empty(0, np.int64)
    labels: NDArray[np.int64] = np.where(
        probabilities.max(axis=1) >= threshold, probabilities.argmax(axis=1), probabilities.shape[1]
    )
    return labels


def weights(faces: FaceRows) -> NDArray[np.float64]:
    """(n,) how much each face counts: by score, size and pose; zero where it is not usable."""
    side = faces.boxes[:, 2:].min(axis=1).astype(np.float64)
    size = np.clip(side / _FULL_SIZE_PX, 0, 1)
    yaw = np.cos(np.radians(np.nan_to_num(faces.yaw_deg.astype(np.float64))))
    return np.where(faces.usable, faces.score * size * np.clip(yaw, 0.1, 1), 0.0)


def smoothed_labels(faces: FaceRows, track_id: NDArray[np.int32], threshold: float) -> NDArray[np.int64]:
    """Label, as labels_of gives it, of each face's apparent expression around its moment; -1 where nothing can be said.

    The logarithmic opinion pool (Genest and Zidek 1986) of the track's usable faces within 0.65 s: the mean of
    their log-probabilities, weighted by quality, scaled to sum to one. It may name what at least two of these faces
    show, or the only one there is; so one odd face names no moment, however sure. Where nothing is left, or the
    largest is below the threshold, the label is uncertain. Outside tracks and away from usable faces there is none.
    """
    labels = np.full(len(faces), -1, np.int64)
    worth = weights(faces)
    for rows in _rows_by_track(track_id):
        counting = rows[worth[rows] > 0]
        times, theirs = faces.pts_s[rows], faces.pts_s[counting]
        first = np.searchsorted(theirs, times - _SMOOTHING_S)
        last = np.searchsorted(theirs, times + _SMOOTHING_S, side="right")
        (judged,) = np.nonzero(last > first)
        if len(judged):
            pools = _pools(faces.probabilities[counting], worth[counting], first[judged], last[judged])
            labels[rows[judged]] = labels_of(pools, threshold)
    return labels


def _pools(
    probabilities: NDArray[np.float32], worth: NDArray[np.float64], first: NDArray[np.intp], last: NDArray[np.intp]
) -> NDArray[np.float32]:
    """What the faces of each stretch of a track say together.

    Args:
        probabilities: (m, classes) of the faces that count, in order of time.
        worth: (m,) their weights.
        first: (n,) where each stretch begins among them.
        last: (n,) where it ends; it holds one face at least.

    Returns:
        (n, classes) adding up to one; less where what too few of them show was likely. That is 0.
    """
    logs = np.log(np.maximum(probabilities, _LEAST_PROBABILITY).astype(np.float64))
    said = probabilities.argmax(axis=1)
    sums, weight = np.zeros((len(first), logs.shape[1])), np.zeros(len(first))
    say_so = np.zeros(sums.shape, np.int64)
    for step in range(int((last - first).max())):
        (some,) = np.nonzero(first + step < last)
        face = first[some] + step
        sums[some] += logs[face] * worth[face, None]
        weight[some] += worth[face]
        say_so[some, said[face]] += 1
    pools = np.exp(sums / weight[:, None])
    shown = say_so >= np.minimum(2, last - first)[:, None]
    return np.where(shown, pools / pools.sum(axis=1, keepdims=True), 0.0).astype(np.float32)


def summarise(
    faces: FaceRows, track_id: NDArray[np.int32], threshold: float, names: tuple[str, ...] = LABELS
) -> list[TrackSummary]:
    """One summary a track, in the order of their numbers.

    Args:
        faces: all faces of the video.
        track_id: (n,) from 1; 0 outside any track.
        threshold: smallest probability that is not called uncertain.
        names: of the labels, uncertain last.
    """
    worth = weights(faces)
    return [
        _summary(faces, worth[rows], rows, number, threshold, names)
        for number, rows in enumerate(_rows_by_track(track_id), start=1)
    ]


def _rows_by_track(track_id: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """The rows of each track, in the order of their numbers, each in order of time."""
    by_track = np.argsort(track_id, kind="stable").astype(np.int64)
    counts = np.bincount(track_id, minlength=1)
    return np.split(by_track, np.cumsum(counts)[:-1])[1:]


def _summary(
    faces: FaceRows,
    worth: NDArray[np.float64],
    rows: NDArray[np.int64],
    number: int,
    threshold: float,
    names: tuple[str, ...],
) -> TrackSummary:
    usable = faces.usable[rows]
    times, side = faces.pts_s[rows], faces.boxes[rows, 2:].min(axis=1)
    best = int(np.argmax(worth)) if usable.any() else int(np.argmax(faces.score[rows]))
    mean = shares = confidence = None
    expression = UNCERTAIN
    if usable.any():
        probabilities = faces.probabilities[rows][usable]
        mean = np.average(probabilities.astype(np.float64), axis=0, weights=worth[usable]).astype(np.float32)
        confidence = float(mean.max())
        stands = _stands_for(times)[usable]
        labels = labels_of(probabilities, threshold)
        shares = (np.bincount(labels, stands, len(names)) / stands.sum()).astype(np.float32)
        likeliest = int(mean.argmax())
        # Somebody who smiles for most of the time is happy, however sure the rest of the time was of something else.
        if confidence >= threshold or shares[likeliest] >= _MOST_OF_THE_TIME:
            expression = names[likeliest]
    return TrackSummary(
        track_id=number,
        start_s=float(times[0]),
        end_s=float(times[-1]),
        n_faces=len(rows),
        n_usable=int(usable.sum()),
        median_face_px=float(np.median(side)),
        probabilities=mean,
        shares=shares,
        expression=expression,
        confidence=confidence,
        best_pts_s=float(times[best]),
    )


def _stands_for(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds that each face of a track stands for: until the next one; the last as long as the usual."""
    steps = np.diff(times)
    return np.clip(np.append(steps, np.median(steps)), 0, _LONGEST_STAND_S)
