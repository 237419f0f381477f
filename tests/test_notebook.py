"""docs/tables.ipynb runs from end to end on any results, without a warning, and says what the tables hold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import nbclient
import nbformat
import pytest

from tests.archive import fill, fill_mixed
from tests.command import ROOT, emobatch
from tests.test_report_data import write_results

NOTEBOOK: Final = ROOT / "docs" / "tables.ipynb"
NAMED: Final = 'OUT = "out/demo"'


def opened() -> Any:
    """The notebook as it is committed."""
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def run(out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """What each cell shows, by its id; nothing on stderr, where warnings go."""
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = opened()
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source.count(NAMED) == 1
    first.source = first.source.replace(NAMED, f"OUT = {str(out)!r}")
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120, resources=resources).execute()
    shown = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    for one, outputs in shown.items():
        assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"], (
            one
        )
    return shown


def text_of(outputs: Sequence[Any]) -> str:
    """Text of the outputs of a cell."""
    return "\n".join(output.get("text") or output["data"].get("text/plain", "") for output in outputs)


def figures_of(outputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Plotly's figures among them."""
    kind = "application/vnd.plotly.v1+json"
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_it_is_committed_without_outputs() -> None:
    """A change of the text is all that a reader of the history sees."""
    notebook = opened()
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells and not [cell for cell in cells if cell.outputs or cell.execution_count]


def test_it_draws_what_the_tables_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares over time of one video, holes, and the distribution over its tracks with intervals."""
    shown = run(write_results(tmp_path / "it's out"), monkeypatch)
    assert "131 faces, 120 usable, 120 of them in a track and labelled" in text_of(shown["usable"])
    assert "2 of 5 videos have no start" in text_of(shown["time"])
    assert "2026-03-01 23:00:00" in text_of(shown["time"])  # Of 22:00 UTC in Berlin.
    (shares,) = figures_of(shown["shares"])
    assert [trace["name"] for trace in shares["data"]] == ["happy", "neutral", "sad", "uncertain"]
    (distribution,) = figures_of(shown["distribution"])
    assert distribution["data"][0]["y"][-1] == "uncertain"
    assert "95 % by bootstrap over tracks" in distribution["layout"]["title"]["text"]
    assert "of 3 tracks" in distribution["layout"]["title"]["text"]


def test_it_runs_on_tables_that_were_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several cameras, some without a known start, failures and copies."""
    fill_mixed(tmp_path / "out")
    assert emobatch("compact", "out", cwd=tmp_path).code == 0
    shown = run(tmp_path / "out", monkeypatch)
    assert len(figures_of(shown["shares"])) == len(figures_of(shown["distribution"])) == 1


def test_it_runs_where_nobody_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One video, which failed, without a start: nothing to draw, and no error."""
    fill(tmp_path / "out", [1], status="failed", reason="moov atom not found", start_time=None, time_zone=None)
    shown = run(tmp_path / "out", monkeypatch)
    assert "no face could be judged" in text_of(shown["shares"])
    assert "no track could be judged" in text_of(shown["distribution"])


def test_it_runs_on_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a newcomer has it."""
    assert emobatch("demo", "--out", "out", cwd=tmp_path).code == 0
    shown = run(tmp_path / "out", monkeypatch)
    assert len(figures_of(shown["shares"])) == len(figures_of(shown["distribution"])) == 1
