"""One contract for all face detectors, on real pixels: a portrait placed on drawn backgrounds.

The example of docs/detectors.md is taken from the page and has to keep the contract as well. What concerns one
detector alone is in test_detectors_alone.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.records import Detections
from models.detectors import DETECTORS, FaceDetector
from tests.test_detectors_alone import drawn_background, needs_mtcnn, overlap, scene

_DOCS = Path(__file__).parents[1] / "docs" / "detectors.md"


@dataclass(frozen=True)
class Expected:
    """What the contract asks of one detector beyond what it asks of all."""

    smallest_px: int
    """Height of the smallest face, in px of a picture searched at 960 px, that it has to find."""
    landmarks: bool
    extra_faces: bool = False
    """Whether texture may be taken for a face: cascades do that, networks must not."""


EXPECTED = {
    "yunet": Expected(smallest_px=14, landmarks=True),
    "haar": Expected(smallest_px=44, landmarks=False, extra_faces=True),
    "mtcnn": Expected(smallest_px=30, landmarks=True),
    "haar-alt2": Expected(smallest_px=44, landmarks=False, extra_faces=True),
}


def matches(found: Detections, boxes: NDArray[np.float64]) -> list[int]:
    """For each true box the detection that lies best on it."""
    return [max(range(len(found)), key=lambda i: overlap(found.boxes[i], box)) for box in boxes] if len(found) else []


def same(a: Detections, b: Detections) -> bool:
    """Whether two results are equal to the last bit."""
    pairs = (a.boxes, b.boxes), (a.landmarks, b.landmarks), (a.scores, b.scores)
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


def documented_example(folder: Path) -> Callable[..., FaceDetector]:
    """The class that docs/detectors.md shows, made from the very text of the page."""
    (block,) = re.findall(r"```python\n(.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)
    path = folder / "haar_alt2.py"
    path.write_text(block, encoding="utf-8")
    spec = spec_from_file_location("haar_alt2", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[..., FaceDetector] = module.HaarAlt2
    return made


@pytest.fixture(
    name="make",
    scope="module",
    params=[pytest.param(name, marks=needs_mtcnn if name == "mtcnn" else ()) for name in EXPECTED],
)
def _make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., FaceDetector]:
    """Each detector's class in turn, and the documented example's."""
    if request.param in DETECTORS:
        return DETECTORS[request.param]
    return documented_example(tmp_path_factory.mktemp("example"))


@pytest.fixture(name="detector", scope="module")
def _detector(make: Callable[..., FaceDetector]) -> FaceDetector:
    return make()


def test_every_detector_is_held_to_the_contract() -> None:
    """A detector that is added has to say what is expected of it, or this suite would pass it by."""
    assert set(EXPECTED) == {*DETECTORS, "haar-alt2"}


def test_it_says_what_it_is(detector: FaceDetector) -> None:
    """Name and weights are known, because they are written into every row of videos."""
    assert detector.name in EXPECTED
    assert DETECTORS.get(detector.name, type(detector)) is type(detector)
    assert re.fullmatch("[0-9a-f]{64}", detector.sha256)


@pytest.mark.parametrize(
    ("width", "height", "x", "y", "face_px"),
    [
        (640, 360, 300, 20, 100),
        (1280, 720, 60, 250, 90),
        (1920, 1080, 1000, 100, 300),
        (517, 301, 5, 3, 61),
        (360, 640, 20, 400, 60),
        (320, 240, 90, 60, 40),
    ],
)
def test_the_face_is_found(detector: FaceDetector, width: int, height: int, x: int, y: int, face_px: int) -> None:
    """The portrait is found where it was put, in pictures smaller and larger than the working size."""
    placed = scene(width, height, [(x, y, face_px)])
    found = detector.detect(placed.picture)
    assert found.boxes.dtype == found.landmarks.dtype == found.scores.dtype == np.float32
    (best,) = matches(found, placed.boxes)
    assert overlap(found.boxes[best], placed.boxes[0]) >= 0.4
    if not EXPECTED[detector.name].extra_faces:
        assert len(found) == 1


def test_the_smallest_face_is_found(detector: FaceDetector) -> None:
    """A face of the size that the detector promises is found after enlarging a small picture."""
    smallest = EXPECTED[detector.name].smallest_px
    placed = scene(960, 540, [(400, 200, smallest)])
    (best,) = matches(detector.detect(placed.picture), placed.boxes)
    assert overlap(detector.detect(placed.picture).boxes[best], placed.boxes[0]) >= 0.4


def test_landmarks_lie_where_they_were_measured(detector: FaceDetector) -> None:
    """Each landmark is within a tenth of the face's width of its place, which settles their order too."""
    placed = scene(1280, 720, [(700, 300, 120)])
    found = detector.detect(placed.picture)
    (best,) = matches(found, placed.boxes)
    points, (x, y, width, height) = found.landmarks[best], found.boxes[best]
    if not EXPECTED[detector.name].landmarks:
        assert np.isnan(found.landmarks).all()
        return
    assert np.linalg.norm(points - placed.landmarks[0], axis=1).max() < 0.1 * placed.boxes[0, 2]
    assert ((points >= [x, y]) & (points <= [x + width, y + height])).all()
    assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()


