"""VGG16 of Simonyan and Zisserman (2015), "Very Deep Convolutional Networks for Large-Scale Image Recognition"."""

from typing import Final

import keras
from keras import layers

from models.nets.parts import Heads, levelled, picture_input, times, with_heads

IMAGENET_MEAN: Final = (103.939, 116.779, 123.68)
"""Blue, green, red of ImageNet's pictures, which VGG16 and ResNet50 of keras.applications see taken away."""


def build_vgg16(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.5,
    weights: tuple[str | None, ...] = (None,),
) -> keras.Model:
    """Thirteen convolutions in five blocks (keras.applications), then dense 4096, 4096.

    At 48 px one pixel of 512 channels is left, so 512→4096→4096→7: 33,625,927 parameters with three channels and seven
    classes. Larger faces are averaged to that pixel.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of the dense layers; the convolutions stay as they are.
        dropout: share dropped after each dense layer while training.
        weights: file of the weights of VGG16 in keras.applications, without its top.
    """
    picture = picture_input(size)
    seen = levelled(picture, channels, IMAGENET_MEAN, 1.0)
    x = keras.applications.VGG16(include_top=False, weights=weights[0], input_tensor=seen).output
    x = layers.GlobalAveragePooling2D()(x)
    for _ in range(2):
        x = layers.Dense(times(4096, width), activation="relu")(x)
        x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "vgg16")
