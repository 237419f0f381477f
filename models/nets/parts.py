"""What all networks of the literature begin and end with: a gray face that may become three channels, and their heads."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

Heads = tuple[str, ...]


def picture_input(size: int) -> Any:
    """The gray face (batch, size, size, 1) in 0..255 that every network takes."""
    return layers.Input((size, size, 1), name="picture")


def levelled(picture: Any, channels: int, mean: Sequence[float], std: float) -> Any:
    """Gray levels as the first convolution wants them, (batch, size, size, channels).

    Networks for colour get the same gray in each of their channels, so that the data path stays gray and filters that
    were learned on colour still fit. Grey levels are less the mean of each channel and divided by std.

    Args:
        picture: gray in 0..255.
        channels: 1 or 3.
        mean: of each of three channels; a single channel gets their mean.
        std: of all channels.
    """
    if channels not in (1, 3):
        raise ValueError(f"A network sees gray or colour. Received: channels={channels}")
    if channels == 1:
        return layers.Rescaling(1 / std, offset=-sum(mean) / len(mean) / std, name="levels")(picture)
    colour = layers.Concatenate(name="three_channels")([picture] * 3)
    return layers.Rescaling([1 / std] * 3, offset=[-one / std for one in mean], name="levels")(colour)


def centred(picture: Any, channels: int) -> Any:
    """Gray levels from -1 to 1, as most networks want them."""
    return levelled(picture, channels, (127.5, 127.5, 127.5), 127.5)


def times(filters: int, width: float) -> int:
    """A number of channels, made smaller or larger by a factor; at least one."""
    return max(1, round(filters * width))


def convolved(x: Any, filters: int, kernel: int, stride: int = 1) -> Any:
    """A padded convolution without a bias, and batch normalisation, which has one."""
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def with_heads(picture: Any, features: Any, classes: int, heads: Heads, name: str) -> keras.Model:
    """The network that ends in a softmax of its own for each head over the same features (batch, n).

    Returns:
        A model whose output is a dictionary by head, or the one head's probabilities (batch, classes) themselves.
    """
    # Probabilities stay float32 where the rest is trained in half precision.
    scores = {head: layers.Dense(classes, activation="softmax", dtype="float32", name=head)(features) for head in heads}
    return keras.Model(picture, scores if len(heads) > 1 else scores[heads[0]], name=name)
