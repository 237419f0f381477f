"""What a trained network sees in a face before it decides: the features that its classifier takes."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.described import description_of, load_network
from models.levels import levels_of


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
        raise ValueError(f"a network ends in dense layers. Received: {[type(layer).__name__ for layer in ends]}")
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
        description = description_of(network)
        model = load_network(network, description)
        try:
            self._frozen = keras.Model(model.input, features_of(model))
        except ValueError as error:
            raise UsageError(f"{network}: {error}", "name a network that `emobatch train` made") from None
        self._levels = levels_of(description.normalised, False)
        self._network = network
        self.size: int = model.input_shape[1]
        """Side of the faces in px."""

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, width) of faces, uint8 (n, size, size).

        Raises:
            UsageError: faces of another size.
        """
        if crops.shape[1:] != (self.size, self.size):
            problem = f"{self._network}: takes faces of {self.size}x{self.size}"
            raise UsageError(problem, f"cut them to {self.size}x{self.size}")
        levelled = self._levels(crops[..., None].astype(np.float32))
        seen: NDArray[np.float32] = self._frozen.predict(levelled, batch_size=64, verbose=0)
        return seen.reshape(len(seen), -1).astype(np.float32)
