"""Xception (Chollet 2017, arXiv:1610.02357), and its features beside those of ResNet50V2 (Rahimzadeh and Attar 2020)."""

import keras
from keras import layers

from models.nets.parts import Heads, centred, picture_input, times, with_heads


def build_xception(
    size: int = 96,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.5,
    weights: tuple[str | None, ...] = (None,),
) -> keras.Model:
    """The network of figure 5 of the paper (keras.applications), then 2048→256→classes.

    With three channels and seven classes it has 21,387,823 parameters.

    Args:
        size: side of the square gray input in px; 71 at least, because its first layers do not pad.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of the dense layer; the convolutions stay as they are.
        dropout: share of the dense layer's features dropped while training.
        weights: file of the weights of Xception in keras.applications, without its top.
    """
    picture = picture_input(size)
    seen = centred(picture, channels)
    x = keras.applications.Xception(include_top=False, weights=weights[0], input_tensor=seen).output
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(times(256, width), activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "xception")


def build_xception_resnet50v2(
    size: int = 96,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.5,
    weights: tuple[str | None, ...] = (None, None),
) -> keras.Model:
    """Both networks look at the same face; their 2,048 + 2,048 maps go through 1,024 filters of 1x1 without activation.

    After Rahimzadeh and Attar (2020), "A modified deep convolutional neural network for detecting COVID-19 and pneumonia
    from chest X-ray images based on the concatenation of Xception and ResNet50V2", figure 3. Pooling before the
    classifier is an average here; the paper flattens, which ties the classifier to one size.

    The 41,236,958 parameters that were published of it for faces cannot be had: Xception (20,861,480) and ResNet50V2
    (23,564,800) without their classifiers are 44,426,280 already. With three channels and seven classes this has 48,628,783.

    Args:
        size: side of the square gray input in px; 71 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of the 1,024 filters; the two networks stay as they are.
        dropout: share of the pooled features dropped while training.
        weights: files of the weights of Xception and of ResNet50V2 in keras.applications, without their tops.
    """
    picture = picture_input(size)
    seen = centred(picture, channels)
    both = [
        network(include_top=False, weights=file, input_tensor=seen).output
        for network, file in zip((keras.applications.Xception, keras.applications.ResNet50V2), weights, strict=True)
    ]
    x = layers.Concatenate(name="both_networks")(both)
    x = layers.Conv2D(times(1024, width), 1, padding="same", name="together")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "xception_resnet50v2")
