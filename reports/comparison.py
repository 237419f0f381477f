"""The page of a comparison: evaluations of several classifiers on the same pictures, side by side."""

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from analytics.errors import UsageError
from reports.charts import Figure
from reports.evaluation import DIAGONAL, plain_figure, share_axis
from reports.files import write_assets, write_whole
from reports.render import json_block, render
from reports.text import chart_text

_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933")
"""One a classifier, in turn; told apart with every common kind of colour blindness."""
_DASHES: Final = ("solid", "dash", "dot", "dashdot")
_BORDERS: Final = ("solid", "dashed", "dotted", "double")
"""The nearest that a border has to each of them."""
_SAME: Final = ("data set", "split", "labels", "faces")
"""What must be equal for figures to be comparable."""
_WORDS: Final = {"labels": "the labels differ", "faces": "the way to the faces differs"}
_FACE_PX: Final = "24"
_NUMBERS: Final = ("n", "accuracy", "accuracy_low", "accuracy_high", "macro_f1", "ece", "uncertain_share")
"""What each evaluation has measured; the rest may be null."""


@dataclass(frozen=True)
class Evaluated:
    """One evaluation, as `emobatch evaluate --out` wrote it."""

    about: dict[str, str]
    """What was evaluated on what: model, data set, split, labels."""
    result: dict[str, Any]
    """The object that `emobatch evaluate --json` prints."""

    @property
    def model(self) -> str:
        """Name of the classifier."""
        return self.about["model"]

    @property
    def row(self) -> dict[str, Any]:
        """What the table says of it; null where it was not measured."""
        found, small = self.result, self.result["face_px"].get(_FACE_PX)
        return {
            "model": self.model,
            "n": found["n"],
            "accuracy": found["accuracy"],
            "accuracy_low": found["accuracy_interval"][0],
            "accuracy_high": found["accuracy_interval"][1],
            "macro_f1": found["macro_f1"],
            "ece": found["ece"],
            "uncertain_share": found["uncertain"]["share"],
            "accuracy_of_accepted": found["uncertain"]["accuracy_of_accepted"],
            "accuracy_24_px": small["accuracy"] if small else None,
            **{f"recall_{name}": row["recall"] for name, row in found["classes"].items()},
        }


def read_evaluation(path: Path) -> Evaluated:
    """What `emobatch evaluate --out` left in a folder, or in the file evaluation.json.

    Raises:
        UsageError: there is none, or it is another file.
    """
    file = path / "evaluation.json" if path.is_dir() else path
    remedy = "name folders that `emobatch evaluate MODEL DATASET --out FOLDER` made"
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        about = {key: value for key, value in told.items() if isinstance(value, str)}
        evaluated = Evaluated(about, {key: value for key, value in told.items() if key not in about})
        _check(evaluated)
    except FileNotFoundError:
        raise UsageError(f"{file}: is not there", remedy) from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})", remedy) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise UsageError(f"{file}: is no evaluation of stills by emobatch", remedy) from None
    return evaluated


def differences(evaluations: list[Evaluated]) -> list[str]:
    """In words, what keeps the figures from being comparable."""
    words = []
    for name, values in [(name, {one.about.get(name, "unknown") for one in evaluations}) for name in _SAME]:
        if len(values) > 1:
            words.append(f"{_WORDS.get(name, f'the {name} differs')} ({', '.join(sorted(values))})")
    if len({one.result["n"] for one in evaluations}) > 1:
        words.append("the number of pictures differs")
    if len({tuple(one.result["classes"]) for one in evaluations}) > 1:
        words.append("the classes differ")
    return words


def write_comparison(folder: Path, evaluations: list[Evaluated]) -> Path:
    """Write comparison.html with its assets, comparison.json and comparison.csv; the best accuracy comes first.

    Returns:
        The path of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    ordered = sorted(evaluations, key=lambda one: -one.result["accuracy"])
    rows = [one.row for one in ordered]
    # All of it before anything is written.
    told, table, html = json.dumps({"rows": rows}, indent=2, allow_nan=False), _csv(rows), _html(ordered)
    write_assets(folder / "assets")
    write_whole(folder / "comparison.json", told + "\n")
    write_whole(folder / "comparison.csv", table)
    page = folder / "comparison.html"
    write_whole(page, html)
    return page


def _check(evaluated: Evaluated) -> None:
    """Draw the page of one evaluation: whatever it lacks is missed here, as a ValueError, KeyError or TypeError."""
    for name in _NUMBERS:
        if isinstance(evaluated.row[name], str | bool) or not math.isfinite(evaluated.row[name]):
            raise ValueError(name)
    json.dumps(evaluated.row, allow_nan=False)
    _html([evaluated])


def _html(ordered: list[Evaluated]) -> str:
    rows = [one.row for one in ordered]
    figures = {
        "risk": _lines(ordered, _RISK),
        "calibration": _lines(ordered, _CALIBRATION),
    }
    return render(
        "comparison.html",
        about={name: ordered[0].about[name] for name in _SAME if name in ordered[0].about},
        differences=differences(ordered),
        rows=rows,
        classes=list(dict.fromkeys(name for one in ordered for name in one.result["classes"])),
        colours=[_COLOURS[k % len(_COLOURS)] for k in range(len(ordered))],
        dashes=[_BORDERS[k // len(_COLOURS) % len(_BORDERS)] for k in range(len(ordered))],
        figures={name: json_block(figure) for name, figure in figures.items()},
        models=tuple(one.model for one in ordered),
        detectors=(),
        cards={},
        root=".",
    )


def _csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


_RISK: Final = ("risk_coverage", "coverage", "share accepted")
_CALIBRATION: Final = ("calibration", "confidence", "mean confidence")


def _lines(evaluations: list[Evaluated], what: tuple[str, str, str]) -> Figure:
    """Accuracy of each classifier against something else that its evaluation gives in points."""
    key, x, title = what
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": chart_text(one.model),
            "x": [point[x] for point in one.result[key]],
            "y": [point["accuracy"] for point in one.result[key]],
            "line": {"color": _COLOURS[k % len(_COLOURS)], "dash": _DASHES[k // len(_COLOURS) % len(_DASHES)]},
            "hovertemplate": f"{chart_text(one.model)}: %{{x:.1%}}, %{{y:.1%}} right<extra></extra>",
        }
        for k, one in enumerate(evaluations)
    ]
    least = float(np.min([min(trace["y"], default=1.0) for trace in traces]))
    accuracy = share_axis("accuracy")
    if what is _RISK:
        accuracy |= {"range": [max(0.0, least - 0.05), 1.005]}
    return plain_figure(
        [DIAGONAL, *traces] if what is _CALIBRATION else traces, height=320, xaxis=share_axis(title), yaxis=accuracy
    )
