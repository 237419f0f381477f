"""InceptionV3 of Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision", arXiv:1512.00567."""

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, times, with_heads


def build_inceptionv3(
    size: int = 96,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.5,
    weights: tuple[str | None, ...] = (None,),
) -> keras.Model:
    """The network of table 1 of the paper (keras.applications), then 2048→1024→classes.

    With three channels and seven classes it has 23,908,135 parameters.

    Args:
        size: side of the square gray input in px; 75 at least, because its first layers do not pad.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of the dense layer; the convolutions stay as they are.
        dropout: share of the dense layer's features dropped while training.
        weights: file of the weights of InceptionV3 in keras.applications, without its top.
    """
    picture = picture_input(size)
    seen = centred(picture, channels)
    x = keras.applications.InceptionV3(include_top=False, weights=weights[0], input_tensor=seen).output
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(times(1024, width), activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "inceptionv3")
