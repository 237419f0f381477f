"""AlexNet of Krizhevsky et al. (2012), "ImageNet Classification with Deep Convolutional Neural Networks"."""

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, times, with_heads


def build_alexnet(
    size: int = 96,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.5,
) -> keras.Model:
    """Five convolutions and two dense layers of 4,096, as in figure 2 of the paper.

    Batch normalisation stands in place of its local response normalisation, which Keras has no layer for. Convolutions
    are not split over two processors. All are padded ("same"), so that small faces are not used up: the paper's 224 px
    leave 6x6 after the last pooling, 96 px leave 2x2.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of all channels and dense layers.
        dropout: share dropped before each dense layer while training.
    """
    picture = picture_input(size)
    x = centred(picture, channels)
    for filters, kernel, stride, normalised, pooled in (
        (96, 11, 4, True, True),
        (256, 5, 1, True, True),
        (384, 3, 1, False, False),
        (384, 3, 1, False, False),
        (256, 3, 1, False, True),
    ):
        x = layers.Conv2D(times(filters, width), kernel, strides=stride, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x) if normalised else x
        if pooled:
            # Padded where nothing would be left.
            x = layers.MaxPooling2D(3, strides=2, padding="valid" if x.shape[1] >= 3 else "same")(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dropout(dropout)(x)
        x = layers.Dense(times(4096, width), activation="relu")(x)
    return with_heads(picture, x, classes, heads, "alexnet")
