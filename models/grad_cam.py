"""Where a Keras network looks, by its gradients. Needs the train extra, and TensorFlow as Keras' backend."""

from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import columns_of
from models.described import as_taken, description_of, load_network, read_network
from models.levels import levels_of

_LEAST_SIDE: Final = 3
"""Px of the map that is looked at; smaller ones say nothing of places."""


class GradCam:
    """A trained network that says what it sees, and where.

    Args:
        network: a .keras or .h5 file; the file beside it names its classes where they are not the seven.
        head: the output that counts where it has several; the first where it has none of that name.

    Raises:
        UsageError: no such network, or one of another shape than a classifier's.
    """

    def __init__(self, network: Path, head: str = "") -> None:
        self.path, self.description = network, description_of(network)
        self._model = load_network(network, self.description)
        self.size: int = self._model.input_shape[1]
        self.columns = columns_of(self.description.classes)
        self._places = [self.columns.index(name) for name in self.description.classes]
        several = self._model.output if isinstance(self._model.output, dict) else {}
        self._head = (head if head in several else next(iter(several))) if several else ""
        # Not the model that takes gray: it holds a network for colour as one layer, whose maps cannot be reached.
        self._raw = read_network(network)

    def classify(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, columns) of gray faces (n, size, size)."""
        said = self._model.predict(self._normalised(crops), batch_size=64, verbose=0)
        placed = np.zeros((len(crops), len(self.columns)), np.float32)
        placed[:, self._places] = said[self._head] if self._head else said
        return placed

    def maps(self, crops: NDArray[np.uint8], columns: NDArray[np.intp]) -> NDArray[np.float32]:
        """Gradient-weighted class activation maps.

        Selvaraju et al. (2017), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
        equations 1 and 2, of the last layer that still has places, scaled up bilinearly.

        Args:
            crops: gray faces, uint8 (n, size, size).
            columns: (n,) of the class that is explained.

        Returns:
            float32 (n, size, size), 0 and more.

        Raises:
            UsageError: Keras runs on another backend, or no layer of the network has places.
        """
        if keras.backend.backend() != "tensorflow":
            problem = f"--method grad-cam: Keras runs on {keras.backend.backend()}"
            raise UsageError(problem, "set KERAS_BACKEND=tensorflow, or give --method occlusion")
        import tensorflow as tf

        parts, head = self._parts()
        classes = [self._places.index(column) for column in columns.tolist()]
        with tf.GradientTape() as tape:
            seen = tf.convert_to_tensor(as_taken(crops, self.description, self._raw.input_shape[3]))
            tape.watch(seen)
            activations, last = parts(seen, training=False)
            last = tf.cast(last, tf.float32)  # A network may compute in half precision.
            # The score before the softmax, as in the paper; where that cannot be had, its logarithm after it.
            scores = tf.math.log(last + 1e-7) if head is None else tf.matmul(last, head.kernel) + head.bias
            score = tf.gather(scores, classes, batch_dims=1)
        gradients = tf.cast(tape.gradient(score, activations), tf.float32)
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        found = tf.nn.relu(tf.reduce_sum(weights * tf.cast(activations, tf.float32), axis=-1)).numpy()
        return np.stack([cv2.resize(one, (self.size, self.size), interpolation=cv2.INTER_LINEAR) for one in found])

    def _parts(self) -> tuple[keras.Model, Any]:
        """What gives the maps and what the last layer takes, and that layer; None and probabilities where it is no softmax of a dense one."""
        output = self._raw.output[self._head] if self._head else self._raw.outputs[0]
        if within := next((layer for layer in self._raw.layers if isinstance(layer, keras.Model)), None):
            problem = f"{self.path}: its maps are those of a network within it ({within.name}), which cannot be reached"
            raise UsageError(problem, "give --method occlusion")
        with_places = [layer for layer in self._raw.layers if _side(layer) >= _LEAST_SIDE and not _pads(layer)]
        seen = next((layer for layer in reversed(with_places) if _all_passes(self._raw, output, layer)), None)
        if seen is None:
            raise UsageError(f"{self.path}: no layer has places", "give --method occlusion")
        head = next(layer for layer in self._raw.layers if layer.output is output)
        plain = isinstance(head, keras.layers.Dense) and head.activation is keras.activations.softmax and head.use_bias
        last = head.input if plain else output
        return keras.Model(self._raw.inputs, [seen.output, last]), head if plain else None

    def _normalised(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Faces (n, size, size, 1) as those of the data set that the network has learned from."""
        return levels_of(self.description.normalised, False)(crops[..., None].astype(np.float32))


def _pads(layer: Any) -> bool:
    """Whether a layer lays a border around the picture, which would move what is seen in it."""
    return isinstance(layer, keras.layers.ZeroPadding2D)


def _all_passes(network: keras.Model, output: Any, layer: Any) -> bool:
    """Whether all that a network says comes through a layer, and nothing by another branch."""
    makers = {id(tensor): one for one in network.layers for tensor in keras.tree.flatten(one.output)}
    waiting, known = [makers[id(output)]], set[int]()
    while waiting:
        one = waiting.pop()
        if one is layer or id(one) in known:
            continue
        if isinstance(one, keras.layers.InputLayer):
            return False
        known.add(id(one))
        waiting += [makers[id(tensor)] for tensor in keras.tree.flatten(one.input)]
    return True


def _side(layer: Any) -> int:
    """Px of what a layer gives; 0 where that is no picture, or the input itself."""
    shape: tuple[int, ...] = getattr(layer.output, "shape", ())
    return int(shape[1]) if len(shape) == 4 and not isinstance(layer, keras.layers.InputLayer) else 0
