"""Training from drawn pictures to a LiteRT file that runs. Small: seven drawn classes, 16 px, two epochs, a tiny net."""

import csv
import gc
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS
from models.card import training_section
from models.classifier import ExpressionClassifier, tempered
from models.weights import sha256_of

if TYPE_CHECKING:
    from models.train_options import TrainOptions

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]

_VOTED = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
_OURS = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


def write_dataset(path: Path) -> Path:
    """A FER-style npz in three splits: brightness and width of an upright bar tell the class, most votes agree."""
    draw = np.random.default_rng(11)
    split = np.repeat(["train", "public", "private"], [1024, 84, 84])
    labels = np.arange(len(split)) % 7
    pictures = draw.normal(60, 8, (len(labels), 48, 48)).clip(0, 100).astype(np.uint8)
    votes = np.zeros((len(split), 10), np.uint8)
    votes[:, _VOTED.index("neutral")] = 2
    for picture, label, row in zip(pictures, labels.tolist(), votes, strict=True):
        half = 3 + 3 * (label % 4)
        picture[:, 24 - half : 24 + half] += 60 if label < 4 else 150
        row[_VOTED.index(_OURS[label])] += 8
    names: dict[str, Any] = {"class_names": EXPRESSIONS, "ferplus_names": _VOTED}
    np.savez(path, allow_pickle=False, images=pictures, labels=labels, split=split, ferplus_votes=votes, **names)
    return path


@dataclass(frozen=True)
class Trained:
    """A finished training and what it was told."""

    options: "TrainOptions"
    network: Path
    dataset: Path

    def history(self, out: Path | None = None) -> list[dict[str, float]]:
        """The lines of history.csv."""
        with ((out or self.options.out) / "history.csv").open(newline="", encoding="utf-8") as lines:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]

    def again(self, out: Path, **changes: Any) -> "Trained":
        """The same training in another folder."""
        from models.train import train

        options = replace(self.options, out=out, **changes)
        return Trained(options, train(options), self.dataset)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A training of two epochs."""
    from models.networks import NETWORKS, build_residual
    from models.train import train
    from models.train_options import TrainOptions

    NETWORKS["tiny"] = partial(build_residual, widths=(8, 16), blocks=(1, 1))
    folder = tmp_path_factory.mktemp("training")
    dataset = write_dataset(folder / "drawn.npz")
    small = {"net": "tiny", "size": 16, "epochs": 2, "batch": 4, "learning_rate": 5e-3, "precision": "float32"}
    options = TrainOptions(dataset=dataset, out=folder / "out", **small)  # type: ignore[arg-type]
    yield Trained(options, train(options), dataset)
    del NETWORKS["tiny"]


@pytest.fixture(scope="module")
def litert(trained: Trained) -> Path:
    """The trained network as int8 LiteRT file."""
    from models.convert import convert

    target = trained.options.out / "drawn.tflite"
    threshold = convert(trained.network, target, trained.dataset)
    assert 0 <= threshold <= 1
    return target


def private_crops(trained: Trained) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The private pictures as the network takes them, and their labels."""
    from models.crop import crop_whole
    from models.datasets import read_labelled

    data = read_labelled(trained.dataset)
    return np.stack([crop_whole(picture, 16) for picture in data.pictures]), data.labels


def same_weights(*networks: Path) -> bool:
    """Whether two saved networks are equal bit for bit."""
    import keras

    pair = [keras.models.load_model(path, compile=False).get_weights() for path in networks]
    return all(np.array_equal(a, b) for a, b in zip(*pair, strict=True))


def test_training_learns(trained: Trained) -> None:
    """The loss falls, and on pictures it was not trained on the network is far better than chance."""
    import keras

    first, last = trained.history()
    assert last["loss"] < first["loss"]
    crops, labels = private_crops(trained)
    network = keras.models.load_model(trained.network, compile=False)
    probabilities = np.array(network(crops[..., None].astype(np.float32))["ferplus"])
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.3  # Chance is one in seven.


def test_training_leaves_a_record(trained: Trained) -> None:
    """training.json holds the options and the figures of every epoch."""
    record = json.loads((trained.options.out / "training.json").read_text(encoding="utf-8"))
    assert (record["options"]["seed"], record["options"]["net"]) == (20, "tiny")
    assert record["history"] == trained.history()
    assert 1000 < record["parameters"] < 100_000


@pytest.mark.slow
def test_one_seed_gives_one_result(trained: Trained, tmp_path: Path) -> None:
    """The same training, started again elsewhere, has the same figures and the same weights."""
    twin = trained.again(tmp_path / "twin")
    assert twin.history() == trained.history()
    assert same_weights(trained.network, twin.network)


