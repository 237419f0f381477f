"""Losses, optimizers, schedules and sizes of a training; and what ends it before its time."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analytics.errors import UsageError
from tests.test_datasets import votes, write_npz
from tests.test_train_begun import small_dataset

if TYPE_CHECKING:
    from models.train_options import TrainOptions

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]


@pytest.fixture(name="options")
def _options(tmp_path: Path) -> Iterator["TrainOptions"]:
    """A training of two epochs over 21 pictures."""
    from models.networks import NETWORKS, build_residual
    from models.train_options import TrainOptions

    NETWORKS["tiny"] = partial(build_residual, widths=(8,), blocks=(1,))
    dataset = small_dataset(tmp_path / "few.npz")
    small = {"net": "tiny", "size": 16, "epochs": 2, "batch": 7, "labels": "ferplus", "precision": "float32"}
    yield TrainOptions(dataset=dataset, out=tmp_path / "out", **small)  # type: ignore[arg-type]
    del NETWORKS["tiny"]


def losses_of(options: "TrainOptions") -> list[float]:
    """Train, and tell the loss of each epoch."""
    from models.history import read_history
    from models.train import train

    train(options)
    return [row["loss"] for row in read_history(options.out / "history.csv")]


@pytest.mark.slow
def test_each_loss_trains(options: "TrainOptions", tmp_path: Path) -> None:
    """Over the same pictures, of one class each and of two classes of nearly the same size, in another measure."""
    from models.losses import LOSSES

    found = {loss: losses_of(replace(options, out=tmp_path / loss, epochs=1, loss=loss))[0] for loss in LOSSES}
    plain = found["soft-labels"]
    assert found["cross-entropy"] == plain
    assert found["class-balanced"] == pytest.approx(plain, rel=0.03) and found["class-balanced"] != plain
    assert plain < found["locality-preserving"] < 1.1 * plain
    assert 0 < found["focal"] < 0.95 * plain


def test_locality_and_two_heads(options: "TrainOptions") -> None:
    """Features are held against the first head's classes, and are no output of what is kept."""
    import keras

    from models.train import train

    network = keras.models.load_model(
        train(replace(options, labels="both", loss="locality-preserving", epochs=1)), compile=False
    )
    assert set(network.output) == {"ferplus", "fer2013"}


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [
        ("sgd", "plateau"),
        pytest.param("adam", "constant", marks=pytest.mark.slow),
        pytest.param("adamw", "cosine", marks=pytest.mark.slow),
    ],
)
def test_each_optimizer_is_reproducible(options: "TrainOptions", tmp_path: Path, optimizer: str, schedule: str) -> None:
    """Twice the same figures."""
    chosen = replace(options, optimizer=optimizer, schedule=schedule, learning_rate=1e-3)
    first, second = (losses_of(replace(chosen, out=tmp_path / name)) for name in "ab")
    assert len(first) == 2 and first == second


@pytest.mark.slow
def test_a_plateau_goes_on_after_a_stop(options: "TrainOptions", tmp_path: Path) -> None:
    """Killed in the last epoch and started again it ends as if never stopped, rates included."""
    from models.train import _EveryEpoch, train

    rates: dict[int, float] = {}

    class Watched(_EveryEpoch):
        kill = False

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            rates[self.batches.epoch] = float(self.model.optimizer.learning_rate)
            if self.kill and self.batches.epoch == 5 and batch == 1:
                raise RuntimeError("stopped")

    chosen = replace(options, schedule="plateau", epochs=6, learning_rate=1e-9, optimizer="sgd")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.train._EveryEpoch", Watched)
        whole = losses_of(chosen)
        whole_rates = dict(rates)
        rates.clear()
        stopped = replace(chosen, out=tmp_path / "stopped")
        Watched.kill = True
        with pytest.raises(RuntimeError, match="stopped"):
            train(stopped)
        Watched.kill = False
        assert losses_of(stopped) == whole
    assert rates == whole_rates
    # So small a rate changes nothing, so the fourth epoch is the third that is no better than the first.
    assert [whole_rates[epoch] for epoch in range(6)] == pytest.approx([1e-9] * 4 + [5e-10] * 2)


def test_patience_ends_a_training(options: "TrainOptions") -> None:
    """After as many epochs without a better one; the same command does not take it up again."""
    chosen = replace(options, epochs=9, learning_rate=1e-9, optimizer="sgd", schedule="constant", patience=2)
    losses = losses_of(chosen)
    assert len(losses) == 3
    assert losses_of(chosen) == losses


