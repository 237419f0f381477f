"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) less what processors and int8 do badly."""

from typing import Any, Final

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, times, with_heads

STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
"""Kernel, stride of the first block, expansion, channels and blocks of each stage: table 1 of the paper."""


def build_efficientnet_lite0(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.2,
) -> keras.Model:
    """Inverted bottlenecks (Sandler et al. 2018) without squeeze and excitation, and with ReLU6 in place of swish.

    These two are what "Lite" means (Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog).
    keras.applications has the full family only. With 1,000 classes and three channels it has the 4,652,008 trainable
    parameters that are known of it.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of all channels.
        dropout: share of the pooled features dropped while training.
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    x = _active(layers.Conv2D(times(32, width), 3, strides=2, padding="same", use_bias=False)(x))
    for kernel, stride, expansion, filters, blocks in STAGES:
        for block in range(blocks):
            x = _bottleneck(x, times(filters, width), kernel, 1 if block else stride, expansion)
    x = _active(layers.Conv2D(times(1280, width), 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "efficientnet_lite0")


def _bottleneck(x: Any, filters: int, kernel: int, stride: int, expansion: int) -> Any:
    """Wider, one filter a channel, narrower again; added to what came in where the shapes are the same."""
    came = x
    if expansion != 1:
        x = _active(layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False)(x))
    x = _active(layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(x))
    return layers.Add()([came, x]) if stride == 1 and came.shape[-1] == filters else x


def _active(x: Any) -> Any:
    return layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
