"""Classifiers on frozen features: each fits, predicts probabilities, and says what it cannot learn from."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.errors import UsageError

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("sklearn") is None, reason="needs the train extra"),
]

_NAMES = ("softmax", "linear-svm", "svm", "knn", "random-forest", "softmax-svm")


def clouds(each: int, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Features around a place of its own for each class; disgust (1) has none."""
    draw = np.random.default_rng(seed)
    labels = np.repeat([0, 2, 3, 4, 5, 6], each).astype(np.int32)
    places = np.random.default_rng(0).normal(0, 3, (7, 12))
    return (places[labels] + draw.normal(0, 1, (len(labels), 12))).astype(np.float32), labels


@pytest.mark.parametrize("name", _NAMES)
def test_every_head_fits_and_predicts(name: str) -> None:
    """Probabilities by class; none for the class that has no picture; the same again from the same seed."""
    from models.lab_heads import Head

    features, labels = clouds(20)
    others, truth = clouds(10, seed=2)
    found = Head(name).fit(features, labels).predict(others)
    assert found.shape == (60, 7) and found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5) and not found[:, 1].any()
    assert (found.argmax(axis=1) == truth).mean() > 0.9
    assert np.array_equal(Head(name).fit(features, labels).predict(others), found)
    assert Head(name).fit(features, labels).size_bytes > 500


def test_softmax_svm_is_the_mean_of_both() -> None:
    """Of what the two say alone."""
    from models.lab_heads import Head

    features, labels = clouds(9)
    said = [Head(name).fit(features, labels).predict(features) for name in ("softmax", "svm", "softmax-svm")]
    assert said[2] == pytest.approx((said[0] + said[1]) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "each", "only", "said"),
    [
        ("forest", 5, None, "--heads forest: no such head: choose of: softmax, "),
        ("svm", 2, None, "--heads svm: class angry has 2 pictures: it needs 3"),
        ("knn", 5, 3, "--heads knn: there is one class alone: add pictures"),
        ("knn", 1, (0, 2, 3, 4), "--heads knn: there are 4 pictures to learn from: give 5 or more (--most)"),
    ],
)
def test_what_cannot_be_learned_is_said(name: str, each: int, only: int | tuple[int, ...] | None, said: str) -> None:
    """With a remedy."""
    from models.lab_heads import Head

    features, labels = clouds(each)
    keep = np.isin(labels, only) if only is not None else np.ones(len(labels), np.bool_)
    with pytest.raises(UsageError) as caught:
        Head(name).fit(features[keep], labels[keep])
    assert str(caught.value).startswith(said)


def test_features_that_are_no_numbers_are_refused() -> None:
    """As a network gives them whose weights are none."""
    from models.lab_heads import Head

    features, labels = clouds(5)
    features[3, 3] = np.nan
    with pytest.raises(UsageError, match="some features are no numbers"):
        Head("knn").fit(features, labels)
