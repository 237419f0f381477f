"""How large the steps of a training are, and when it ends: optimizers, schedules, early stopping.

Schedule and end depend on nothing but the figures of the epochs before, which history.csv keeps, or on their time, which
seconds.json keeps. So a training that was stopped goes on as if it had not been.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import keras

from models.history import damaged

OPTIMIZERS: Final = ("adamw", "adam", "sgd")
SCHEDULES: Final = ("cosine", "plateau", "constant")
MOMENTUM: Final = 0.9
"""Of SGD, as the papers of these networks have it."""
PLATEAU_EPOCHS: Final = 3
PLATEAU_FACTOR: Final = 0.5


def optimizer_of(
    name: str, schedule: str, learning_rate: float, steps: int, *, weight_decay: float, averaged: float
) -> keras.optimizers.Optimizer:
    """An optimizer, which averages its weights unless told not to.

    Args:
        name: one of OPTIMIZERS; adamw alone decays weights.
        schedule: one of SCHEDULES; the rate of plateau is set by Patience.
        learning_rate: the largest.
        steps: of the whole training.
        weight_decay: of adamw.
        averaged: share of all steps that the average of the weights reaches back; 0 averages nothing.
    """
    rate: Any = learning_rate
    if schedule == "cosine":
        warmup = steps // 20
        rate = keras.optimizers.schedules.CosineDecay(
            1e-5, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
        )
    average: dict[str, Any] = {}
    if averaged:
        average = {"use_ema": True, "ema_momentum": 1 - 1 / max(2.0, averaged * steps)}
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=MOMENTUM, **average)
    if name == "adam":
        return keras.optimizers.Adam(rate, **average)
    return keras.optimizers.AdamW(rate, weight_decay=weight_decay, **average)


def waited(values: Sequence[float]) -> int:
    """Epochs since the first of the best values; 0 before any."""
    return len(values) - 1 - values.index(max(values)) if values else 0


def plateau_rate(learning_rate: float, values: Sequence[float]) -> float:
    """The rate after epochs of these values: halved whenever three in a row were no better than the best before."""
    best, wait = float("-inf"), 0
    for value in values:
        best, wait = (value, 0) if value > best else (best, wait + 1)
        if wait >= PLATEAU_EPOCHS:
            learning_rate, wait = learning_rate * PLATEAU_FACTOR, 0
    return learning_rate


class Patience(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the rate of the schedule plateau, and ends a training that has waited too long for a better epoch.

    Args:
        monitor: the figure that is watched, the larger the better.
        earlier: its values in epochs that are done, by epoch.
        learning_rate: the largest; None where the optimizer has a schedule of its own.
        patience: epochs without a better one after which training ends; 0 never ends it.
    """

    def __init__(self, monitor: str, earlier: Mapping[int, float], learning_rate: float | None, patience: int) -> None:
        super().__init__()
        self.monitor, self.by_epoch = monitor, dict(earlier)
        self.learning_rate, self.patience = learning_rate, patience

    @property
    def too_long(self) -> bool:
        """Whether it has waited long enough."""
        return 0 < self.patience <= waited(list(self.by_epoch.values()))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # An epoch that was stopped before it was done may stand in the history, too.
        self.by_epoch = {one: value for one, value in self.by_epoch.items() if one < epoch}
        if self.learning_rate is not None:
            self.model.optimizer.learning_rate = plateau_rate(self.learning_rate, list(self.by_epoch.values()))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.by_epoch[epoch] = float((logs or {})[self.monitor])
        if self.too_long:
            self.model.stop_training = True


class Budget(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds up time and pictures of the epochs that are done, and ends a training that has had enough time.

    The batch in which the time is over is the last one: what was learned until then is judged and kept as an epoch is, so
    that a network too slow for a single epoch has a result, too.

    Args:
        kept: file that keeps seconds and pictures of each epoch.
        seconds: after which the training ends; 0 sets no bound.
        pictures: of a whole epoch.
        batches: of it, which are as equal as can be.
    """

    def __init__(self, kept: Path, seconds: float, *, pictures: int, batches: int) -> None:
        super().__init__()
        self.kept, self.seconds, self.pictures, self.batches = kept, seconds, pictures, batches
        try:
            read = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
            # An earlier release kept seconds alone, of whole epochs.
            done = [one if isinstance(one, dict) else {"seconds": one, "pictures": pictures} for one in read]
            self.taken: list[float] = [float(one["seconds"]) for one in done]
            self.seen: list[int] = [int(one["pictures"]) for one in done]
        except (ValueError, TypeError, KeyError):
            raise damaged(kept) from None

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return 0 < self.seconds <= sum(self.taken)

    @property
    def in_part(self) -> bool:
        """Whether the last epoch ended before it was whole."""
        return bool(self.seen) and self.seen[-1] < self.pictures

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # An epoch that was stopped before it was done is done again.
        self.taken, self.seen = self.taken[:epoch], self.seen[:epoch]
        self.started, self.done = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done += 1
        if 0 < self.seconds <= sum(self.taken) + time.monotonic() - self.started:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.taken.append(time.monotonic() - self.started)
        self.seen.append(self.pictures * self.done // self.batches)
        half = self.kept.with_suffix(".tmp")
        epochs = [{"seconds": s, "pictures": n} for s, n in zip(self.taken, self.seen, strict=True)]
        half.write_text(json.dumps(epochs), encoding="utf-8")
        half.replace(self.kept)
        if self.spent:
            self.model.stop_training = True
