"""The shipped classifier, and what is said of files that are not what they should be."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import typer.main
from numpy.typing import NDArray
from typer.core import TyperGroup

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from jobs.cli import app
from jobs.options import RunOptions
from models.begun import OPTIONS
from models.classifier import SHIPPED, ExpressionClassifier, ModelFacts, facts_of
from models.crop import crop_faces
from models.detectors.yunet import YuNet
from models.weights import sha256_of
from tests.command import ROOT


@pytest.fixture(scope="module")
def classifier() -> ExpressionClassifier:
    """The one that ships."""
    return ExpressionClassifier()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped file with its facts, to be damaged."""
    path = tmp_path / "mine.tflite"
    shutil.copy(SHIPPED["default"], path)
    shutil.copy(SHIPPED["default"].with_suffix(".json"), path.with_suffix(".json"))
    return path


def smiling() -> NDArray[np.uint8]:
    """The crop of a portrait of a smiling woman and its mirror image, uint8 (2, 48, 48)."""
    portrait = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]
    (crop,) = crop_faces(portrait, YuNet().detect(portrait), 48)
    return np.stack([crop, crop[:, ::-1]])


def noise(n: int) -> NDArray[np.uint8]:
    """n crops that all differ."""
    return np.random.default_rng(7).integers(0, 256, (n, 48, 48), dtype=np.uint8)


def test_the_shipped_file_is_what_its_facts_say(classifier: ExpressionClassifier) -> None:
    """Name, hash, classes and a threshold that lets something pass and something not."""
    facts = classifier.facts
    assert facts == ModelFacts.beside(SHIPPED["default"])
    assert facts.sha256 == sha256_of(SHIPPED["default"])
    assert facts.classes == EXPRESSIONS and facts.size == 48
    assert 1 / 7 < facts.threshold < 1


def test_a_smile_is_happy(classifier: ExpressionClassifier) -> None:
    """The portrait shows a broad smile, and so does its mirror image."""
    for probabilities in classifier.classify(smiling()):
        assert EXPRESSIONS[int(probabilities.argmax())] == "happy"
        assert probabilities.max() > 0.9


