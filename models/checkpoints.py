"""What a training keeps at the end of each epoch: whole or not at all, whenever it is stopped.

    resume/epoch.json     {"epoch": 7, "weights": "7.weights.h5"}: what to go on from, and which epoch is next
    resume/7.weights.h5   the network and its optimizer then
    history.csv           the figures of each epoch, the first of which is 1

The record is put in place when the weights are whole, so being stopped while they are written costs that epoch alone.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import keras

from analytics.errors import UsageError
from models.history import Epoch, read_history, worth, write_history

_RECORD: Final = "epoch.json"
_NOTHING_YET: Final = (-math.inf, -math.inf)


def is_begun(folder: Path) -> bool:
    """Whether there is something to go on from."""
    return (folder / _RECORD).is_file()


def go_on(model: keras.Model, folder: Path) -> int | None:
    """Fill a compiled model and its optimizer with what was kept; the number of the next epoch, None where nothing was.

    Raises:
        UsageError: what was kept is damaged.
    """
    if not is_begun(folder):
        return None
    try:
        kept = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        model.optimizer.build(model.trainable_variables)  # Its own weights must be there to be filled.
        model.load_weights(folder / kept["weights"])
        return int(kept["epoch"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{folder}: what the training would go on from is damaged ({str(error).splitlines()[0]:.80})"
        raise UsageError(problem, f"remove the folder {folder.parent}, and begin anew") from None


class KeepsEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the model and its optimizer after each epoch.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        weights = self.folder / f"{epoch + 1}.weights.h5"
        save_whole(self.model, weights)
        half = self.folder / f"{_RECORD}.tmp"
        half.write_text(json.dumps({"epoch": epoch + 1, "weights": weights.name}) + "\n", encoding="utf-8")
        half.replace(self.folder / _RECORD)
        for older in self.folder.glob("*.weights.h5"):
            if older != weights:
                older.unlink()


class KeepsHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the figures of all epochs as a table. An epoch that was stopped before it was done and is done again has one row.

    Args:
        path: CSV file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.rows = path, read_history(path)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = {name: float(value) for name, value in sorted((logs or {}).items())}
        self.rows = [row for row in self.rows if row["epoch"] <= epoch] + [{"epoch": epoch + 1, **figures}]
        write_history(self.path, self.rows)


class KeepsBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the epoch that is worth most (models.history).

    Args:
        path: file that ends in .weights.h5.
        monitor: the figure that chooses.
        earlier: epochs that are done.
    """

    def __init__(self, path: Path, monitor: str, earlier: Sequence[Epoch] = ()) -> None:
        super().__init__()
        self.path, self.monitor = path, monitor
        self.best = max((worth(row, monitor) for row in earlier), default=_NOTHING_YET)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        its = worth(logs or {}, self.monitor)
        if its > self.best:
            self.best = its
            save_whole(self.model, self.path)


def save_whole(model: keras.Model, path: Path) -> None:
    """Write the weights of a model; a file that was there stays until they are whole."""
    half = path.with_name(f"half-{path.name}")
    try:
        model.save_weights(half)
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
