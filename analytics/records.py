"""The small typed records that pass between the rooms. Arrays are numpy; n counts faces."""

from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]
"""One upright frame, uint8 (height, width, 3), blue-green-red as OpenCV has it."""


@dataclass(frozen=True, eq=False)
class Detections:
    """The faces that a detector found in one picture."""

    boxes: NDArray[np.float32]
    """(n, 4): x, y of the upper left corner, width, height, in px; may reach over the picture's edge."""
    landmarks: NDArray[np.float32]
    """(n, 5, 2) in px: the person's right eye, left eye, nose tip, right and left corner of the mouth.
    NaN where the detector gives none."""
    scores: NDArray[np.float32]
    """(n,) how sure the detector is, 0..1."""

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes.shape != (n, 4) or self.landmarks.shape != (n, 5, 2):
            raise ValueError(f"shapes disagree: {self.boxes.shape} {self.landmarks.shape} {self.scores.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    def only(self, keep: NDArray[np.bool_]) -> "Detections":
        """The faces where keep, bool (n,), is true."""
        return Detections(self.boxes[keep], self.landmarks[keep], self.scores[keep])

    def at(self, places: NDArray[np.integer]) -> "Detections":
        """The faces at these places, in their order."""
        return Detections(self.boxes[places], self.landmarks[places], self.scores[places])

    def moved(self, x: float, y: float) -> "Detections":
        """The same faces in a picture of which theirs is the part that begins at x, y."""
        by = np.array([x, y], np.float32)
        return Detections(self.boxes + np.append(by, np.zeros(2, np.float32)), self.landmarks + by, self.scores)

    @staticmethod
    def joined(parts: "list[Detections]") -> "Detections":
        """The faces of several, at least one, in their order."""
        return Detections(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Detections)))

    @staticmethod
    def none() -> "Detections":
        """No face."""
        return Detections(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))


@dataclass(frozen=True, eq=False)
class Quality:
    """How well each face can be judged."""

    sharpness: NDArray[np.float32]
    """(n,) see analytics.quality.sharpness."""
    yaw_deg: NDArray[np.float32]
    """(n,) turn to the side, positive toward the person's left; NaN without landmarks."""
    pitch_deg: NDArray[np.float32]
    """(n,) nod, positive upward; NaN without landmarks."""
    brightness: NDArray[np.float32]
    """(n,) mean luma of the face, 0 black to 1 white."""
    usable: NDArray[np.bool_]
    """(n,) big, sharp, lit, frontal and uncovered enough to judge."""


@dataclass(frozen=True, eq=False)
class FaceRows:
    """All faces of a segment or of a video, in order of time, then left to right.

    Every value depends on the pixels of its own frame alone, so the rows of two segments can be
    put one after the other.
    """

    sample: NDArray[np.int32]
    """(n,) number of the grid point."""
    pts_s: NDArray[np.float64]
    """(n,) seconds from the start of the video stream."""
    boxes: NDArray[np.float32]
    """(n, 4) x, y, width, height in px of the upright picture."""
    score: NDArray[np.float32]
    """(n,) the detector's, 0..1."""
    sharpness: NDArray[np.float32]
    yaw_deg: NDArray[np.float32]
    pitch_deg: NDArray[np.float32]
    brightness: NDArray[np.float32]
    usable: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    """(n, classes) in the order of the classifier's columns: EXPRESSIONS, then others; 0 where it does not know one."""

    def __len__(self) -> int:
        return len(self.sample)

    def at(self, places: NDArray[np.integer]) -> "FaceRows":
        """The rows at these places, in their order."""
        return FaceRows(*(getattr(self, f.name)[places] for f in fields(FaceRows)))

    @staticmethod
    def joined(parts: "list[FaceRows]") -> "FaceRows":
        """The rows of several parts, at least one, in their order."""
        return FaceRows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(FaceRows)))

    @staticmethod
    def none(classes: int) -> "FaceRows":
        """No face, of a classifier with so many columns."""
        return FaceRows(
            sample=np.empty(0, np.int32),
            pts_s=np.empty(0, np.float64),
            boxes=np.empty((0, 4), np.float32),
            score=np.empty(0, np.float32),
            sharpness=np.empty(0, np.float32),
            yaw_deg=np.empty(0, np.float32),
            pitch_deg=np.empty(0, np.float32),
            brightness=np.empty(0, np.float32),
            usable=np.empty(0, np.bool_),
            probabilities=np.empty((0, classes), np.float32),
        )


GATES: Final = ("detected", "held", "skipped", "corrupt")
"""How the faces of a sampled frame were come by: searched; inherited; not searched; frame damaged."""


@dataclass(frozen=True, eq=False)
class SampleRows:
    """All sampled frames of a segment or of a video, faces or not, in order of time."""

    sample: NDArray[np.int32]
    """(n,) number of the grid point."""
    pts_s: NDArray[np.float64]
    n_faces: NDArray[np.int32]
    gate: NDArray[np.int8]
    """(n,) index into GATES."""

    def __len__(self) -> int:
        return len(self.sample)

    @staticmethod
    def of(sample: list[int], pts_s: list[float], n_faces: list[int], gates: list[str]) -> "SampleRows":
        """From the columns, gates by their names."""
        return SampleRows(
            np.array(sample, np.int32),
            np.array(pts_s, np.float64),
            np.array(n_faces, np.int32),
            np.array([GATES.index(gate) for gate in gates], np.int8),
        )

    @staticmethod
    def joined(parts: "list[SampleRows]") -> "SampleRows":
        """The rows of several parts, in order of their grid points."""
        columns = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(SampleRows)]
        order = np.argsort(columns[0], kind="stable")
        return SampleRows(*(column[order] for column in columns))


@dataclass
class Pulse:
    """Shows from outside that a long step is alive, and how far it has come."""

    beats: int = 0
    """Rises with every packet that is listed or decoded, every frame, and every block that is hashed."""
    media_s: float = 0.0
    """Seconds of footage that are behind it."""
    stopped: bool = False
    """Set from outside: the step is to end at its next beat."""

    def beat(self) -> None:
        """The step goes on.

        Raises:
            InterruptedError: the step is to end.
        """
        if self.stopped:
            raise InterruptedError("stopped")
        self.beats += 1

    def at(self, media_s: float) -> None:
        """One beat, so many seconds into the footage.

        Raises:
            InterruptedError: the step is to end.
        """
        self.beat()
        self.media_s = media_s


@dataclass(frozen=True)
class Gap:
    """A stretch of a video in which no frame could be seen."""

    start_s: float
    end_s: float
    kind: str
    """hole: damage, lowers the coverage; paused: the recorder recorded nothing."""
    cause: str
    """What came with it, in words."""
