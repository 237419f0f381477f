"""Plain convolutional networks for small gray faces that papers on FER2013 compare with: deep-cnn, model-a, -b and -c.

Only model-c is described in full where these names come from. What the others leave open (kernels, widths of dense
layers) is set here as model-c has it, and is a parameter.
"""

from typing import Any

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, times, with_heads


def build_deep_cnn(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 1,
    width: float = 1.0,
    filters: tuple[int, ...] = (32, 64, 128),
    units: int = 256,
    dropout: float = 0.5,
) -> keras.Model:
    """Convolution, ReLU and max-pooling, three times; flatten, dense, dropout, softmax. Trained with SGD.

    Only this order of layers and the optimizer are the literature's; how many and how wide is ours.

    Args:
        size: side of the square gray input in px, 16 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 1, or 3 to see the same gray three times.
        width: factor of all channels and dense layers.
        filters: of each 3x3 convolution.
        units: of the dense layer.
        dropout: share of its features dropped while training.
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    for one in filters:
        x = layers.Conv2D(times(one, width), 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(times(units, width), activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "deep_cnn")


def build_model_a(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 1,
    width: float = 1.0,
    units: int = 256,
    dropout: float = 0.2,
) -> keras.Model:
    """Two convolutions of 64 and 256 filters, dropout 0.2.

    Kernels of 3x3, batch normalisation, max-pooling after each and one dense layer are set as in model-c; the
    literature names filters and dropout alone.

    Args:
        size: side of the square gray input in px, 16 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 1, or 3 to see the same gray three times.
        width: factor of all channels and dense layers.
        units: of the dense layer.
        dropout: share dropped after each convolution and the dense layer while training.
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    for filters in (64, 256):
        x = _convolved(x, times(filters, width), 3, layers.MaxPooling2D(2), dropout)
    x = _dense(layers.Flatten()(x), times(units, width), dropout)
    return with_heads(picture, x, classes, heads, "model_a")


def build_model_c(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 1,
    width: float = 1.0,
    dropout: float = 0.25,
    average: bool = False,
) -> keras.Model:
    """Four convolutions (64 of 3x3, 128 of 5x5, 512 of 3x3 twice), then dense 256 and 512; 4,478,727 parameters.

    Each convolution is padded and followed by batch normalisation, ReLU, 2x2 pooling and dropout; each dense layer by
    batch normalisation, ReLU and dropout. The number of parameters is that of 48 px, one channel and seven classes.

    Args:
        size: side of the square gray input in px, 16 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 1, or 3 to see the same gray three times.
        width: factor of all channels and dense layers.
        dropout: share dropped after each convolution and dense layer while training.
        average: pool averages in place of maxima, which is model-b (trained with SGD at 0.001).
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    for filters, kernel in ((64, 3), (128, 5), (512, 3), (512, 3)):
        pooling = layers.AveragePooling2D(2) if average else layers.MaxPooling2D(2)
        x = _convolved(x, times(filters, width), kernel, pooling, dropout)
    x = layers.Flatten()(x)
    for units in (256, 512):
        x = _dense(x, times(units, width), dropout)
    return with_heads(picture, x, classes, heads, "model_b" if average else "model_c")


def _convolved(x: Any, filters: int, kernel: int, pooling: Any, dropout: float) -> Any:
    x = layers.Conv2D(filters, kernel, padding="same")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Dropout(dropout)(pooling(x))


def _dense(x: Any, units: int, dropout: float) -> Any:
    x = layers.Dense(units)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Dropout(dropout)(x)
