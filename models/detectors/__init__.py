"""Face detectors behind one protocol. How to choose one, and how to add one: docs/detectors.md."""

from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

from analytics.records import Detections, Picture
from models.detectors.haar import Haar
from models.detectors.mtcnn import Mtcnn
from models.detectors.yunet import YuNet


class FaceDetector(Protocol):
    """Finds the faces of one picture. Holds native state: make one per thread, never share or pickle it."""

    @property
    def name(self) -> str:
        """The key in DETECTORS."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, 64 hex digits; part of what decides the rows of a video."""

    def detect(self, picture: Picture) -> Detections:
        """The faces of a picture of any size, which may differ from call to call and is left unchanged.

        Returns:
            Boxes and landmarks in px of the given picture, scores 0..1; sorted left to right, then top
            to bottom. A function of the pixels alone: what came before does not matter.
        """


@runtime_checkable
class SearchesParts(Protocol):
    """A detector that searches a part of a picture for what the part costs."""

    def detect_at(self, picture: Picture, scale: float) -> Detections:
        """The faces of a picture that is scaled by so much first, whatever its size; in px of the given picture."""


DETECTORS: Final[dict[str, Callable[..., FaceDetector]]] = {"yunet": YuNet, "haar": Haar, "mtcnn": Mtcnn}
"""Name on the command line -> class, made with (min_score=0.6, long_side=960). Making one raises
UsageError where its weights or its package are missing."""
