"""Faces land in the crop where the training pictures have them, at every size and place."""

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from analytics.records import Detections, Picture
from models.crop import TEMPLATE, crop_faces, crop_whole, evened, framing
from models.detectors.yunet import YuNet

_SIZE = 48


@pytest.fixture(scope="module")
def portrait() -> Picture:
    """A frontal portrait, 512x512."""
    return np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]


def face(x: float, y: float, side: float) -> Detections:
    """A face whose landmarks are those of the template in a square of the frame."""
    points = (TEMPLATE * side + [x, y]).astype(np.float32)
    return Detections(np.array([[x, y, side, side]], np.float32), points[None], np.ones(1, np.float32))


def without_landmarks(found: Detections) -> Detections:
    """The same faces as a detector without landmarks gives them."""
    return Detections(found.boxes, np.full_like(found.landmarks, np.nan), found.scores)


def dots(found: Detections, radius: float) -> Picture:
    """A black picture with a soft white dot at each landmark."""
    y, x = np.mgrid[:400, :400] + 0.5
    light = np.zeros((400, 400))
    for px, py in found.landmarks[0]:
        light += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2))
    return np.repeat((light * 200).round().astype(np.uint8)[..., None], 3, axis=2)


def dots_in(crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Where the dots lie in a crop, px, (5, 2), in the order of TEMPLATE."""
    y, x = np.mgrid[: len(crop), : len(crop)] + 0.5
    places = []
    for px, py in TEMPLATE * len(crop):
        light = crop * ((x - px) ** 2 + (y - py) ** 2 < 5**2)
        places.append([(light * x).sum() / light.sum(), (light * y).sum() / light.sum()])
    return np.array(places)


@pytest.mark.parametrize("side", [30.0, 48.0, 77.3, 150.0, 300.0])
@pytest.mark.parametrize(("x", "y"), [(40.0, 50.0), (40.5, 49.75), (41.3, 50.9)])
def test_landmarks_land_on_the_template(side: float, x: float, y: float) -> None:
    """Dots drawn at a face's landmarks come out within half a pixel of where the template has them."""
    found = face(x, y, side)
    (crop,) = crop_faces(dots(found, radius=max(side / 40, 1)), found, _SIZE)
    assert np.abs(dots_in(crop) - TEMPLATE * _SIZE).max() < 0.5


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 2.0])
def test_landmarks_of_a_real_face_land_on_the_template(portrait: Picture, scale: float) -> None:
    """A real face is no mean face: its landmarks as a whole lie on the template, each within two pixels."""
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=method), np.uint8)
    found = YuNet().detect(picture)
    x, y, side = framing(found.boxes[0], found.landmarks[0])
    placed = (found.landmarks[0] - [x, y]) / side * _SIZE
    assert placed.mean(axis=0) == pytest.approx(TEMPLATE.mean(axis=0) * _SIZE, abs=0.1)
    assert np.linalg.norm(placed - TEMPLATE * _SIZE, axis=1).mean() < 1.7
    assert np.abs(placed - TEMPLATE * _SIZE).max() < 2.2


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_crop_is_the_same_at_every_size(portrait: Picture, scale: float) -> None:
    """Near or far, the network sees the same face in the same framing."""
    found = YuNet().detect(portrait)
    (straight,) = crop_faces(portrait, found, _SIZE)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=method), np.uint8)
    scaled = Detections(found.boxes * np.float32(scale), found.landmarks * np.float32(scale), found.scores)
    (crop,) = crop_faces(picture, scaled, _SIZE)
    assert np.abs(crop.astype(int) - straight).mean() < 3


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (0, 3), (-7, 11)])
def test_a_face_moved_by_whole_pixels_gives_the_same_crop(portrait: Picture, dx: int, dy: int) -> None:
    """Where in the picture a face stands does not matter."""
    found = YuNet().detect(portrait)
    moved = np.roll(portrait, (dy, dx), axis=(0, 1))
    step = np.array([dx, dy], np.float32)
    shifted = Detections(found.boxes + np.array([dx, dy, 0, 0], np.float32), found.landmarks + step, found.scores)
    before, after = (crop_faces(*pair, _SIZE).astype(int) for pair in ((portrait, found), (moved, shifted)))
    assert np.abs(before - after).max() <= 1


@pytest.mark.parametrize("side", [48.0, 96.0, 150.0])
@pytest.mark.parametrize("quarters", [1, 2, 3, 4])
def test_the_crop_follows_the_face_by_parts_of_a_pixel(side: float, quarters: int) -> None:
    """A square that moves by quarters of a pixel sees the picture move by as much: no place is rounded."""
    picture = dots(face(40, 50, side), radius=max(side / 40, 1))
    straight, moved = (crop_faces(picture, face(40 + step, 50, side), _SIZE)[0] for step in (0, quarters / 4))
    step = (dots_in(moved) - dots_in(straight)).mean(axis=0)
    assert step == pytest.approx([-quarters / 4 * _SIZE / side, 0], abs=0.03)


