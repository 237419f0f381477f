"""Curves of a training: a figure by epoch, of the training pictures and of those that choose the epoch."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from reports.charts import Figure
from reports.evaluation import plain_figure, share_axis
from reports.text import chart_text

SEVERAL: Final = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933",
    "#332288", "#117733", "#AA4499", "#661100", "#44AA99", "#6699CC",
)  # fmt: skip
"""One each, in turn: Okabe and Ito (2008), then Tol (2021)."""


_WILD: Final = 4.0
"""Medians beyond which a loss is not drawn: of one network that went astray all others would be a line at the bottom."""


def colour_of(place: int) -> str:
    """The colour of the network at a place of a list."""
    return SEVERAL[place % len(SEVERAL)]


def pair_of_curves(
    history: Sequence[Mapping[str, Any]], figure: str, name: str, colour: str, *, shares: bool
) -> list[Figure]:
    """Two lines by epoch, that of the training pictures dotted.

    Args:
        history: a row each epoch, with `epoch` (from 1), the figure, and the figure with val_ before its name.
        figure: its name.
        name: what the lines are of.
        colour: of both.
        shares: whether the values are shares of one.
    """
    form = ".1%" if shares else ".3f"
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": chart_text(name),
            "x": [row["epoch"] for row in history],
            "y": [finite(row.get(column)) for row in history],
            "line": {"color": colour, "dash": dash, "width": 2 if dash == "solid" else 1.5},
            "marker": {"size": 5 if dash == "solid" else 3},
            "hovertemplate": f"{chart_text(name)}, {of}, epoch %{{x}}: %{{y:{form}}}<extra></extra>",
        }
        for column, dash, of in ((f"val_{figure}", "solid", "validation"), (figure, "dot", "training"))
    ]


def curves_figure(traces: list[Figure], title: str, *, shares: bool) -> Figure | None:
    """A chart of such lines; None where there is no line."""
    if not traces:
        return None
    last = max((max(trace["x"], default=1) for trace in traces), default=1)
    epochs = {"title": {"text": "epoch"}, "fixedrange": True, "zeroline": False, "range": [0.8, last + 0.2]}
    if last <= 20:
        epochs["dtick"] = 1
    axis: Figure = {"fixedrange": True, "zeroline": False, "title": {"text": title}}
    drawn = [value for trace in traces for value in trace["y"] if value is not None] or [0.0, 1.0]
    most = _WILD * statistics.median(drawn)
    if not shares and max(drawn) > most:
        axis |= {"title": {"text": f"{title} (some beyond {most:.2g})"}, "range": [0.0, most]}
    if shares:
        axis = share_axis(title) | {"range": [max(0.0, min(drawn) - 0.05), min(1.01, max(drawn) + 0.05)]}
    return plain_figure(traces, height=320, xaxis=epochs, yaxis=axis)


def finite(value: Any) -> float | None:
    """A number that JSON and charts can take; None in place of what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
