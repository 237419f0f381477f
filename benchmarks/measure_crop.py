"""Where YuNet puts its box and landmarks on training pictures: the source of models.crop's template.

    python benchmarks/measure_crop.py fer2013.npz

Each picture is scaled up four times and set into a frame of its own edge colours, because the detector was
trained on faces with a surrounding. Prints medians and spreads over training pictures, in shares of the picture's
side; then the accuracy on public pictures (FER+ majority) when they are used whole, and when the face is found in
the enlarged picture and cut out by its landmarks, by its box, and with other margins.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.records import Detections
from models import crop
from models.classifier import ExpressionClassifier
from models.datasets import read_labelled
from models.detectors.yunet import YuNet

SCALE, BORDER, PICTURES = 4, 96, 3000


def framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture scaled up in a frame of its own edges, blue-green-red."""
    large = cv2.resize(picture, (48 * SCALE, 48 * SCALE), interpolation=cv2.INTER_CUBIC)
    frame = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), np.uint8)


def main() -> None:
    places(Path(sys.argv[1]))
    margins(Path(sys.argv[1]))


def margins(dataset: Path) -> None:
    """Print what the framing is worth."""
    data = read_labelled(dataset, "public")
    data = data.only(data.labels >= 0)
    detector, classifier = YuNet(min_score=0.6, long_side=384), ExpressionClassifier()
    template, box_in_crop = crop.TEMPLATE.copy(), crop.BOX_IN_CROP
    crops: dict[str, list[NDArray[np.uint8]]] = {}
    labels = []
    for picture, label in zip(data.pictures, data.labels, strict=True):
        frame = framed(picture)
        found = detector.detect(frame)
        if not len(found):
            continue
        labels.append(label)
        best = found.only(np.arange(len(found)) == found.scores.argmax())
        boxed = Detections(best.boxes, np.full_like(best.landmarks, np.nan), best.scores)
        crops.setdefault("whole picture", []).append(picture)
        for scale in (0.7, 0.85, 1.0, 1.15, 1.3):
            crop.TEMPLATE = (template - 0.5) / scale + 0.5
            crop.BOX_IN_CROP = (*box_in_crop[:2], box_in_crop[2] / scale)
            crops.setdefault(f"landmarks, side x {scale}", []).append(crop.crop_faces(frame, best, 48)[0])
            crops.setdefault(f"box, side x {scale}", []).append(crop.crop_faces(frame, boxed, 48)[0])
    for name, cut in crops.items():
        right = classifier.classify(np.stack(cut)).argmax(axis=1) == np.array(labels)
        print(f"{name:26} accuracy {right.mean():.3f} of {len(right)}")


def places(dataset: Path) -> None:
    """Print where the detector sees the face in training pictures."""
    data = read_labelled(dataset, "train")
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(data.labels >= 0))[:PICTURES]
    detector, side = YuNet(min_score=0.6, long_side=384), 48 * SCALE
    boxes, landmarks = [], []
    for row in chosen:
        found = detector.detect(framed(data.pictures[row]))
        if len(found):
            best = int(found.scores.argmax())
            boxes.append(found.boxes[best])
            landmarks.append(found.landmarks[best])
    box, points = np.array(boxes), (np.array(landmarks) - BORDER) / side
    print(f"found in {len(box)} of {len(chosen)}")
    names = ("right eye", "left eye", "nose", "right mouth", "left mouth")
    for name, middle, spread in zip(names, np.median(points, axis=0), points.std(axis=0), strict=True):
        print(f"{name:12} x {middle[0]:.3f} ± {spread[0]:.3f}   y {middle[1]:.3f} ± {spread[1]:.3f}")
    center = (box[:, :2] + box[:, 2:] / 2 - BORDER) / side
    root = np.sqrt(box[:, 2] * box[:, 3]) / side
    print(f"box centre x {np.median(center[:, 0]):.3f} y {np.median(center[:, 1]):.3f}")
    print(
        f"box w {np.median(box[:, 2]) / side:.3f} h {np.median(box[:, 3]) / side:.3f} root area {np.median(root):.3f}"
    )


if __name__ == "__main__":
    main()
