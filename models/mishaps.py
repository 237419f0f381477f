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
    """Ends a training whose loss is no number any more, before an epoch of it is kept.

    Args:
        out: folder of the training.
        learning_rate: at which it learns.
        usual: rate at which its network learns unless told otherwise.
        option: that sets the rate.
    """

    def __init__(self, out: object, learning_rate: float, usual: float, option: str = "--learning-rate") -> None:
        super().__init__()
        self.out, self.option, self.epoch = out, option, 0
        self.advised = usual if learning_rate > usual else learning_rate / 10

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
        where = "train into another --out" if self.epoch else "train again"
        problem = f"the loss is no number in epoch {self.epoch + 1}; {kept}"
        raise UsageError(problem, f"{where} with a smaller rate, such as {self.option} {self.advised:g}")


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
