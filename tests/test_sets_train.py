"""A part of the seven classes and others, normalised: from the data set to a network, a file that runs, and a comparison."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from analytics.errors import UsageError
from models.classifier import ExpressionClassifier, ModelFacts
from models.datasets import read_labelled
from models.evaluate import evaluate
from models.levels import NORMALISED
from tests import faces
from tests.test_sets import made

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]

FOUR = ("disgust", "happy", "neutral", "contempt")


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """set.npz of four classes, one of them none of the seven, and a network that was trained on it for an epoch."""
    from models.networks import NETWORKS, build_residual
    from models.sets.prepare import Preparation
    from models.train import train
    from models.train_options import TrainOptions

    folder = tmp_path_factory.mktemp("four")
    pictures = faces.class_folders(folder / "own", FOUR, each=12)
    made(folder / "set.npz", pictures, classes=FOUR, prepare=Preparation(size=24, normalised="min-max"))
    NETWORKS["tiny"] = partial(build_residual, widths=(8,), blocks=(1,))
    options = TrainOptions(
        dataset=folder / "set.npz",
        out=folder / "out",
        net="tiny",
        labels="fer2013",
        size=16,
        epochs=1,
        batch=8,
        precision="float32",
        augment="light",
    )
    train(options)
    yield folder
    del NETWORKS["tiny"]


def test_a_network_learns_the_classes_of_its_set(folder: Path) -> None:
    """As many outputs, in the set's order; what they are lies beside it."""
    import keras

    network = keras.models.load_model(folder / "out" / "tiny.keras", compile=False)
    assert network.output_shape == (None, 4)
    described = json.loads((folder / "out" / "tiny.keras.json").read_text(encoding="utf-8"))
    assert described == {"classes": list(FOUR), "normalised": "min-max"}
    record = json.loads((folder / "out" / "training.json").read_text(encoding="utf-8"))
    assert record["options"]["augment"] == "light"


def test_it_runs_as_it_was_trained(folder: Path) -> None:
    """The file that runs has the classes and does the same to grey levels; another recipe is another training."""
    import keras

    from models.convert import convert

    target = folder / "four.tflite"
    convert(folder / "out" / "tiny.keras", target, folder / "set.npz", labels="fer2013", flip=False)
    facts = ModelFacts.beside(target)
    assert (facts.classes, facts.normalised, facts.even) == (FOUR, "min-max", False)
    classifier = ExpressionClassifier(str(target))
    crops = np.stack([faces.drawn(k, 16) // 3 + 50 for k in range(8)])
    seen = NORMALISED["min-max"](crops[..., None].astype(np.float32))
    expected = np.array(keras.models.load_model(folder / "out" / "tiny.keras", compile=False)(seen))
    found = classifier.classify(crops)[:, [classifier.facts.columns.index(name) for name in FOUR]]
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.8
    scores = evaluate(classifier, folder / "set.npz", "train", "fer2013").to_json()
    assert scores["n"] == len(read_labelled(folder / "set.npz", "train", "fer2013").labels)
    assert scores["classes"]["contempt"]["n"] > 0 and "sad" not in scores["classes"]


def test_its_features_are_of_normalised_faces(folder: Path) -> None:
    """As in training: light does not matter to heads on what it sees."""
    from models.features import NetworkFeatures

    crops = np.stack([faces.drawn(k, 16) // 3 for k in range(6)])
    seen = np.rint(NORMALISED["min-max"](crops[..., None].astype(np.float32))[..., 0]).astype(np.uint8)
    network = folder / "out" / "tiny.keras"
    dark, light, trained = map(NetworkFeatures(network), (crops, crops + 100, seen))
    assert dark == pytest.approx(light, abs=1e-5) and dark == pytest.approx(trained, abs=1e-3)
    assert not np.allclose(dark[0], dark[1], atol=5e-3)


def test_a_network_is_loaded_once_for_its_features(folder: Path, tmp_path: Path) -> None:
    """What a face costs holds no loading: it sees on when its file is gone."""
    from models.features import NetworkFeatures

    for path in folder.joinpath("out").glob("tiny.*"):
        shutil.copy(path, tmp_path)
    crops = np.stack([faces.drawn(k, 16) for k in range(3)])
    see = NetworkFeatures(tmp_path / "tiny.keras")
    before = see(crops)
    (tmp_path / "tiny.keras").unlink()
    assert (see(crops) == before).all()


def test_a_teacher_of_other_classes_is_refused(folder: Path) -> None:
    """With what it would have to tell."""
    from models.lessons import read_lessons, taught_by
    from models.train_options import TrainOptions

    options = TrainOptions(dataset=folder / "set.npz", out=folder / "t", net="tiny", labels="fer2013", size=48)
    lessons = read_lessons(options, "train")
    assert lessons.targets["fer2013"].shape[1] == 4
    with pytest.raises(UsageError, match="does not tell disgust, happy, neutral, contempt of 48x48 pictures"):
        taught_by([Path("default")], lessons, 0.5)


def test_networks_are_compared_on_it(folder: Path) -> None:
    """Each with as many classes as there are."""
    from jobs.lab import NetsOptions, compare_nets

    options = NetsOptions(
        dataset=folder / "set.npz", out=folder / "nets", nets=("tiny",), epochs=1, labels="fer2013", size=16
    )
    (row,) = compare_nets(options)["rows"]
    assert "problem" not in row and 0 <= row["accuracy"] <= 1


def test_an_unknown_recipe_is_refused(folder: Path) -> None:
    """With the known ones."""
    from models.train_options import TrainOptions, checked

    with pytest.raises(UsageError, match="--augment salt: no such recipe: choose one of: cctv, none"):
        checked(TrainOptions(dataset=folder / "set.npz", out=folder / "t", augment="salt"))
