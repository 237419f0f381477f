"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) less what processors and int8 do badly."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import keras
from keras import layers
from numpy.typing import NDArray

from models.nets.parts import Heads, levelled, picture_input, times, with_heads
from models.state_dict import read_state_dict

STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
"""Kernel, stride of the first block, expansion, channels and blocks of each stage: table 1 of the paper."""
_NORMALISATION: Final = ("weight", "bias", "running_mean", "running_var")
"""PyTorch's names of what a BatchNormalization of Keras holds, in its order."""


def build_efficientnet_lite0(
    size: int = 48,
    classes: int = 7,
    heads: Heads = ("expression",),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.2,
    weights: tuple[str | None, ...] = (None,),
) -> keras.Model:
    """Inverted bottlenecks (Sandler et al. 2018) without squeeze and excitation, and with ReLU6 in place of swish.

    These two are what "Lite" means (Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog).
    keras.applications has the full family only. With 1,000 classes and three channels it has the 4,652,008 trainable
    parameters that are known of it.

    Args:
        size: side of the square gray input in px, 32 at least.
        classes: number of probabilities of each head.
        heads: names of the outputs.
        channels: 3, the same gray in each, or 1.
        width: factor of all channels.
        dropout: share of the pooled features dropped while training.
        weights: file of a PyTorch network of this kind, whose classifier is left out (models.imagenet).

    Raises:
        ValueError: the file holds another network, or is none of the kind.
    """
    picture = picture_input(size)
    # As its authors have it (tensorflow/tpu, efficientnet_lite_builder.py): less 127, by 128.
    x = levelled(picture, channels, (127.0, 127.0, 127.0), 128.0)
    x = _active(layers.Conv2D(times(32, width), 3, strides=2, padding="same", use_bias=False)(x))
    for kernel, stride, expansion, filters, blocks in STAGES:
        for block in range(blocks):
            x = _bottleneck(x, times(filters, width), kernel, 1 if block else stride, expansion)
    x = _active(layers.Conv2D(times(1280, width), 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    network = with_heads(picture, x, classes, heads, "efficientnet_lite0")
    if weights[0] is not None:
        _fill(network, read_state_dict(Path(weights[0]).read_bytes()))
    return network


def _bottleneck(x: Any, filters: int, kernel: int, stride: int, expansion: int) -> Any:
    """Wider, one filter a channel, narrower again; added to what came in where the shapes are the same."""
    came = x
    if expansion != 1:
        x = _active(layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False)(x))
    x = _active(layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(x))
    return layers.Add()([came, x]) if stride == 1 and came.shape[-1] == filters else x


def _active(x: Any) -> Any:
    return layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))


def _fill(network: keras.Model, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Put the tensors of PyTorch's network into the layers before the heads."""
    filled = [layer for layer in network.layers if layer.weights and not isinstance(layer, layers.Dense)]
    known = {"_fc.weight", "_fc.bias"}
    for layer, name in zip(filled, _names(), strict=True):
        if isinstance(layer, layers.BatchNormalization):
            held = [f"{name}.{part}" for part in _NORMALISATION]
            known.update(held, [f"{name}.num_batches_tracked"])
        else:
            held = [f"{name}.weight"]
            known.update(held)
        for one, weight in zip(held, layer.weights, strict=True):
            if one not in tensors:
                raise ValueError(f"it has no {one}")
            array = _as_keras(tensors[one], layer)
            if array.shape != tuple(weight.shape):
                shapes = " instead of ".join("x".join(map(str, shape)) for shape in (array.shape, weight.shape))
                raise ValueError(f"{one} is {shapes}")
            weight.assign(array)
    # EfficientNet-B0 has all of these, too, and squeeze and excitation beside them.
    if more := sorted(set(tensors) - known):
        raise ValueError(f"it has {more[0]}, too, as another network does")


def _names() -> Iterator[str]:
    """Of each layer that learns, from the picture on, as the PyTorch networks after Melas-Kyriazi's have them."""
    yield from ("_conv_stem", "_bn0")
    block = 0
    for _, _, expansion, _, blocks in STAGES:
        for _ in range(blocks):
            inside = ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2")
            yield from (f"_blocks.{block}.{name}" for name in inside[2 if expansion == 1 else 0 :])
            block += 1
    yield from ("_conv_head", "_bn1")


def _as_keras(tensor: NDArray[Any], layer: Any) -> NDArray[Any]:
    """A kernel (out, in, height, width) as (height, width, in, out), or (height, width, channels, 1) of one a channel."""
    if tensor.ndim != 4:
        return tensor
    return tensor.transpose((2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0))
