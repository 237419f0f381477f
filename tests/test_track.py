"""Tracks against drawn scenes whose truth is known, and what must hold for any faces whatsoever."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from analytics.pairs import lightest
from analytics.track import TrackSettings, link
from models.detectors.yunet import YuNet
from tests.footage import FACE_ASPECT, Actor, Box, Scene, crossing, iou, standing


@dataclass(frozen=True, eq=False)
class Seen:
    """The faces of a scene at two samples a second, and who each of them is."""

    pts_s: NDArray[np.float64]
    boxes: NDArray[np.float32]
    actors: list[int]
    """Index into Scene.actors of each face; -1 for a face that is none of them."""

    def tracks(self) -> list[list[int]]:
        """The actors of each track, in the order of the tracks' numbers."""
        ids = link(self.pts_s, self.boxes, np.full(len(self.pts_s), 0.9, np.float32))
        return [[self.actors[row] for row in np.flatnonzero(ids == k)] for k in range(1, ids.max(initial=0) + 1)]


def seen(scene: Scene, detect: Callable[[Scene, float], list[Box]] | None = None) -> Seen:
    """What the truth of a scene shows; with `detect`, what that finds, named after the truth's boxes."""
    times, boxes, actors = [], [], []
    for t in np.arange(0, scene.duration_s, 0.5).tolist():
        truth = scene.truth_at(t)
        for box in detect(scene, t) if detect else [box for _, box in truth]:
            times.append(t)
            boxes.append(box)
            nearest = max(truth, key=lambda known, box=box: iou(known[1], box))  # type: ignore[misc]
            actors.append(scene.actors.index(nearest[0]) if iou(nearest[1], box) > 0.3 else -1)
    return Seen(np.array(times), np.array(boxes, np.float32).reshape(-1, 4), actors)


def test_crossing_people_keep_their_tracks() -> None:
    """Two people who pass each other, one hidden behind the other midway, are not exchanged."""
    first, second = seen(crossing()).tracks()
    assert set(first) == {0} and set(second) == {1}


def test_crossing_people_keep_their_tracks_through_the_detector() -> None:
    """The same with what the detector makes of the drawn pictures, at the pace of a walk and of a stroll."""
    detector = YuNet()

    def detect(scene: Scene, t: float) -> list[Box]:
        return [(float(x), float(y), float(w), float(h)) for x, y, w, h in detector.detect(scene.picture_at(t)).boxes]

    for duration_s in (4.0, 8.0):
        tracks = seen(crossing(duration_s), detect).tracks()
        assert [set(track) for track in tracks] == [{0}, {1}]


@pytest.mark.parametrize("widths", [1.2, 1.8, 2.5])
def test_fast_walker_is_one_track(widths: float) -> None:
    """A walker whose boxes of two samples never overlap, because more than a face's width lies between, is one."""
    step = widths * FACE_ASPECT * 60
    walker = Actor(path=((0.0, 40.0, 150.0, 60.0), (3.0, 40.0 + 6 * step, 150.0, 60.0)))
    scene = Scene(width=1280, duration_s=3.5, actors=(walker, Actor(standing(900.0, 300.0, 60.0))))
    assert [len(track) for track in seen(scene).tracks()] == [7, 7]
    assert [set(track) for track in seen(scene).tracks()] == [{0}, {1}]


def test_hidden_for_a_second_is_the_same_track() -> None:
    """Someone who vanishes behind a pillar for a second while walking comes out as who they were."""
    walker = Actor(path=((0.0, 100.0, 150.0, 70.0), (6.0, 540.0, 150.0, 70.0)), hidden=((2.5, 3.5),))
    assert seen(Scene(duration_s=6.0, actors=(walker,))).tracks() == [[0] * 10]


def test_returning_after_the_longest_gap_is_a_new_track() -> None:
    """A face away for longer than max_gap_s is not claimed to be the same, even at the same place."""
    person = Actor(standing(300.0, 150.0, 80.0), hidden=((2.0, 4.4),))
    assert [len(track) for track in seen(Scene(duration_s=7.0, actors=(person,))).tracks()] == [4, 5]
    person = Actor(standing(300.0, 150.0, 80.0), hidden=((2.0, 3.4),))
    assert [len(track) for track in seen(Scene(duration_s=7.0, actors=(person,))).tracks()] == [11]


def test_near_and_far_faces_are_told_apart_by_size() -> None:
    """A small face behind a large one that starts where the other was is another track."""
    near = Actor(path=((0.0, 300.0, 150.0, 160.0), (2.0, 300.0, 150.0, 160.0)))
    far = Actor(path=((2.5, 300.0, 150.0, 40.0), (5.0, 300.0, 150.0, 40.0)))
    first, second = seen(Scene(duration_s=5.5, actors=(near, far))).tracks()
    assert set(first) == {0} and set(second) == {1}


def test_approaching_face_stays_one_track() -> None:
    """Someone who walks toward the camera grows and stays the same."""
    person = Actor(path=((0.0, 320.0, 120.0, 30.0), (5.0, 300.0, 180.0, 150.0)))
    assert seen(Scene(duration_s=5.5, actors=(person,))).tracks() == [[0] * 11]


