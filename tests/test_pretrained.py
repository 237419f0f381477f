"""The beginning of a training with a face recogniser's filters: read from its file, and worth something at once."""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from analytics.errors import UsageError
from models.classifier import tempered
from models.crop import evened
from tests.test_datasets import votes, write_npz

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.skipif(find_spec("face_recognition_models") is None, reason="needs the pretrained extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]


@pytest.fixture(scope="module", name="recogniser")
def _recogniser() -> bytes:
    from models.pretrained import recogniser_file

    return recogniser_file().read_bytes()


@pytest.fixture(scope="module", name="faces")
def _faces() -> Any:
    """Smooth gray pictures, uint8 (32, 48, 48)."""
    draw = np.random.default_rng(3)
    rough = draw.integers(0, 256, (32, 6, 6)).astype(np.uint8)
    return np.stack([cv2.resize(small, (48, 48), interpolation=cv2.INTER_CUBIC) for small in rough])


@pytest.fixture(scope="module", name="network")
def _network(recogniser: bytes, faces: Any) -> Iterator[Any]:
    from models.networks import NETWORKS
    from models.pretrained import begin_with

    network = NETWORKS["default"](heads=("ferplus", "fer2013"))
    begin_with(network, recogniser, faces)
    yield network


def outputs(network: Any, layer: str, faces: Any) -> Any:
    """What a layer gives, in use."""
    import keras

    part = keras.Model(network.input, network.get_layer(layer).output)
    return np.asarray(part(faces[..., None].astype(np.float32)))


def test_the_first_filters_see_what_the_recogniser_sees(network: Any, recogniser: bytes, faces: Any) -> None:
    """On a gray face of 48 px the first layer gives what the recogniser's gives on the same face of 96 px."""
    from models.pretrained import read_recogniser

    (stem,) = read_recogniser(recogniser, [(7, 7, 3, 32)])
    found = outputs(network, "stem_norm", faces[:4])
    mean = np.array([122.782, 117.001, 104.298], np.float32)
    for face, maps in zip(faces[:4], found, strict=True):
        large = cv2.resize(face.astype(np.float32), (96, 96), interpolation=cv2.INTER_LINEAR)
        seen = (large[..., None] - mean) / 256
        # Filter 5 at the place (20, 24) covers the rows 2·20 - 3 … 2·20 + 3 of the larger face.
        part = seen[37:44, 45:52]
        for place in (0, 5, 31):
            expected = (part * stem.kernel[..., place]).sum() + stem.bias[place]
            expected = expected * stem.scale[place] + stem.shift[place]
            assert maps[20, 24, place] == pytest.approx(expected, abs=2e-3)


def test_deeper_layers_give_what_the_recogniser_gives(network: Any, recogniser: bytes, faces: Any) -> None:
    """The first block, computed by hand from the file, on what the network itself puts into it."""
    from models.pretrained import read_recogniser

    _, first, second = read_recogniser(recogniser, [(7, 7, 3, 32), (3, 3, 32, 32), (3, 3, 32, 32)])
    into = np.maximum(outputs(network, "stem_norm", faces[:1]), 0)[0]
    padded = np.pad(into, ((0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    x = np.max([padded[i : i + 48 : 2, j : j + 48 : 2] for i in range(3) for j in range(3)], axis=0)
    for layer, name in ((first, "stage0_block0_a_norm"), (second, "stage0_block0_b_norm")):
        edged = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        summed = sum(edged[i : i + 24, j : j + 24] @ layer.kernel[i, j] for i in range(3) for j in range(3))
        x = (summed + layer.bias) * layer.scale + layer.shift
        assert outputs(network, name, faces[:1])[0] == pytest.approx(x, abs=1e-2)
        x = np.maximum(x, 0)


def test_wider_and_smaller_stages_give_what_the_recogniser_gives(network: Any, faces: Any) -> None:
    """Where channels double and the picture halves, the shortcut is the mean of two by two, filled up with zeros."""
    pooled = next(layer.name for layer in network.layers if layer.name.startswith("average_pooling2d"))
    wide, into = (outputs(network, name, faces[:2]) for name in ("stage1_block0_wider", pooled))
    assert wide.shape == (2, 12, 12, 64) and into.shape == (2, 12, 12, 32)
    assert wide[..., :32] == pytest.approx(into, abs=1e-3) and wide[..., 32:] == pytest.approx(0, abs=1e-3)


@pytest.mark.slow
def test_a_training_begins_with_the_recogniser_until_it_has_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures of an epoch whose checkpoint was lost do not make it begin with nothing."""
    from models import pretrained
    from models.train import train
    from models.train_options import TrainOptions

    begun: list[int] = []

    def counting(*arguments: Any) -> None:
        begun.append(1)
        pretrained.begin_with(*arguments)

    monkeypatch.setattr("models.train.begin_with", counting)
    dataset = write_npz(
        tmp_path / "few.npz", [votes(happiness=9), votes(sadness=9)] * 8, split=np.array(["train"] * 8 + ["public"] * 8)
    )
    options = TrainOptions(dataset=dataset, out=tmp_path / "out", epochs=1, batch=4)
    train(options)
    assert len(begun) == 1
    train(options)
    assert len(begun) == 1
    shutil.rmtree(tmp_path / "out" / "resume")
    train(options)
    assert len(begun) == 2


def test_the_shipped_network_is_the_shipped_classifier(faces: Any) -> None:
    """What `--from default` goes on from says the same as the classifier that was made of it."""
    from models.classifier import ExpressionClassifier
    from models.described import Description, load_network
    from models.mixing import Mix
    from models.networks import NETWORKS
    from models.train_options import SHIPPED_NETWORKS
    from models.transfer import go_on_from

    facts = ExpressionClassifier("default").facts
    heads = tuple(facts.heads)
    begun = NETWORKS["default"](heads=("ferplus", "fer2013"))
    go_on_from(begun, SHIPPED_NETWORKS["default"])
    seen = evened(faces[..., None].astype(np.float32))
    mix = Mix(facts.heads["fer2013"], tuple(facts.weights.values()))
    views = [begun(view) for view in (seen, seen[:, :, ::-1])]
    pair = [mix.of(*(np.asarray(view[head]) for head in heads)) for view in views]
    expected = tempered((pair[0] + pair[1]) / np.float32(2), facts.temperature)
    assert ExpressionClassifier("default").classify(faces) == pytest.approx(expected, abs=0.12)
    assert load_network(SHIPPED_NETWORKS["default"], Description()).count_params() == begun.count_params()


def test_a_network_of_another_kind_is_no_beginning(tmp_path: Path) -> None:
    """Named, with what it should be."""
    from models.networks import NETWORKS
    from models.transfer import go_on_from

    NETWORKS["small"](heads=("ferplus", "fer2013")).save(tmp_path / "small.keras")
    with pytest.raises(UsageError, match=r"--from .*small\.keras: is another network than the one to be trained"):
        go_on_from(NETWORKS["default"](heads=("ferplus", "fer2013")), tmp_path / "small.keras")


def test_the_file_is_read_whole(recogniser: bytes) -> None:
    """All 29 convolutions have the shapes that the network is known to have; none is empty or wild."""
    from models.pretrained import read_recogniser

    shapes: list[tuple[int, ...]] = [(7, 7, 3, 32)]
    into = 32
    for channels, blocks in ((32, 3), (64, 4), (128, 3), (256, 4)):
        for _ in range(blocks):
            shapes += [(3, 3, into, channels), (3, 3, channels, channels)]
            into = channels
    found = read_recogniser(recogniser, shapes)
    assert [layer.kernel.shape for layer in found] == shapes
    assert all(0 < np.abs(layer.kernel).max() < 10 and np.isfinite(layer.scale).all() for layer in found)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the same name with other content ends with both hashes and the remedy."""
    from models import pretrained

    other = tmp_path / "other.dat"
    other.write_bytes(b"not it")
    monkeypatch.setattr(pretrained, "package_file", lambda *_, **__: other)
    with pytest.raises(UsageError, match="not the expected weights") as raised:
        pretrained.recogniser_file()
    assert "face_recognition_models==0.3.0" in raised.value.remedy and "--from nothing" in raised.value.remedy


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training with the default network says what to install, or how to go without."""
    from models import pretrained

    monkeypatch.setattr(pretrained, "_PACKAGE", "no_such_package")
    with pytest.raises(UsageError, match="no_such_package is not installed") as raised:
        pretrained.recogniser_file()
    assert "--from nothing" in raised.value.remedy
