"""Labels, means and shares of tracks, on rows whose answer can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.aggregate import LABELS, labels_of, smoothed_labels, summarise, weights
from analytics.expressions import EXPRESSIONS, UNCERTAIN
from analytics.records import FaceRows

_THRESHOLD = 0.55
_HAPPY, _NEUTRAL, _SAD = (EXPRESSIONS.index(name) for name in ("happy", "neutral", "sad"))
_UNCERTAIN = LABELS.index(UNCERTAIN)


def rows(
    said: list[int],
    *,
    times: list[float] | None = None,
    sure: float | list[float] = 1.0,
    usable: bool | list[bool] = True,
    side: float | list[float] = 64.0,
    yaw: float | list[float] = 0.0,
    score: float | list[float] = 1.0,
) -> FaceRows:
    """Faces half a second apart: face k shows expression said[k] with probability sure[k], the rest spread evenly."""
    n = len(said)
    largest = np.broadcast_to(np.asarray(sure, np.float32), n)
    probabilities = np.repeat(((1 - largest) / 6)[:, None], 7, axis=1)
    probabilities[np.arange(n), said] = largest
    sides = np.broadcast_to(np.asarray(side, np.float32), n)
    zeros = np.zeros(n, np.float32)
    return FaceRows(
        sample=np.arange(n, dtype=np.int32),
        pts_s=np.arange(n) / 2 if times is None else np.array(times, np.float64),
        boxes=np.stack([zeros, zeros, sides, sides * 1.25], axis=1),
        score=np.broadcast_to(np.asarray(score, np.float32), n).copy(),
        sharpness=zeros + 1,
        yaw_deg=np.broadcast_to(np.asarray(yaw, np.float32), n).copy(),
        pitch_deg=zeros,
        brightness=zeros + 0.5,
        usable=np.broadcast_to(np.asarray(usable, np.bool_), n).copy(),
        probabilities=probabilities.astype(np.float32),
    )


def one_track(faces: FaceRows) -> NDArray[np.int32]:
    """All faces in track 1."""
    return np.ones(len(faces), np.int32)


def test_label_is_the_largest_or_uncertain() -> None:
    """At the threshold a label is given, below it is not; nothing gives nothing."""
    faces = rows([_HAPPY, _SAD, _SAD], sure=[0.9, 0.5, 0.25])
    assert labels_of(faces.probabilities, 0.5).tolist() == [_HAPPY, _SAD, _UNCERTAIN]
    assert labels_of(np.empty((0, 7), np.float32), 0.5).shape == (0,)


def test_unusable_faces_weigh_nothing() -> None:
    """However sure the detector and however large the face."""
    assert weights(rows([_HAPPY] * 3, usable=[True, False, True], side=300)).tolist() == [1, 0, 1]


def test_better_faces_weigh_more() -> None:
    """Larger up to 64 px, more frontal and surer of being a face; an unknown pose costs nothing."""
    assert weights(rows([0] * 4, side=[16, 32, 64, 128])).tolist() == pytest.approx([0.25, 0.5, 1, 1])
    assert weights(rows([0] * 3, yaw=[0, 60, -60])).tolist() == pytest.approx([1, 0.5, 0.5])
    assert weights(rows([0] * 2, score=[0.5, 1])).tolist() == pytest.approx([0.5, 1])
    assert weights(rows([0] * 2, yaw=[np.nan, 0])).tolist() == [1, 1]


@pytest.mark.parametrize("at", range(2, 5))
@pytest.mark.parametrize("sure", [0.6, 0.8, 1.0])
def test_a_single_flicker_makes_no_smoothed_label(at: int, sure: float) -> None:
    """One odd face among equal neighbours never names its moment, and its neighbours keep their label."""
    said = [_NEUTRAL] * 7
    said[at] = _HAPPY
    faces = rows(said, sure=sure)
    smoothed = smoothed_labels(faces, one_track(faces), 0.3)
    assert set(smoothed.tolist()) == {_NEUTRAL}


@pytest.mark.parametrize("at", [0, 1, 3, 4])
def test_a_single_flicker_near_an_end_makes_no_smoothed_label(at: int) -> None:
    """The first and the last face have one neighbour: where the two disagree, neither names the moment."""
    said = [_NEUTRAL] * 5
    said[at] = _HAPPY
    faces = rows(said)
    assert set(smoothed_labels(faces, one_track(faces), _THRESHOLD).tolist()) == {_NEUTRAL, _UNCERTAIN}


def test_two_samples_make_a_smoothed_label() -> None:
    """A smile of a second is kept."""
    faces = rows([_NEUTRAL] * 3 + [_HAPPY] * 2 + [_NEUTRAL] * 3)
    expected = [_NEUTRAL] * 3 + [_HAPPY] * 2 + [_NEUTRAL] * 3
    assert smoothed_labels(faces, one_track(faces), _THRESHOLD).tolist() == expected


def test_smoothing_reaches_neither_other_tracks_nor_far_moments() -> None:
    """Each track is smoothed for itself, over its near moments, and faces outside tracks get no label."""
    faces = rows([_HAPPY, _SAD, _HAPPY, _SAD, _NEUTRAL, _NEUTRAL], times=[0, 0, 0.5, 0.5, 1.4, 1.4])
    ids = np.array([1, 2, 1, 2, 1, 0], np.int32)
    assert smoothed_labels(faces, ids, _THRESHOLD).tolist() == [_HAPPY, _SAD, _HAPPY, _SAD, _NEUTRAL, -1]


def test_unusable_faces_are_labelled_by_their_usable_neighbours() -> None:
    """A blurred moment between two clear ones takes their label; without one near it has none."""
    faces = rows([_HAPPY, _SAD, _HAPPY, _SAD, _SAD], usable=[True, False, True, False, False])
    assert smoothed_labels(faces, one_track(faces), _THRESHOLD).tolist() == [_HAPPY] * 4 + [-1]


def test_summary_of_a_track() -> None:
    """Every figure of a track of four faces, one of them unusable, worked out by hand."""
    faces = rows(
        [_HAPPY, _HAPPY, _SAD, _SAD],
        times=[2.0, 2.5, 3.0, 5.0],
        sure=[0.8, 0.4, 0.6, 1.0],
        usable=[True, True, True, False],
        side=[32, 32, 64, 128],
    )
    (track,) = summarise(faces, one_track(faces), _THRESHOLD)
    assert (track.track_id, track.start_s, track.end_s, track.n_faces, track.n_usable) == (1, 2.0, 5.0, 4, 3)
    assert track.median_face_px == 48
    assert track.best_pts_s == 3.0
    # Weights 1/2, 1/2 and 1.
    happy = (0.8 / 2 + 0.4 / 2 + 0.4 / 6) / 2
    assert track.probabilities is not None and track.shares is not None
    assert track.probabilities[_HAPPY] == pytest.approx(happy, abs=1e-6)
    assert track.probabilities.sum() == pytest.approx(1, abs=1e-5)
    # The face at 2.0 stands for 0.5 s, the one at 2.5 too, the one at 3.0 for 2 s; the last is not judged.
    assert track.shares[[_HAPPY, _UNCERTAIN, _SAD]].tolist() == pytest.approx([0.5 / 3, 0.5 / 3, 2 / 3])
    assert track.confidence == pytest.approx(happy, abs=1e-6)
    assert track.expression == UNCERTAIN


def test_a_clear_track_has_its_label() -> None:
    """A mean at or above the threshold names the track."""
    faces = rows([_HAPPY, _HAPPY, _SAD], sure=[0.9, 0.9, 0.6])
    (track,) = summarise(faces, one_track(faces), _THRESHOLD)
    assert track.expression == "happy" and track.confidence == pytest.approx((0.9 + 0.9 + 0.4 / 6) / 3, abs=1e-6)


def test_a_mean_below_the_threshold_is_uncertain() -> None:
    """A face that changes all the time is called nothing, and its confidence tells why."""
    faces = rows([0, 1, 2, 3, 4, 5, 6])
    (track,) = summarise(faces, one_track(faces), _THRESHOLD)
    assert track.expression == UNCERTAIN and track.confidence == pytest.approx(1 / 7, abs=1e-6)
    assert track.shares is not None and track.shares.tolist() == pytest.approx([1 / 7] * 7 + [0], abs=1e-6)


def test_what_is_shown_most_of_the_time_names_the_track() -> None:
    """Two sure expressions make no doubtful mean of them: the one shown longer names the track, with its mean."""
    faces = rows([_NEUTRAL] * 2 + [_HAPPY] * 3)
    (track,) = summarise(faces, one_track(faces), 0.7)
    assert track.expression == "happy" and track.confidence == pytest.approx(0.6)
    doubtful = rows([_HAPPY] * 5, sure=0.6)
    assert summarise(doubtful, one_track(doubtful), 0.7)[0].expression == UNCERTAIN


def test_a_track_without_usable_faces_says_nothing() -> None:
    """It has times and a size, and no probabilities, shares or confidence."""
    faces = rows([_HAPPY] * 3, usable=False, score=[0.7, 0.9, 0.8])
    (track,) = summarise(faces, one_track(faces), _THRESHOLD)
    assert track.probabilities is None and track.shares is None and track.confidence is None
    assert (track.expression, track.n_faces, track.n_usable) == (UNCERTAIN, 3, 0)
    assert track.best_pts_s == 0.5
    assert smoothed_labels(faces, one_track(faces), _THRESHOLD).tolist() == [-1] * 3


def test_a_long_absence_does_not_count_for_the_face_before_it() -> None:
    """A face stands for two seconds at most, however long the sampling leaves it alone."""
    faces = rows([_HAPPY, _SAD, _SAD], times=[0, 60, 62])
    (track,) = summarise(faces, one_track(faces), _THRESHOLD)
    assert track.shares is not None
    assert track.shares[[_HAPPY, _SAD]].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_no_tracks_give_no_summaries() -> None:
    """A video without faces, and one whose faces are all outside tracks."""
    nothing = FaceRows.none(7)
    assert summarise(nothing, np.empty(0, np.int32), _THRESHOLD) == []
    assert smoothed_labels(nothing, np.empty(0, np.int32), _THRESHOLD).shape == (0,)
    faces = rows([_HAPPY] * 2)
    assert summarise(faces, np.zeros(2, np.int32), _THRESHOLD) == []


@st.composite
def tracked(draw: st.DrawFn) -> tuple[FaceRows, NDArray[np.int32]]:
    """Up to three tracks of two faces or more, mixed in time, with faces of all kinds of quality."""
    n = draw(st.integers(1, 3))
    ids = [k for k in range(1, n + 1) for _ in range(draw(st.integers(2, 6)))] + [0] * draw(st.integers(0, 3))
    order = draw(st.permutations(ids))
    some = st.lists(st.integers(0, 6), min_size=len(ids), max_size=len(ids))
    share = st.lists(st.floats(0.15, 1), min_size=len(ids), max_size=len(ids))
    yes = st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))
    steps = draw(st.lists(st.floats(0.04, 2), min_size=len(ids), max_size=len(ids)))
    times = np.cumsum(steps).tolist()
    return rows(draw(some), times=times, sure=draw(share), usable=draw(yes)), np.array(order, np.int32)


@given(tracked())
@settings(max_examples=100)
def test_summaries_are_sound(some: tuple[FaceRows, NDArray[np.int32]]) -> None:
    """Shares and probabilities sum to one, counts add up, and every track looks as if it were alone."""
    faces, ids = some
    tracks = summarise(faces, ids, _THRESHOLD)
    smoothed = smoothed_labels(faces, ids, _THRESHOLD)
    assert [track.track_id for track in tracks] == list(range(1, ids.max() + 1))
    assert (smoothed[ids == 0] == -1).all()
    for track in tracks:
        own = ids == track.track_id
        assert (track.n_faces, track.n_usable) == (own.sum(), faces.usable[own].sum())
        assert track.start_s <= track.best_pts_s <= track.end_s
        assert (track.shares is None) == (track.n_usable == 0) == (track.probabilities is None)
        if track.shares is not None and track.probabilities is not None:
            assert track.shares.sum() == pytest.approx(1, abs=1e-5) and (track.shares >= 0).all()
            assert track.probabilities.sum() == pytest.approx(1, abs=1e-4)
        alone = np.where(own, 1, 0).astype(np.int32)
        assert summarise(faces, alone, _THRESHOLD)[0].expression == track.expression
        assert (smoothed_labels(faces, alone, _THRESHOLD)[own] == smoothed[own]).all()


def test_a_large_sure_face_among_small_doubtful_ones_names_no_moment() -> None:
    """Weight alone outvotes nobody: it takes two faces to name what a moment shows."""
    faces = rows(
        [_NEUTRAL] * 3 + [_HAPPY] + [_NEUTRAL] * 3,
        sure=[0.6] * 3 + [1.0] + [0.6] * 3,
        side=[18.0] * 3 + [300.0] + [18.0] * 3,
    )
    assert _HAPPY not in smoothed_labels(faces, one_track(faces), 0.3).tolist()


def test_a_change_is_seen_within_the_reach_of_smoothing() -> None:
    """At ten samples a second both sides of a change have their label but for some tenths around it."""
    faces = rows([_NEUTRAL] * 20 + [_HAPPY] * 20, times=[k / 10 for k in range(40)])
    labels = smoothed_labels(faces, one_track(faces), _THRESHOLD).tolist()
    assert labels[:18] == [_NEUTRAL] * 18 and labels[22:] == [_HAPPY] * 18
    assert set(labels[18:22]) <= {_NEUTRAL, _UNCERTAIN, _HAPPY}


@given(tracked())
@settings(max_examples=60)
def test_no_face_alone_makes_a_smoothed_label(some: tuple[FaceRows, NDArray[np.int32]]) -> None:
    """What a label names is shown by two usable faces of the track within its reach, or by the only one there is."""
    faces, ids = some
    for row, label in enumerate(smoothed_labels(faces, ids, _THRESHOLD)):
        near = (
            (ids == ids[row])
            & (weights(faces) > 0)
            & (faces.pts_s >= faces.pts_s[row] - 0.65)
            & (faces.pts_s <= faces.pts_s[row] + 0.65)
        )
        if label in range(7):
            assert (faces.probabilities[near].argmax(axis=1) == label).sum() >= min(2, near.sum()) > 0


@given(tracked())
@settings(max_examples=100)
def test_smoothed_labels_are_those_of_the_pool_as_it_is_defined(some: tuple[FaceRows, NDArray[np.int32]]) -> None:
    """Worked out face by face: the weighted mean of log-probabilities, scaled, of which only what is shown may be named."""
    faces, ids = some
    worth, said = weights(faces), faces.probabilities.argmax(axis=1)
    logs = np.log(np.maximum(faces.probabilities, 0.002).astype(np.float64))
    for row, label in enumerate(smoothed_labels(faces, ids, _THRESHOLD)):
        within = (faces.pts_s >= faces.pts_s[row] - 0.65) & (faces.pts_s <= faces.pts_s[row] + 0.65)
        near = np.flatnonzero((ids == ids[row]) & (worth > 0) & within)
        if ids[row] == 0 or not len(near):
            assert label == -1
            continue
        pool = np.exp(np.average(logs[near], axis=0, weights=worth[near]))
        shown = np.bincount(said[near], minlength=7) >= min(2, len(near))
        likely = np.where(shown, pool / pool.sum(), 0)
        named = {name for name in range(7) if likely[name] >= likely.max() - 1e-6}
        assert label in (named if likely.max() >= _THRESHOLD else {_UNCERTAIN}) or abs(likely.max() - _THRESHOLD) < 1e-6
