"""Classifiers on features that stay as they are: what the literature puts behind a network or a descriptor.

    softmax        logistic regression
    linear-svm     support vectors, linear kernel
    svm            support vectors, radial kernel
    knn            the five nearest neighbours
    random-forest  two hundred trees
    softmax-svm    the mean of the probabilities of softmax and svm

Support vectors give no probabilities of their own; they come from a sigmoid of the distance (Platt 1999, "Probabilistic
Outputs for Support Vector Machines"), fitted on parts of the training features that the part before has not seen. Needs
the extra `train` (scikit-learn).
"""

import pickle
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS

Features = NDArray[np.float32]
Labels = NDArray[np.int32]

NEIGHBOURS: Final = 5
TREES: Final = 200
SOFTNESS: Final = 5.0
"""C of softmax and linear support vectors, times pictures, for features of deviation 1: scikit-learn adds up what pictures
cost, so that C for itself would bind less the more there are. Chosen on FER2013's public split, with 5,000 pictures of train,
HOG and LBP, of 1.5 to 5,000: their thousand columns and more are learned by heart at 5,000, where 0.36 are right instead of 0.43."""
_FOLDS: Final = 3
"""Parts of the training features by which the sigmoid of support vectors is fitted."""


class _Classifier(Protocol):
    """What is used of scikit-learn's classifiers."""

    classes_: NDArray[np.int32]

    def fit(self, features: Features, labels: Labels) -> Any: ...

    def predict_proba(self, features: Features) -> NDArray[np.float64]: ...


class Head:
    """A classifier of features.

    Args:
        name: one of HEADS.
        seed: of everything random.
        classes: the columns of the probabilities.

    Raises:
        UsageError: no such head.
    """

    def __init__(self, name: str, seed: int = 20, classes: Sequence[str] = EXPRESSIONS) -> None:
        if name not in HEADS:
            raise UsageError(f"--heads {name}: no such head", f"choose of: {', '.join(HEADS)}")
        self.name, self.classes = name, classes
        self._seed = seed
        self._parts: list[_Classifier] = []

    def fit(self, features: Features, labels: Labels) -> "Head":
        """Learn from features (n, width) and class indices (n,).

        Raises:
            UsageError: features that are no numbers, one class alone, or a class of too few pictures for this head.
        """
        if not np.isfinite(features).all():
            raise UsageError(f"--heads {self.name}: some features are no numbers", "train the network again")
        counts = np.bincount(labels, minlength=len(self.classes))
        shown = np.flatnonzero(counts)
        if len(shown) < 2:
            raise UsageError(f"--heads {self.name}: there is one class alone", "add pictures of another class")
        if len(features) < NEIGHBOURS:
            problem = f"--heads {self.name}: there are {len(features)} pictures to learn from"
            raise UsageError(problem, f"give {NEIGHBOURS} or more (--most), better hundreds")
        rarest = int(shown[counts[shown].argmin()])
        if "svm" in self.name and counts[rarest] < _FOLDS:
            problem = f"--heads {self.name}: class {self.classes[rarest]} has {counts[rarest]} pictures"
            raise UsageError(problem, f"it needs {_FOLDS} to fit its probabilities; choose softmax or knn")
        self._parts = [make(self._seed, len(features)) for make in HEADS[self.name]]
        for part in self._parts:
            part.fit(features, labels)
        return self

    def predict(self, features: Features) -> Features:
        """Probabilities (n, classes); zero for classes that there was no picture of."""
        found = np.zeros((len(features), len(self.classes)), np.float64)
        for part in self._parts:
            found[:, part.classes_] += part.predict_proba(features) / len(self._parts)
        return found.astype(np.float32)

    @property
    def size_bytes(self) -> int:
        """How large it is when it is stored."""
        return len(pickle.dumps(self._parts))


def _softmax(seed: int, pictures: int) -> _Classifier:
    return _scaled(LogisticRegression(C=SOFTNESS / pictures, max_iter=1000, random_state=seed))


def _linear_svm(seed: int, pictures: int) -> _Classifier:
    return _scaled(
        CalibratedClassifierCV(LinearSVC(C=SOFTNESS / pictures, random_state=seed), method="sigmoid", cv=_FOLDS)
    )


def _svm(seed: int, _: int) -> _Classifier:
    return _scaled(CalibratedClassifierCV(SVC(random_state=seed), method="sigmoid", cv=_FOLDS))


def _knn(_seed: int, _: int) -> _Classifier:
    return _scaled(KNeighborsClassifier(NEIGHBOURS))


def _random_forest(seed: int, _: int) -> _Classifier:
    forest: _Classifier = RandomForestClassifier(TREES, random_state=seed)
    return forest


def _scaled(classifier: Any) -> _Classifier:
    """Each feature brought to mean 0 and deviation 1 first; trees alone do not mind scales."""
    pipeline: _Classifier = make_pipeline(StandardScaler(), classifier)
    return pipeline


HEADS: Final[dict[str, tuple[Callable[[int, int], _Classifier], ...]]] = {
    "softmax": (_softmax,),
    "linear-svm": (_linear_svm,),
    "svm": (_svm,),
    "knn": (_knn,),
    "random-forest": (_random_forest,),
    "softmax-svm": (_softmax, _svm),
}
"""Name -> what makes its parts, whose probabilities are averaged, by a seed and the number of pictures."""
