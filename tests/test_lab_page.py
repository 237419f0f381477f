"""The page of a comparison of the lab: what it says of runs, and what an earlier release did not keep."""

import re
from pathlib import Path
from typing import Any

from jobs.lab_tables import summary_of
from reports.lab import write_lab
from tests.test_report_data import HOSTILE

CLASSES = ("angry", "happy")


def run_of(net: str, seed: int, accuracy: float, **changes: Any) -> dict[str, Any]:
    """A row as `compare nets` leaves it."""
    history = [
        {"epoch": k, "accuracy": accuracy / 2, "val_accuracy": accuracy / k, "loss": 2 / k, "val_loss": 1.8 / k}
        for k in (1, 2)
    ]
    row = {"net": net, "seed": seed, "accuracy": accuracy, "macro_f1": accuracy, "loss": 1.0, "train_accuracy": 0.5}
    row |= {"train_loss": 1.0, "parameters": 1000, "epochs": 2, "pictures_seen": 56, "ended_by": "budget", "size": 48}
    row |= {"batch": 128, "learning_rate": 1.4e-3, "optimizer": "adamw", "seconds": 3.0, "file_bytes": 9000}
    row |= {"face_ms": 0.1 * len(net), "classes": list(CLASSES), "confusion": [[9, 1], [2, 8]], "history": history}
    return row | changes


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """A row as an earlier release left it."""
    return {name: value for name, value in row.items() if name not in names}


def page_of(folder: Path, rows: list[dict[str, Any]], by: tuple[str, ...] = ("net",), **settings: Any) -> Path:
    """The page of these rows."""
    same = {"dataset": "0123456789abcdef", "labels": "ferplus", "epochs": 2, "budget_s": 0.0, "size": 0} | settings
    return write_lab(folder, title="Networks", settings=same, rows=rows, summary=summary_of(rows, by), by=by)


def test_the_page_says_what_the_rows_say(tmp_path: Path) -> None:
    """Mean and spread, the best in bold, all seeds in one confusion, what was alike, and what failed."""
    rows = [run_of("lenet", 20, 0.5), run_of("lenet", 21, 0.7), run_of("tiny", 20, 0.4)]
    rows.append({"name": "vgg16, seed 20", "net": "vgg16", "seed": 20, "problem": "no memory: give a smaller <b>"})
    html = page_of(tmp_path, rows).read_text(encoding="utf-8")
    assert "<strong>0.600 ± 0.141</strong>" in html and '<td class="figure">0.400</td>' in html
    assert "seconds of training at most: <bdi>no bound</bdi>" in html and "face in px: <bdi>each network" in html
    assert "SHA-256: <bdi>0123456789ab…</bdi>" in html
    assert "vgg16, seed 20</bdi> has no figures: no memory: give a smaller &lt;b&gt;" in html
    assert re.findall(r"<caption><bdi>(\w+)</bdi>", html) == ["lenet", "tiny"] and '0.405)">18</td>' in html
    assert html.count('data-figure="figure-') == 3


def test_rows_of_an_earlier_release_are_drawn(tmp_path: Path) -> None:
    """Without confusion and history; beside newer ones of the same network, too."""
    old = without(run_of("tiny", 20, 0.4), "classes", "confusion", "history", "pictures_seen")
    html = page_of(tmp_path, [old]).read_text(encoding="utf-8")
    assert "0.400" in html and "<caption>" not in html and html.count("data-figure=") == 1
    html = page_of(tmp_path, [old, run_of("tiny", 21, 0.6)]).read_text(encoding="utf-8")
    assert "<caption><bdi>tiny</bdi>" in html and "0.500 ± 0.141" in html and html.count("data-figure=") == 3


def test_a_page_without_a_figure_says_why(tmp_path: Path) -> None:
    """Where nothing could be trained."""
    rows = [{"name": "vgg16, seed 20", "net": "vgg16", "seed": 20, "problem": "no memory"}]
    html = page_of(tmp_path, rows).read_text(encoding="utf-8")
    assert "no memory" in html and "<table" not in html and "data-figure=" not in html


def test_names_are_no_markup(tmp_path: Path) -> None:
    """Of networks, of features that were a path, and of classes."""
    rows = [run_of(HOSTILE, 20, 0.5, features="lbp", head=HOSTILE, classes=[HOSTILE, "happy"])]
    html = page_of(tmp_path, rows, by=("features", "head"), labels=HOSTILE).read_text(encoding="utf-8")
    assert HOSTILE not in html and "<img" not in html