def test_the_mirror_image_is_looked_at_where_the_face_leaves_a_doubt(
    classifier: ExpressionClassifier, copy: Path
) -> None:
    """Then both are averaged, so left and right do not matter; a face that is sure is told by itself."""
    told: dict[str, NDArray[np.float32]] = {}
    crops = np.concatenate([smiling(), noise(30), noise(30) // 4 + 60])
    for name, changed in (("alone", {"flip": False}), ("both", {"sure": 1.0})):
        replace(classifier.facts, **changed).write_beside(copy)
        told[name] = ExpressionClassifier(str(copy)).classify(crops)
    assert told["both"] == pytest.approx(ExpressionClassifier(str(copy)).classify(crops[:, :, ::-1]), abs=0.01)
    assert classifier.facts.flip and classifier.facts.sure == 0.85
    found, sure = classifier.classify(crops), told["alone"].max(axis=1) >= 0.85
    assert sure[:2].all() and 5 < sure.sum() < len(sure) - 5
    assert np.array_equal(found[sure], told["alone"][sure])
    assert np.array_equal(found[~sure], told["both"][~sure])


def test_probabilities_sum_to_one(classifier: ExpressionClassifier) -> None:
    """Whatever it is shown: noise, black and white too."""
    shown = np.concatenate([noise(20), np.zeros((1, 48, 48), np.uint8), np.full((1, 48, 48), 255, np.uint8)])
    probabilities = classifier.classify(shown)
    assert probabilities.shape == (22, 7) and probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities >= 0).all()


@pytest.mark.parametrize("sizes", [[1] * 70, [64, 6], [63, 7], [3, 60, 7], [70]])
def test_neighbours_in_the_batch_do_not_matter(classifier: ExpressionClassifier, sizes: list[int]) -> None:
    """However faces are grouped, each has the same probabilities bit for bit; so reruns give the same bytes."""
    crops = np.concatenate([smiling(), noise(68)])
    parts = np.split(crops, np.cumsum(sizes)[:-1])
    grouped = np.concatenate([classifier.classify(part) for part in parts])
    assert np.array_equal(grouped, classifier.classify(crops))
    mixed = np.random.default_rng(1).permutation(70)
    assert np.array_equal(classifier.classify(crops[mixed]), grouped[mixed])


def test_no_crops_give_no_probabilities(classifier: ExpressionClassifier) -> None:
    """A frame without faces is no special case."""
    probabilities = classifier.classify(np.empty((0, 48, 48), np.uint8))
    assert probabilities.shape == (0, 7) and probabilities.dtype == np.float32


def test_a_path_is_as_good_as_a_name(classifier: ExpressionClassifier, copy: Path) -> None:
    """A user's own file works like the shipped one."""
    assert np.array_equal(ExpressionClassifier(str(copy)).classify(smiling()), classifier.classify(smiling()))


@pytest.mark.parametrize("model", ["best", "/no/such/file.tflite", "./mine.tflite", "a\0b", "x" * 500])
def test_an_unknown_model_is_named(model: str) -> None:
    """The error quotes what was asked for as it was given, and lists what ships."""
    with pytest.raises(UsageError) as caught:
        ExpressionClassifier(model)
    assert caught.value.problem == f"--model {model}: no such model"
    assert caught.value.remedy == "name one of: default, small; or the path of a .tflite file"


def test_the_error_names_what_asked_for_the_model() -> None:
    """Where the command line has an argument instead of the option."""
    with pytest.raises(UsageError, match=r"^MODEL best: no such model: name one of: default"):
        ExpressionClassifier("best", asked_by="MODEL")


@pytest.mark.parametrize("name", ["my net.keras", "net.h5", "net.HDF5"])
def test_a_network_of_keras_is_to_be_converted(tmp_path: Path, name: str) -> None:
    """Run takes .tflite files; the error has the command that makes one of this very file."""
    path = tmp_path / name
    path.touch()
    with pytest.raises(UsageError, match=r"is a network of Keras, and emobatch runs \.tflite files") as caught:
        ExpressionClassifier(str(path))
    assert str(path) in caught.value.problem
    command = shlex.split(caught.value.remedy.removeprefix("convert it: "))
    assert command[:3] == ["emobatch", "models", "convert"]
    assert command[3:] == [str(path), str(path.with_suffix(".tflite")), "--dataset", "DATASET.npz"]


def test_a_file_of_another_kind_is_no_model(tmp_path: Path) -> None:
    """Nor is a folder, even of that name."""
    (tmp_path / "net.onnx").touch()
    (tmp_path / "net.tflite").mkdir()
    for path in (tmp_path / "net.onnx", tmp_path / "net.tflite", tmp_path):
        with pytest.raises(UsageError, match=r"is no \.tflite file: name one of: default") as caught:
            ExpressionClassifier(str(path))
        assert str(path) in caught.value.problem


def test_a_tampered_file_is_refused(copy: Path) -> None:
    """One changed bit is enough."""
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(UsageError, match="not the expected weights") as caught:
        ExpressionClassifier(str(copy))
    assert str(copy) in caught.value.problem and "convert" in caught.value.remedy


def test_a_file_without_facts_is_refused(copy: Path) -> None:
    """The error names the missing file and how to make it."""
    copy.with_suffix(".json").unlink()
    with pytest.raises(UsageError, match="cannot read the facts") as caught:
        ExpressionClassifier(str(copy))
    assert str(copy.with_suffix(".json")) in caught.value.problem and "models convert" in caught.value.remedy


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    """A change that leaves one fact out."""
    return lambda facts: {key: value for key, value in facts.items() if key != name}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda facts: facts | {"classes": ["angry", "Happy!", "sad"]}, "'Happy!' can be no class"),
        (lambda facts: facts | {"classes": ["happy"] * 7}, "a class that is there twice"),
        (lambda facts: facts | {"classes": [1, None]}, "does not describe a model"),
        (lambda facts: facts | {"std": 0}, "does not describe a model"),
        (lambda facts: facts | {"temperature": -1}, "does not describe a model"),
        (without("classes"), "does not describe a model"),
        (without("threshold"), "does not describe a model"),
        (lambda facts: facts | {"colour": True}, "does not describe a model"),
        (lambda facts: [facts], "does not describe a model"),
        (lambda facts: facts | {"threshold": "0.5"}, "does not describe a model"),
        (lambda facts: facts | {"threshold": float("nan")}, "does not describe a model"),
        (lambda facts: facts | {"flip": "no"}, "does not describe a model"),
        (lambda facts: facts | {"sure": 1.5}, "does not describe a model"),
        (lambda facts: facts | {"heads": 7}, "does not describe a model"),
        (lambda facts: facts | {"weights": {"happy": "x"}}, "does not describe a model"),
        (lambda facts: facts | {"weights": {"happy": -1.0}}, "does not describe a model"),
    ],
    ids=[
        "odd name",
        "one class",
        "no names",
        "no std",
        "cold",
        "none",
        "no threshold",
        "more",
        "list",
        "text",
        "NaN",
        "word",
        "too sure",
        "number",
        "no weight",
        "negative",
    ],
)
def test_foreign_facts_are_refused(copy: Path, change: Callable[[dict[str, Any]], Any], problem: str) -> None:
    """Other classes, and facts of another kind; the error names the file."""
    path = copy.with_suffix(".json")
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    with pytest.raises(UsageError, match=problem) as caught:
        ExpressionClassifier(str(copy))
    assert str(path) in caught.value.problem and caught.value.remedy


