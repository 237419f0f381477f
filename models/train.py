"""Train a network on labelled pictures: reproducible from one seed, resumable after a stop.

The training split teaches, the public split chooses the epoch that is kept, and the private split
is not read here.
"""

import csv
import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.augment import augmented
from models.begun import begin_or_go_on
from models.crop import crop_whole
from models.datasets import LabelledPictures, read_labelled
from models.networks import NETWORKS
from models.weights import sha256_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Everything that decides the result of a training."""

    dataset: Path
    """A FER-style npz with the splits train and public."""
    out: Path
    """Folder for checkpoints, history and the trained network."""
    net: str = "default"
    labels: str = "ferplus"
    size: int = 48
    """Side of the network's input in px."""
    epochs: int = 24
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    balance: float = 0.25
    """0 draws pictures as they come, 1 draws all classes equally often."""
    seed: int = 20
    precision: str = "mixed_bfloat16"
    """Keras dtype policy: mixed_bfloat16 saves a quarter of the time on recent processors."""


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Augmented batches, drawn anew for each epoch from (seed, epoch) alone, so a resumed training sees the same."""

    def __init__(self, pictures: NDArray[np.uint8], targets: NDArray[np.float32], options: TrainOptions) -> None:
        super().__init__()
        self.pictures, self.targets, self.options = pictures, targets, options
        self.chance = balanced_chances(targets, options.balance)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        draw = np.random.default_rng((self.options.seed, epoch))
        self.order = draw.choice(len(self.pictures), len(self.pictures), p=self.chance)

    def __len__(self) -> int:
        return max(1, len(self.order) // self.options.batch)  # Fewer pictures than a batch make one small one.

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = self.order[index * self.options.batch : (index + 1) * self.options.batch]
        draw = np.random.default_rng((self.options.seed, self.epoch, index))
        changed = np.stack([augmented(self.pictures[row], draw) for row in rows])
        return changed[..., None].astype(np.float32), self.targets[rows]


class _EveryEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells batches and dropout which epoch it is, and the log how it went."""

    def __init__(self, batches: _Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.set_epoch(epoch)
        # Keras keeps the state of no random generator with the weights, so each epoch gets its own anew.
        draw = np.random.default_rng((self.batches.options.seed, epoch))
        for layer in self.model._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign(draw.integers(2**32, size=2, dtype=np.uint32))
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = " ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        _log.info("epoch %d: %s (%.0f s)", epoch + 1, figures, time.monotonic() - self.started)


def balanced_chances(targets: NDArray[np.float32], balance: float) -> NDArray[np.float64]:
    """Chance of each row, (n,), to be drawn: rare classes more often, by frequency to the power -balance."""
    frequency = targets.sum(axis=0) / targets.sum()
    worth = np.where(frequency > 0, frequency, 1.0) ** -balance
    chances: NDArray[np.float64] = np.asarray(targets @ worth, np.float64)
    chances /= chances.sum()
    return chances


def train(options: TrainOptions) -> Path:
    """Train one network and save it.

    Returns:
        The path of the trained .keras file, of the epoch with the best accuracy on the public split.
        Beside it: history.csv, and training.json with the options and the figures.

    Raises:
        UsageError: an unknown network or an impossible seed, a data set without pictures to learn from, or an out that
            cannot be written or holds a training of other options or other data.
    """
    if options.net not in NETWORKS:
        raise UsageError(f"--net {options.net}: no such network", f"choose one of: {', '.join(NETWORKS)}")
    if not 0 <= options.seed < 2**32:
        raise UsageError(f"--seed {options.seed}: out of range", "give a number from 0 to 4294967295")
    learned, chosen_on = _splits(options)
    _claim(options)
    keras.utils.set_random_seed(options.seed)
    pictures = np.stack([crop_whole(picture, options.size) for picture in learned.pictures])
    public = np.stack([crop_whole(picture, options.size) for picture in chosen_on.pictures])
    truth = np.eye(len(EXPRESSIONS), dtype=np.float32)[chosen_on.labels]
    batches = _Batches(pictures, learned.targets, options)
    _log.info("%d pictures to learn from, %d to choose on", len(pictures), len(public))

    model = _compiled(options, steps=len(batches) * options.epochs)
    best, history = options.out / "best.weights.h5", options.out / "history.csv"
    earlier = [row["val_accuracy"] for row in read_history(history)]
    model.fit(
        batches,
        validation_data=(public[..., None].astype(np.float32), truth),
        validation_batch_size=256,
        epochs=options.epochs,
        shuffle=False,  # The batches are drawn at random already, and reproducibly.
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                best,
                monitor="val_accuracy",
                save_best_only=True,
                save_weights_only=True,
                initial_value_threshold=max(earlier, default=None),
            ),
            keras.callbacks.CSVLogger(history, append=True),
            keras.callbacks.TerminateOnNaN(),
            _EveryEpoch(batches),
            # Last, so that an epoch counts as done once its weights and its figures are kept.
            keras.callbacks.BackupAndRestore(options.out / "resume", delete_checkpoint=False),
        ],
    )
    return _save_float32(options, best, read_history(history))


