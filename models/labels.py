"""What people say of a picture, as class labels and as soft targets. Pure arrays: no file.

FER2013's own labels come from Goodfellow et al. (2013), arXiv:1307.0414; the FER+ votes, ten people a
picture, from Barsoum et al. (2016), arXiv:1608.01041.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS

_SYNONYMS: Final = {
    "afraid": "fear",
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
_LEAST_VOTES: Final = 5


def class_name(name: str) -> str:
    """A class name as emobatch spells it: `Happiness` is happy; others in small letters."""
    lowered = name.strip().lower()
    return _SYNONYMS.get(lowered, lowered)


def class_index(name: str, known: Sequence[str] = EXPRESSIONS) -> int:
    """Index into the known classes of a class name as data sets spell it (`Happiness`, `anger`); -1 if foreign."""
    name = class_name(name)
    return known.index(name) if name in known else -1


def hard_targets(labels: NDArray[np.int32], classes: int = len(EXPRESSIONS)) -> NDArray[np.float32]:
    """Targets (n, classes) with a one at the label, (n,); all zero where the label is -1."""
    targets = np.zeros((len(labels), classes), np.float32)
    targets[labels >= 0, labels[labels >= 0]] = 1
    return targets


def ferplus_labels(
    votes: NDArray[np.integer], names: Sequence[str], known: Sequence[str] = EXPRESSIONS
) -> NDArray[np.int32]:
    """The majority's class of each row of votes, int (n, 10), among the known ones; -1 where there is no clear one.

    Left out are rows whose largest vote overall goes to contempt, unknown or NF, or is below five
    of ten. Ties go to the first name.
    """
    to_ours = np.array([class_index(name, known) for name in names], np.int32)
    labels: NDArray[np.int32] = to_ours[votes.argmax(axis=1)]
    labels[votes.max(axis=1) < _LEAST_VOTES] = -1
    return labels


def ferplus_targets(
    votes: NDArray[np.integer], names: Sequence[str], known: Sequence[str] = EXPRESSIONS
) -> NDArray[np.float32]:
    """Soft targets (n, known): the shares of the votes among the known classes, single votes dropped.

    One vote of ten is more often a slip than an opinion (Barsoum et al. drop it too). Rows that most people call anything else
    become all zero, be it another class, unknown or no face: what the few say instead is not what the picture shows.
    """
    heard = np.where(votes > 1, votes, 0)
    targets = np.zeros((len(votes), len(known)), np.float32)
    for column, name in enumerate(names):
        if (ours := class_index(name, known)) >= 0:
            targets[:, ours] = heard[:, column]
    foreign = np.array([class_index(name, known) < 0 for name in names])
    targets[foreign[votes.argmax(axis=1)]] = 0
    total: NDArray[np.float32] = targets.sum(axis=1, keepdims=True)
    total[total == 0] = 1
    return targets / total
