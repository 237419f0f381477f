"""What a trained network sees in a face before it decides: the features that its classifier takes."""

from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.described import as_taken, description_of, load_network, read_network

_BATCH: Final = 64


def features_of(model: keras.Model, *, dropped: bool = True) -> Any:
    """The tensor (batch, n) that the last dense layers of a network take.

    Args:
        model: a classifier with one output or several over the same features.
        dropped: whether dropout, if it is the last step before, counts as done.

    Raises:
        ValueError: the network ends in something else than dense layers.
    """
    ends = [layer for layer in model.layers if any(layer.output is one for one in model.outputs)]
    if not ends or not all(isinstance(layer, keras.layers.Dense) for layer in ends):
        found = " and ".join(type(layer).__name__ for layer in ends) or "another network"
        raise ValueError(f"features are what a dense layer at the end takes, and it ends in {found}")
    features = ends[0].input
    before = next((layer for layer in model.layers if layer.output is features), None)
    return before.input if isinstance(before, keras.layers.Dropout) and not dropped else features


class NetworkFeatures:
    """What a .keras file's network, loaded once, sees in gray faces; it stays as it is.

    Grey levels are those of the faces that it has learned from, as the file beside it says.

    Raises:
        UsageError: no such network, or one without features.
    """

    def __init__(self, network: Path) -> None:
        self._description, self._network = description_of(network), network
        self.size: int = load_network(network, self._description).input_shape[1]
        """Side of the faces in px."""
        # Not the model that takes gray: it holds a network for colour as one layer, whose features cannot be reached.
        self._raw = read_network(network)
        try:
            self._frozen = keras.Model(self._raw.input, features_of(self._raw))
        except ValueError as error:
            raise UsageError(f"{network}: {error}", "name a network that `emobatch train` made") from None

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, width) of faces, uint8 (n, size, size).

        Raises:
            UsageError: faces of another size.
        """
        if crops.shape[1:] != (self.size, self.size):
            problem = f"{self._network}: takes faces of {self.size}x{self.size}"
            raise UsageError(problem, f"cut them to {self.size}x{self.size}")
        taken = as_taken(crops, self._description, self._raw.input_shape[3])
        # Not predict(), which takes a tenth of a second to begin with: cost is measured by few faces.
        parts = [
            np.asarray(self._frozen.predict_on_batch(taken[first : first + _BATCH]))
            for first in range(0, len(taken), _BATCH)
        ]
        return np.concatenate(parts).reshape(len(taken), -1).astype(np.float32)