def test_broken_facts_are_refused(copy: Path) -> None:
    """Facts cut short by a full disk are no traceback."""
    copy.with_suffix(".json").write_text('{"name": "mi', encoding="utf-8")
    with pytest.raises(UsageError, match="does not describe a model"):
        ExpressionClassifier(str(copy))


@pytest.mark.parametrize("content", [b"", b"no network at all", bytes(5000)])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    """Facts with the right hash do not make a network of it."""
    path = tmp_path / "text.tflite"
    path.write_bytes(content)
    facts_of("text", path, 48, 0.5, False).write_beside(path)
    with pytest.raises(UsageError, match=r"text\.tflite: LiteRT cannot load it"):
        ExpressionClassifier(str(path))


def test_a_network_of_another_size_is_refused(copy: Path) -> None:
    """Facts of another network would fail in the middle of a night; they fail at the start."""
    facts_of("mine", copy, 64, 0.5, False).write_beside(copy)
    with pytest.raises(UsageError, match=r"takes pictures \(48, 48, 1\)"):
        ExpressionClassifier(str(copy))


def test_facts_come_back_as_they_were_written(copy: Path) -> None:
    """What convert writes is what run reads."""
    written = facts_of("mine", copy, 48, 0.612, False)
    written.write_beside(copy)
    assert ModelFacts.beside(copy) == written
    assert ExpressionClassifier(str(copy)).facts.threshold == 0.612


