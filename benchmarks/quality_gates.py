"""How accuracy falls with size, blur, light, occlusion and pose of a face: the source of analytics.quality's thresholds.

    python benchmarks/quality_gates.py fer2013.npz [MODEL]

The public split, FER+ majority labels: degraded and classified; for pose, grouped by the angle that the landmarks of
the enlarged picture give. Sharpness and brightness are measured as in a run.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.quality import head_pose, sharpness
from benchmarks.measure_crop import framed
from models.classifier import ExpressionClassifier
from models.datasets import read_labelled
from models.detectors.yunet import YuNet

Picture = NDArray[np.uint8]
Degrade = Callable[[Picture], Picture]
SENSOR_NOISE = 2.0
"""Standard deviation in grey levels: what a dark picture does not lose with its light."""


def shrunk(px: int) -> Degrade:
    def degrade(picture: Picture) -> Picture:
        small = cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, picture.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    return degrade


def blurred(sigma: float) -> Degrade:
    return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def lit(gain: float) -> Degrade:
    """Less light, or more than the sensor holds, and its noise."""
    draw = np.random.default_rng(7)

    def degrade(picture: Picture) -> Picture:
        changed = picture * gain + draw.normal(0, SENSOR_NOISE, picture.shape)
        return np.clip(changed, 0, 255).astype(np.uint8)

    return degrade


def hidden(top: float, bottom: float) -> Degrade:
    """A gray band from one height to another, of the picture's side."""

    def degrade(picture: Picture) -> Picture:
        changed, side = picture.copy(), len(picture)
        changed[round(top * side) : round(bottom * side)] = 110
        return changed

    return degrade


CASES: dict[str, Degrade] = {
    "as it is": lambda picture: picture,
    **{f"{px} px and up again": shrunk(px) for px in (36, 28, 24, 20, 16, 12)},
    **{f"blur of {sigma} px": blurred(sigma) for sigma in (0.6, 1.0, 1.5, 2.0, 3.0)},
    **{f"light x {gain}": lit(gain) for gain in (0.5, 0.25, 0.12, 0.06, 0.03, 1.6, 2.5)},
    "eyes hidden": hidden(0.28, 0.48),
    "mouth hidden": hidden(0.64, 0.86),
    "lower half hidden": hidden(0.5, 1.0),
    "upper half hidden": hidden(0.0, 0.5),
}


def main() -> None:
    data = read_labelled(Path(sys.argv[1]), "public")
    data = data.only(data.labels >= 0)
    pictures = np.stack([np.asarray(picture, np.uint8) for picture in data.pictures])
    classifier = ExpressionClassifier(sys.argv[2] if len(sys.argv) > 2 else "default")
    print("| degraded by | accuracy | called uncertain | median sharpness | median brightness |\n|---|---|---|---|---|")
    for name, degrade in CASES.items():
        degraded = np.stack([degrade(picture) for picture in pictures])
        said = classifier.classify(degraded)
        right = said.argmax(axis=1) == data.labels
        doubted = said.max(axis=1) < classifier.facts.threshold
        sharp = np.median([sharpness(picture) for picture in degraded])
        bright = np.median(degraded.mean(axis=(1, 2))) / 255
        print(f"| {name} | {right.mean():.3f} | {doubted.mean():.0%} | {sharp:.3f} | {bright:.2f} |")
    said = classifier.classify(pictures)
    by_pose(pictures, said.argmax(axis=1) == data.labels, said.max(axis=1) < classifier.facts.threshold)


def by_pose(pictures: NDArray[np.uint8], right: NDArray[np.bool_], doubted: NDArray[np.bool_]) -> None:
    """Print accuracy by yaw and by pitch; pictures in which no face is found have none."""
    detector = YuNet(min_score=0.6, long_side=384)
    pose = np.full((len(pictures), 2), np.nan)
    for row, picture in enumerate(pictures):
        found = detector.detect(framed(picture))
        if len(found):
            pose[row] = head_pose(found.landmarks[int(found.scores.argmax())])
    print("\n| pose | faces | accuracy | called uncertain |\n|---|---|---|---|")
    for name, angle in (("yaw", np.abs(pose[:, 0])), ("pitch", np.abs(pose[:, 1]))):
        for low, high in ((0, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 90)):
            inside = (angle >= low) & (angle < high)
            if inside.any():
                figures = f"{inside.sum()} | {right[inside].mean():.3f} | {doubted[inside].mean():.0%}"
                print(f"| {name} {low}° to {high}° | {figures} |")
    missed = np.isnan(pose[:, 0])
    print(f"| no face found | {missed.sum()} | {right[missed].mean():.3f} | {doubted[missed].mean():.0%} |")


if __name__ == "__main__":
    main()