def _splits(options: TrainOptions) -> tuple[LabelledPictures, LabelledPictures]:
    """What teaches and what chooses the epoch."""
    if options.dataset.suffix.lower() != ".npz" and options.dataset.exists():
        # Folders and CSV files have no splits: what teaches would also choose.
        raise UsageError(
            f"{options.dataset}: has no splits", "train on a FER-style .npz with the splits train and public"
        )
    learned = read_labelled(options.dataset, "train", options.labels)
    learned = learned.only(learned.targets.sum(axis=1) > 0)
    chosen_on = read_labelled(options.dataset, "public", options.labels)
    chosen_on = chosen_on.only(chosen_on.labels >= 0)
    for split, data in (("train", learned), ("public", chosen_on)):
        if not len(data.labels):
            raise UsageError(f"{options.dataset}: no picture of its split '{split}' has a label", "check the labels")
    return learned, chosen_on


def _claim(options: TrainOptions) -> None:
    """Make sure that out holds no other training."""
    # The number of epochs decides the learning rate of every step, so it counts like any other option.
    settings = {name: value for name, value in asdict(options).items() if name not in ("dataset", "out")}
    settings |= {"backend": keras.backend.backend(), "dataset": sha256_of(options.dataset)}
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        begin_or_go_on(options.out, settings)
    except OSError as error:
        problem = f"--out {options.out}: cannot be written ({error.strerror or error})"
        raise UsageError(problem, "name another folder") from None


def read_history(path: Path) -> list[dict[str, float]]:
    """The figures of each epoch, in order, from history.csv; empty where there is none yet."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as lines:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]
    # An epoch that was stopped before it was done stands there twice.
    return list({row["epoch"]: row for row in rows}.values())


def _compiled(options: TrainOptions, steps: int) -> keras.Model:
    keras.mixed_precision.set_global_policy(options.precision)
    model = NETWORKS[options.net](size=options.size, classes=len(EXPRESSIONS))
    warmup = steps // 20
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warmup, warmup_target=options.learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=options.weight_decay),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA made an epoch 1.7 times longer on processors.
    )
    return model


def _save_float32(options: TrainOptions, weights: Path, history: list[dict[str, float]]) -> Path:
    """Save the network without the half-precision policy, which is of no use after training."""
    keras.mixed_precision.set_global_policy("float32")
    model = NETWORKS[options.net](size=options.size, classes=len(EXPRESSIONS))
    model.load_weights(weights)
    path = options.out / f"{options.net}.keras"
    model.save(path)
    record = {
        "options": {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()},
        "parameters": model.count_params(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "history": history,
    }
    (options.out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path
