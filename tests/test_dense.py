"""The search that misses nothing: every size, every turn, every edge and seam."""

import cv2
import numpy as np
import pytest

from analytics.records import Picture
from models.detectors.dense import DenseSearch
from tests.footage import Actor, Box, Scene, iou, standing

SURE = 0.5


@pytest.fixture(name="search", scope="module")
def _search() -> DenseSearch:
    return DenseSearch(threads=1)


def _picture(*faces: tuple[float, float, float], width: int = 640, height: int = 360) -> tuple[Picture, list[Box]]:
    """A wall with faces: x and y of the middle, height, in px; and their boxes."""
    scene = Scene(width=width, height=height, actors=tuple(Actor(standing(*face)) for face in faces))
    return scene.picture_at(0), [box for actor in scene.actors if (box := actor.box_at(0)) is not None]


def _hit(search: DenseSearch, picture: Picture, box: Box, *, turned: bool = False) -> bool:
    found = search.everywhere(picture, turned=turned)
    return any(iou(box, tuple(row)) > 0.4 for row in found.only(found.scores >= SURE).boxes.tolist())


@pytest.mark.parametrize("face_px", [12, 40, 300])
def test_every_size_is_found(search: DenseSearch, face_px: int) -> None:
    """From tiny ones to such as fill the picture."""
    picture, (box,) = _picture((320, 180, face_px))
    assert _hit(search, picture, box)


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_faces_that_lie_or_stand_on_their_heads(search: DenseSearch, turn: int) -> None:
    """Are found where they are when asked for."""
    picture, ((x, y, w, h),) = _picture((200, 120, 60))
    turned = np.asarray(cv2.rotate(picture, turn), np.uint8)
    expected = {
        cv2.ROTATE_90_CLOCKWISE: (360 - y - h, x, h, w),
        cv2.ROTATE_180: (640 - x - w, 360 - y - h, w, h),
        cv2.ROTATE_90_COUNTERCLOCKWISE: (y, 640 - x - w, h, w),
    }[turn]
    assert _hit(search, turned, expected, turned=True)
    near = search.near(turned, np.array(expected))
    assert any(iou(expected, tuple(row)) > 0.4 for row in near.boxes.tolist())


def test_a_large_face_that_lies(search: DenseSearch) -> None:
    """Fills the picture of a phone that was held upright, and whose file does not say so."""
    picture, ((x, y, w, h),) = _picture((320, 180, 220))
    turned = np.asarray(cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE), np.uint8)
    assert _hit(search, turned, (360 - y - h, x, h, w), turned=True)


def test_a_face_half_out_of_the_picture(search: DenseSearch) -> None:
    """Is found before all of it is in."""
    picture, (box,) = _picture((4, 180, 60))
    assert _hit(search, picture, box)


def test_no_seam_hides_a_face(search: DenseSearch) -> None:
    """Large pictures are searched in parts that overlap: small faces along their seams are found, each once."""
    faces = [(460.0 + 60 * k, 420.0 + 25 * k, 16.0) for k in range(5)]
    picture, boxes = _picture(*faces, width=1920, height=1080)
    found = search.everywhere(picture)
    for box in boxes:
        assert sum(iou(box, tuple(row)) > 0.3 for row in found.boxes.tolist()) == 1


def test_threads_decide_nothing(search: DenseSearch) -> None:
    """The same faces, to the bit, however many search."""
    picture, _ = _picture((100, 100, 50), (400, 200, 20), width=1280, height=720)
    alone, together = search.everywhere(picture, turned=True), DenseSearch(threads=3).everywhere(picture, turned=True)
    assert np.array_equal(alone.boxes, together.boxes) and np.array_equal(alone.scores, together.scores)


def test_beside_the_picture_there_is_nothing(search: DenseSearch) -> None:
    """A place that a face has left by is asked for in vain."""
    picture, _ = _picture((100, 100, 50))
    assert not len(search.near(picture, np.array([-300.0, 50.0, 40.0, 50.0])))
    assert not len(search.near(picture, np.array([500.0, 250.0, 40.0, 50.0])))
