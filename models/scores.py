"""Scores of a classifier against labels. Pure arrays: no network, no file."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from analytics.expressions import EXPRESSIONS

_BINS: Final = 15
_TEMPERATURES: Final = (0.2, 5.0)


@dataclass(frozen=True, eq=False)
class Scores:
    """How well probabilities agree with labels. Accuracy is by the largest probability over all classes."""

    n: int
    accuracy: float
    macro_f1: float
    """Mean of the F1 of the seven classes; a class without a picture and without a claim is left out."""
    ece: float
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017)."""
    confusion: NDArray[np.int64]
    """(7, 7) rows are the truth, columns what was said."""
    threshold: float
    uncertain_share: float
    """Share of the pictures whose largest probability is below the threshold."""
    accepted_accuracy: float
    """Accuracy of the others."""

    def to_json(self) -> dict[str, Any]:
        """The object that `emobatch evaluate --json` prints."""
        said, true = self.confusion.sum(axis=0), self.confusion.sum(axis=1)
        right = self.confusion.diagonal()
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "ece": self.ece,
            "classes": {
                name: {
                    "precision": _ratio(right[i], said[i]),
                    "recall": _ratio(right[i], true[i]),
                    "n": int(true[i]),
                }
                for i, name in enumerate(EXPRESSIONS)
            },
            "confusion": self.confusion.tolist(),
            "uncertain": {
                "threshold": self.threshold,
                "share": self.uncertain_share,
                "accuracy_of_accepted": self.accepted_accuracy,
            },
        }


def score(probabilities: NDArray[np.float32], labels: NDArray[np.int32], threshold: float) -> Scores:
    """Score probabilities (n, 7) against labels (n,), n at least 1."""
    classes = len(EXPRESSIONS)
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = said == labels
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, said), 1)
    hits = confusion.diagonal()
    claims = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = 2 * hits[claims > 0] / claims[claims > 0]
    accepted = sure >= threshold
    return Scores(
        n=len(labels),
        accuracy=float(right.mean()),
        macro_f1=float(f1.mean()),
        ece=calibration_error(sure, right),
        confusion=confusion,
        threshold=threshold,
        uncertain_share=float(1 - accepted.mean()),
        accepted_accuracy=float(right[accepted].mean()) if accepted.any() else 0.0,
    )


def calibration_error(sure: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error of confidences (n,) in 0..1."""
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    weight = np.bincount(bins, minlength=_BINS)
    gap = np.abs(np.bincount(bins, right, _BINS) - np.bincount(bins, sure, _BINS))
    return float(gap.sum() / weight.sum())


def best_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The temperature at which the labels (n,) are likeliest under probabilities (n, 7), to a thousandth."""
    logs = np.log(np.maximum(probabilities, 1e-12).astype(np.float64))
    rows = np.arange(len(labels))

    def surprise(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        return float((logsumexp(scaled, axis=1) - scaled[rows, labels]).mean())

    found = minimize_scalar(surprise, bounds=(math.log(_TEMPERATURES[0]), math.log(_TEMPERATURES[1])), method="bounded")
    return round(float(np.exp(found.x)), 3)


def smallest_threshold(probabilities: NDArray[np.float32], labels: NDArray[np.int32], accuracy: float) -> float:
    """The smallest confidence at which the accepted pictures are right often enough; 1.0 where none is.

    Rounded up to a thousandth.
    """
    right, sure = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    for threshold in np.arange(0.0, 1.0, 0.001):
        accepted = sure >= threshold
        if accepted.any() and right[accepted].mean() >= accuracy:
            return round(float(threshold), 3)
    return 1.0


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
