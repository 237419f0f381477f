"""The networks that can be trained, as plain Keras 3 (any backend).

A network takes gray pictures, float32 (batch, size, size, 1) in 0..255, and gives
probabilities (batch, classes). Its normalisation is part of it, so training, evaluation and
video cannot disagree about it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import keras
from keras import layers

from models.face_resnet import build_face_resnet
from models.nets.alexnet import build_alexnet
from models.nets.efficientnet_lite import build_efficientnet_lite0
from models.nets.inception import build_inceptionv3
from models.nets.lenet import build_lenet
from models.nets.mobilenet import build_mobilenet
from models.nets.parts import convolved, picture_input, with_heads
from models.nets.plain import build_deep_cnn, build_model_a, build_model_c
from models.nets.resnet import build_resnet34, build_resnet50
from models.nets.vgg import build_vgg16
from models.nets.xception import build_xception, build_xception_resnet50v2


def _residual_block(x: Any, filters: int, stride: int, attention: bool) -> Any:
    """The basic block of He et al. (2016), "Deep Residual Learning", figure 5 left.

    With attention, channels are weighed by squeeze and excitation (Hu et al. 2018). Where the picture is halved the
    shortcut averages before its 1x1 convolution, so that no pixel is left out (He et al. 2019, "Bag of Tricks").
    """
    shortcut = x
    if stride != 1:
        shortcut = layers.AveragePooling2D(stride)(shortcut)
    if x.shape[-1] != filters:
        shortcut = convolved(shortcut, filters, kernel=1)
    x = layers.ReLU()(convolved(x, filters, kernel=3, stride=stride))
    x = convolved(x, filters, kernel=3)
    if attention:
        squeezed = layers.GlobalAveragePooling2D(keepdims=True)(x)
        squeezed = layers.Conv2D(max(8, filters // 8), 1, activation="relu")(squeezed)
        x = layers.Multiply()([x, layers.Conv2D(filters, 1, activation="sigmoid")(squeezed)])
    return layers.ReLU()(layers.Add()([x, shortcut]))


def build_residual(
    size: int = 48,
    classes: int = 7,
    heads: tuple[str, ...] = ("expression",),
    widths: tuple[int, ...] = (32, 64, 128, 256),
    blocks: tuple[int, ...] = (1, 2, 2, 2),
    attention: bool = True,
    dropout: float = 0.3,
) -> keras.Model:
    """A residual network with channel attention, to train from scratch.

    Args:
        size: side of the square gray input in px, a multiple of 2 to the power of the stages but one.
        classes: number of probabilities of each head.
        heads: names of the outputs, each a softmax of its own over the same features.
        widths: channels of each stage; every stage but the first halves the picture.
        blocks: residual blocks of each stage.
        attention: whether blocks weigh their channels.
        dropout: share of the pooled features dropped while training.

    Returns:
        A model whose output is a dictionary by head, or the one head's probabilities themselves.
    """
    picture = picture_input(size)
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(picture)
    x = layers.ReLU()(convolved(x, widths[0], kernel=3))
    for stage, (filters, repeats) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(repeats):
            x = _residual_block(x, filters, 2 if stage and not block else 1, attention)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return with_heads(picture, x, classes, heads, "residual")


NETWORKS: Final[dict[str, Callable[..., keras.Model]]] = {
    "default": build_face_resnet,
    "attentive": build_residual,
    "small": partial(build_residual, widths=(16, 32, 64, 128), blocks=(2, 2, 2, 2), attention=False),
    # Of the literature, to compare with.
    "lenet": build_lenet,
    "alexnet": build_alexnet,
    "vgg16": build_vgg16,
    "resnet34": build_resnet34,
    "resnet50": build_resnet50,
    "inceptionv3": build_inceptionv3,
    "xception": build_xception,
    "mobilenet": build_mobilenet,
    "efficientnet-lite0": build_efficientnet_lite0,
    "xception-resnet50v2": build_xception_resnet50v2,
    "deep-cnn": build_deep_cnn,
    "model-a": build_model_a,
    "model-b": partial(build_model_c, average=True),
    "model-c": build_model_c,
}
"""Name on the command line -> builder(size=..., classes=..., heads=...). How each is trained: models.nets.recipes."""
OF_APPLICATIONS: Final[dict[str, tuple[str, ...]]] = {
    "vgg16": ("VGG16",),
    "resnet50": ("ResNet50",),
    "inceptionv3": ("InceptionV3",),
    "xception": ("Xception",),
    "mobilenet": ("MobileNet",),
    "xception-resnet50v2": ("Xception", "ResNet50V2"),
}
"""Networks that take weights of keras.applications (builder(weights=...), a file for each), and whose. Those that take a
package's are in models.imagenet."""
PRETRAINED: Final = ("default",)
"""Networks that can begin with what a face recogniser has learned."""
