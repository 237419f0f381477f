"""The page of a training: accuracy and loss by epoch, and what it was trained with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from analytics.errors import UsageError
from reports import text
from reports.charts import Figure
from reports.curves import colour_of, curves_figure, finite, pair_of_curves
from reports.files import write_assets, write_whole
from reports.render import json_block, render

_OPTIONS: Final = (
    "dataset",
    "labels",
    "begin",
    "size",
    "epochs",
    "batch",
    "optimizer",
    "learning_rate",
    "schedule",
    "loss",
    "augment",
    "balance",
    "mixup",
    "degraded",
    "smoothing",
    "averaged",
    "seed",
)
_OF_TRANSFER: Final = ("weights", "freeze", "freeze_epochs", "fine_rate")
"""Named where they are anything."""
_COURSE: Final = {"parameters": "parameters", "pictures_seen": "pictures seen", "ended_by": "ended by"}


def write_training(folder: Path) -> Path:
    """Write training.html with its assets into the folder of a training, from its training.json.

    Returns:
        The path of the page.

    Raises:
        UsageError: there is no such record, or it is damaged.
        OSError: the folder cannot be written.
    """
    record = folder / "training.json"
    try:
        html = _html(json.loads(record.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        raise UsageError(f"{record}: is no record of a training", "run the same command again") from None
    write_assets(folder / "assets")
    page = folder / "training.html"
    write_whole(page, html)
    return page


def _html(told: Mapping[str, Any]) -> str:
    history = told["history"]
    accuracies = [name for name in history[0] if name.endswith("accuracy") and not name.startswith("val_")]
    # The labels that choose the epoch come first, as they do in the network.
    first = f"{'ferplus' if told['options']['labels'] == 'both' else told['options']['labels']}_accuracy"
    accuracies.sort(key=lambda name: name not in (first, "accuracy"))
    figures: dict[str, Figure | None] = {
        "accuracy": curves_figure(
            [
                line
                for place, name in enumerate(accuracies)
                for line in pair_of_curves(history, name, _named(name), colour_of(place), shares=True)
            ],
            "accuracy",
            shares=True,
        ),
        "loss": curves_figure(
            pair_of_curves(history, "loss", "loss", colour_of(0), shares=False), "loss", shares=False
        ),
    }
    columns = ["loss", "val_loss", *(column for name in accuracies for column in (name, f"val_{name}"))]
    likely = max(history, key=lambda row: row[f"val_{accuracies[0]}"])["epoch"]
    return render(
        "training.html",
        net=told["options"]["net"],
        told={name: told["options"][name] for name in _OPTIONS if name in told["options"]}
        | {
            name: _listed(value)
            for name in _OF_TRANSFER
            if (value := told["options"].get(name)) not in (None, [], 0, "none")
        }
        | {words: _counted(told[name]) for name, words in _COURSE.items() if name in told},
        as_they_are=told["options"].get("augment") == "none" and not told["options"].get("mixup"),
        names=[_named(name) for name in accuracies],
        colours=[colour_of(place) for place in range(len(accuracies))],
        columns=[_heading(column) for column in columns],
        rows=[(row["epoch"], [finite(row.get(column)) for column in columns]) for row in history],
        chosen=told.get("kept_epoch", likely),
        chosen_by=_named(accuracies[0]),
        figures={name: json_block(figure) for name, figure in figures.items()},
        models=(),
        detectors=(),
        cards={},
        root=".",
    )


def _counted(value: Any) -> Any:
    return text.number(value) if isinstance(value, int) else value


def _listed(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _named(column: str) -> str:
    """A column of history.csv in words: ferplus_accuracy is the accuracy by those labels."""
    labels = column.removesuffix("accuracy").removesuffix("_")
    return f"accuracy, {labels} labels" if labels else "accuracy"


def _heading(column: str) -> str:
    plain = column.removeprefix("val_")
    words = "loss" if plain == "loss" else _named(plain)
    return f"{words}, {'validation' if column != plain else 'training'}"
