"""What a network is shown while it is trained: pictures drawn by class, augmented, mixed."""

import math
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS
from models.augment import RECIPES, augmented

Arrays = dict[str, NDArray[np.float32]]
"""By head."""
FEATURES: Final = "features"
"""The output that a loss over features is held against."""


@dataclass(frozen=True, eq=False)
class Lessons:
    """Pictures, and what each head is to say of them."""

    pictures: NDArray[np.uint8]
    """(n, size, size), gray."""
    targets: Arrays
    """(n, classes) by head, soft, summing to one where the weight is not zero."""
    weights: Arrays
    """(n,) by head; zero where a picture has nothing to teach it."""
    classes: tuple[str, ...] = EXPRESSIONS
    """What the columns of the targets stand for."""
    normalised: str = ""
    """What was done to the grey levels of the pictures, one of models.levels.NORMALISED, or nothing."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Augmented batches, drawn anew for each epoch from (seed, epoch) alone, so a resumed training sees the same.

    Args:
        lessons: n pictures.
        batch: pictures at once, at most: an epoch is divided into batches as equal as can be.
        balance: 0 draws each picture once, 1 draws all classes equally often, and some pictures several times.
        mixup: alpha of the Beta distribution by which pairs of pictures and their targets are mixed (Zhang et al.
            2018, "mixup"); 0 mixes nothing.
        seed: of everything random.
        degraded: how often pictures are hidden in part, blurred, made small, noisy or coded; 1 is usual.
        augment: how pictures are changed besides, one of RECIPES.
        locality: weight of the output `features`, which learns from the targets of the first head; 0 where there is none.
    """

    def __init__(
        self,
        lessons: Lessons,
        *,
        batch: int,
        balance: float,
        mixup: float,
        seed: int,
        degraded: float = 1.0,
        augment: str = "cctv",
        locality: float = 0.0,
    ) -> None:
        # With two threads Keras turns off what tunes TensorFlow's queues, whose end is waited for by up to ten seconds an epoch.
        super().__init__(workers=2)
        self.lessons, self.batch, self.mixup, self.seed, self.degraded = lessons, batch, mixup, seed, degraded
        self.balance = balance
        self.locality, self.recipe = locality, RECIPES[augment]
        everything = _taught(lessons, np.arange(len(lessons.pictures)))
        chances = [balanced_chances(targets, balance) for targets in everything.values()]
        self.chance = np.mean(chances, axis=0, dtype=np.float64)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the pictures of an epoch, as many as there are."""
        self.epoch = epoch
        draw = np.random.default_rng((self.seed, epoch))
        n = len(self.lessons.pictures)
        self.order = draw.choice(n, n, p=self.chance) if self.balance else draw.permutation(n)

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], Any, Any]:
        first, last = (len(self.order) * cut // len(self) for cut in (index, index + 1))
        rows = self.order[first:last]
        draw = np.random.default_rng((self.seed, self.epoch, index))
        changed = [augmented(self.lessons.pictures[row], draw, self.degraded, self.recipe) for row in rows]
        pictures = np.stack(changed)[..., None]
        taught = _taught(self.lessons, rows)
        mixed = pictures.astype(np.float32)
        if self.mixup:
            share, other = np.float32(draw.beta(self.mixup, self.mixup)), draw.permutation(len(rows))
            mixed = share * mixed + (1 - share) * mixed[other]
            taught = {head: share * targets + (1 - share) * targets[other] for head, targets in taught.items()}
        # Where one of a pair has nothing to teach, the other alone does, and weighs accordingly less.
        weights = {head: targets.sum(axis=1) for head, targets in taught.items()}
        targets = {head: taught[head] / np.maximum(weights[head], 1e-6)[:, None] for head in taught}
        targets, weights = with_features(targets, weights, self.locality)
        return mixed, one_or_all(targets), one_or_all(weights)


def with_features(targets: Arrays, weights: Arrays, locality: float) -> tuple[Arrays, Arrays]:
    """Targets and weights by output where the features have a loss of their own: those of the first head, weighed."""
    if not locality:
        return targets, weights
    first = next(iter(targets))
    return {**targets, FEATURES: targets[first]}, {**weights, FEATURES: weights[first] * np.float32(locality)}


def one_or_all(by_head: dict[str, Any]) -> Any:
    """What Keras takes: the value itself where the network has one output."""
    return by_head if len(by_head) > 1 else next(iter(by_head.values()))


def _taught(lessons: Lessons, rows: NDArray[np.intp]) -> Arrays:
    """(rows, classes) by head: targets times weights."""
    return {head: targets[rows] * lessons.weights[head][rows, None] for head, targets in lessons.targets.items()}


def balanced_chances(targets: NDArray[np.float32], balance: float) -> NDArray[np.float64]:
    """Chance of each row, (n,), to be drawn: rare classes more often, by frequency to the power -balance."""
    frequency = targets.sum(axis=0) / targets.sum()
    worth = np.where(frequency > 0, frequency, 1.0) ** -balance
    chances: NDArray[np.float64] = np.asarray(targets @ worth, np.float64)
    chances /= chances.sum()
    return chances
