"""How much each output of a network with two heads is to say, and each class. Pure arrays: no network, no file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PRICE: Final = 0.002
"""Accuracy by the first head's labels that may be given up for what is rare in them."""
_SHARES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_STEP: Final = 1.25
_MOST_STEPS: Final = 20

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mix:
    """What is made of two heads' probabilities."""

    share: float
    """Of the second head; the first one has the rest."""
    weights: tuple[float, ...]
    """(classes,) by which the mixed probabilities are multiplied before they are scaled to sum to one; rare classes
    have more. Their geometric mean is one."""

    def of(self, first: Floats, second: Floats) -> Floats:
        """Probabilities (n, classes) from those of the two heads."""
        mixed = ((1 - self.share) * first + self.share * second) * np.asarray(self.weights)
        return np.asarray(mixed / mixed.sum(axis=1, keepdims=True), np.float32)


def best_mix(said: Sequence[tuple[Floats, Floats]], labels: tuple[NDArray[np.int32], NDArray[np.int32]]) -> Mix:
    """The mix that is fairest to all classes by both truths, and costs at most PRICE of accuracy by the first one.

    Fair is the mean recall of the classes, averaged over both truths. One class after another is weighed up, the one that
    gains most first, as long as it can be paid for; logits are adjusted so for rare classes (Menon et al. 2021, "Long-tail
    learning via logit adjustment"), here by as much as pays instead of by their frequency alone.

    Args:
        said: probabilities (n, classes) of the two heads, of each view of the same n faces; views are averaged after
            they are mixed, as in use.
        labels: (n,) of the truth that each head learned; -1 where it says nothing. Each says something.
    """
    classes = said[0][0].shape[1]
    plain = [Mix(share, (1.0,) * classes) for share in _SHARES]
    least = max(_judged(mix, said, labels)[0] for mix in plain) - PRICE
    best = max((_climbed(mix, said, labels, least) for mix in plain), key=lambda found: found[0])[1]
    mean = float(np.exp(np.log(best.weights).mean()))
    return Mix(best.share, tuple(round(weight / mean, 3) for weight in best.weights))


def _climbed(
    mix: Mix, said: Sequence[tuple[Floats, Floats]], labels: tuple[NDArray[np.int32], ...], least: float
) -> tuple[float, Mix]:
    """The fairest mix on the way up from one, step by step, that is right often enough, and how fair it is."""
    accuracy, fair = _judged(mix, said, labels)
    fair = fair if accuracy >= least else -1.0
    for _ in range(_MOST_STEPS):
        steps = []
        for place in range(len(mix.weights)):
            weights = tuple(weight * (_STEP if place == one else 1) for one, weight in enumerate(mix.weights))
            accuracy, fairness = _judged(Mix(mix.share, weights), said, labels)
            if accuracy >= least and fairness > fair:
                steps.append((fairness, weights))
        if not steps:
            break
        fair, weights = max(steps)
        mix = Mix(mix.share, weights)
    return fair, mix


def _judged(
    mix: Mix, said: Sequence[tuple[Floats, Floats]], labels: tuple[NDArray[np.int32], ...]
) -> tuple[float, float]:
    """How often a mix is right by the first labels, and how fair it is."""
    found = np.mean([mix.of(*view) for view in said], axis=0).argmax(axis=1)
    heard = labels[0] >= 0
    recalls = [[(found[truth == label] == label).mean() for label in np.unique(truth[truth >= 0])] for truth in labels]
    return float((found == labels[0])[heard].mean()), float(np.mean([np.mean(recall) for recall in recalls]))
