"""A residual network for 48x48 faces that can begin with what a face recogniser has learned."""

from typing import Any, Final

import keras
from keras import layers

from models.nets.parts import picture_input, with_heads

STAGES: Final = ((32, 3), (64, 4), (128, 3), (256, 3))
"""Channels and blocks of each; all but the first halve the picture."""


def build_face_resnet(
    size: int = 48, classes: int = 7, heads: tuple[str, ...] = ("expression",), dropout: float = 0.3
) -> keras.Model:
    """The residual network of dlib's face recogniser (King 2017, dlib.net), less its last block, for small gray faces.

    Basic blocks of He et al. (2016), "Deep Residual Learning". Its first filters, 7x7 in steps of two on faces of 150 px,
    are 5x5 in steps of one here, which is the same on a face that is half as large. Layers bear the names by which
    `models.pretrained` fills them.

    Args:
        size: side of the square gray input in px, a multiple of 16.
        classes: number of probabilities of each head.
        heads: names of the outputs, each a softmax of its own over the same features.
        dropout: share of the pooled features dropped while training.

    Returns:
        A model of float32 (batch, size, size, 1) in 0..255, whose output is a dictionary by head, or the one head's
        probabilities themselves.
    """
    picture = picture_input(size)
    x = layers.Rescaling(1 / 256, offset=-0.5)(picture)
    x = layers.ReLU()(_convolved(x, STAGES[0][0], 5, 1, "stem"))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, (filters, blocks) in enumerate(STAGES):
        for block in range(blocks):
            x = _block(x, filters, 2 if stage and not block else 1, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "face_resnet")


def _block(x: Any, filters: int, stride: int, name: str) -> Any:
    shortcut = x
    if stride != 1:
        shortcut = layers.AveragePooling2D(stride)(shortcut)
    if x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_wider")(shortcut)
    x = layers.ReLU()(_convolved(x, filters, 3, stride, f"{name}_a"))
    x = _convolved(x, filters, 3, 1, f"{name}_b")
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _convolved(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)
