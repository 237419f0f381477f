"""Train a network on labelled pictures: reproducible from one seed, resumable after a stop.

The training split teaches, the public split chooses the epoch that is kept, and the private split
is not read here.
"""

import csv
import json
import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from models.batches import Batches, Lessons, one_or_all, with_features
from models.card import training_of
from models.described import Description, write_description
from models.lessons import read_lessons, taught_by
from models.mishaps import EndsWithoutNumber, memory_in_words
from models.pretrained import begin_with, go_on_from, recogniser_file
from models.schedules import Budget, Patience
from models.train_options import NOTHING, RECOGNISER, TrainOptions, checked, claim, teacher_file
from models.trainee import built, compiled, locality_of, monitor_of
from models.weights import sha256_of

_log = logging.getLogger(__name__)
_MEASURED_ON: Final = 512
"""Faces on which the statistics of a pretrained network are measured."""


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
        The path of the trained .keras file, of the epoch with the best accuracy on the public split; its description lies
        beside it where the data set has other classes than the seven, or normalised pictures.
        Beside it: history.csv, and training.json with the options and the figures.

    Raises:
        UsageError: an unknown network or an impossible setting, a data set without pictures to learn from or of one class
            alone, a face recogniser that is not installed, a teacher of another kind, an out that cannot be written or
            holds a training of other options or other data; a loss that is no number any more, or too little memory.
            What was learned in the epochs before is kept.
    """
    options = checked(options)
    with memory_in_words(options.batch, options.size):
        return _train(options)


def _train(options: TrainOptions) -> Path:
    best, history, resume = options.out / "best.weights.h5", options.out / "history.csv", options.out / "resume"
    begun = resume.exists()
    recogniser = recogniser_file().read_bytes() if options.begin == RECOGNISER and not begun else b""
    learned, chosen_on = read_lessons(options, "train"), read_lessons(options, "public")
    claim(options)
    if options.teachers:
        learned = taught_by(options.teachers, learned, options.taught)
    keras.utils.set_random_seed(options.seed)
    batches = Batches(
        learned,
        batch=options.batch,
        balance=options.balance,
        mixup=options.mixup,
        seed=options.seed,
        degraded=options.degraded,
        augment=options.augment,
        locality=locality_of(options),
    )
    _log.info("%d pictures to learn from, %d to choose on", len(learned.pictures), len(chosen_on.pictures))

    trainee = compiled(options, learned, steps=len(batches) * options.epochs)
    monitor = monitor_of(options)
    earlier = {int(row["epoch"]): row[monitor] for row in read_history(history)}
    patience = Patience(
        monitor, earlier, options.learning_rate if options.schedule == "plateau" else None, options.patience
    )
    budget = Budget(options.out / "seconds.json", options.budget_s)
    if recogniser:
        begin_with(trainee.network, recogniser, learned.pictures[:_MEASURED_ON])
    elif options.begin not in (RECOGNISER, NOTHING) and not begun:
        go_on_from(trainee.network, Path(options.begin))
    targets, weights = with_features(chosen_on.targets, chosen_on.weights, locality_of(options))
    log = keras.callbacks.CSVLogger(history, append=True)
    try:
        trainee.model.fit(
            batches,
            validation_data=(
                chosen_on.pictures[..., None].astype(np.float32),
                one_or_all(targets),
                one_or_all(weights),
            ),
            validation_batch_size=min(256, 2 * options.batch),
            # A training that ended early is not taken up again by the same command.
            epochs=0 if patience.too_long or budget.spent else options.epochs,
            shuffle=False,  # The batches are drawn at random already, and reproducibly.
            verbose=0,
            callbacks=[
                _Averages(resumed=begun),
                keras.callbacks.ModelCheckpoint(
                    best,
                    monitor=monitor,
                    mode="max",
                    save_best_only=True,
                    save_weights_only=True,
                    initial_value_threshold=max(earlier.values(), default=None),
                ),
                log,
                EndsWithoutNumber(options.out, options.learning_rate),
                _EveryEpoch(batches),
                patience,
                budget,
                # Last, so that an epoch counts as done once its weights and its figures are kept.
                keras.callbacks.BackupAndRestore(resume, delete_checkpoint=False),
            ],
        )
    finally:
        if log.csv_file is not None:  # An error leaves it open.
            log.csv_file.close()
    return _save_float32(options, learned, best, read_history(history), sum(budget.taken))


def read_history(path: Path) -> list[dict[str, float]]:
    """The figures of each epoch, in order, from history.csv; empty where there is none yet."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as lines:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]
    # An epoch that was stopped before it was done stands there twice.
    return list({row["epoch"]: row for row in rows}.values())


def _as_json(value: Any) -> Any:
    """An option as JSON has it; of paths the name alone, which means something elsewhere, too."""
    if isinstance(value, tuple):
        return [_as_json(part) for part in value]
    return value.name if isinstance(value, Path) else value


def _save_float32(
    options: TrainOptions, learned: Lessons, weights: Path, history: list[dict[str, float]], seconds: float
) -> Path:
    """Save the network without the half-precision policy, which is of no use after training."""
    keras.mixed_precision.set_global_policy("float32")
    trainee = built(options, len(learned.classes))
    trainee.model.load_weights(weights)
    path = options.out / f"{options.net}.keras"
    trainee.network.save(path)
    write_description(path, Description(classes=learned.classes, normalised=learned.normalised))
    record = {
        "options": {name: _as_json(value) for name, value in asdict(options).items()}
        | {"begin": Path(options.begin).name},
        "teachers": {teacher.name: sha256_of(teacher_file(teacher)) for teacher in options.teachers},
        "before": None if options.begin in (RECOGNISER, NOTHING) else training_of(Path(options.begin)),
        "parameters": trainee.network.count_params(),
        "seconds": seconds,
        "trained": datetime.now(UTC).date().isoformat(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "history": history,
    }
    (options.out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path