def test_classifying_loads_nothing_heavy() -> None:
    """TensorFlow takes seconds and half a gigabyte to import; no run pays for it. Nor is anything printed."""
    code = (
        "import sys, numpy; from models.classifier import ExpressionClassifier;"
        "ExpressionClassifier().classify(numpy.zeros((1, 48, 48), numpy.uint8));"
        "heavy = {'tensorflow', 'keras', 'torch', 'jax', 'sklearn', 'pandas', 'matplotlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_options_that_errors_name_exist() -> None:
    """Whatever an error of models/ calls --something is an option of a command, of conversion or of pip."""
    read = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "models").rglob("*.py"))
    named = set(re.findall(r"--[a-z][a-z-]+", read))
    commands = typer.main.get_command(app)
    assert isinstance(commands, TyperGroup)
    groups = [commands, *(command for command in commands.commands.values() if isinstance(command, TyperGroup))]
    every = [command for group in groups for command in group.commands.values()]
    known = {name for command in every for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert {"--model", "--labels", "--out", "--seed"} <= named & known
    assert named - known == {"--force-reinstall", "--no-deps"}
    assert set(OPTIONS.values()) <= known


def test_temperature_changes_how_sure_and_not_what(copy: Path) -> None:
    """Above one the classifier grows modest and says the same; the settings hash tells the two apart."""
    facts = ModelFacts.beside(copy)
    replace(facts, temperature=2.0).write_beside(copy)
    faces = np.random.default_rng(3).integers(0, 256, (4, 48, 48), np.uint8)
    cool, warm = ExpressionClassifier(), ExpressionClassifier(str(copy))
    before, after = cool.classify(faces), warm.classify(faces)
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    assert (after.max(axis=1) < before.max(axis=1)).all() and after.sum(axis=1) == pytest.approx(1, abs=1e-5)
    options = RunOptions(sources=(), out=Path("out"))
    assert options.settings_hash("d", cool.facts.decisive) != options.settings_hash("d", warm.facts.decisive)


def test_classes_in_another_order_are_put_into_ours(copy: Path) -> None:
    """A network that gives them otherwise says the same of a face."""
    facts = ModelFacts.beside(copy)
    turned = facts.classes[::-1]
    replace(facts, classes=turned).write_beside(copy)
    faces = np.random.default_rng(3).integers(0, 256, (4, 48, 48), np.uint8)
    ours, theirs = ExpressionClassifier().classify(faces), ExpressionClassifier(str(copy)).classify(faces)
    # The copy is the same network, so under the other names its columns are ours turned round.
    assert np.array_equal(theirs, ours[:, ::-1])


def test_preprocessing_that_the_network_does_not_do_itself(copy: Path) -> None:
    """Grey levels less the mean, over the standard deviation: half the deviation shows a picture twice as bright."""
    faces = np.random.default_rng(3).integers(0, 128, (4, 48, 48), np.uint8)

    def said(pictures: NDArray[np.uint8], mean: float = 0.0, std: float = 1.0) -> NDArray[np.float32]:
        replace(ModelFacts.beside(copy), even=False, mean=mean, std=std).write_beside(copy)
        return ExpressionClassifier(str(copy)).classify(pictures)

    assert said(faces, std=0.5) == pytest.approx(said(faces * 2), abs=1e-5)
    assert said(faces, mean=-100.0) == pytest.approx(said(faces + np.uint8(100)), abs=1e-5)


def test_a_dark_face_is_judged_like_the_same_face_in_the_light(tmp_path: Path) -> None:
    """A twenty-fifth of the light changes little of what is said, where dark crops are evened.

    The smaller network needs it: it says something else of the same face left dark.
    """
    portrait = skimage.data.astronaut()[..., ::-1]  # type: ignore[no-untyped-call]
    found = YuNet().detect(np.ascontiguousarray(portrait))
    bright = crop_faces(np.ascontiguousarray(portrait), found, 48)
    dark = (bright * 0.04).astype(np.uint8)
    usual = ExpressionClassifier("small").classify(bright)
    for name in SHIPPED:
        classifier = ExpressionClassifier(name)
        assert np.abs(classifier.classify(dark) - classifier.classify(bright)).max() < 0.1
    left = Path(shutil.copy(SHIPPED["small"], tmp_path / "left.tflite"))
    replace(ModelFacts.beside(SHIPPED["small"]), even=False).write_beside(left)
    assert np.abs(ExpressionClassifier(str(left)).classify(dark) - usual).max() > 0.3


def test_facts_of_other_classes_than_the_network_gives_are_refused(copy: Path) -> None:
    """Three names for seven probabilities."""
    replace(ModelFacts.beside(copy), classes=("angry", "happy", "sad")).write_beside(copy)
    with pytest.raises(UsageError, match=r"gives \(7,\), unlike its facts"):
        ExpressionClassifier(str(copy))


def test_classes_of_a_users_own(copy: Path) -> None:
    """Those of the seven that it lacks are 0 in their columns, others come behind them."""
    own = ("contempt", "happy", "neutral", "bored", "sad", "angry", "fear")
    replace(ModelFacts.beside(copy), classes=own).write_beside(copy)
    classifier = ExpressionClassifier(str(copy))
    assert classifier.facts.columns == (*EXPRESSIONS, "contempt", "bored")
    assert classifier.facts.known == ("angry", "fear", "happy", "neutral", "sad", "contempt", "bored")
    assert classifier.facts.labels[-1] == "uncertain"
    faces = np.random.default_rng(3).integers(0, 256, (4, 48, 48), np.uint8)
    said, ours = classifier.classify(faces), ExpressionClassifier().classify(faces)
    for place, name in enumerate(own):
        assert np.array_equal(said[:, classifier.facts.columns.index(name)], ours[:, place])
    assert not said[:, [EXPRESSIONS.index("disgust"), EXPRESSIONS.index("surprise")]].any()
