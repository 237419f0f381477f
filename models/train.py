"""Train a network on labelled pictures: reproducible from one seed, resumable after a stop.

The training split teaches, the public split chooses the epoch that is kept, and the private split
is not read here.
"""

import json
import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from models.batches import Batches, Lessons, one_or_all, with_features
from models.begun import alone_in
from models.card import training_of
from models.checkpoints import KeepsBest, KeepsEpoch, KeepsHistory, go_on, is_begun
from models.described import Description, write_description
from models.history import Epoch, best_of, damaged, read_history
from models.lessons import read_lessons, taught_by
from models.mishaps import EndsWithoutNumber, memory_in_words
from models.nets.recipes import recipe_of
from models.phases import Phase, freeze, phases_of
from models.pretrained import begin_with, recogniser_file
from models.schedules import Budget, Patience
from models.train_options import FREEZE_NOTHING, NOTHING, RECOGNISER, TrainOptions, checked, claim, teacher_file
from models.trainee import built, built_network, compiled, locality_of, monitor_of
from models.transfer import fill_with_imagenet, go_on_from
from models.weights import sha256_of

_log = logging.getLogger(__name__)
_MEASURED_ON: Final = 512
"""Faces on which the statistics of a pretrained network are measured."""
_FEW: Final = 30
"""Pictures of public, one of which is three per cent of accuracy."""
_ROUNDING: Final = 1e-4
"""Of an accuracy that Keras adds up in single precision."""


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
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
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
        LockedError: another training is at work in out.
        UsageError: an unknown network or an impossible setting, a data set without pictures to learn from or of one class
            alone, a face recogniser that is not installed, a teacher of another kind, an out that cannot be written or
            holds a training of other options or other data; a loss that is no number any more, or too little memory.
            What was learned in the epochs before is kept.
    """
    options = checked(options)
    with memory_in_words(options.batch, options.size):
        return _train(options)


def _train(options: TrainOptions) -> Path:
    begun = is_begun(phases_of(options)[0].resume)
    recogniser = recogniser_file().read_bytes() if options.begin == RECOGNISER and not begun else b""
    learned, chosen_on = read_lessons(options, "train"), read_lessons(options, "public")
    if options.freeze.isdecimal():
        freeze(built(options).network, options.freeze)  # Before anything is written.
    with alone_in(options.out):
        claim(options)
        return _learn(options, learned, chosen_on, recogniser)


def _learn(options: TrainOptions, learned: Lessons, chosen_on: Lessons, recogniser: bytes) -> Path:
    """Train in a folder that nobody else trains in."""
    best, history, phases = options.out / "best.weights.h5", options.out / "history.csv", phases_of(options)
    begun = is_begun(phases[0].resume)
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

    if len(chosen_on.pictures) < _FEW:
        _log.warning("so few pictures to choose on tell epochs apart by luck: give public more of them")
    n = len(learned.pictures)
    budget = Budget(options.out / "seconds.json", options.budget_s, pictures=n, batches=len(batches))
    early, weights = False, None
    for phase in phases:
        trainee = compiled(options, learned, phase, steps=len(batches) * (phase.until - phase.since))
        if weights is not None:
            trainee.network.set_weights(weights)
        elif not begun:
            _begin(trainee.network, options, recogniser, learned)
            if phase.frozen != FREEZE_NOTHING and options.begin == NOTHING and not options.weights:
                _log.warning("what is frozen keeps its random weights: name what to begin with (--from or --weights)")
        early = _fit(trainee.model, options, phase, batches, chosen_on, budget)
        if budget.spent:
            break
        weights = trainee.network.get_weights()
    _tell_if_nothing_was_learned(options, chosen_on, read_history(history))
    course = _course_of(options, early, budget) | {"data": _data_of(options.dataset, learned, chosen_on)}
    return _save_float32(options, learned, best, read_history(history), course)


def _begin(network: keras.Model, options: TrainOptions, recogniser: bytes, learned: Lessons) -> None:
    """Fill a network with what it is to begin with."""
    if recogniser:
        begin_with(network, recogniser, learned.pictures[:_MEASURED_ON])
    elif options.weights:
        build = partial(built_network, options, len(learned.classes))
        fill_with_imagenet(network, build, options.net, options.weights)
    elif options.begin not in (RECOGNISER, NOTHING):
        go_on_from(network, Path(options.begin), learned.classes)


def _fit(
    model: keras.Model, options: TrainOptions, phase: Phase, batches: Batches, chosen_on: Lessons, budget: Budget
) -> bool:
    """Let a model learn for a phase, or for what is left of it.

    Returns:
        Whether it waited too long for a better epoch.
    """
    history, monitor = options.out / "history.csv", monitor_of(options)
    earlier = read_history(history)
    patience = Patience(
        monitor,
        {row["epoch"] - 1: row[monitor] for row in earlier if row["epoch"] > phase.since},
        phase.rate if options.schedule == "plateau" else None,
        options.patience if phase.patient else 0,
    )
    since = go_on(model, phase.resume)
    if since is not None and since < phase.until:
        _log.info("goes on after epoch %d", since)
    targets, weights = with_features(chosen_on.targets, chosen_on.weights, locality_of(options))
    model.fit(
        batches,
        validation_data=(
            chosen_on.pictures[..., None].astype(np.float32),
            one_or_all(targets),
            one_or_all(weights),
        ),
        validation_batch_size=min(256, 2 * options.batch),
        initial_epoch=phase.since if since is None else since,
        # A training that ended early is not taken up again by the same command.
        epochs=0 if patience.too_long or budget.spent else phase.until,
        shuffle=False,  # The batches are drawn at random already, and reproducibly.
        verbose=0,
        callbacks=[
            *([_Averages(resumed=since is not None)] if options.averaged else []),
            EndsWithoutNumber(
                options.out,
                phase.rate,
                recipe_of(options.net).learning_rate,
                "--fine-rate" if phase.since else "--learning-rate",
            ),
            KeepsBest(options.out / "best.weights.h5", monitor, earlier),
            KeepsHistory(history),
            patience,
            budget,
            # Last, so that an epoch counts as done once its weights and its figures are kept, and is told of then.
            KeepsEpoch(phase.resume),
            _EveryEpoch(batches),
        ],
    )
    return patience.too_long


def _tell_if_nothing_was_learned(options: TrainOptions, chosen_on: Lessons, history: list[Epoch]) -> None:
    """Warn where to say the commonest class of every picture would be right as often."""
    head = options.heads[0]
    said = np.bincount(chosen_on.targets[head].argmax(axis=1), chosen_on.weights[head], len(chosen_on.classes))
    best = max(row[monitor_of(options)] for row in history)
    if best <= said.max() / said.sum() + _ROUNDING:
        name = chosen_on.classes[said.argmax()]
        words = "accuracy %.3f is no more than saying %s of every picture gives: more epochs, pictures or another rate may help"
        _log.warning(words, best, name)


def _course_of(options: TrainOptions, early: bool, budget: Budget) -> dict[str, Any]:
    """How a training went, for its record; early where patience may have ended it."""
    unfinished = len(budget.seen) < options.epochs
    ended_by = "epochs"
    if budget.spent and (unfinished or budget.in_part):
        ended_by = "budget"
    elif early and unfinished:
        ended_by = "early stopping"
    return {"seconds": sum(budget.taken), "pictures_seen": sum(budget.seen), "ended_by": ended_by}


def _data_of(dataset: Path, learned: Lessons, chosen_on: Lessons) -> dict[str, Any]:
    """What was learned from, for the record and the card."""
    with np.load(dataset) as arrays:
        sources = sorted(set(arrays["sources"].tolist())) if "sources" in arrays else []
        votes = "ferplus_votes" in arrays
    pictures = {"train": len(learned.pictures), "public": len(chosen_on.pictures)}
    return {"sha256": sha256_of(dataset), "pictures": pictures, "sources": sources, "votes": votes}


def _as_json(value: Any) -> Any:
    """An option as JSON has it; of paths the name alone, which means something elsewhere, too."""
    if isinstance(value, tuple):
        return [_as_json(part) for part in value]
    return value.name if isinstance(value, Path) else value


def _save_float32(
    options: TrainOptions, learned: Lessons, weights: Path, history: list[Epoch], course: dict[str, Any]
) -> Path:
    """Save the network without the half-precision policy, which is of no use after training."""
    keras.mixed_precision.set_global_policy("float32")
    trainee = built(options, len(learned.classes))
    try:
        trainee.model.load_weights(weights)
    except (OSError, ValueError, KeyError):
        raise damaged(weights) from None
    path = options.out / f"{options.net}.keras"
    trainee.network.save(path)
    write_description(path, Description(classes=learned.classes, normalised=learned.normalised))
    begin = None if options.begin in (RECOGNISER, NOTHING) else Path(options.begin)
    record = {
        "options": {name: _as_json(value) for name, value in asdict(options).items()}
        | {"begin": Path(options.begin).name},
        "teachers": {teacher.name: sha256_of(teacher_file(teacher)) for teacher in options.teachers},
        "weights": {path.name: sha256_of(path) for path in options.weights},
        "before": None if begin is None else training_of(begin),
        "before_sha256": None if begin is None else sha256_of(begin),
        "parameters": trainee.network.count_params(),
        **course,
        "kept_epoch": best_of(history, monitor_of(options))["epoch"],
        "trained": datetime.now(UTC).date().isoformat(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "history": history,
    }
    (options.out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path
