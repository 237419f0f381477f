"""What goes wrong while a network is trained, said in words that help: a loss that is no number, too little memory."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import keras

from analytics.errors import UsageError

_OUT_OF_MEMORY: Final = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError", "_ArrayMemoryError")
"""Names of what TensorFlow, torch, Python and numpy raise; jax says it in words."""


class EndsWithoutNumber(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training whose loss is no number any more, before an epoch of it is kept."""

    def __init__(self, out: object, learning_rate: float, option: str = "--learning-rate") -> None:
        super().__init__()
        self.out, self.learning_rate, self.option, self.epoch = out, learning_rate, option, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._check((logs or {}).get("loss", 0.0))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        # The last step of an epoch may have spoiled the weights; only who judges with them sees it.
        self._check((logs or {}).get("val_loss", 0.0))

    def _check(self, loss: float) -> None:
        if math.isfinite(loss):
            return
        kept = f"the epochs before are kept in {self.out}" if self.epoch else "no epoch was done"
        raise UsageError(
            f"the loss is no number in epoch {self.epoch + 1}; {kept}",
            f"train into another --out with a {self.option} below {self.learning_rate:g}",
        )


@contextmanager
def memory_in_words(batch: int, size: int) -> Iterator[None]:
    """Turn an error of too little memory into one that says what to do."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ not in _OUT_OF_MEMORY and "out of memory" not in str(error).lower():
            raise
        raise UsageError(
            f"batches of {batch} pictures of {size}x{size} do not fit into memory",
            f"give a smaller one, such as --batch {max(1, batch // 2)}; or a smaller --size, or a smaller --net",
        ) from None
