"""What things in front of a face cost, and whether models.obstruction sees them; with --fit also fits its weights.

    python benchmarks/obstruction.py fer2013.npz [--fit]

Things are drawn over faces at known shares (benchmarks/occluders.py); each picture then goes the way of a run: found by
YuNet in an enlarged picture, cut out by its landmarks, classified. Fitted on the training split, limits chosen on public,
all figures from private (FER+ majority), which neither has seen.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.occluders import OCCLUDERS, PLACES, SIDE, Draw, Gray, over
from benchmarks.quality_gates import blurred, lit, shrunk
from models import obstruction
from models.classifier import ExpressionClassifier
from models.crop import crop_faces
from models.datasets import read_labelled
from models.detectors.yunet import YuNet
from models.weights import sha256_of

_LOST: Final = (0.01, 0.002)
"""Shares of the public faces, with nothing drawn over them, that may be marked: for a hidden mouth, and for turned
contrast. Flat and blurred faces of real video look turned more often than stills do, so that limit is the stricter one."""
_MOUTH: Final = (slice(30, 43), slice(14, 34))
_ENLARGED: Final = 2
_TRAINING_FACES: Final = 6000
_FACES: Final = 1200
"""Of the private split, for each row of the table."""
CASES: Final = (
    ("nothing", 0.0),
    *((kind, share) for kind in ("rectangle", "hand") for share in (0.1, 0.2, 0.3, 0.5)),
    *(("hand on mouth", share) for share in (0.2, 0.3)),
    *(("surgical mask", share) for share in (0.3, 0.4, 0.5)),
    *(("scarf", share) for share in (0.2, 0.3, 0.4)),
    *(("sunglasses", share) for share in (0.15, 0.25)),
    ("turned contrast", 0.0),
)
DEGRADED: Final[dict[str, Callable[[Gray], Gray]]] = {
    "24 px and up again": shrunk(24),
    "20 px and up again": shrunk(20),
    "16 px and up again": shrunk(16),
    "blur of 1.5 px": blurred(1.5),
    "light x 0.12": lit(0.12),
    "light x 1.6": lit(1.6),
}


@dataclass(frozen=True, eq=False)
class Found:
    """The faces that YuNet still finds."""

    crops: NDArray[np.uint8]
    rows: NDArray[np.int64]
    """Which picture each is."""
    mouth: NDArray[np.float64]
    """How much of the mouth is covered."""


class Finder:
    """Finds faces as a run does."""

    def __init__(self) -> None:
        self._detector = YuNet(min_score=0.6, long_side=2 * _ENLARGED * SIDE)

    def crop(self, picture: Gray) -> Gray | None:
        """The crop of the surest face; None where none is found."""
        large = cv2.resize(picture, (_ENLARGED * SIDE,) * 2, interpolation=cv2.INTER_CUBIC)
        rim = _ENLARGED * SIDE // 2
        framed = cv2.copyMakeBorder(large, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
        frame = np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)
        found = self._detector.detect(frame)
        if not len(found):
            return None
        return crop_faces(frame, found.only(np.arange(len(found)) == found.scores.argmax()), SIDE)[0]

    def all(self, pictures: Iterator[tuple[Gray, float]]) -> Found:
        """Of pictures with the share of the mouth that is covered in each."""
        kept = [
            (crop, row, mouth)
            for row, (picture, mouth) in enumerate(pictures)
            if (crop := self.crop(picture)) is not None
        ]
        crops, rows, mouths = zip(*kept, strict=True)
        return Found(np.stack(crops), np.array(rows), np.array(mouths))


def drawn(picture: Gray, kind: str, share: float, draw: Draw) -> tuple[Gray, float]:
    """A picture with a thing over it, and how much of the mouth it covers."""
    if kind == "nothing":
        return picture, 0.0
    if kind == "turned contrast":
        return 255 - picture, 0.0
    places = ("mouth",) if kind.endswith(" on mouth") else tuple(PLACES)
    thing = OCCLUDERS[kind.removesuffix(" on mouth")](picture, share, draw, places)
    return over(picture, thing), float(thing[0][_MOUTH].mean())


def pictures_of(dataset: Path, split: str, n: int, draw: Draw) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """So many pictures of a split that have a label, and the labels."""
    data = read_labelled(dataset, split)
    data = data.only(data.labels >= 0)
    rows = np.sort(draw.permutation(len(data.labels))[:n])
    return np.stack([np.asarray(data.pictures[row], np.uint8) for row in rows.tolist()]), data.labels[rows]


def fit(dataset: Path, finder: Finder) -> None:
    """Fit both sums and write the weights."""
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(11)
    pictures, _ = pictures_of(dataset, "train", _TRAINING_FACES, draw)
    kinds = (*OCCLUDERS, "rectangle on mouth", "hand on mouth")

    def each() -> Iterator[tuple[Gray, float]]:
        for number, picture in enumerate(pictures):
            yield picture, 0.0
            for more in (0, 1):
                kind = kinds[(2 * number + more) % len(kinds)]
                share = draw.uniform(0.1, 0.3) if kind == "sunglasses" else draw.uniform(0.15, 0.6)
                yield drawn(picture, kind, share, draw)

    found = finder.all(each())
    told = (found.mouth < 0.15) | (found.mouth > 0.6)
    crops, hidden = found.crops[told], found.mouth[told] > 0.6
    degraded = np.stack([_degraded(crop, draw) for crop in crops])
    clean = np.concatenate([crops[~hidden], degraded[~hidden]])
    sets = (
        (np.concatenate([crops, degraded]), np.concatenate([hidden, hidden])),
        (np.concatenate([clean, 255 - clean]), np.arange(2 * len(clean)) >= len(clean)),
    )
    public, _ = pictures_of(dataset, "public", 10_000, draw)
    looked = obstruction.features(finder.all((picture, 0.0) for picture in public).crops).astype(np.float64)
    weights, offsets = [], []
    for (faces, wanted), lost in zip(sets, _LOST, strict=True):
        seen = obstruction.features(faces).astype(np.float64)
        mean, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3)
        fitted = LogisticRegression(C=0.002, max_iter=400).fit((seen - mean) / spread, wanted)
        scaled = (fitted.coef_[0] / spread).astype(np.float32)
        weights.append(scaled)
        offsets.append(-np.quantile(looked @ scaled, 1 - lost))
    np.savez_compressed(obstruction.WEIGHTS, weights=np.stack(weights), offsets=np.array(offsets))
    obstruction.SHA256 = sha256_of(obstruction.WEIGHTS)  # type: ignore[misc] # Or they would be refused.
    print(f"SHA256 in models/obstruction.py has to be {obstruction.SHA256}\n")


def _degraded(crop: Gray, draw: Draw) -> Gray:
    """As small, blurred, dark or pale as faces in video are, or as it is."""
    chance = draw.random()
    if chance > 0.35:
        crop = shrunk(int(draw.integers(14, 44)))(crop) if chance < 0.75 else blurred(draw.uniform(0.5, 2.5))(crop)
    if draw.random() < 0.4:
        crop = lit(float(draw.choice([0.08, 0.12, 0.25, 0.5, 1.5, 2.0])))(crop)
    return crop


def main() -> None:
    dataset, finder, draw = Path(sys.argv[1]), Finder(), np.random.default_rng(1)
    if "--fit" in sys.argv:
        fit(dataset, finder)
    pictures, labels = pictures_of(dataset, "private", _FACES, draw)
    classifier = ExpressionClassifier()
    print("| over the face | share | still found | accuracy | uncertain | marked | accuracy of the others |")
    print("|---|---|---|---|---|---|---|")
    for kind, share in CASES:
        found = finder.all(drawn(picture, kind, share, draw) for picture in pictures)
        said = classifier.classify(found.crops)
        right = said.argmax(axis=1) == labels[found.rows]
        unsure = said.max(axis=1) < classifier.facts.threshold
        marked = obstruction.obstructed(found.crops)
        others = f"{right[~marked].mean():.3f}" if (~marked).sum() >= 30 else "-"
        figures = (
            f"{len(found.rows) / len(pictures):.0%} | {right.mean():.3f} | {unsure.mean():.0%} | {marked.mean():.1%}"
        )
        print(f"| {kind} | {share:.0%} | {figures} | {others} |", flush=True)
    plain = finder.all((picture, 0.0) for picture in pictures)
    print("\n| nothing over the face | marked |\n|---|---|")
    for name, degrade in DEGRADED.items():
        marked = obstruction.obstructed(np.stack([degrade(crop) for crop in plain.crops]))
        print(f"| {name} | {marked.mean():.1%} |")


if __name__ == "__main__":
    main()
