"""The page of a data set: what is in it by class and split, who is in it, and what is there twice."""

import json
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from reports.charts import Figure
from reports.colours import COLOURS, colours_of
from reports.contact_sheet import Tile, sheet_of, tile_of
from reports.evaluation import plain_figure
from reports.files import write_assets, write_whole
from reports.render import json_block, render

COLUMNS: Final = 6
"""Pictures in a row of a sheet."""
_SPLIT_COLOURS: Final = {"train": "#0072B2", "public": "#E69F00", "private": "#009E73"}
_SHEETS: Final = ("samples", "copies")


def write_dataset_page(
    folder: Path, about: dict[str, str], told: dict[str, Any], samples: list[list[Tile]], copies: list[list[Tile]]
) -> Path:
    """Write dataset.html with its assets and sheets, and dataset.json, into a folder, which is made where it is missing.

    Args:
        folder: where to.
        about: what was made of what, by name of the fact.
        told: the object that `emobatch dataset --json` prints.
        samples: pictures of each class, at most COLUMNS.
        copies: two pictures of each group of copies.

    Returns:
        The path of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    write_assets(folder / "assets")
    write_whole(folder / "dataset.json", json.dumps(told, indent=2) + "\n")
    drawn = {"samples": [_row(tiles, COLUMNS) for tiles in samples], "copies": [_row(tiles, 2) for tiles in copies]}
    for name in _SHEETS:
        if drawn[name]:
            _write_sheet(folder / f"{name}.png", [tile for row in drawn[name] for tile in row])
        else:
            (folder / f"{name}.png").unlink(missing_ok=True)
    html = render(
        "dataset.html",
        about=about,
        told=told,
        people=any(told["subjects"]["splits"].values()),
        sheets=[name for name in _SHEETS if drawn[name]],
        figures={"classes": json_block(_bars(told))},
        models=(),
        detectors=(),
        cards={},
        colours=colours_of(tuple(told["classes"])),
        root=".",
    )
    page = folder / "dataset.html"
    write_whole(page, html)
    return page


def _bars(told: dict[str, Any]) -> Figure:
    """Pictures of each class, a bar for each split."""
    bars = [
        {
            "type": "bar",
            "name": split,
            "x": list(counts),
            "y": list(counts.values()),
            "marker": {"color": _SPLIT_COLOURS.get(split, COLOURS["uncertain"])},
            "hovertemplate": f"%{{x}}, {split}: %{{y:,}}<extra></extra>",
        }
        for split, counts in told["splits"].items()
        if any(counts.values())
    ]
    axis = {"fixedrange": True, "zeroline": False}
    legend = {"orientation": "h", "y": 1.12}
    return plain_figure(
        bars, height=320, barmode="group", showlegend=True, legend=legend, xaxis=axis, yaxis={**axis, "tickformat": ","}
    )


def _row(tiles: list[Tile], columns: int) -> list[NDArray[np.uint8]]:
    """Tiles of one row, filled up, so that the next one begins below it."""
    drawn = [tile_of(tile) for tile in tiles[:columns]]
    return drawn + [np.full_like(drawn[0], 235)] * (columns - len(drawn)) if drawn else []


def _write_sheet(path: Path, tiles: list[NDArray[np.uint8]]) -> None:
    _, code = cv2.imencode(".png", sheet_of(tiles))
    path.write_bytes(code.tobytes())