def test_crowd_side_by_side_is_not_mixed() -> None:
    """Ten who stand shoulder to shoulder and sway are ten tracks, numbered from left to right."""
    crowd = tuple(
        Actor(tuple((t / 2, 50.0 + 56 * k + 8 * np.sin(t + k), 150.0 + 3 * np.cos(t * k), 60.0) for t in range(21)))
        for k in range(10)
    )
    scene = Scene(duration_s=10.0, actors=crowd)
    assert seen(scene).tracks() == [[k] * 20 for k in range(10)]


def test_doubtful_faces_make_no_track() -> None:
    """What the detector doubts each time is no person; one doubt among sure sightings does no harm."""
    times, boxes = np.arange(4) / 2, np.tile(np.array([[10, 10, 40, 50]], np.float32), (4, 1))
    assert link(times, boxes, np.array([0.65, 0.62, 0.9, 0.66], np.float32)).tolist() == [0, 0, 0, 0]
    assert link(times, boxes, np.array([0.9, 0.62, 0.9, 0.66], np.float32)).tolist() == [1, 1, 1, 1]


def test_no_faces_make_no_tracks() -> None:
    """An empty corridor, and a face seen but once, give no track."""
    assert link(np.empty(0), np.empty((0, 4), np.float32), np.empty(0, np.float32)).shape == (0,)
    assert link(np.zeros(1), np.ones((1, 4), np.float32), np.ones(1, np.float32)).tolist() == [0]


Faces = tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]


@st.composite
def faces(draw: st.DrawFn) -> Faces:
    """Times, boxes and scores of up to 40 faces in a small picture, crowded enough that many links compete."""
    moments = draw(st.lists(st.integers(0, 24), max_size=40))
    times = np.array(sorted(moments), np.float64) / 2
    place, side = st.integers(0, 300), st.integers(10, 80)
    box = st.tuples(place, place, side, side)
    boxes = draw(st.lists(box, min_size=len(times), max_size=len(times)))
    scores = draw(st.lists(st.sampled_from([0.6, 0.7, 0.95]), min_size=len(times), max_size=len(times)))
    return times, np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)


@given(faces())
@settings(max_examples=150)
def test_tracks_are_well_formed(some: Faces) -> None:
    """Tracks are numbered 1..n by first time, then from the left, each of two faces or more, one a moment,
    at rising times with no gap above the longest."""
    times, boxes, scores = some
    ids = link(times, boxes, scores)
    assert ids.dtype == np.int32 and len(ids) == len(times)
    assert sorted(set(ids.tolist()) - {0}) == list(range(1, ids.max(initial=0) + 1))
    starts = []
    for number in range(1, ids.max(initial=0) + 1):
        rows = np.flatnonzero(ids == number)
        steps = np.diff(times[rows])
        assert len(rows) >= 2
        assert (steps > 0).all() and (steps <= TrackSettings().max_gap_s).all()
        starts.append((times[rows[0]], boxes[rows[0], 0]))
    assert starts == sorted(starts)


@given(faces(), st.integers(-4000, 4000), st.integers(-4000, 4000), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
@settings(max_examples=100)
def test_place_and_resolution_do_not_matter(some: Faces, right: int, down: int, scale: float) -> None:
    """The same faces elsewhere in the picture, or filmed at another resolution, are the same tracks."""
    times, boxes, scores = some
    ids = link(times, boxes, scores).tolist()
    assert link(times, boxes + np.array([right, down, 0, 0], np.float32), scores).tolist() == ids
    assert link(times, boxes * np.float32(scale), scores).tolist() == ids


@given(st.lists(st.sampled_from([0.25, 0.5, 8.0]), min_size=1, max_size=6), st.booleans())
def test_one_face_or_one_track_is_assigned_as_many_are(weights: list[float], is_column: bool) -> None:
    """Without SciPy, which takes half a second to load: among equals the same one, too."""
    weight = np.array(weights).reshape((-1, 1) if is_column else (1, -1))
    assert lightest(weight) == list(zip(*map(np.ndarray.tolist, linear_sum_assignment(weight)), strict=True))


@given(faces(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_order_within_a_frame_does_not_matter(some: Faces, random: Random) -> None:
    """A detector that lists the faces of a frame in another order gives the same tracks."""
    times, boxes, scores = some
    order = sorted(range(len(times)), key=lambda row: (times[row], random.random()))
    ids, mixed = link(times, boxes, scores), link(times, boxes[order], scores[order])

    def tracks(ids: NDArray[np.int32], boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> set[object]:
        return {(i, t, *b, s) for i, t, b, s in zip(ids, times, boxes.tolist(), scores, strict=True)}

    assert tracks(mixed, boxes[order], scores[order]) == tracks(ids, boxes, scores)


def test_nobody_in_a_row_takes_the_place_of_a_neighbour() -> None:
    """Of four who stand in a row the first leaves as a fifth comes: the other three stay who they are."""
    before, after = (0, 150, 300, 450), (150, 300, 450, 600)
    seen = [(k / 2, x) for k in range(10) for x in (before if k < 5 else after)]
    pts_s = np.array([at_s for at_s, _ in seen])
    boxes = np.array([(x, 100, 100, 100) for _, x in seen], np.float32)
    numbers = link(pts_s, boxes, np.full(len(seen), 0.9, np.float32))
    for x in (150, 300, 450):
        assert len(set(numbers[boxes[:, 0] == x])) == 1
    assert len(set(numbers)) == 5