def test_faces_come_left_to_right(detector: FaceDetector) -> None:
    """All three portraits are found, the tallest in the middle, in order of their left edges."""
    placed = scene(960, 540, [(10, 250, 80), (320, 20, 150), (700, 150, 60)])
    found = detector.detect(placed.picture)
    best = matches(found, placed.boxes)
    assert best == sorted(set(best)) and len(best) == 3
    assert (np.diff(found.boxes[:, 0]) >= 0).all()
    assert [overlap(found.boxes[i], box) >= 0.4 for i, box in zip(best, placed.boxes, strict=True)] == [True] * 3


def test_equal_pixels_give_equal_faces(detector: FaceDetector, make: Callable[..., FaceDetector]) -> None:
    """What was detected before, a fresh detector, or the array's layout in memory change nothing."""
    placed = scene(640, 360, [(300, 20, 100)]).picture
    first = detector.detect(placed)
    detector.detect(drawn_background(333, 777))
    wide = np.zeros((360, 1280, 3), np.uint8)
    wide[:, ::2] = placed
    assert len(first)
    assert same(first, detector.detect(placed))
    assert same(first, detector.detect(wide[:, ::2]))
    assert same(first, make().detect(placed))


@pytest.mark.parametrize("size", [(960, 540), (640, 360)])
def test_the_picture_is_left_unchanged(detector: FaceDetector, size: tuple[int, int]) -> None:
    """A read-only picture will do, at the working size, which needs no scaled copy, as at another."""
    picture = scene(*size, [(300, 20, 100)]).picture
    before = picture.copy()
    picture.flags.writeable = False
    assert len(detector.detect(picture))
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (17, 301), (301, 17), (1, 640), (2, 3), (1081, 1919)])
@pytest.mark.parametrize("fill", ["black", "noise"])
def test_any_size_will_do(detector: FaceDetector, shape: tuple[int, int], fill: str) -> None:
    """Tiny, odd and very long pictures give well-formed results; black ones give none."""
    picture = np.zeros((*shape, 3), np.uint8)
    if fill == "noise":
        picture = np.random.default_rng(3).integers(0, 256, picture.shape, np.uint8)
    found = detector.detect(picture)
    assert np.isfinite(found.boxes).all() and ((found.scores >= 0) & (found.scores <= 1)).all()
    assert fill == "noise" or not len(found)


def test_nothing_is_found_where_nothing_is(detector: FaceDetector) -> None:
    """Drawn backgrounds hold no face; a cascade may see one in texture, but not in most of them."""
    counts = [len(detector.detect(drawn_background(*size))) for size in [(640, 360), (1280, 720), (300, 500)]]
    assert counts == [0, 0, 0] or (EXPECTED[detector.name].extra_faces and counts.count(0) >= 2)


def test_a_higher_threshold_drops_faces(detector: FaceDetector, make: Callable[..., FaceDetector]) -> None:
    """All scores are at or above min_score, and at 1 nothing is sure enough."""
    picture = scene(640, 360, [(300, 20, 100)]).picture
    found = detector.detect(picture)
    assert len(found) and (found.scores >= 0.6).all()
    strict = make(min_score=float(found.scores.max()) - 0.01).detect(picture)
    assert len(strict) >= 1 and strict.scores.max() == found.scores.max()
    assert not len(make(min_score=1.0).detect(picture))


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"min_score": 1.2}, "min_score 1.2"), ({"min_score": -0.1}, "min_score -0.1"), ({"long_side": 0}, "long_side 0")],
)
def test_impossible_settings_are_refused(
    make: Callable[..., FaceDetector], settings: dict[str, Any], named: str
) -> None:
    """A wrong setting is an error of use that names it, before any picture is searched."""
    with pytest.raises(UsageError, match=re.escape(named)):
        make(**settings)
