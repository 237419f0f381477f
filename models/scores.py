"""Scores of a classifier against labels. Pure arrays: no network, no file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from scipy.stats import binomtest

from analytics.expressions import EXPRESSIONS

_BINS: Final = 15
_TEMPERATURES: Final = (0.2, 5.0)
_RESAMPLES: Final = 1000
_LEAST_PICTURES: Final = 30
"""Fewer drawn anew are much the same few again, which looks surer than it is."""
_SEED: Final = 1
_COVERAGES: Final = tuple(k / 20 for k in range(20, 0, -1))


@dataclass(frozen=True)
class Bin:
    """Pictures of which the classifier is about equally sure."""

    n: int
    confidence: float
    """Mean of the largest probability."""
    accuracy: float


@dataclass(frozen=True)
class Accepted:
    """What is left when the pictures of which the classifier is least sure are put aside."""

    coverage: float
    """Share of the pictures that is left."""
    threshold: float
    """The least confidence among them."""
    accuracy: float


@dataclass(frozen=True, eq=False)
class Scores:
    """How well probabilities agree with labels. Accuracy is by the largest probability over all classes."""

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95 %, by Wilson's score (1927), which tells something of few pictures and of none wrong, too."""
    macro_f1: float
    """Mean of the F1 of the classes; a class without a picture and without a claim is left out."""
    macro_f1_interval: tuple[float, float] | None
    """95 %, by bootstrap over the pictures of each class; None where they are too few or too much alike to tell."""
    ece: float
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017)."""
    confusion: NDArray[np.int64]
    """(classes, classes) rows are the truth, columns what was said."""
    names: tuple[str, ...]
    """Of the classes."""
    threshold: float
    uncertain_share: float
    """Share of the pictures whose largest probability is below the threshold."""
    accepted_accuracy: float | None
    """Accuracy of the others; None where there are none."""
    calibration: tuple[Bin, ...]
    """The bins of ece that hold pictures, from unsure to sure."""
    risk_coverage: tuple[Accepted, ...]
    """From all pictures to the surest twentieth (El-Yaniv and Wiener 2010, "selective classification")."""

    def to_json(self) -> dict[str, Any]:
        """The object that `emobatch evaluate --json` prints."""
        said, true = self.confusion.sum(axis=0), self.confusion.sum(axis=1)
        right = self.confusion.diagonal()
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "macro_f1": self.macro_f1,
            "macro_f1_interval": list(self.macro_f1_interval) if self.macro_f1_interval else None,
            "ece": self.ece,
            "classes": {
                name: {
                    "precision": _ratio(right[i], said[i]),
                    "recall": _ratio(right[i], true[i]),
                    "n": int(true[i]),
                }
                for i, name in enumerate(self.names)
            },
            "confusion": self.confusion.tolist(),
            "uncertain": {
                "threshold": self.threshold,
                "share": self.uncertain_share,
                "accuracy_of_accepted": self.accepted_accuracy,
            },
            "calibration": [vars(found) for found in self.calibration],
            "risk_coverage": [vars(found) for found in self.risk_coverage],
        }


def score(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int32],
    threshold: float,
    names: tuple[str, ...] = EXPRESSIONS,
) -> Scores:
    """Score probabilities (n, classes) against labels (n,), n at least 1."""
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = said == labels
    confusion = confusion_of(labels, said, len(names))
    accepted = sure >= threshold
    # Pictures drawn anew are a confusion table drawn anew; by class, as a class that none is drawn of has no F1 at all.
    draw = np.random.default_rng(_SEED)
    resampled = np.stack(
        [draw.multinomial(row.sum(), row / max(1, row.sum()), _RESAMPLES) for row in confusion], axis=1
    )
    accuracy = binomtest(int(right.sum()), len(labels)).proportion_ci(method="wilson")
    return Scores(
        n=len(labels),
        accuracy=float(right.mean()),
        accuracy_interval=(float(accuracy.low), float(accuracy.high)),
        macro_f1=macro_f1(confusion),
        macro_f1_interval=_interval([macro_f1(table) for table in resampled], len(labels)),
        ece=calibration_error(sure, right),
        confusion=confusion,
        names=names,
        threshold=threshold,
        uncertain_share=float(1 - accepted.mean()),
        accepted_accuracy=float(right[accepted].mean()) if accepted.any() else None,
        calibration=_calibration(sure, right),
        risk_coverage=_risk_coverage(sure, right),
    )


def confusion_of(labels: NDArray[np.int32], said: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts: rows are the truth, (n,), columns what was said, (n,)."""
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, said), 1)
    return confusion


def macro_f1(confusion: NDArray[np.int64]) -> float:
    """Mean F1 of the classes of a confusion table (truth in rows) that anybody shows.

    What nobody shows and is said all the same costs those that it was taken for; with an F1 of 0 of its own, one such mistake
    would count for as much as a class.
    """
    shown = confusion.sum(axis=1) > 0
    claims = (confusion.sum(axis=0) + confusion.sum(axis=1))[shown]
    return float((2 * confusion.diagonal()[shown] / claims).mean())


def calibration_error(sure: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error of confidences (n,) in 0..1."""
    return sum(found.n * abs(found.accuracy - found.confidence) for found in _calibration(sure, right)) / len(sure)


def _calibration(sure: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    members = [bins == place for place in range(_BINS)]
    return tuple(
        Bin(n=int(inside.sum()), confidence=float(sure[inside].mean()), accuracy=float(right[inside].mean()))
        for inside in members
        if inside.any()
    )


def _risk_coverage(sure: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[Accepted, ...]:
    surest = np.argsort(-sure, kind="stable")
    found = []
    for coverage in _COVERAGES:
        left = surest[: max(1, round(coverage * len(sure)))]
        found.append(Accepted(coverage=coverage, threshold=float(sure[left[-1]]), accuracy=float(right[left].mean())))
    return tuple(found)


def best_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The temperature at which the labels (n,) are likeliest under probabilities (n, classes), to a thousandth."""
    logs = np.log(np.maximum(probabilities, 1e-12).astype(np.float64))
    rows = np.arange(len(labels))

    def surprise(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        return float((logsumexp(scaled, axis=1) - scaled[rows, labels]).mean())

    bounds = (math.log(_TEMPERATURES[0]), math.log(_TEMPERATURES[1]))
    return round(math.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x), 3)


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


def _interval(resampled: Sequence[float], n: int) -> tuple[float, float] | None:
    low, high = np.percentile(resampled, [2.5, 97.5]).tolist()
    return (low, high) if n >= _LEAST_PICTURES and low < high else None


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
