"""The page of an evaluation: how often a classifier is right, and whether it knows."""

import json
from pathlib import Path
from typing import Any, Final

from reports.charts import Figure
from reports.colours import COLOURS, colours_of
from reports.files import write_assets, write_whole
from reports.render import json_block, render

_DRAWN = "#0072B2"
_MARGIN = {"l": 76, "r": 28, "t": 12, "b": 46}
DIAGONAL: Final[Figure] = {
    "type": "scatter",
    "mode": "lines",
    "x": [0, 1],
    "y": [0, 1],
    "line": {"color": COLOURS["uncertain"], "dash": "dot", "width": 1.5},
    "hoverinfo": "skip",
}
"""Where confidence and accuracy are equal."""


def write_evaluation(folder: Path, about: dict[str, str], result: dict[str, Any]) -> Path:
    """Write evaluation.html, with its assets, and evaluation.json into a folder, which is made where it is missing.

    Args:
        folder: where to.
        about: what was evaluated on what, by name of the fact: model, data set, split, labels, ….
        result: the object that `emobatch evaluate --json` prints.

    Returns:
        The path of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    write_assets(folder / "assets")
    write_whole(folder / "evaluation.json", json.dumps(about | result, indent=2) + "\n")
    figures = {
        "confusion": _confusion(result["confusion"], list(result["classes"])),
        "calibration": _calibration(result["calibration"]),
        "risk": _risk(result["risk_coverage"], result["uncertain"]),
        "sizes": _sizes(result) if result["face_px"] else None,
    }
    html = render(
        "evaluation.html",
        about=about,
        result=result,
        figures={name: json_block(figure) for name, figure in figures.items()},
        models=(about["model"],),
        detectors=(),
        cards={},
        colours=colours_of(tuple(result["classes"])),
        root=".",
    )
    page = folder / "evaluation.html"
    write_whole(page, html)
    return page


def _confusion(table: list[list[int]], names: list[str]) -> Figure:
    """Rows are the truth; a cell's colour is its share of the row."""
    shares = [[n / sum(row) if sum(row) else 0.0 for n in row] for row in table]
    cells = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "text": [[f"{n:,}" for n in row] for row in table],
        "texttemplate": "%{text}",
        "colorscale": [[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,0.9)"]],
        "showscale": False,
        "hovertemplate": "%{y} called %{x}: %{text}, %{z:.1%} of its row<extra></extra>",
    }
    axis = {"fixedrange": True, "showgrid": False, "zeroline": False}
    return plain_figure(
        [cells],
        height=360,
        xaxis={**axis, "title": {"text": "called"}},
        yaxis={**axis, "autorange": "reversed", "title": {"text": "truth"}},
    )


def _calibration(bins: list[dict[str, float]]) -> Figure:
    """Accuracy against confidence; on the diagonal the classifier knows how often it is right."""
    found = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [found["confidence"] for found in bins],
        "y": [found["accuracy"] for found in bins],
        "customdata": [found["n"] for found in bins],
        "marker": {"size": [6 + 14 * (found["n"] / max(one["n"] for one in bins)) ** 0.5 for found in bins]},
        "line": {"color": _DRAWN},
        "hovertemplate": "%{customdata:,} pictures: sure by %{x:.1%}, right in %{y:.1%}<extra></extra>",
    }
    return plain_figure(
        [DIAGONAL, found], height=320, xaxis=share_axis("mean confidence"), yaxis=share_axis("accuracy")
    )


def _risk(curve: list[dict[str, float]], uncertain: dict[str, float | None]) -> Figure:
    """Accuracy of what is left when the least sure pictures are put aside; no diamond where the threshold leaves none."""
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [point["coverage"] for point in curve],
        "y": [point["accuracy"] for point in curve],
        "customdata": [point["threshold"] for point in curve],
        "line": {"color": _DRAWN},
        "hovertemplate": "surest %{x:.0%}: %{y:.1%} right, confidence from %{customdata:.3f}<extra></extra>",
    }
    share, accepted = uncertain["share"], uncertain["accuracy_of_accepted"]
    chosen = {
        "type": "scatter",
        "mode": "markers",
        "x": [1 - share] if share is not None and accepted is not None else [],
        "y": [accepted] if accepted is not None else [],
        "marker": {"color": COLOURS["angry"], "size": 12, "symbol": "diamond"},
        "hovertemplate": f"threshold {uncertain['threshold']:g}: " + "%{x:.1%} accepted, %{y:.1%} right<extra></extra>",
    }
    least = min(point["accuracy"] for point in curve)
    accuracy = share_axis("accuracy") | {"range": [max(0.0, least - 0.05), 1.005]}
    return plain_figure([line, chosen], height=320, xaxis=share_axis("share accepted"), yaxis=accuracy)


def _sizes(result: dict[str, Any]) -> Figure:
    """Accuracy and macro-F1 at the sides to which faces were scaled."""
    sides = [f"{px} px" for px in result["face_px"]]
    bars = [
        {
            "type": "bar",
            "name": name,
            "x": ["as they are", *sides],
            "y": [result[key], *(part[key] for part in result["face_px"].values())],
            "marker": {"color": colour},
            "hovertemplate": f"{name} %{{y:.3f}}<extra></extra>",
        }
        for name, key, colour in (("accuracy", "accuracy", _DRAWN), ("macro-F1", "macro_f1", COLOURS["neutral"]))
    ]
    axis = {"fixedrange": True, "zeroline": False}
    return plain_figure(bars, height=280, barmode="group", xaxis=axis, yaxis=share_axis(""))


def share_axis(title: str) -> Figure:
    """An axis of shares from nought to one."""
    return {"range": [0, 1.01], "tickformat": ".0%", "fixedrange": True, "zeroline": False, "title": {"text": title}}


def plain_figure(traces: list[Figure], **layout: Any) -> Figure:
    """A figure with the looks that these pages have; report.js adds the colours of the theme."""
    common = {
        "margin": _MARGIN,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "showlegend": False,
    }
    return {"data": traces, "layout": {**common, **layout}}
