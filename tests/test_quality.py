"""Pose, sharpness and light against faces that were turned, blurred and darkened by a known amount."""

import itertools

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from analytics.quality import QualityThresholds, head_pose, judge, sharpness
from analytics.records import Detections, Picture
from models.crop import crop_faces
from models.detectors.yunet import YuNet

# Eyes, nose tip and corners of the mouth of a head in mm: x to the right of the picture, y down, z away from it.
_HEAD = np.array([[-31.0, -33, 28], [31, -33, 28], [0, 0, 0], [-25, 31, 19], [25, 31, 19]])


def seen_points(yaw_deg: float, pitch_deg: float, roll_deg: float = 0, far: float = np.inf) -> NDArray[np.float32]:
    """Landmarks (5, 2) of a head that nods up by pitch, turns to its left by yaw and tilts by roll.

    far: distance of the camera in mm; infinite: no perspective.
    """
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    points = _HEAD @ (tilt @ turn @ nod).T
    depth = 1 if np.isinf(far) else 1 + points[:, 2:] / far
    flat: NDArray[np.float64] = points[:, :2] / depth * 0.7 + [320, 180]
    return flat.astype(np.float32)


@pytest.fixture(scope="module")
def portrait() -> Picture:
    """A frontal portrait, 512x512."""
    return np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("yaw", "pitch"), [*itertools.product([-40, -20, 0, 20, 40], [-25, 0, 25]), (60, 0), (0, 40), (-60, -30)]
)
@pytest.mark.parametrize("far", [np.inf, 1500.0])
def test_pose_of_a_turned_head(yaw: float, pitch: float, far: float) -> None:
    """Yaw, positive toward the person's left, and pitch, positive upward, are found within a few degrees."""
    assert head_pose(seen_points(yaw, pitch, far=far)) == pytest.approx((yaw, pitch), abs=4)


def test_signs_of_the_pose() -> None:
    """Toward the person's left the nose moves to the picture's right; upward it moves up."""
    ahead = seen_points(0, 0)
    left, up = ahead.copy(), ahead.copy()
    left[2, 0] += 6
    up[2, 1] -= 6
    assert head_pose(left)[0] > 5 and head_pose(left)[1] == pytest.approx(head_pose(ahead)[1], abs=3)
    assert head_pose(up)[1] > 5 and head_pose(up)[0] == pytest.approx(head_pose(ahead)[0], abs=3)


@pytest.mark.parametrize(("scale", "shift"), [(0.1, 0), (1, 700), (8, -90)])
def test_pose_depends_neither_on_size_nor_on_place(scale: float, shift: float) -> None:
    """The same head near or far, anywhere in the picture, has the same pose."""
    points = seen_points(25, -10)
    assert head_pose(points * np.float32(scale) + np.float32(shift)) == pytest.approx(head_pose(points), abs=0.1)


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(30, 10, 0), (-50, -20, 12), (5, 25, -8)])
def test_mirrored_landmarks_have_the_mirrored_yaw(yaw: float, pitch: float, roll: float) -> None:
    """In a mirror left becomes right and up stays up."""
    points = seen_points(yaw, pitch, roll)
    mirrored = (points * [-1, 1])[[1, 0, 2, 4, 3]].astype(np.float32)
    yaw_seen, pitch_seen = head_pose(points)
    assert head_pose(mirrored) == pytest.approx((-yaw_seen, pitch_seen), abs=0.01)


def test_mirrored_portrait_has_the_mirrored_yaw(portrait: Picture) -> None:
    """The detector's landmarks of a real face and of its mirror image agree, to its ten degrees."""
    detector = YuNet()
    (straight,) = detector.detect(portrait).landmarks
    (mirrored,) = detector.detect(np.ascontiguousarray(portrait[:, ::-1])).landmarks
    (yaw, pitch), (other_yaw, other_pitch) = head_pose(straight), head_pose(mirrored)
    assert yaw == pytest.approx(-other_yaw, abs=10) and pitch == pytest.approx(other_pitch, abs=5)
    assert abs(yaw) < 10


def test_pose_of_nothing_is_unknown() -> None:
    """Without landmarks, and with all of them in one point, no pose is claimed."""
    for points in (np.full((5, 2), np.nan, np.float32), np.full((5, 2), 7, np.float32)):
        assert np.isnan(head_pose(points)).all()


