"""What a network is told about its mistakes: Keras functions of targets and probabilities, one value a picture.

    soft-labels          cross-entropy with the shares of what people said (Barsoum et al. 2016, arXiv:1608.01041)
    cross-entropy        the same with one class a picture
    class-balanced       rare classes weigh more, by their effective number (Cui et al. 2019, arXiv:1901.05555)
    focal                what is nearly right weighs less (Lin et al. 2017, arXiv:1708.02002)
    locality-preserving  features near those of their class besides (Li et al. 2017, "Reliable Crowdsourcing and Deep
                         Locality-Preserving Learning for Expression Recognition in the Wild")

The first two differ in the targets alone, see models.lessons.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Loss = Callable[[Any, Any], Any]
"""Targets (n, classes) and probabilities (n, classes) -> (n,)."""

LOSSES: Final = ("soft-labels", "cross-entropy", "class-balanced", "focal", "locality-preserving")
BETA: Final = 0.9999
"""Of the effective number; the largest that the paper tries. At 0 all classes weigh alike, towards 1 by frequency."""
GAMMA: Final = 2.0
"""Of the focal loss, as the paper has it."""
NEIGHBOURS: Final = 20
LOCALITY: Final = 0.003
"""Weight of the locality-preserving term beside the cross-entropy."""
_FAR: Final = 1e30


def loss_of(name: str, counts: NDArray[np.integer[Any]]) -> Loss:
    """The loss of a head by its name.

    Args:
        name: one of LOSSES.
        counts: (classes,) pictures of each class that the head learns from.
    """
    if name == "class-balanced":
        return partial(weighted_crossentropy, weights=effective_weights(counts))
    return focal if name == "focal" else keras.losses.categorical_crossentropy


def effective_weights(counts: NDArray[np.integer[Any]], beta: float = BETA) -> NDArray[np.float32]:
    """Weights (classes,) by effective number, (1 - beta) / (1 - beta^n), whose mean over the classes is one.

    Classes without a picture weigh nothing, and count in no mean.
    """
    there = counts > 0
    weights = np.zeros(len(counts), np.float64)
    weights[there] = (1 - beta) / -np.expm1(counts[there] * np.log(beta))
    weights[there] *= there.sum() / weights.sum()
    return weights.astype(np.float32)


def weighted_crossentropy(targets: Any, probabilities: Any, weights: NDArray[np.float32]) -> Any:
    """Cross-entropy (n,) in which each class counts by its weight, (classes,); targets may be soft."""
    return ops.sum(ops.cast(targets, "float32") * weights * -_logarithms(probabilities), axis=-1)


def focal(targets: Any, probabilities: Any, gamma: float = GAMMA) -> Any:
    """Focal loss (n,): each class' part of the cross-entropy times (1 - probability)^gamma; targets may be soft."""
    modest = (1 - ops.cast(probabilities, "float32")) ** gamma
    return ops.sum(ops.cast(targets, "float32") * modest * -_logarithms(probabilities), axis=-1)


def locality_preserving(targets: Any, features: Any, neighbours: int = NEIGHBOURS) -> Any:
    """Half the squared distance (n,) of each row to the mean of the nearest rows of its class in the batch.

    As in the paper's equation 5, the mean counts as a constant when weights are changed. The class is the likeliest of
    the targets. A picture that is alone of its class in the batch costs nothing, nor does one without a class.

    Args:
        targets: (n, classes); zeros for a picture without a label.
        features: (n, width), what the classifier sees.
        neighbours: how many rows of the class count, fewer where there are fewer.
    """
    features = ops.cast(features, "float32")
    label = ops.argmax(targets, axis=-1)
    n = ops.shape(features)[0]
    labelled = ops.sum(ops.cast(targets, "float32"), axis=-1) > 0
    same = ops.logical_and(label[:, None] == label[None, :], ops.logical_not(ops.eye(n, dtype="bool")))
    same = ops.logical_and(same, ops.logical_and(labelled[:, None], labelled[None, :]))
    squares = ops.sum(features**2, axis=-1)
    distances = squares[:, None] + squares[None, :] - 2 * ops.matmul(features, ops.transpose(features))
    # The rank of each row among those of its class, without a limit on the size of the batch.
    ranks = ops.argsort(ops.argsort(ops.where(same, distances, _FAR), axis=-1), axis=-1)
    near = ops.cast(ops.logical_and(same, ranks < neighbours), "float32")
    count = ops.sum(near, axis=-1)
    mean = ops.stop_gradient(ops.matmul(near, features) / ops.maximum(count, 1.0)[:, None])
    return ops.where(count > 0, 0.5 * ops.sum((features - mean) ** 2, axis=-1), 0.0)


def _logarithms(probabilities: Any) -> Any:
    return ops.log(ops.maximum(ops.cast(probabilities, "float32"), keras.config.epsilon()))
