"""The drawn scenes keep what they claim: a detector finds the faces where the truth has them, and nowhere else."""

from pathlib import Path

import av
import numpy as np
import pytest

from analytics.records import Detections, Picture
from models.detectors.yunet import YuNet
from tests.footage import FACE_ASPECT, Actor, Box, Scene, crossing, iou, standing

_DEMO = Path(__file__).parents[1] / "jobs" / "assets" / "demo.mp4"


@pytest.fixture(scope="module")
def detector() -> YuNet:
    """The detector that emobatch uses, at its defaults."""
    return YuNet()


def found(detector: YuNet, picture: Picture) -> list[Box]:
    """The boxes that the detector finds, from left to right."""
    faces: Detections = detector.detect(picture)
    return sorted((float(x), float(y), float(w), float(h)) for x, y, w, h in faces.boxes)


@pytest.mark.parametrize("face_px", [24, 32, 60, 110, 200])
@pytest.mark.parametrize("mirrored", [False, True])
def test_detector_finds_the_drawn_face_at_every_size(detector: YuNet, face_px: int, mirrored: bool) -> None:
    """One face of any size from 24 to 200 px is found exactly once, where the truth has it."""
    scene = Scene(seed=face_px, actors=(Actor(standing(300.0, 190.0, face_px), mirrored=mirrored),))
    ((_, box),) = scene.truth_at(0.0)
    (seen,) = found(detector, scene.picture_at(0.0))
    assert iou(seen, box) >= 0.7


@pytest.mark.parametrize("seed", range(4))
def test_wall_holds_no_face(detector: YuNet, seed: int) -> None:
    """The drawn background alone makes the detector find nothing, with grain or without."""
    assert found(detector, Scene(seed=seed).picture_at(0.0)) == []
    assert found(detector, Scene(seed=seed, noise=12).picture_at(0.0)) == []


def test_truth_of_crossing_actors_is_what_a_detector_sees(detector: YuNet) -> None:
    """While two faces pass each other, the faces found and the faces of the truth are the same ones."""
    scene = crossing()
    counts = set()
    for t in np.arange(0, 6, 0.5):
        truth = [box for _, box in scene.truth_at(float(t))]
        seen = found(detector, scene.picture_at(float(t)))
        assert len(seen) == len(truth)
        assert all(max(iou(box, other) for other in seen) >= 0.4 for box in truth)
        counts.add(len(truth))
    assert counts == {1, 2}


def test_dark_and_tinted_actors_are_found(detector: YuNet) -> None:
    """Brightness and tint change the colours and leave the face a face."""
    actors = (
        Actor(standing(150.0, 150.0, 80.0), brightness=0.5),
        Actor(standing(320.0, 150.0, 80.0), tint=(0.7, 0.9, 1.2)),
        Actor(standing(490.0, 150.0, 80.0)),
    )
    scene = Scene(actors=actors)
    picture = scene.picture_at(0.0)
    boxes = [box for _, box in scene.truth_at(0.0)]
    assert all(iou(a, b) >= 0.4 for a, b in zip(found(detector, picture), boxes, strict=True))
    dark, tinted, plain = (picture[120:180, x - 20 : x + 20].mean(axis=(0, 1)) for x in (150, 320, 490))
    assert np.all(dark < 0.6 * plain)
    assert tinted[0] < plain[0] and tinted[2] > plain[2]


def test_path_is_straight_between_keyframes() -> None:
    """Halfway in time between two keyframes lies halfway in place and size."""
    actor = Actor(path=((1.0, 100.0, 80.0, 40.0), (3.0, 200.0, 120.0, 60.0)))
    assert actor.box_at(2.0) == pytest.approx((150.0 - FACE_ASPECT * 25, 75.0, FACE_ASPECT * 50, 50.0))


def test_actor_is_away_outside_its_path_and_while_hidden() -> None:
    """No picture shows, and no truth lists, an actor before its entrance, after its exit, or while hidden."""
    actor = Actor(path=((1.0, 300.0, 180.0, 90.0), (4.0, 300.0, 180.0, 90.0)), hidden=((2.0, 3.0),))
    scene, empty = Scene(actors=(actor,)), Scene()
    for t, there in ((0.99, False), (1.0, True), (1.99, True), (2.0, False), (2.99, False), (3.0, True), (4.01, False)):
        assert bool(scene.truth_at(t)) is there
        assert np.array_equal(scene.picture_at(t), empty.picture_at(t)) is not there


def test_face_that_leaves_over_the_edge_leaves_the_truth_halfway() -> None:
    """A face counts while at least the asked share of its box is inside the picture."""
    actor = Actor(path=((0.0, 600.0, 180.0, 100.0), (4.0, 700.0, 180.0, 100.0)))
    scene = Scene(actors=(actor,))
    assert len(scene.truth_at(1.55)) == 1
    assert scene.truth_at(1.65) == []
    assert len(scene.truth_at(1.65, visible=0.3)) == 1


def test_covered_face_is_not_in_the_truth() -> None:
    """A face behind another actor's face cannot be seen; the one in front can."""
    behind, front = Actor(standing(300.0, 180.0, 80.0)), Actor(standing(310.0, 185.0, 90.0))
    assert [actor for actor, _ in Scene(actors=(behind, front)).truth_at(0.0)] == [front]


def test_same_time_gives_the_same_picture() -> None:
    """Pictures depend on the time alone: drawn again, or out of order, they are the same, grain included."""
    scene = crossing()
    grainy = Scene(actors=scene.actors, noise=9)
    before = [grainy.picture_at(t) for t in (0.0, 1.0, 2.0)]
    again = [grainy.picture_at(t) for t in (2.0, 1.0, 0.0)]
    assert all(np.array_equal(a, b) for a, b in zip(before, reversed(again), strict=True))
    assert not np.array_equal(Scene(noise=9).picture_at(0.0), Scene(noise=9).picture_at(1.0))


def test_path_out_of_order_is_refused() -> None:
    """A path whose times go back is a mistake in the test that wrote it."""
    with pytest.raises(ValueError, match="in order of time"):
        Actor(path=((1.0, 0.0, 0.0, 40.0), (0.5, 0.0, 0.0, 40.0)))


def test_demo_clip_shows_faces_that_come_and_go(detector: YuNet) -> None:
    """The committed clip is small, starts and ends empty, and shows one and then two faces between."""
    assert _DEMO.stat().st_size < 400_000
    with av.open(_DEMO) as file:
        stream = file.streams.video[0]
        assert (stream.codec.name, stream.width, stream.height, stream.frames) == ("h264", 640, 360, 250)
        assert stream.average_rate == 25
        counts = [
            len(found(detector, frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)))
            for k, frame in enumerate(file.decode(stream))
            if k % 25 == 0
        ]
    # Once a second; at 1 s the walker is only half in the picture, at 9 s half out of it.
    assert counts[0] == 0
    assert counts[2:9] == [1, 1, 2, 2, 2, 2, 1]
