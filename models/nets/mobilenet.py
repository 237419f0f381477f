"""MobileNet of Howard et al. (2017), "Efficient Convolutional Neural Networks for Mobile Vision", arXiv:1704.04861."""

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, with_heads


def build_mobilenet(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 1e-3,
    weights: tuple[str | None, ...] = (None,),
) -> keras.Model:
    """The network of table 1 of the paper (keras.applications), 1024→classes.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of all channels, the paper's alpha.
        dropout: share of the pooled features dropped while training.
        weights: file of the weights of MobileNet in keras.applications, without its top.
    """
    picture = picture_input(size)
    seen = centred(picture, channels)
    x = keras.applications.MobileNet(alpha=width, include_top=False, weights=weights[0], input_tensor=seen).output
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "mobilenet")
