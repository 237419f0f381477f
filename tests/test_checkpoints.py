"""A training that is stopped while it keeps something goes on as if it had not been."""

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.errors import UsageError
from tests.test_train_begun import small_dataset

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


@pytest.fixture(name="options", scope="module")
def _options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from models.networks import NETWORKS, build_residual
    from models.train_options import TrainOptions

    NETWORKS["tiny"] = partial(build_residual, widths=(4,), blocks=(1,))
    folder = tmp_path_factory.mktemp("checkpoints")
    images = np.random.default_rng(3).integers(0, 256, (28, 48, 48), np.uint8)
    dataset = small_dataset(folder / "few.npz", images=images)
    small = {"net": "tiny", "size": 16, "batch": 8, "learning_rate": 5e-3, "precision": "float32"}
    phases = {"epochs": 3, "freeze_epochs": 1, "begin": "nothing", "labels": "ferplus"}
    yield TrainOptions(dataset=dataset, out=folder / "whole", **small, **phases)  # type: ignore[arg-type]
    del NETWORKS["tiny"]


def result_of(options: Any) -> tuple[str, list[Any]]:
    """What a training leaves: its history and its weights."""
    import keras

    from models.train import train

    path = train(options)
    history = (options.out / "history.csv").read_text(encoding="utf-8")
    return history, keras.models.load_model(path, compile=False).get_weights()


@pytest.mark.parametrize(
    "all_stops",
    [[{2, 4}], pytest.param([{1}, {2}, {3}, {4}, {2, 4, 5}, {1, 2, 3}], marks=pytest.mark.slow)],
    ids=["some", "all"],
)
def test_stopped_while_it_keeps_an_epoch(
    options: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_stops: list[set[int]]
) -> None:
    """At each moment at which weights are half written, once or several times: the same command ends with the same result."""
    from dataclasses import replace

    import keras

    history, weights = result_of(options)
    save = keras.Model.save_weights
    for stops in all_stops:
        calls = iter(range(1, 100))

        def halted(
            model: Any, path: Path, *given: Any, stops: set[int] = stops, calls: Any = calls, **named: Any
        ) -> None:
            save(model, path, *given, **named)
            if next(calls) in stops:
                Path(path).write_bytes(Path(path).read_bytes()[:700])
                raise KeyboardInterrupt

        out = replace(options, out=tmp_path / "-".join(map(str, stops)))
        monkeypatch.setattr(keras.Model, "save_weights", halted)
        for _ in stops:
            with pytest.raises(KeyboardInterrupt):
                result_of(out)
        found, same = result_of(out)
        monkeypatch.setattr(keras.Model, "save_weights", save)
        assert found == history and [line.split(",")[0] for line in found.splitlines()] == ["epoch", "1", "2", "3"]
        assert all(np.array_equal(a, b) for a, b in zip(weights, same, strict=True))
        assert [path.name for path in (out.out / "resume").iterdir() if "half" in path.name] == []


def test_a_training_that_learned_nothing_says_so(
    options: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Pictures that are all alike cannot be told apart."""
    from dataclasses import replace

    from models.train import train

    same = small_dataset(tmp_path / "same.npz", images=np.zeros((28, 48, 48), np.uint8))
    with caplog.at_level("INFO"):
        train(replace(options, dataset=same, out=tmp_path / "same"))
    assert "is no more than saying sad of every picture gives" in caplog.text


def test_of_equal_accuracies_the_smaller_loss_is_kept(options: Any, tmp_path: Path) -> None:
    """With few pictures equal ones are the rule; record, page and card say the same epoch."""
    import keras

    from models.checkpoints import KeepsBest
    from models.history import best_of

    figures = [(0.5, 2.0), (0.6, 1.9), (0.6, 1.7), (0.6, 1.8), (0.4, 1.0)]
    rows: list[Any] = [{"epoch": k + 1, "val_accuracy": a, "val_loss": loss} for k, (a, loss) in enumerate(figures)]
    keeps = KeepsBest(tmp_path / "best.weights.h5", "val_accuracy", rows[:1])
    keeps.set_model(keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)]))
    kept = []
    for row in rows[1:]:
        keeps.path.unlink(missing_ok=True)
        keeps.on_epoch_end(row["epoch"] - 1, row)
        kept += [row["epoch"]] if keeps.path.exists() else []
    assert kept == [2, 3] and best_of(rows, "val_accuracy")["epoch"] == 3


def test_two_trainings_do_not_share_a_folder(options: Any, tmp_path: Path) -> None:
    """The second one is told, with the exit code of a run whose folder another one holds; nothing of the first is touched."""
    from dataclasses import replace

    from analytics.errors import LockedError
    from models.begun import alone_in
    from models.train import train

    mine = replace(options, out=tmp_path / "mine", epochs=2)
    with alone_in(mine.out), pytest.raises(LockedError, match=r"mine: another training is at work there: wait") as told:
        train(mine)
    assert told.value.exit_code == 5 and list(mine.out.iterdir()) == []
    train(mine)
    assert not (mine.out / ".lock").exists()


def test_normalisation_keeps_up_with_few_steps(options: Any, tmp_path: Path) -> None:
    """A quarter of the steps leaves a twentieth of where its statistics began; in long trainings they stay as they are."""
    import keras

    from models.lessons import read_lessons
    from models.phases import phases_of
    from models.trainee import compiled

    learned = read_lessons(options, "train")
    for steps, momentum in ((24, 0.05 ** (1 / 6)), (100_000, 0.99)):
        network = compiled(options, learned, phases_of(options)[-1], steps).network
        found = [one.momentum for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
        assert found and found == pytest.approx([momentum] * len(found))


def test_damage_from_outside_is_named(options: Any, tmp_path: Path) -> None:
    """A checkpoint that is cut short, or whose record is: with the folder to remove."""
    from dataclasses import replace

    from models.train import train

    mine = replace(options, out=tmp_path / "mine")
    train(mine)
    record = mine.out / "resume" / "epoch.json"
    whole = record.read_text(encoding="utf-8")
    (weights,) = record.parent.glob("*.weights.h5")
    for damage in (partial(record.write_text, whole[:9]), partial(weights.write_bytes, weights.read_bytes()[:900])):
        damage()
        with pytest.raises(
            UsageError, match=r"resume: what the training would go on from is damaged .*: remove the folder"
        ):
            train(mine)
        record.write_text(whole)


@pytest.mark.parametrize(
    ("name", "left"), [("seconds.json", "[{"), ("history.csv", "epoch,loss\n1,one\n"), ("best.weights.h5", "cut")]
)
def test_damage_of_what_lies_beside_is_named(options: Any, tmp_path: Path, name: str, left: str) -> None:
    """With the folder to remove; no internal error."""
    from dataclasses import replace

    from models.train import train

    mine = replace(options, out=tmp_path / "mine", epochs=2)
    train(mine)
    (mine.out / name).write_text(left, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"{name}: is damaged: remove the folder .*mine, and begin anew"):
        train(mine)