def test_the_network_says_how_it_is_trained(options: "TrainOptions") -> None:
    """What is left open is the network's own, and is written down."""
    from models.train import train

    train(replace(options, net="lenet", size=0, batch=0, epochs=1))
    record = json.loads((options.out / "training.json").read_text(encoding="utf-8"))["options"]
    assert [record[name] for name in ("size", "batch", "learning_rate", "optimizer")] == [48, 128, 0.01, "sgd"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": "hinge"}, "--loss hinge: no such loss: choose one of: soft-labels, "),
        ({"optimizer": "lion"}, "--optimizer lion: no such optimizer: choose one of: adamw, "),
        ({"schedule": "step"}, "--schedule step: no such schedule: choose one of: cosine, "),
        ({"net": "inceptionv3", "size": 48}, "--size 48: --net inceptionv3 takes 75 px or more: give 96"),
        ({"net": "default", "size": 50}, "--size 50: --net default takes a multiple of 16: give 48"),
        ({"batch": -1}, "--batch -1: is negative"),
        ({"patience": -1}, "--patience -1: is negative"),
        ({"learning_rate": float("nan")}, "--learning-rate nan: is no step"),
    ],
)
def test_what_cannot_be_is_said(options: "TrainOptions", change: dict[str, Any], said: str) -> None:
    """Before anything is written, with what can be."""
    from models.train import train

    with pytest.raises(UsageError) as caught:
        train(replace(options, **change))
    assert str(caught.value).startswith(said)
    assert not options.out.exists()


def test_one_class_alone_is_refused(options: "TrainOptions") -> None:
    """There is nothing to tell apart."""
    from models.train import train

    dataset = write_npz(
        options.dataset.with_name("one.npz"), [votes(happiness=9)] * 8, split=np.array(["train", "public"] * 4)
    )
    with pytest.raises(UsageError, match=r"one\.npz: its split 'train' shows one class alone \(happy\): add pictures"):
        train(replace(options, dataset=dataset))
    assert not options.out.exists()


def test_empty_classes_are_told(options: "TrainOptions", caplog: pytest.LogCaptureFixture) -> None:
    """It trains, also where rare classes weigh more."""
    assert np.isfinite(losses_of(replace(options, epochs=1, loss="class-balanced"))).all()
    assert "shows no angry, disgust, fear, neutral, surprise, which the network will not name" in caplog.text


def test_a_loss_that_is_no_number_ends_it(options: "TrainOptions") -> None:
    """In words; the epochs before are kept, and no epoch of it is."""
    from models.history import read_history
    from models.train import _EveryEpoch, train

    class Spoiled(_EveryEpoch):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if self.batches.epoch == 1:
                self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.train._EveryEpoch", Spoiled)
        with pytest.raises(
            UsageError, match=r"the loss is no number in epoch 2; the epochs before are kept in"
        ) as caught:
            train(options)
    assert "train into another --out with a smaller rate, such as --learning-rate 0.00014" in caught.value.remedy
    assert len(read_history(options.out / "history.csv")) == 1
    assert (options.out / "best.weights.h5").is_file()


@pytest.mark.parametrize("raised", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating")])
def test_too_little_memory_is_said(options: "TrainOptions", monkeypatch: pytest.MonkeyPatch, raised: Exception) -> None:
    """With a batch that may fit."""
    from models.train import train

    def compiled(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr("models.train.compiled", compiled)
    with pytest.raises(UsageError, match=r"batches of 7 pictures of 16x16 do not fit into memory: .*--batch 3"):
        train(options)


def test_plain_leaves_recipes_as_they_are() -> None:
    """What is asked for with --augment happens: half of the pictures of `erasing` have a part hidden."""
    from models.augment import RECIPES, augmented
    from models.train_options import PLAIN, TrainOptions

    options = TrainOptions(dataset=Path("a.npz"), out=Path("b"), **PLAIN | {"augment": "erasing"})
    picture = np.full((48, 48), 120, np.uint8)
    shown = [
        augmented(picture, np.random.default_rng(seed), options.degraded, RECIPES[options.augment])
        for seed in range(60)
    ]
    assert 15 < sum(one.std() > 1 for one in shown) < 45
