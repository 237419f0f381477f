"""Losses, schedules and the end of a training, each against what was worked out by hand."""

import math
from importlib.util import find_spec

import numpy as np
import pytest

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]

_SAID = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]], np.float32)
_TRUTH = np.array([[1, 0, 0], [0, 0.5, 0.5]], np.float32)


def test_effective_numbers() -> None:
    """Of 1 and 2 pictures at beta 0.5: 1 and 1.5, so weights as 3 to 2; the class without a picture weighs nothing."""
    from models.losses import effective_weights

    assert effective_weights(np.array([1, 2, 0]), beta=0.5) == pytest.approx([1.2, 0.8, 0])
    many = effective_weights(np.array([100, 1000]), beta=0.9999)
    assert many[0] / many[1] == pytest.approx((1 - 0.9999**1000) / (1 - 0.9999**100), rel=1e-4)


def test_class_balanced_crossentropy() -> None:
    """Each class' part of the cross-entropy by its weight."""
    from models.losses import weighted_crossentropy

    found = np.array(weighted_crossentropy(_TRUTH, _SAID, np.array([2, 1, 0.5], np.float32)))
    by_hand = [-2 * math.log(0.7), -0.5 * math.log(0.8) - 0.5 * 0.5 * math.log(0.1)]
    assert found == pytest.approx(by_hand, rel=1e-5)


def test_focal() -> None:
    """(1 - p)^2 of the cross-entropy; at gamma 0 the cross-entropy itself, also with soft labels."""
    import keras

    from models.losses import focal

    by_hand = [-(0.3**2) * math.log(0.7), -0.5 * 0.2**2 * math.log(0.8) - 0.5 * 0.9**2 * math.log(0.1)]
    assert np.array(focal(_TRUTH, _SAID)) == pytest.approx(by_hand, rel=1e-5)
    plain = np.array(keras.losses.categorical_crossentropy(_TRUTH, _SAID))
    assert np.array(focal(_TRUTH, _SAID, gamma=0.0)) == pytest.approx(plain, rel=1e-5)
    assert np.isfinite(np.array(focal(_TRUTH, np.eye(3, dtype=np.float32)[[1, 0]]))).all()


def test_locality() -> None:
    """Half the squared distance to the mean of the nearest of its class; one that is alone costs nothing."""
    from models.losses import locality_preserving

    targets = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    features = np.array([[0, 0], [2, 0], [0, 6], [1, 1]], np.float32)
    # (2, 0) and (0, 6) lie nearest to (0, 0); their mean is (1, 3).
    assert np.array(locality_preserving(targets, features)) == pytest.approx(
        [0.5 * 10, 0.5 * (2**2 + 3**2), 0.5 * (1 + 36), 0]
    )
    assert np.array(locality_preserving(targets, features, neighbours=1)) == pytest.approx([2, 2, 18, 0])
    # Pictures without a label in the batch are nobody's neighbours.
    nobody = np.zeros((4, 2), np.float32)
    more = np.concatenate([targets, nobody]), np.concatenate([features, nobody])
    assert np.array(locality_preserving(more[0], more[1])) == pytest.approx(
        [0.5 * 10, 0.5 * (2**2 + 3**2), 0.5 * (1 + 36), 0, 0, 0, 0, 0]
    )


def test_features_are_what_the_classifier_takes() -> None:
    """The input of the last dense layers, before or behind dropout; a network that ends otherwise has none."""
    import keras

    from models.features import features_of

    picture = keras.layers.Input((4, 4, 1))
    flat = keras.layers.Flatten()(picture)
    dropped = keras.layers.Dropout(0.5)(flat)
    network = keras.Model(picture, {name: keras.layers.Dense(3, name=name)(dropped) for name in ("a", "b")})
    assert features_of(network) is dropped and features_of(network, dropped=False) is flat
    with pytest.raises(ValueError, match="Flatten"):
        features_of(keras.Model(picture, flat))


def test_the_plateau_halves_the_rate() -> None:
    """After three epochs in a row that are no better than the best; then it counts anew."""
    from models.schedules import plateau_rate

    values = [0.5, 0.6, 0.6, 0.59, 0.6, 0.55, 0.61, 0.4, 0.4, 0.4]
    rates = [plateau_rate(0.8, values[:epochs]) for epochs in range(len(values) + 1)]
    assert rates == [0.8] * 5 + [0.4] * 5 + [0.2]


def test_waiting_counts_from_the_first_of_the_best() -> None:
    """An epoch that is as good as the best one is no better."""
    from models.schedules import waited

    assert [waited(values) for values in ([], [0.1], [0.1, 0.3, 0.3, 0.2], [0.1, 0.3, 0.4])] == [0, 0, 2, 0]
