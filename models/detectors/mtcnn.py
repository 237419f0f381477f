"""MTCNN, the cascade of three networks that much of the literature crops its faces with. Needs TensorFlow."""

import hashlib
import os
from typing import Final

import cv2
import numpy as np

from analytics.errors import UsageError
from analytics.records import Detections, Picture
from models.detectors.scaling import check_settings, faces, scaled
from models.quiet import without_stderr
from models.weights import package_file, verified

_INSTALL: Final = "pip install '.[mtcnn]' in emobatch's folder"
_REINSTALL: Final = "install its package again: pip install --force-reinstall --no-deps mtcnn==1.0.0"
_WEIGHTS: Final = {
    "pnet.lz4": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet.lz4": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet.lz4": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""SHA-256 of each network's file: proposal, refinement, output."""


class Mtcnn:
    """MTCNN (Zhang and others, 2016) as the package mtcnn has it (MIT licence).

    Its sha256 is that of the three files' digests in hex, joined in the order of the stages.

    Args:
        min_score: faces below are dropped by the last network, 0..1.
        long_side: px of the picture's longer side while searching; faces below 20 px there are not found.

    Raises:
        UsageError: the optional package or TensorFlow is missing, the weights are not the expected ones,
            or a setting is out of range.
    """

    name: Final = "mtcnn"
    sha256: Final = hashlib.sha256("".join(_WEIGHTS.values()).encode()).hexdigest()

    def __init__(self, min_score: float = 0.6, long_side: int = 960) -> None:
        check_settings(min_score, long_side)
        # The files are pickles: whoever can change one runs code here. So they are verified first, and
        # handed over by their full paths, because the package prefers a file of the working directory.
        pnet, rnet, onet = (
            str(verified(package_file("mtcnn", f"assets/weights/{name}", remedy=_INSTALL), sha256, remedy=_REINSTALL))
            for name, sha256 in _WEIGHTS.items()
        )
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Or TensorFlow speaks of itself on stderr.
        try:
            with without_stderr():
                from mtcnn import MTCNN
                from mtcnn.stages import StageONet, StagePNet, StageRNet
        except ImportError as error:
            raise UsageError(f"the detector mtcnn cannot be loaded ({error})", _INSTALL) from error
        self._net = MTCNN(stages=[StagePNet(weights=pnet), StageRNet(weights=rnet), StageONet(weights=onet)])
        self._min_score = min_score
        self._long_side = long_side

    def detect(self, picture: Picture) -> Detections:
        """The faces of a picture; see FaceDetector."""
        small, factors = scaled(picture, self._long_side)
        rows = np.asarray(
            self._net.detect_faces(
                cv2.cvtColor(small, cv2.COLOR_BGR2RGB),
                fit_to_image=False,
                output_type="numpy",
                threshold_onet=self._min_score,
            )
        )
        # A row: picture, x, y, width, height, score, then five x and five y. The package calls sides as
        # the viewer sees them, which is the person's right first: the order of Detections.
        landmarks = rows[:, 6:16].reshape(-1, 2, 5).transpose(0, 2, 1)
        return faces(rows[:, 1:5], landmarks, rows[:, 5], factors)
