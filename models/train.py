"""Train a network on labelled pictures: reproducible from one seed, resumable after a stop.

The training split teaches, the public split chooses the epoch that is kept, and the private split
is not read here.
"""

import csv
import json
import logging
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.batches import Batches, Lessons
from models.begun import begin_or_go_on
from models.crop import crop_whole
from models.datasets import LABEL_SCHEMES, read_labelled
from models.labels import hard_targets
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
    labels: str = "both"
    """ferplus, fer2013, or both: a head for each over the same features, because the two truths differ."""
    size: int = 48
    """Side of the network's input in px."""
    epochs: int = 40
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    balance: float = 0.35
    """0 draws pictures as they come, 1 draws all classes equally often."""
    mixup: float = 0.2
    """Alpha by which pairs of pictures are mixed; 0 mixes none."""
    smoothing: float = 0.1
    """Share of each label of FER2013 that goes to all classes alike."""
    second_head: float = 0.5
    """Weight of the loss of FER2013's labels beside that of FER+."""
    averaged: float = 0.03
    """Share of all steps that the average of the weights reaches back."""
    seed: int = 20
    precision: str = "mixed_bfloat16"
    """Keras dtype policy: mixed_bfloat16 saves a quarter of the time on recent processors."""

    @property
    def heads(self) -> tuple[str, ...]:
        """The label sets that are learned, the one that chooses the epoch first."""
        return LABEL_SCHEMES if self.labels == "both" else (self.labels,)

    def weight_of(self, head: str) -> float:
        """Of a head's loss."""
        return 1.0 if head == self.heads[0] else self.second_head


class _EveryEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells batches and dropout which epoch it is, and the log how it went."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.set_epoch(epoch)
        # Keras keeps the state of no random generator with the weights, so each epoch gets its own anew.
        draw = np.random.default_rng((self.batches.seed, epoch))
        for layer in self.model._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign(draw.integers(2**32, size=2, dtype=np.uint32))
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = " ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        _log.info("epoch %d: %s (%.0f s)", epoch + 1, figures, time.monotonic() - self.started)


class _Averages(keras.callbacks.SwapEMAWeights):  # type: ignore[misc]
    """Puts the averaged weights into the model at the end of each epoch, and the others back at the next one's start.

    A training that is resumed begins with the averages in the model: that is how its checkpoint was written.
    """

    def __init__(self, resumed: bool) -> None:
        super().__init__(swap_on_epoch=True)
        self._ema_weights_in_model = resumed


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
    if options.labels not in (*LABEL_SCHEMES, "both"):
        known = ", ".join((*LABEL_SCHEMES, "both"))
        raise UsageError(f"--labels {options.labels}: no such labels", f"choose one of: {known}")
    learned, chosen_on = _read(options, "train"), _read(options, "public")
    _claim(options)
    keras.utils.set_random_seed(options.seed)
    batches = Batches(learned, batch=options.batch, balance=options.balance, mixup=options.mixup, seed=options.seed)
    _log.info("%d pictures to learn from, %d to choose on", len(learned.pictures), len(chosen_on.pictures))

    model = _compiled(options, steps=len(batches) * options.epochs)
    best, history, resume = options.out / "best.weights.h5", options.out / "history.csv", options.out / "resume"
    monitor = f"val_{options.heads[0]}_accuracy" if len(options.heads) > 1 else "val_accuracy"
    earlier = [row[monitor] for row in read_history(history)]
    model.fit(
        batches,
        validation_data=(
            chosen_on.pictures[..., None].astype(np.float32),
            _one_or_all(chosen_on.targets),
            _one_or_all(chosen_on.weights),
        ),
        validation_batch_size=256,
        epochs=options.epochs,
        shuffle=False,  # The batches are drawn at random already, and reproducibly.
        verbose=0,
        callbacks=[
            _Averages(resumed=resume.exists()),
            keras.callbacks.ModelCheckpoint(
                best,
                monitor=monitor,
                mode="max",
                save_best_only=True,
                save_weights_only=True,
                initial_value_threshold=max(earlier, default=None),
            ),
            keras.callbacks.CSVLogger(history, append=True),
            keras.callbacks.TerminateOnNaN(),
            _EveryEpoch(batches),
            # Last, so that an epoch counts as done once its weights and its figures are kept.
            keras.callbacks.BackupAndRestore(resume, delete_checkpoint=False),
        ],
    )
    return _save_float32(options, best, read_history(history))


def _one_or_all(by_head: dict[str, Any]) -> Any:
    """What Keras takes: the value itself where the network has one output."""
    return by_head if len(by_head) > 1 else next(iter(by_head.values()))


def _read(options: TrainOptions, split: str) -> Lessons:
    """Pictures of a split with what every head is to say of them; the public ones with the truth in place of votes."""
    if options.dataset.suffix.lower() != ".npz" and options.dataset.exists():
        # Folders and CSV files have no splits: what teaches would also choose.
        raise UsageError(
            f"{options.dataset}: has no splits", "train on a FER-style .npz with the splits train and public"
        )
    by_head = {head: read_labelled(options.dataset, split, head) for head in options.heads}
    weights = {}
    targets = {}
    for head, data in by_head.items():
        targets[head] = data.targets if split == "train" else hard_targets(data.labels)
        weights[head] = targets[head].sum(axis=1)
        if not weights[head].any():
            raise UsageError(f"{options.dataset}: no picture of its split '{split}' has a label", "check the labels")
        if head == "fer2013" and split == "train":
            # One label a picture, by one hand: not to be believed to the last.
            targets[head] = targets[head] * (1 - options.smoothing) + options.smoothing / len(EXPRESSIONS)
    useful = np.sum(list(weights.values()), axis=0) > 0
    data = by_head[options.heads[0]].only(useful)
    return Lessons(
        pictures=np.stack([crop_whole(picture, options.size) for picture in data.pictures]),
        targets={head: array[useful] for head, array in targets.items()},
        weights={head: array[useful] * options.weight_of(head) for head, array in weights.items()},
    )


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
    model = NETWORKS[options.net](size=options.size, classes=len(EXPRESSIONS), heads=options.heads)
    warmup = steps // 20
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warmup, warmup_target=options.learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.AdamW(
            rate,
            weight_decay=options.weight_decay,
            use_ema=True,
            ema_momentum=1 - 1 / max(2.0, options.averaged * steps),
        ),
        loss=_one_or_all(dict.fromkeys(options.heads, "categorical_crossentropy")),
        weighted_metrics=_one_or_all({head: ["accuracy"] for head in options.heads}),
        jit_compile=False,  # XLA made an epoch 1.7 times longer on processors.
    )
    return model


def _save_float32(options: TrainOptions, weights: Path, history: list[dict[str, float]]) -> Path:
    """Save the network without the half-precision policy, which is of no use after training."""
    keras.mixed_precision.set_global_policy("float32")
    model = NETWORKS[options.net](size=options.size, classes=len(EXPRESSIONS), heads=options.heads)
    model.load_weights(weights)
    path = options.out / f"{options.net}.keras"
    model.save(path)
    record = {
        "options": {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()},
        "parameters": model.count_params(),
        "trained": datetime.now(UTC).date().isoformat(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "history": history,
    }
    (options.out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path
