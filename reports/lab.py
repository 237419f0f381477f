"""The page of a comparison of the lab: networks, or heads on features, trained on the same pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from reports.charts import Figure
from reports.curves import colour_of, curves_figure, finite, pair_of_curves
from reports.evaluation import plain_figure, share_axis
from reports.files import write_assets, write_whole
from reports.render import json_block, render
from reports.text import chart_text, number

Row = Mapping[str, Any]

_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up")
_MOST_NAMED: Final = 10
"""Points of a chart that bear their names."""
_LONGEST_NAME: Final = 18
"""Characters, as far as they do."""


class Column(NamedTuple):
    """A column of the table."""

    title: str
    name: str
    digits: int = 3
    best: str = ""
    """Which value is bold: the largest (max) or the smallest (min)."""
    unit: float = 1.0
    """What a value is divided by."""


_RESULTS: Final = (
    Column("Seeds", "seeds", 0),
    Column("Accuracy", "accuracy", best="max"),
    Column("Macro-F1", "macro_f1", best="max"),
    Column("Loss", "loss", best="min"),
    Column("Training accuracy", "train_accuracy", best="max"),
    Column("Training loss", "train_loss", best="min"),
    Column("Cost of a face, ms", "face_ms", best="min"),
)
_COURSE: Final = (
    Column("File, KB", "file_bytes", 0, best="min", unit=1000),
    Column("Parameters", "parameters", 0, best="min"),
    Column("Width of the features", "width", 0),
    Column("Training, s", "seconds", 1, best="min"),
    Column("Epochs", "epochs", 1),
    Column("Pictures seen", "pictures_seen", 0),
    Column("Pictures learned", "pictures", 0),
    Column("Ended by", "ended_by"),
    Column("Batch", "batch", 0),
    Column("Learning rate", "learning_rate"),
    Column("Optimizer", "optimizer"),
    Column("Face, px", "size", 0),
)
_COLUMNS: Final = {"Figures": _RESULTS, "Size and training": _COURSE}
_SETTINGS: Final = {
    "labels": "labels",
    "loss": "loss",
    "epochs": "epochs at most",
    "budget_s": "seconds of training at most",
    "patience": "epochs without a better one at most",
    "schedule": "schedule of the learning rate",
    "plain": "trained",
    "augment": "training pictures changed",
    "size": "face in px",
    "most": "pictures to learn from at most",
}
_NOT_SET: Final = {"size": "each network's own"}
"""What 0 stands for, where it does not stand for no bound."""


@dataclass(frozen=True)
class Cell:
    """A cell of the table."""

    text: str
    figure: bool
    best: bool


def write_lab(
    folder: Path, *, title: str, settings: Row, rows: Sequence[Row], summary: Sequence[Row], by: Sequence[str]
) -> Path:
    """Write comparison.html with its assets into a folder that holds the tables.

    Args:
        folder: where to.
        title: what was compared on what.
        settings: what was the same for all, as settings.json has it.
        rows: one each run. What an earlier release did not keep, confusion and history, is missing from the page alone.
        summary: rows that are alike but for their seed as one, the best first.
        by: columns that name what is compared.

    Returns:
        The path of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    names = [" on ".join(str(row[name]) for name in reversed(by)) for row in summary]
    runs = [[row for row in rows if not row.get("problem") and _alike(row, one, by)] for one in summary]
    figures = {
        "cost": _cost(summary, names) if summary else None,
        "accuracy": _curves(runs, names, "accuracy", shares=True),
        "loss": _curves(runs, names, "loss", shares=False),
    }
    tables = {
        heading: [column for column in columns if any(column.name in row for row in summary)]
        for heading, columns in _COLUMNS.items()
    }
    html = render(
        "lab.html",
        title=title,
        same=same_for_all(settings, rows),
        as_they_are=_augmentation(settings) == "none",
        what="network" if tuple(by) == ("net",) else "classifier",
        names=names,
        colours=[colour_of(place) for place in range(len(summary))],
        tables=[
            (heading, columns, [[_cell(column, row, summary) for column in columns] for row in summary])
            for heading, columns in tables.items()
            if columns and summary
        ],
        confusions=[
            confusion for name, group in zip(names, runs, strict=True) if (confusion := _confusion(name, group))
        ],
        problems=[(row["name"], row["problem"]) for row in rows if row.get("problem")],
        several=any(row.get("accuracy_spread") is not None for row in summary),
        figures={name: json_block(figure) for name, figure in figures.items()},
        models=(),
        detectors=(),
        cards={},
        root=".",
    )
    write_assets(folder / "assets")
    page = folder / "comparison.html"
    write_whole(page, html)
    return page


def _alike(row: Row, one: Row, by: Sequence[str]) -> bool:
    return all(row[name] == one[name] for name in by)


