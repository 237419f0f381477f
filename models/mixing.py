"""How much each output of a network with two heads is to say, and each class. Pure arrays: no network, no file."""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

PRICE: Final = 0.005
"""Accuracy by the first head's labels that may be given up for what is rare in them."""
_SHARES: Final = np.linspace(0, 0.5, 11)
_POWERS: Final = np.linspace(0, 0.6, 13)

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


def best_mix(said: tuple[Floats, Floats], labels: tuple[NDArray[np.int32], NDArray[np.int32]]) -> Mix:
    """The mix that is fairest to all classes by both truths, and costs at most PRICE of accuracy by the first one.

    Classes are weighed by their mean probability to a negative power (Menon et al. 2021, "Long-tail learning via logit
    adjustment"), so that one number says how much the rare ones gain. Fair is the mean recall of the classes, averaged
    over both truths.

    Args:
        said: probabilities (n, classes) of the two heads.
        labels: (n,) of the truth that each head learned; -1 where it says nothing.
    """
    mixes = [_weighed(said, float(share), float(power)) for share, power in product(_SHARES, _POWERS)]
    found = [mix.of(*said).argmax(axis=1) for mix in mixes]
    judged = labels[0] >= 0
    right = [float((classes == labels[0])[judged].mean()) for classes in found]
    fair = [sum(_mean_recall(classes, truth) for truth in labels) for classes in found]
    affordable = [place for place, accuracy in enumerate(right) if accuracy >= max(right) - PRICE]
    return mixes[max(affordable, key=lambda place: fair[place])]


def _weighed(said: tuple[Floats, Floats], share: float, power: float) -> Mix:
    usual = ((1 - share) * said[0] + share * said[1]).mean(axis=0, dtype=np.float64)
    weights = np.maximum(usual, 1e-6) ** -power
    return Mix(round(share, 2), tuple(np.round(weights / np.exp(np.log(weights).mean()), 3).tolist()))


def _mean_recall(said: NDArray[np.intp], truth: NDArray[np.int32]) -> float:
    return float(np.mean([(said[truth == label] == label).mean() for label in np.unique(truth[truth >= 0])]))
