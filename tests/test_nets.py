"""The networks of the literature: the sizes that were published, and each learns, is saved, loaded, converted and runs.

Quick here at a quarter of their width; `make test-lab` has them all at full width.
"""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from models.nets.recipes import RECIPES

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]

_OURS: Final = ("default", "attentive", "small")
_OF_LITERATURE: Final = [name for name in RECIPES if name not in _OURS]
_NARROW: Final = {
    "lenet": 1.0,
    "alexnet": 0.1,
    "resnet34": 0.125,
    "mobilenet": 0.25,
    "efficientnet-lite0": 0.25,
    "deep-cnn": 0.25,
    "model-a": 0.25,
    "model-b": 0.25,
    "model-c": 0.25,
}
"""Networks whose own code has a width; the others' convolutions come from keras.applications as they are."""


def _faces(n: int, size: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (n, size, size), np.uint8)


@pytest.mark.parametrize(
    ("net", "published"),
    [
        ("resnet50", 23_602_055),
        ("inceptionv3", 23_908_135),
        ("xception", 21_387_823),
        ("vgg16", 33_625_927),
        ("model-c", 4_478_727),
        ("model-b", 4_478_727),
    ],
)
def test_parameters_are_those_that_were_published(net: str, published: int) -> None:
    """To the last one, at the size and with the channels and the classifier that make it so (see each docstring)."""
    from models.networks import NETWORKS

    assert NETWORKS[net](size=RECIPES[net].size).count_params() == published


def test_one_published_size_cannot_be_had() -> None:
    """Two networks that are 44,426,280 parameters without any classifier were said to be 41,236,958 with one."""
    import keras

    from models.networks import NETWORKS

    parts = [
        network(weights=None, include_top=False, input_shape=(96, 96, 3)).count_params()
        for network in (keras.applications.Xception, keras.applications.ResNet50V2)
    ]
    assert parts == [20_861_480, 23_564_800]
    assert sum(parts) > 41_236_958
    together, classifier = 4096 * 1024 + 1024, 1024 * 7 + 7
    assert NETWORKS["xception-resnet50v2"](size=96).count_params() == sum(parts) + together + classifier == 48_628_783


@pytest.mark.parametrize(("net", "known"), [("resnet34", 21_797_672), ("efficientnet-lite0", 4_652_008)])
def test_own_code_has_the_size_that_is_known(net: str, known: int) -> None:
    """Of 1,000 classes and three channels, in what can be trained."""
    from models.networks import NETWORKS

    network = NETWORKS[net](classes=1000)
    assert sum(math.prod(weight.shape) for weight in network.trainable_weights) == known


def test_every_network_has_its_recipe() -> None:
    """By the names of the command line; each can be trained with what its recipe says."""
    from models.networks import NETWORKS
    from models.schedules import OPTIMIZERS

    assert list(RECIPES) == list(NETWORKS)
    for recipe in RECIPES.values():
        assert recipe.optimizer in OPTIMIZERS and recipe.size >= recipe.least and recipe.size % recipe.multiple == 0


@pytest.mark.parametrize("net", [name for name in RECIPES if RECIPES[name].size == 48 or name == "alexnet"])
def test_the_smallest_size_and_two_heads_can_be_had(net: str) -> None:
    """And what is smaller is refused before."""
    from models.networks import NETWORKS

    recipe = RECIPES[net]
    size = max(recipe.least, recipe.multiple)
    network = NETWORKS[net](size=size, heads=("ferplus", "fer2013"))
    assert {head: output.shape for head, output in network.output.items()} == dict.fromkeys(
        ("ferplus", "fer2013"), (None, 7)
    )


def learns_and_runs(network: Any, size: int, tmp_path: Path) -> None:
    """One step changes it; saved and loaded it says the same; converted nearly the same."""
    import keras

    from models.classifier import ExpressionClassifier, facts_of
    from models.convert import to_litert

    faces = _faces(7, size)
    pictures = faces[..., None].astype(np.float32)
    network.compile(keras.optimizers.SGD(1e-3), loss="categorical_crossentropy", run_eagerly=True)
    before = [weight.copy() for weight in network.get_weights()]
    assert np.isfinite(network.train_on_batch(pictures, np.eye(7, dtype=np.float32)))
    assert any((old != new).any() for old, new in zip(before, network.get_weights(), strict=True))
    said = np.array(network(pictures, training=False))
    assert said.shape == (7, 7) and said.sum(axis=1) == pytest.approx(1, abs=1e-3)
    network.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras", compile=False)
    assert np.array(loaded(pictures, training=False)) == pytest.approx(said, abs=1e-5)
    target = tmp_path / "net.tflite"
    to_litert(loaded, target)
    facts_of("net", target, size, 0.0, False).write_beside(target)
    assert ExpressionClassifier(str(target)).classify(faces) == pytest.approx(said, abs=0.08)


@pytest.mark.parametrize("net", _NARROW)
def test_a_narrow_network_learns_and_runs(net: str, tmp_path: Path) -> None:
    """At the smallest size that each takes."""
    from models.networks import NETWORKS

    size = max(32, RECIPES[net].least)
    learns_and_runs(NETWORKS[net](size=size, width=_NARROW[net]), size, tmp_path)


@pytest.mark.lab
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("net", _OF_LITERATURE)
def test_a_network_of_full_size_learns_and_runs(net: str, tmp_path: Path) -> None:
    """At its own size."""
    import keras

    from models.networks import NETWORKS

    learns_and_runs(NETWORKS[net](size=RECIPES[net].size), RECIPES[net].size, tmp_path)
    keras.utils.clear_session()  # A dozen of them would fill the memory.


def test_gray_becomes_three_channels_inside() -> None:
    """The same gray in each, less what each channel's mean is; one channel gets their mean."""
    import keras

    from models.nets.parts import levelled, picture_input

    picture = picture_input(2)
    gray = np.full((1, 2, 2, 1), 100, np.float32)
    colour = np.array(keras.Model(picture, levelled(picture, 3, (10, 20, 60), 2.0))(gray))
    assert colour[0, 1, 1].tolist() == [45, 40, 20]
    single = np.array(keras.Model(picture, levelled(picture, 1, (10, 20, 60), 2.0))(gray))
    assert single.shape == (1, 2, 2, 1) and single[0, 0, 0, 0] == 35
    with pytest.raises(ValueError, match="channels=2"):
        levelled(picture, 2, (0, 0, 0), 1.0)


def test_the_table_of_networks_says_how_they_are_trained() -> None:
    """Side, least side, optimizer, rate and batch of each, and the parameters of those that are quickly built."""
    from models.networks import NETWORKS

    text = (Path(__file__).parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    told = {row[0]: row[1:] for row in rows if row[0] in NETWORKS}
    assert set(told) == set(NETWORKS) == set(RECIPES)
    for name, (parameters, side, least, optimizer, batch, *_) in told.items():
        recipe = RECIPES[name]
        by = f", by {recipe.multiple}" if recipe.multiple > 1 else ""
        assert (side, optimizer) == (f"{recipe.size}{by}", f"{recipe.optimizer} {recipe.learning_rate:g}"), name
        smallest = -(-recipe.least // recipe.multiple) * recipe.multiple
        assert (int(least), int(batch)) == (smallest, recipe.batch), name
        if name in ("default", "small", "lenet", "deep-cnn", "model-c", "mobilenet"):
            assert parameters == f"{NETWORKS[name](size=recipe.size).count_params():,}", name