@pytest.mark.parametrize("side", [96.0, 150.0, 192.0, 230.0])
def test_a_fine_pattern_becomes_flat_gray(side: float) -> None:
    """A chequerboard of single pixels, scaled down, is averaged; picking single pixels would give wild patterns."""
    board = (np.indices((400, 400)).sum(axis=0) % 2 * 255).astype(np.uint8)
    (crop,) = crop_faces(np.repeat(board[..., None], 3, axis=2), face(60, 60, side), _SIZE)
    assert crop.mean() == pytest.approx(127.5, abs=2)
    assert crop.std() < 16  # Of 127.5 in the picture; the rest is what odd numbers of squares leave.


@pytest.mark.parametrize(("x", "y"), [(-40.0, -30.0), (350.0, 330.0), (-500.0, 100.0)])
def test_beyond_the_edge_the_edge_is_repeated(x: float, y: float) -> None:
    """A face half outside gets no black border, which the network would take for a shadow."""
    picture = np.full((400, 400, 3), 180, np.uint8)
    (crop,) = crop_faces(picture, face(x, y, 90), _SIZE)
    assert (crop == 180).all()


def test_a_face_at_the_edge_is_the_visible_part_of_the_whole(portrait: Picture) -> None:
    """Cutting the picture off beside a face changes the crop only beyond the cut."""
    found = YuNet().detect(portrait)
    x, _, side = framing(found.boxes[0], found.landmarks[0])
    cut = int(x + side * 0.75)
    (whole,), (part,) = (crop_faces(np.ascontiguousarray(p), found, _SIZE) for p in (portrait, portrait[:, :cut]))
    seen = int(_SIZE * 0.75) - 1
    assert np.array_equal(whole[:, :seen], part[:, :seen])
    assert not np.array_equal(whole, part)


def test_the_box_gives_nearly_the_same_square(portrait: Picture) -> None:
    """Without landmarks a face is framed by its box, to within a tenth of the side."""
    found = YuNet().detect(portrait)
    x, y, side = framing(found.boxes[0], found.landmarks[0])
    other_x, other_y, other_side = framing(found.boxes[0], without_landmarks(found).landmarks[0])
    assert other_side == pytest.approx(side, rel=0.1)
    assert other_x + other_side / 2 == pytest.approx(x + side / 2, abs=side / 10)
    assert other_y + other_side / 2 == pytest.approx(y + side / 2, abs=side / 10)


def test_crops_are_in_the_order_of_the_faces() -> None:
    """Each face gets its own crop, gray, of the size asked for."""
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[:, 200:] = (0, 0, 255)
    pair = [face(20, 20, 60), face(300, 50, 60)]
    both = Detections(*(np.concatenate([getattr(f, name) for f in pair]) for name in ("boxes", "landmarks", "scores")))
    crops = crop_faces(picture, both, 64)
    assert crops.shape == (2, 64, 64) and crops.dtype == np.uint8
    assert (crops[0] == 0).all() and (crops[1] == 76).all()  # 0.299 of full red.


def test_no_faces_give_no_crops(portrait: Picture) -> None:
    """An empty picture gives an empty array of the right shape."""
    crops = crop_faces(portrait, Detections.none(), 64)
    assert crops.shape == (0, 64, 64) and crops.dtype == np.uint8


def test_landmarks_in_one_point_are_survived(portrait: Picture) -> None:
    """A detector's nonsense gives a crop of nothing, not a fault that stops a night's run."""
    point = Detections(
        np.array([[50, 50, 9, 9]], np.float32), np.full((1, 5, 2), 54, np.float32), np.ones(1, np.float32)
    )
    assert crop_faces(portrait, point, _SIZE).shape == (1, _SIZE, _SIZE)


def test_a_picture_that_is_a_crop_already_stays_as_it_is(portrait: Picture) -> None:
    """A gray picture of the right size is used bit for bit; others are scaled, colour becomes gray."""
    gray = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48).astype(np.uint8)
    assert np.array_equal(crop_whole(gray, 48), gray)
    assert crop_whole(portrait, 48).shape == crop_whole(gray[:30], 48).shape == (48, 48)
    board = (np.indices((192, 192)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert set(crop_whole(board, 48).ravel().tolist()) <= {127, 128}


def test_dark_pale_and_flat_crops_are_evened() -> None:
    """Usual ones stay as they are to the bit; others come to the nearest usual mean and spread, each for itself."""
    draw = np.random.default_rng(6)
    usual = np.clip(draw.normal(120, 60, (1, 48, 48, 1)), 0, 255).astype(np.float32)
    dark, pale, flat = usual * 0.12, 255 - usual * 0.1, (usual - 120) * 0.1 + 120
    found = evened(np.concatenate([usual, dark, pale, flat]).astype(np.float32))
    assert np.array_equal(found[0], usual[0])
    mean, spread = found.mean(axis=(1, 2, 3)), found.std(axis=(1, 2, 3))
    assert mean[1:] == pytest.approx([90, 165, 120], abs=2) and spread[1:] == pytest.approx([45, 45, 45], abs=2)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 255
    assert evened(np.full((1, 8, 8, 1), 7, np.float32)) == pytest.approx(90)  # Nothing to see stays nothing.