def test_sharpness_falls_with_blur(portrait: Picture) -> None:
    """The more blur, the smaller; what was enlarged from fewer pixels counts as blurred too."""
    (crop,) = crop_faces(portrait, YuNet().detect(portrait), 48)
    blurred = [sharpness(np.asarray(cv2.GaussianBlur(crop, (0, 0), s), np.uint8)) for s in (0.5, 1, 2, 4)]
    assert [*blurred, 0] == sorted([*blurred, 0], reverse=True) and blurred[0] < sharpness(crop)
    enlarged = cv2.resize(cv2.resize(crop, (16, 16), interpolation=cv2.INTER_AREA), (48, 48))
    assert sharpness(np.asarray(enlarged, np.uint8)) < sharpness(crop) / 3


@pytest.mark.parametrize(("factor", "offset"), [(0.5, 0), (0.5, 100), (0.3, 20)])
def test_sharpness_does_not_change_with_contrast(portrait: Picture, factor: float, offset: float) -> None:
    """A dim or hazy face is no blurred one."""
    (crop,) = crop_faces(portrait, YuNet().detect(portrait), 48)
    dimmed = (crop * factor + offset).round().astype(np.uint8)
    assert sharpness(dimmed) == pytest.approx(sharpness(crop), rel=0.05)


def test_flat_crop_has_no_sharpness() -> None:
    """Where there is nothing to see there is nothing sharp."""
    assert sharpness(np.full((48, 48), 130, np.uint8)) == 0


def faces(side: float = 40, yaw: float = 0, pitch: float = 0) -> Detections:
    """One face, its box a little higher than wide."""
    box = np.array([[5, 5, side, side * 1.2]], np.float32)
    return Detections(box, seen_points(yaw, pitch)[None], np.ones(1, np.float32))


def crops(brightness: float = 0.5, contrast: float = 20) -> NDArray[np.uint8]:
    """One crop of random texture around a brightness of 0..1."""
    texture = np.random.default_rng(3).normal(0, contrast, (1, 48, 48)) + brightness * 255
    return np.clip(texture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("found", "seen", "usable"),
    [
        (faces(), crops(), True),
        (faces(side=16), crops(), True),
        (faces(side=15.5), crops(), False),
        (faces(yaw=40), crops(), True),
        (faces(yaw=50), crops(), False),
        (faces(yaw=-50), crops(), False),
        (faces(pitch=25), crops(), True),
        (faces(pitch=36), crops(), False),
        (faces(pitch=-36), crops(), False),
        (faces(), crops(brightness=0.07, contrast=2), True),
        (faces(), crops(brightness=0.05, contrast=2), False),
        (faces(), crops(brightness=0.78, contrast=2), True),
        (faces(), crops(brightness=0.85, contrast=2), False),
        (faces(), np.asarray(cv2.GaussianBlur(crops()[0], (0, 0), 6), np.uint8)[None], False),
    ],
)
def test_usable_faces_pass_every_threshold(found: Detections, seen: NDArray[np.uint8], usable: bool) -> None:
    """Too small, turned or nodded too far, too dark, too bright or blurred: each alone makes a face unusable."""
    assert judge(found, seen, QualityThresholds()).usable.tolist() == [usable]


def test_each_threshold_can_be_set() -> None:
    """Thresholds decide usable and change nothing that is measured."""
    strict = QualityThresholds(min_side_px=41)
    before, after = judge(faces(), crops(), QualityThresholds()), judge(faces(), crops(), strict)
    assert before.usable.all() and not after.usable.any()
    assert before.sharpness == after.sharpness and before.brightness == after.brightness


def test_without_landmarks_the_pose_does_not_exclude() -> None:
    """A detector without landmarks gives NaN for the pose, and faces that are usable by the rest."""
    found = faces()
    judged = judge(
        Detections(found.boxes, np.full_like(found.landmarks, np.nan), found.scores), crops(), QualityThresholds()
    )
    assert np.isnan(judged.yaw_deg).all() and np.isnan(judged.pitch_deg).all()
    assert judged.usable.all()


def test_brightness_is_the_mean_luma() -> None:
    """Black is 0, white is 1."""
    seen = np.stack([np.full((48, 48), value, np.uint8) for value in (0, 51, 255)])
    found = Detections(np.full((3, 4), 40, np.float32), np.stack([seen_points(0, 0)] * 3), np.ones(3, np.float32))
    assert judge(found, seen, QualityThresholds()).brightness.tolist() == pytest.approx([0, 0.2, 1])


def test_no_faces_give_empty_columns() -> None:
    """A picture without faces has a quality of no rows, each of its type."""
    judged = judge(Detections.none(), np.empty((0, 48, 48), np.uint8), QualityThresholds())
    columns = (judged.sharpness, judged.yaw_deg, judged.pitch_deg, judged.brightness)
    assert all(column.shape == (0,) and column.dtype == np.float32 for column in columns)
    assert judged.usable.shape == (0,) and judged.usable.dtype == np.bool_
