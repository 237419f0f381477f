"""ResNet34 and ResNet50 of He et al. (2016), "Deep Residual Learning for Image Recognition", arXiv:1512.03385."""

from typing import Any

import keras
from keras import layers

from models.nets.parts import Heads, centred, convolved, levelled, picture_input, times, with_heads
from models.nets.vgg import IMAGENET_MEAN


def build_resnet34(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.0,
) -> keras.Model:
    """The network of basic blocks in table 1 of the paper, with projections where the shape changes (its option B).

    keras.applications has none of this depth. With 1,000 classes and three channels it has the 21,797,672 trainable
    parameters that are known of it.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of all channels.
        dropout: share of the pooled features dropped while training; the paper drops none.
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    x = layers.ReLU()(convolved(x, times(64, width), 7, 2))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            x = _basic_block(x, times(filters, width), 2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x) if dropout else x
    return with_heads(picture, x, classes, heads, "resnet34")


def build_resnet50(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    dropout: float = 0.0,
    weights: tuple[str | None, ...] = (None,),
) -> keras.Model:
    """The network of bottleneck blocks in table 1 of the paper (keras.applications), 2048→classes.

    With three channels and seven classes it has 23,602,055 parameters.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        dropout: share of the pooled features dropped while training; the paper drops none.
        weights: file of the weights of ResNet50 in keras.applications, without its top.
    """
    picture = picture_input(size)
    seen = levelled(picture, channels, IMAGENET_MEAN, 1.0)
    x = keras.applications.ResNet50(include_top=False, weights=weights[0], input_tensor=seen).output
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x) if dropout else x
    return with_heads(picture, x, classes, heads, "resnet50")


def _basic_block(x: Any, filters: int, stride: int) -> Any:
    """Figure 5 left."""
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = convolved(shortcut, filters, 1, stride)
    x = layers.ReLU()(convolved(x, filters, 3, stride))
    x = convolved(x, filters, 3, 1)
    return layers.ReLU()(layers.Add()([x, shortcut]))
