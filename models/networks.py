"""The networks that can be trained, as plain Keras 3 (any backend).

A network takes gray pictures, float32 (batch, size, size, 1) in 0..255, and gives
probabilities (batch, classes). Its normalisation is part of it, so training, evaluation and
video cannot disagree about it.
"""

from collections.abc import Callable
from typing import Any, Final

import keras
from keras import layers


def _conv_bn(x: Any, filters: int, kernel: int, stride: int = 1) -> Any:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def _residual_block(x: Any, filters: int, stride: int) -> Any:
    """The basic block of He et al. (2016), "Deep Residual Learning", figure 5 left."""
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = _conv_bn(x, filters, kernel=1, stride=stride)
    x = layers.ReLU()(_conv_bn(x, filters, kernel=3, stride=stride))
    x = _conv_bn(x, filters, kernel=3)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def build_residual(
    size: int = 48,
    classes: int = 7,
    widths: tuple[int, ...] = (16, 32, 64, 128),
    blocks: int = 2,
    dropout: float = 0.3,
) -> keras.Model:
    """A small residual network of 0.70 M parameters: our own default.

    Args:
        size: side of the square gray input in px.
        classes: number of probabilities.
        widths: channels of each stage; every stage but the first halves the picture.
        blocks: residual blocks per stage.
        dropout: share of the pooled features dropped while training.
    """
    picture = layers.Input((size, size, 1), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(picture)
    x = layers.ReLU()(_conv_bn(x, widths[0], kernel=3))
    for stage, filters in enumerate(widths):
        for block in range(blocks):
            x = _residual_block(x, filters, stride=2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    # Probabilities stay float32 where the rest is trained in half precision.
    scores = layers.Dense(classes, activation="softmax", dtype="float32", name="expression")(x)
    return keras.Model(picture, scores, name="residual")


NETWORKS: Final[dict[str, Callable[..., keras.Model]]] = {"default": build_residual}
"""Name on the command line -> builder(size=..., classes=...)."""