def same_for_all(settings: Row, rows: Sequence[Row]) -> dict[str, str]:
    """What holds for all rows, in words, as page and Markdown tell it: the settings, and what is no better than nothing."""
    told = {"data set, SHA-256": f"{str(settings['dataset'])[:12]}…"} if "dataset" in settings else {}
    for name, words in _SETTINGS.items():
        if name in settings:
            value = settings[name]
            told[words] = str(value) if value else _NOT_SET.get(name, "no bound")
    if "plain" in settings:
        told[_SETTINGS["plain"]] = (
            "as most papers do (--plain)" if settings["plain"] else "as emobatch's own classifier"
        )
        told[_SETTINGS["augment"]] = _augmentation(settings)
    if judged := next((row for row in rows if row.get("confusion")), None):
        shown = [sum(row) for row in judged["confusion"]]
        most = max(shown)
        told["accuracy of always saying the commonest class"] = (
            f"{most / sum(shown):.3f} ({judged['classes'][shown.index(most)]})"
        )
    return told


def _augmentation(settings: Row) -> str:
    """The recipe by which training pictures were changed, `none` where they were learned as they are."""
    return str(settings.get("augment") or ("none" if settings.get("plain") else "cctv"))


def _cell(column: Column, row: Row, summary: Sequence[Row]) -> Cell:
    value = row.get(column.name)
    if not isinstance(value, int | float):
        return Cell("-" if value is None else str(value), False, False)
    if column.name == "learning_rate":
        return Cell(f"{value:g}", True, False)
    text, spread = number(value / column.unit, column.digits), finite(row.get(f"{column.name}_spread"))
    if spread is not None:
        text += f" ± {number(spread / column.unit, column.digits)}"
    others = [other for one in summary if (other := finite(one.get(column.name))) is not None]
    best = bool(column.best) and len(others) > 1 and value == (max if column.best == "max" else min)(others)
    return Cell(text, True, best)


def _confusion(name: str, runs: Sequence[Row]) -> dict[str, Any] | None:
    """The confusion of all seeds together: rows are the truth, a cell is its count and its share of the row."""
    kept = [row for row in runs if row.get("confusion")]
    if not kept:
        return None
    classes = kept[0]["classes"]
    counts = [[sum(row["confusion"][i][j] for row in kept) for j in range(len(classes))] for i in range(len(classes))]
    shares = [[n / sum(row) if sum(row) else 0.0 for n in row] for row in counts]
    cells = [list(zip(*pair, strict=True)) for pair in zip(counts, shares, strict=True)]
    return {"name": name, "classes": classes, "rows": list(zip(classes, cells, strict=True)), "seeds": len(kept)}


def _cost(summary: Sequence[Row], names: Sequence[str]) -> Figure:
    """Accuracy against the time for a face, a point each; bars are the spread over the seeds."""
    # Long names would lie over one another, or be cut off at the edge; the key has them all.
    named = len(summary) <= _MOST_NAMED and max(map(len, names)) <= _LONGEST_NAME
    points = []
    for place, (row, name) in enumerate(zip(summary, names, strict=True)):
        colour = colour_of(place)
        bar = {"type": "data", "color": colour, "thickness": 1.5, "width": 4}
        points.append(
            {
                "type": "scatter",
                "mode": "markers+text" if named else "markers",
                "name": chart_text(name),
                "x": [finite(row["face_ms"])],
                "y": [finite(row["accuracy"])],
                "error_x": {**bar, "array": [finite(row.get("face_ms_spread"))]},
                "error_y": {**bar, "array": [finite(row.get("accuracy_spread"))]},
                "text": [chart_text(name)],
                "textposition": "top right",
                "cliponaxis": False,
                "marker": {"color": colour, "size": 11, "symbol": _SYMBOLS[place // 8 % len(_SYMBOLS)]},
                "hovertemplate": f"{chart_text(name)}: %{{x:.3g}} ms, %{{y:.1%}} right<extra></extra>",
            }
        )
    cost = {"type": "log", "title": {"text": "cost of a face in ms, on a logarithmic scale"}, "fixedrange": True}
    most = [row["accuracy"] + (row.get("accuracy_spread") or 0) for row in summary]
    least = [row["accuracy"] - (row.get("accuracy_spread") or 0) for row in summary]
    room = max(0.02, 0.15 * (max(most) - min(least)))
    accuracy = share_axis("accuracy") | {"range": [max(0, min(least) - room), min(1.02, max(most) + 1.5 * room)]}
    return plain_figure(points, height=380, xaxis=cost, yaxis=accuracy)


def _curves(runs: Sequence[Sequence[Row]], names: Sequence[str], figure: str, *, shares: bool) -> Figure | None:
    """Two lines each run that has kept its history."""
    traces = [
        line
        for place, (name, group) in enumerate(zip(names, runs, strict=True))
        for row in group
        if row.get("history")
        for line in pair_of_curves(
            row["history"], figure, f"{name}, seed {row['seed']}", colour_of(place), shares=shares
        )
    ]
    return curves_figure(traces, figure, shares=shares)