def test_seed_and_epoch_decide_what_is_shown(trained: Trained) -> None:
    """Another seed, and another epoch, show other pictures; the same ones show the same."""
    from models.batches import Batches, Lessons

    pictures, _ = private_crops(trained)
    targets = {"mine": np.eye(7, dtype=np.float32)[np.arange(len(pictures)) % 7]}
    lessons = Lessons(pictures, targets, {"mine": np.ones(len(pictures), np.float32)})
    seeds = [Batches(lessons, batch=8, balance=0.5, mixup=0.2, seed=seed) for seed in (20, 20, 21)]
    first, same, other = (batches[2][0] for batches in seeds)
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    seeds[0].set_epoch(1)
    assert not np.array_equal(seeds[0][2][0], first)


def test_unbalanced_an_epoch_shows_each_picture_once() -> None:
    """As papers train; balanced, some come several times."""
    from models.batches import Batches, Lessons

    pictures = np.zeros((64, 8, 8), np.uint8) + np.arange(64, dtype=np.uint8)[:, None, None]
    targets = {"mine": np.eye(7, dtype=np.float32)[np.arange(64) % 7]}
    lessons = Lessons(pictures, targets, {"mine": np.ones(64, np.float32)})
    for balance, each_once in ((0.0, True), (0.5, False)):
        batches = Batches(lessons, batch=25, balance=balance, mixup=0, seed=20, degraded=0, augment="none")
        seen = [batches[k][0][:, 0, 0, 0] for k in range(len(batches))]
        assert [len(batch) for batch in seen] == [21, 21, 22]
        assert (len(np.unique(np.concatenate(seen))) == 64) is each_once


def stopped(trained: Trained, out: Path) -> None:
    """The same training in another folder, killed in its second epoch."""
    from models.train import _EveryEpoch

    class Killed(_EveryEpoch):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if self.batches.epoch == 1 and batch == 3:
                raise RuntimeError("stopped")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.train._EveryEpoch", Killed)
        with pytest.raises(RuntimeError, match="stopped"):
            trained.again(out)
    gc.collect()  # Closes the history that the kill left open, here rather than in another test.


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_stopped_training_goes_on(trained: Trained, tmp_path: Path) -> None:
    """Killed in its second epoch and started again, it goes on with that epoch and ends as if never stopped."""
    from models.train import train

    out = tmp_path / "stopped"
    stopped(trained, out)
    assert [row["epoch"] for row in trained.history(out)] == [1]
    resumed = trained.again(out)
    assert [row["epoch"] for row in resumed.history()] == [1, 2]
    assert resumed.history() == trained.history()
    assert same_weights(trained.network, resumed.network)
    assert train(resumed.options) == resumed.network and resumed.history() == trained.history()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_the_best_epoch_survives_a_stop(trained: Trained, tmp_path: Path) -> None:
    """An epoch after the stop that is worse than one before it does not take its place."""
    out = tmp_path / "worse"
    stopped(trained, out)
    history = out / "history.csv"
    names, values = (line.split(",") for line in history.read_text(encoding="utf-8").splitlines())
    values[names.index("val_ferplus_accuracy")] = "1.0"  # As if the first epoch had been right about every picture.
    history.write_text(f"{','.join(names)}\n{','.join(values)}\n", encoding="utf-8")
    before = (out / "best.weights.h5").read_bytes()
    assert [row["epoch"] for row in trained.again(out).history()] == [1, 2]
    assert (out / "best.weights.h5").read_bytes() == before


def test_litert_agrees_with_keras(trained: Trained, litert: Path) -> None:
    """Turned to int8, the network says the same of nearly all pictures."""
    import keras

    from models.crop import evened
    from models.mixing import Mix

    crops, _ = private_crops(trained)
    facts = ExpressionClassifier(str(litert)).facts
    assert list(facts.weights) == list(EXPRESSIONS)
    assert list(facts.heads) == ["ferplus", "fer2013"] and sum(facts.heads.values()) == pytest.approx(1)
    mix = Mix(facts.heads["fer2013"], tuple(facts.weights.values()))
    network = keras.models.load_model(trained.network, compile=False)
    seen = evened(crops[..., None].astype(np.float32))
    said = [network(view) for view in (seen, seen[:, :, ::-1])]
    pair = [mix.of(*(np.array(view[head]) for head in facts.heads)) for view in said]
    expected = tempered((pair[0] + pair[1]) / np.float32(2), facts.temperature)
    found = ExpressionClassifier(str(litert)).classify(crops)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.95
    assert np.abs(found - expected).max() < 0.1


