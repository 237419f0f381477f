"""How accuracy falls with the size and the blur of a face: the source of analytics.quality's thresholds.

    python benchmarks/quality_gates.py fer2013.npz

The public split, FER+ majority labels, degraded and classified with the shipped file.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.quality import sharpness
from models.classifier import ExpressionClassifier
from models.datasets import read_labelled

Degrade = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def shrunk(px: int) -> Degrade:
    def degrade(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        small = cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, picture.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    return degrade


def blurred(sigma: float) -> Degrade:
    return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def main() -> None:
    data = read_labelled(Path(sys.argv[1]), "public")
    data = data.only(data.labels >= 0)
    classifier = ExpressionClassifier()
    cases: dict[str, Degrade] = {"as it is": lambda picture: picture}
    cases |= {f"{px} px and up again": shrunk(px) for px in (36, 28, 24, 20, 16, 12)}
    cases |= {f"blur of {sigma} px": blurred(sigma) for sigma in (0.6, 1.0, 1.5, 2.0, 3.0)}
    print("| degraded by | accuracy | median sharpness | 10th percentile |\n|---|---|---|---|")
    for name, degrade in cases.items():
        pictures = np.stack([degrade(picture) for picture in data.pictures])
        right = classifier.classify(pictures).argmax(axis=1) == data.labels
        sharp = [sharpness(picture) for picture in pictures]
        print(f"| {name} | {right.mean():.3f} | {np.median(sharp):.3f} | {np.percentile(sharp, 10):.3f} |")


if __name__ == "__main__":
    main()
