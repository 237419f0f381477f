"""history.csv: the figures of each epoch of a training, the first of which is 1."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analytics.errors import UsageError

Epoch = dict[str, Any]
"""`epoch`, which counts from 1, and figures by the names that Keras gives them."""


def read_history(path: Path) -> list[Epoch]:
    """The figures of each epoch, in order; empty where there is no file yet.

    Raises:
        UsageError: it is damaged.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error):
        raise damaged(path) from None


def damaged(path: Path) -> UsageError:
    """What is said of a file that a training left and that cannot be read any more."""
    return UsageError(f"{path}: is damaged", f"remove the folder {path.parent}, and begin anew")


def write_history(path: Path, rows: Sequence[Epoch]) -> None:
    """Write the figures of epochs, whole or not at all."""
    half = path.with_name(f"{path.name}.tmp")
    with half.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    half.replace(path)


def worth(row: Epoch, monitor: str) -> tuple[float, float]:
    """What chooses an epoch, the larger the better: the figure, and of equal ones the smaller loss on public.

    Few pictures leave few accuracies, and an epoch that is as often right as the one before may have learned more.
    """
    return float(row[monitor]), -float(row["val_loss"])


def best_of(rows: Sequence[Epoch], monitor: str) -> Epoch:
    """The epoch that is kept: the first of those that are worth most."""
    return max(rows, key=lambda row: worth(row, monitor))