def test_conversion_writes_the_facts(litert: Path) -> None:
    """The file's own size and hash, so that it runs as it is; nothing half-written stays behind."""
    facts = ExpressionClassifier(str(litert)).facts
    assert (facts.name, facts.size, facts.classes, facts.flip) == ("drawn", 16, EXPRESSIONS, True)
    assert litert.stat().st_size < 60_000
    assert not list(litert.parent.glob("*.tmp"))


def test_conversion_writes_the_card(trained: Trained, litert: Path, tmp_path: Path) -> None:
    """Data, command, seed and scores by class; the private split stands there only where that was asked for."""
    from models.convert import convert

    card = litert.with_suffix(".md").read_text(encoding="utf-8")
    command = "emobatch train drawn.npz --net tiny --labels both --size 16 --from nothing --epochs 2 --batch 4"
    command += " --learning-rate 0.005 --loss soft-labels --optimizer adamw --schedule cosine --patience 0"
    assert f"{command} --balance 0.5 --mixup 0.2 --degraded 1.0 --augment cctv --seed 20 --out DIR\n" in card
    data = rf"\(SHA-256 {sha256_of(trained.dataset)[:12]}…, [\d,]+ pictures, \d+ to choose on\)"
    assert re.search(rf"It began with random weights. On the train split of drawn.npz {data} it learned", card)
    assert re.search(r"Epoch [12] of 2 was chosen by val_ferplus_accuracy on the public split", card)
    assert "Goodfellow et al. 2013" in card and "the weights is yours to choose" in card
    assert ExpressionClassifier(str(litert)).facts.sha256 in card
    assert "### Public split, ferplus labels" in card and "### Public split, fer2013 labels" in card
    assert "Private split" not in card and card.count("| surprise | 12 |") == 2
    final = tmp_path / "final.tflite"
    convert(trained.network, final, trained.dataset, final=True)
    card = final.with_suffix(".md").read_text(encoding="utf-8")
    assert card.startswith("# Model card: final\n") and "### Private split, ferplus labels" in card
    assert {path.name for path in tmp_path.iterdir()} == {"final.tflite", "final.json", "final.md"}


def test_the_card_says_plain(trained: Trained) -> None:
    """What `--plain` turned off has no option of its own; without it the command would train otherwise."""
    from models.card import training_section

    training = json.loads((trained.network.parent / "training.json").read_text(encoding="utf-8"))
    training["options"] |= {"smoothing": 0.0, "averaged": 0.0, "mixup": 0.0}
    assert "emobatch train drawn.npz --plain --net tiny" in training_section(training)


