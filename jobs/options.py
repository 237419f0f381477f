"""What a run is to do: parsed once, checked, frozen, and passed on as one object."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from analytics.quality import QualityThresholds
from analytics.track import TrackSettings

ALGORITHM: Final = 1
"""Rises when the same settings would give other rows."""
_LEAST_EVERY: Final = Fraction(1, 1000)
_MOST_EVERY: Final = Fraction(3600)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """One invocation of `emobatch run`."""

    sources: tuple[str, ...]
    out: Path
    every: Fraction = Fraction(1, 2)
    """Seconds between samples."""
    detector: str = "yunet"
    model: str = "default"
    """Name of a shipped classifier, or path of a .tflite file."""
    camera: str | None = None
    """Camera that recorded all sources."""
    min_face: int = 10
    """Faces whose shorter side is below this many px are dropped."""
    min_score: float = 0.6
    long_side: int = 960
    """Px of the picture's longer side while faces are searched."""
    quality: QualityThresholds = field(default_factory=QualityThresholds)
    tracking: TrackSettings = field(default_factory=TrackSettings)

    def settings_hash(self, detector_sha256: str, model_sha256: str, threshold: float) -> str:
        """Hash of what decides the rows: 16 hex digits. Paths, cameras and release numbers are no part of it."""
        decisive = {
            "algorithm": ALGORITHM,
            "every": str(self.every),
            "detector": [self.detector, detector_sha256, self.min_score, self.long_side, self.min_face],
            "model": [model_sha256, threshold],
            "quality": asdict(self.quality),
            "tracking": asdict(self.tracking),
        }
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_every(text: str) -> Fraction:
    """Seconds between samples from the command line: `0.5`, `1/3`.

    Raises:
        UsageError: no number, or not between a millisecond and an hour.
    """
    remedy = "give seconds between 0.001 and 3600, such as 0.5"
    try:
        every = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--every {text}: not a number of seconds", remedy) from None
    if not _LEAST_EVERY <= every <= _MOST_EVERY:
        raise UsageError(f"--every {text}: out of range", remedy)
    return every
