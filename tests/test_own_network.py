"""Networks of a user's own are converted: their classes, colour and preprocessing described beside them."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.errors import UsageError
from models.classifier import ExpressionClassifier, tempered
from tests.test_train import write_dataset

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]


@pytest.fixture(scope="module", name="dataset")
def _dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("own") / "drawn.npz")


def own_network(path: Path, shape: tuple[int, int, int], classes: int, seed: int = 3) -> Path:
    """A small network of a user's own, as Keras saves it."""
    import keras

    keras.mixed_precision.set_global_policy("float32")
    keras.utils.set_random_seed(seed)
    picture = keras.layers.Input(shape)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(picture)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(picture, keras.layers.Dense(classes, activation="softmax")(x)).save(path)
    return path


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_a_network_of_other_classes_and_preprocessing(
    dataset: Path, tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Colour, grey levels from -1 to 1, and classes of its own: what runs says what Keras says of the same pictures."""
    import keras

    from models.convert import convert

    network = own_network(tmp_path / f"own{suffix}", (24, 24, 3), 5)
    classes = ["happy", "contempt", "neutral", "sad", "angry"]
    described = {"classes": classes, "mean": [127.5, 100, 50], "std": 127.5}
    (tmp_path / f"own{suffix}.json").write_text(json.dumps(described), encoding="utf-8")
    convert(network, tmp_path / "own.tflite", dataset, flip=False)
    classifier = ExpressionClassifier(str(tmp_path / "own.tflite"))
    assert classifier.facts.classes == tuple(classes) and classifier.facts.size == 24
    faces = np.random.default_rng(1).integers(0, 256, (9, 24, 24), np.uint8)
    seen = (np.repeat(faces[..., None], 3, axis=3) - np.array([127.5, 100, 50])) / 127.5
    expected = np.array(keras.models.load_model(network, compile=False)(seen.astype(np.float32)))
    columns = [classifier.facts.columns.index(name) for name in classes]
    found = classifier.classify(faces)
    assert found[:, columns] == pytest.approx(tempered(expected, classifier.facts.temperature), abs=0.02)
    card = (tmp_path / "own.md").read_text(encoding="utf-8")
    assert "happy, contempt, neutral, sad, angry" in card and "Unknown: no training.json" in card
    assert "face will be called uncertain; train it longer" in caplog.text  # It has learned nothing.
    convert(network, tmp_path / "own.tflite", dataset)  # Once more: what lies beside it now is in nobody's way.


def test_features_of_a_network_for_colour(tmp_path: Path) -> None:
    """What its last layer takes, of gray faces brought to the levels that it wants."""
    import keras

    from models.features import NetworkFeatures

    network = own_network(tmp_path / "own.keras", (24, 24, 3), 7)
    (tmp_path / "own.keras.json").write_text('{"mean": [127.5, 100, 50], "std": 127.5}', encoding="utf-8")
    own = keras.models.load_model(network, compile=False)
    faces = np.random.default_rng(1).integers(0, 256, (9, 24, 24), np.uint8)
    seen = (np.repeat(faces[..., None], 3, axis=3) - np.array([127.5, 100, 50])) / 127.5
    expected = keras.Model(own.input, own.layers[-1].input).predict(seen.astype(np.float32), verbose=0)
    assert NetworkFeatures(network)(faces) == pytest.approx(expected, abs=1e-5)


def test_layers_as_tutorials_stack_them(dataset: Path, tmp_path: Path) -> None:
    """A Sequential whose first layers change pictures at random, which they do in training alone: it says what Keras says."""
    import keras

    from models.convert import convert

    keras.utils.set_random_seed(6)
    changing = [keras.layers.RandomFlip(), keras.layers.RandomRotation(0.4), keras.layers.RandomContrast(0.9)]
    seeing = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(8, 3), keras.layers.PReLU(shared_axes=[1, 2])]
    ending = [keras.layers.Dropout(0.5), keras.layers.Flatten(), keras.layers.Dense(7), keras.layers.Softmax()]
    own = keras.Sequential([keras.layers.Input((24, 24, 1)), *changing, *seeing, *ending])
    own.save(tmp_path / "own.keras")
    convert(tmp_path / "own.keras", tmp_path / "own.tflite", dataset, flip=False)
    classifier = ExpressionClassifier(str(tmp_path / "own.tflite"))
    faces = np.random.default_rng(1).integers(0, 256, (9, 24, 24), np.uint8)
    expected = own.predict(faces[..., None].astype(np.float32), verbose=0)
    assert classifier.classify(faces) == pytest.approx(tempered(expected, classifier.facts.temperature), abs=0.03)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (["Reshape", (24, 24)], r"has nothing for its operation TensorListReserve: put a layer"),
        (["Flatten"], r"are no probabilities, which add up to 1: let it take one picture, and end in a softmax"),
        (["Lambda"], r"own\.keras: has a Lambda layer, whose code could do anything, so it is not run: put a layer"),
    ],
    ids=["recurrent", "logits", "code"],
)
def test_what_cannot_be_converted_is_named(dataset: Path, tmp_path: Path, last: list[Any], said: str) -> None:
    """Recurrent layers, logits without a softmax, and code of one's own; nothing is left."""
    import keras

    from models.convert import convert

    name, *given = last
    layers: list[Any] = [keras.layers.Input((24, 24, 1))]
    if name == "Lambda":
        layers += [keras.layers.Lambda(lambda x: x / 255), keras.layers.Flatten(), keras.layers.Dense(7)]
    else:
        layers.append(getattr(keras.layers, name)(*given))
        layers += [keras.layers.GRU(4)] if name == "Reshape" else []
        layers.append(keras.layers.Dense(7, activation="softmax" if name == "Reshape" else None))
    keras.Sequential(layers).save(tmp_path / "own.keras")
    with pytest.raises(UsageError, match=said):
        convert(tmp_path / "own.keras", tmp_path / "own.tflite", dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["own.keras"]


@pytest.mark.parametrize(
    "precision",
    [
        "mixed_bfloat16",
        "float16",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("mixed_float16", "bfloat16")),
    ],
)
def test_a_network_in_half_precision(dataset: Path, tmp_path: Path, precision: str) -> None:
    """As GPUs train them, also with one network within another: it is converted, and says what Keras says."""
    import keras

    from models.convert import convert
    from models.described import read_network

    keras.mixed_precision.set_global_policy(precision)
    keras.utils.set_random_seed(4)
    picture, features = keras.layers.Input((24, 24, 1)), keras.layers.Input((24, 24, 1))
    inner = keras.Sequential([features, keras.layers.Conv2D(8, 3, strides=2), keras.layers.BatchNormalization()])
    x = keras.layers.GlobalAveragePooling2D()(keras.ops.relu(inner(keras.layers.Rescaling(1 / 128)(picture))))
    own = keras.Model(picture, keras.layers.Dense(7, activation="softmax")(x))
    keras.mixed_precision.set_global_policy("float32")
    own.save(tmp_path / "own.keras")
    convert(tmp_path / "own.keras", tmp_path / "own.tflite", dataset, flip=False)
    classifier = ExpressionClassifier(str(tmp_path / "own.tflite"))
    faces = np.random.default_rng(1).integers(0, 256, (9, 24, 24), np.uint8)
    expected = np.array(own(faces[..., None].astype(np.float32)), np.float32)
    assert classifier.classify(faces) == pytest.approx(tempered(expected, classifier.facts.temperature), abs=0.03)
    exact = np.array(read_network(tmp_path / "own.keras")(faces[..., None].astype(np.float32)))
    assert exact.dtype == np.float32 and exact == pytest.approx(expected, abs=0.01)


def test_a_network_is_calibrated_on_a_folder_of_pictures(tmp_path: Path) -> None:
    """Class folders, with classes that emobatch does not know."""
    import cv2

    from models.convert import convert

    draw = np.random.default_rng(5)
    for name in ("happy", "contempt"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for k in range(6):
            cv2.imwrite(str(tmp_path / "faces" / name / f"{k}.png"), draw.integers(0, 256, (40, 40), np.uint8))
    network = own_network(tmp_path / "own.keras", (24, 24, 1), 2)
    (tmp_path / "own.keras.json").write_text('{"classes": ["contempt", "happy"]}', encoding="utf-8")
    convert(network, tmp_path / "own.tflite", tmp_path / "faces")
    card = (tmp_path / "own.md").read_text(encoding="utf-8")
    assert "Data set faces, by which it was calibrated" in card and "| contempt | 6 |" in card


def test_it_is_calibrated_on_the_faces_that_are_scored(tmp_path: Path) -> None:
    """Boxes of a list are cut out for both heads: the facts are those of a list of the faces alone."""
    import cv2

    from models.convert import convert
    from models.networks import build_residual
    from models.portraits import boxed_crop

    draw, network = np.random.default_rng(5), tmp_path / "own.keras"
    build_residual(size=16, widths=(4, 8), blocks=(1, 1), heads=("ferplus", "fer2013")).save(network)
    boxed, cut = ["path,label,box"], ["path,label"]
    for k in range(14):
        coarse = draw.integers(0, 256, (9, 9), np.uint8)
        picture = np.asarray(cv2.resize(coarse, (60, 60), interpolation=cv2.INTER_CUBIC), np.uint8)
        cv2.imwrite(str(tmp_path / f"{k}.png"), picture)
        cv2.imwrite(str(tmp_path / f"face-{k}.png"), boxed_crop(picture, np.array([30, 10, 20, 20], np.float32), 16))
        name = ("happy", "sad", "fear", "angry", "neutral", "disgust", "surprise")[k % 7]
        boxed.append(f"{k}.png,{name},30 10 20 20")
        cut.append(f"face-{k}.png,{name}")
    facts = []
    for place, lines in enumerate((boxed, cut)):
        (tmp_path / f"{place}.csv").write_text("\n".join(lines), encoding="utf-8")
        convert(network, tmp_path / f"{place}.tflite", tmp_path / f"{place}.csv")
        facts.append(ExpressionClassifier(str(tmp_path / f"{place}.tflite")).facts)
    assert facts[0].heads == facts[1].heads and facts[0].weights == facts[1].weights
    assert (facts[0].temperature, facts[0].threshold) == (facts[1].temperature, facts[1].threshold)


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ("{", "own.keras.json: cannot be read"),
        ("[]", "own.keras.json: describes no network: it is no object"),
        ('{"colour": 1}', "own.keras.json: describes no network: 'colour' in it is unknown"),
        ('{"classes": "happy"}', "own.keras.json: 'classes' is no list of names"),
        ('{"classes": ["happy", "Sad"]}', "own.keras.json: has 'Sad' can be no class"),
        ('{"classes": ["happy", "sad"]}', "own.keras: gives 5 probabilities, not 2 (happy, sad)"),
        ('{"std": 0}', "own.keras.json: 'std' is 0"),
        ('{"normalised": "z"}', "own.keras.json: 'normalised' is 'z'"),
        ('{"mean": [1, 2]}', "own.keras.json: 'mean' is [1, 2]"),
        (None, "own.keras: gives 5 probabilities, not 7"),
    ],
)
def test_a_wrong_description_is_named(dataset: Path, tmp_path: Path, described: str | None, said: str) -> None:
    """With the file and the remedy; nothing is written."""
    from models.convert import convert

    network = own_network(tmp_path / "own.keras", (24, 24, 1), 5)
    if described is not None:
        (tmp_path / "own.keras.json").write_text(described, encoding="utf-8")
    before = set(tmp_path.iterdir())
    with pytest.raises(UsageError) as caught:
        convert(network, tmp_path / "own.tflite", dataset)
    assert caught.value.problem.startswith(f"{tmp_path}/{said}") and caught.value.remedy
    assert set(tmp_path.iterdir()) == before