def test_evaluate_from_the_command_line(trained: Trained, litert: Path) -> None:
    """One JSON object on stdout with the keys that scripts rely on; its figures are those of the network."""
    command = [sys.executable, "-m", "emobatch", "evaluate", str(litert), str(trained.dataset), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert {"n", "accuracy", "macro_f1", "ece", "classes", "confusion", "uncertain"} <= set(found)
    assert set(found["classes"]) == set(EXPRESSIONS)
    assert all(set(row) == {"precision", "recall", "n"} for row in found["classes"].values())
    assert {"share", "accuracy_of_accepted"} <= set(found["uncertain"])
    crops, labels = private_crops(trained)
    right = ExpressionClassifier(str(litert)).classify(crops).argmax(axis=1) == labels
    assert found["n"] == 84 and found["accuracy"] == pytest.approx(right.mean())


def test_rare_classes_are_drawn_more_often() -> None:
    """By their frequency to the power -balance: 0 as they come, 1 all classes alike."""
    from models.batches import balanced_chances

    targets = np.eye(7, dtype=np.float32)[[3] * 8 + [1] * 2]
    assert balanced_chances(targets, 0.0) == pytest.approx(0.1)
    even = balanced_chances(targets, 1.0)
    assert even[:8].sum() == pytest.approx(0.5) and even.sum() == pytest.approx(1)


def test_a_teacher_is_heard(trained: Trained) -> None:
    """Targets move towards what the teacher says by its share; where people said nothing it speaks alone."""
    from models.lessons import read_lessons, taught_by

    lessons = read_lessons(trained.options, "train")
    lessons.weights["ferplus"][:5] = 0
    taught = taught_by([trained.network], lessons, 0.25)
    alone = taught_by([trained.network, trained.network], lessons, 1.0)
    for head, targets in taught.targets.items():
        assert targets.sum(axis=1) == pytest.approx(1, abs=1e-4)
        said = alone.targets[head]
        assert targets[5:] == pytest.approx(0.75 * lessons.targets[head][5:] + 0.25 * said[5:], abs=1e-5)
    assert taught.targets["ferplus"][:5] == pytest.approx(alone.targets["ferplus"][:5])
    assert taught.weights["ferplus"][:6] == pytest.approx([0.25] * 5 + [1])


@pytest.mark.slow
def test_a_student_learns_from_its_teacher(trained: Trained, tmp_path: Path) -> None:
    """The same training with a teacher ends elsewhere, says who it was in record and folder, and goes on with that one."""
    from analytics.errors import UsageError

    alone = trained.again(tmp_path / "alone", epochs=1)
    student = trained.again(tmp_path / "student", teachers=(trained.network,), epochs=1)
    assert not same_weights(alone.network, student.network)
    record = json.loads((student.options.out / "training.json").read_text(encoding="utf-8"))
    assert record["teachers"] == {"tiny.keras": sha256_of(trained.network)}
    assert "--teacher DIR/tiny.keras --taught 0.5 --epochs 1" in training_section(record)
    with pytest.raises(UsageError, match=f"begun with --teacher {sha256_of(trained.network)[:12]} instead of nobody"):
        trained.again(tmp_path / "student", epochs=1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"size": 24}, r"--teacher .*tiny\.keras: is no network of 24x24 pictures"),
        ({"teachers": (Path("nobody.keras"),)}, r"--teacher nobody\.keras: no such network"),
    ],
    ids=["size", "missing"],
)
def test_a_teacher_of_another_kind_is_refused(
    trained: Trained, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    """Named, with what it should be."""
    from analytics.errors import UsageError

    with pytest.raises(UsageError, match=problem):
        trained.again(tmp_path / "out", **{"teachers": (trained.network,), **change})


@pytest.mark.slow
def test_a_teacher_needs_the_heads_that_are_learned(trained: Trained, tmp_path: Path) -> None:
    """A network of both label sets teaches one of them; one of FER+ alone cannot teach the labels of FER2013."""
    from analytics.errors import UsageError

    one = trained.again(tmp_path / "one", labels="ferplus", teachers=(trained.network,), epochs=1)
    assert one.history()[-1]["val_accuracy"] > 0
    with pytest.raises(UsageError, match="outputs named fer2013"):
        trained.again(tmp_path / "other", labels="fer2013", teachers=(one.network,), epochs=1)


def test_two_heads_of_other_names_are_refused(trained: Trained, tmp_path: Path) -> None:
    """Nobody knows by which truth to mix them."""
    import keras

    from analytics.errors import UsageError
    from models.convert import convert

    network = keras.models.load_model(trained.network, compile=False)
    foreign = keras.Model(network.input, {"mood": network.output["ferplus"], "age": network.output["fer2013"]})
    foreign.save(tmp_path / "foreign.keras")
    with pytest.raises(UsageError, match=r"foreign\.keras: has the outputs mood, age") as raised:
        convert(tmp_path / "foreign.keras", tmp_path / "out.tflite", trained.dataset)
    assert "ferplus and fer2013" in raised.value.remedy


def test_names_of_layers_do_not_clash(trained: Trained) -> None:
    """What conversion adds to a loaded network has names of its own, also where Keras begins to count anew."""
    import keras

    from models.heads import mixed
    from models.mixing import Mix

    keras.utils.clear_session()
    network = keras.models.load_model(trained.network, compile=False)
    keras.utils.clear_session()
    both = mixed(network, ["ferplus", "fer2013"], Mix(0.25, (1.0,) * 7))
    assert {layer.name for layer in both.layers} > {layer.name for layer in network.layers}


def test_the_command_line_begins_with_the_same_settings() -> None:
    """What an option is unless given is what the Python record has, too."""
    from dataclasses import fields

    import typer

    from jobs.cli_train import train
    from models.begun import OPTIONS
    from models.train_options import PLAIN, TrainOptions

    app = typer.Typer()
    app.command()(train)
    by_flag = {flag: option.default for option in typer.main.get_command(app).params for flag in option.opts}
    inside = {field.name: field.default for field in fields(TrainOptions)}
    handed_on_if_said = PLAIN.keys() & OPTIONS.keys()
    assert all(by_flag[OPTIONS[name]] is None for name in handed_on_if_said)
    assert {flag: by_flag[flag] or () for name, flag in OPTIONS.items() if name not in handed_on_if_said} == {
        flag: inside[name] or () for name, flag in OPTIONS.items() if name not in handed_on_if_said
    }
