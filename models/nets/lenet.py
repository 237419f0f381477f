"""LeNet-5 of LeCun et al. (1998), "Gradient-Based Learning Applied to Document Recognition", with today's additions."""

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, times, with_heads


def build_lenet(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 1,
    width: float = 1.0,
    dropout: float = 0.5,
) -> keras.Model:
    """Two convolutions of 6 and 16 filters and dense layers of 120 and 84, as in figure 2 of the paper.

    Of today are batch normalisation after each convolution (Ioffe and Szegedy 2015), ReLU in place of the hyperbolic
    tangent, maxima in place of trained averages, and dropout before the classifier (Srivastava et al. 2014). Every filter
    of the second convolution sees all maps; the paper's table 1, which saves some, is left out.

    Args:
        size: side of the square gray input in px, 16 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 1, or 3 to see the same gray three times.
        width: factor of all channels and dense layers.
        dropout: share of the features dropped while training.
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    for filters in (6, 16):
        x = layers.Conv2D(times(filters, width), 5, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in (120, 84):
        x = layers.Dense(times(units, width), activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "lenet")
