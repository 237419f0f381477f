"""Pages are drawn again when what they say has changed, and damaged tables cost no other page."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analytics.errors import EmobatchError
from reports.files import ASSETS
from reports.names import camera_page
from reports.site import write_site
from tests.command import ENVIRONMENT, ROOT
from tests.test_report_data import COPY, EMPTY, FAILED, PARTIAL, START, WHOLE, face_row, video_row, write_results
from tests.test_report_data import write_rows as write
from tests.test_reports import Reader, page_of

PARTITION = Path("day=2026-03-01", "cam=door")
ALL = {WHOLE, PARTIAL}
"""Videos that show faces, and have a page."""


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    """Results with their pages."""
    out = write_results(tmp_path / "out")
    write_site(out)
    return out


def drawn(out: Path, everything: bool = False) -> set[str]:
    """Ids of the videos whose pages are drawn: a word is put into each page before, and tells which were not."""
    pages = list((out / "reports" / "videos").glob("*.html"))
    for page in pages:
        page.write_text(page.read_text("utf-8").replace('<main id="main">', '<main id="main">drawn before'), "utf-8")
    write_site(out, everything=everything) if everything else write_site(out)
    return {page.stem for page in pages if "drawn before" not in page.read_text("utf-8")}


def test_nothing_changed_draws_no_page(out: Path) -> None:
    """The second time all pages stay as they are; asked for, all are drawn."""
    assert drawn(out) == set()
    assert drawn(out, everything=True) == ALL
    assert drawn(out) == set()


def _processed_again(out: Path) -> None:
    file = out / "videos" / PARTITION / f"{PARTIAL}.parquet"
    (row,) = pq.ParquetFile(file).read().to_pylist()
    write(out, "videos", [row | {"finished_at": START + timedelta(days=3)}], PARTIAL)


def _rows_lost(out: Path) -> None:
    (out / "samples" / PARTITION / f"{PARTIAL}.parquet").unlink()


def _rows_found(out: Path) -> None:
    write(out, "faces", [face_row(PARTIAL, 1.0, None, None)], PARTIAL)


def _page_cut_off(out: Path) -> None:
    page = out / "reports" / "videos" / f"{PARTIAL}.html"
    os.truncate(page, page.stat().st_size - 1)


def _page_of_older_code(out: Path) -> None:
    page = out / "reports" / "videos" / f"{PARTIAL}.html"
    page.write_text(re.sub("[0-9a-f]{64}", "0" * 64, page.read_text("utf-8")), "utf-8")


@pytest.mark.parametrize("change", [_processed_again, _rows_lost, _rows_found, _page_cut_off, _page_of_older_code])
def test_a_change_draws_its_page_alone(out: Path, change: Callable[[Path], None]) -> None:
    """New rows, lost rows and a page that is not whole draw one page; the others stay."""
    change(out)
    assert drawn(out) == {PARTIAL}
    assert drawn(out) == set()


def test_a_missing_page_is_drawn(out: Path) -> None:
    """A page that someone removed comes back."""
    page = out / "reports" / "videos" / f"{PARTIAL}.html"
    before = page.read_bytes()
    page.unlink()
    write_site(out)
    assert page.read_bytes() == before


def test_a_copy_follows_its_original(out: Path) -> None:
    """A copy is named with its original in the table, and has no page of its own."""
    rows = Reader(out / "reports" / "index.html").figures["rows"]
    copy = rows["videos"]["id"].index(COPY)
    assert rows["notes"][rows["videos"]["note"][copy]] == "a copy of whole.mp4"
    assert rows["copies"] == [[copy, WHOLE]]
    assert rows["videos"]["page"][copy] == 0


def _changed_times(out: Path) -> dict[str, int]:
    pages = [*(out / "reports").glob("days/*.html"), *(out / "reports").glob("cameras/*.html")]
    return {page.name: page.stat().st_mtime_ns for page in pages}


def test_pages_of_days_and_cameras_are_drawn_where_their_videos_changed(out: Path) -> None:
    """A new video on another day and camera draws its own day and camera, and the day that now has one after it."""
    before = _changed_times(out)
    write_site(out)
    assert _changed_times(out) == before
    later = START + timedelta(days=2)
    write(out, "videos", [video_row("f" * 16, start_time=later, camera="yard")], "f" * 16)
    write_site(out)
    after = _changed_times(out)
    assert {name for name in before if before[name] != after[name]} == {"2026-03-01.html"}
    assert {name[:5] for name in after.keys() - before.keys()} == {"2026-", "yard-"}
    assert Reader(out / "reports" / "days" / "2026-03-01.html").text.count("2026-03-03 \u2192") == 1


def test_new_code_draws_all_pages(out: Path, tmp_path: Path) -> None:
    """After an update that words a page differently no page has the old words."""
    for room in ("analytics", "reports"):
        shutil.copytree(ROOT / room, tmp_path / "new" / room)
    template = tmp_path / "new" / "reports" / "templates" / "base.html"
    template.write_text(template.read_text("utf-8").replace("Skip to the content", "Every page"), "utf-8")
    code = "import sys; from pathlib import Path; from reports.site import write_site; write_site(Path(sys.argv[1]))"
    environment = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path / "new")}
    subprocess.run([sys.executable, "-c", code, out], cwd=tmp_path, env=environment, check=True, timeout=60)
    pages = list((out / "reports").rglob("*.html"))
    assert len(pages) > 4
    for page in pages:
        assert "Every page" in page.read_text("utf-8")


def test_pages_of_videos_that_left_go_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    """Drawing again removes the page of a purged video and leaves foreign files alone."""
    for video_id in (WHOLE, EMPTY):
        write(tmp_path, "videos", [video_row(video_id, n_faces=1)], video_id)
    site = write_site(tmp_path).parent
    (site / "videos" / "mine.html").write_text("kept")
    (tmp_path / "videos" / PARTITION / f"{EMPTY}.parquet").unlink()
    write_site(tmp_path)
    assert {path.name for path in site.rglob("*") if path.is_file()} == {
        "index.html", "plotly.min.js", f"{WHOLE}.html", "mine.html", "2026-03-01.html", camera_page("door"), *ASSETS,
    }  # fmt: skip


def _cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


def _overwritten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:4] + b"x" * 500 + file.read_bytes()[504:])


def _of_another_kind(file: Path) -> None:
    shutil.copy(file.parents[3] / "samples" / PARTITION / file.name, file)


DAMAGE = pytest.mark.parametrize("damage", [_cut_off, _emptied, _overwritten, _of_another_kind])


@DAMAGE
@pytest.mark.parametrize("table", ["faces", "tracks"])
def test_a_damaged_table_costs_its_own_page_alone(out: Path, table: str, damage: Callable[[Path], None]) -> None:
    """The page of its video says so, all others are drawn, and the error names file and remedy each time."""
    file = out / table / PARTITION / f"{WHOLE}.parquet"
    damage(file)
    for everything in (True, False):
        with pytest.raises(EmobatchError) as error:
            write_site(out, everything=everything)
        assert str(file) in error.value.problem and str(error.value.remedy).startswith("remove it and run again")
    reader = page_of(out / "reports", WHOLE)
    assert f"cannot be read: {table}/{PARTITION}/{WHOLE}.parquet" in reader.text
    assert "No face" not in reader.text and "promises" not in reader.text
    assert "figure-lanes" in page_of(out / "reports", PARTIAL).figures
    write_results(out)
    write_site(out)
    assert "figure-lanes" in page_of(out / "reports", WHOLE).figures


@DAMAGE
def test_a_damaged_table_of_videos_costs_no_other_video(out: Path, damage: Callable[[Path], None]) -> None:
    """The index lists the others, says what is missing, and does not claim that nothing failed."""
    file = out / "videos" / PARTITION / f"{EMPTY}.parquet"
    damage(file)
    with pytest.raises(EmobatchError) as error:
        write_site(out)
    assert str(file) in str(error.value)
    index = Reader(out / "reports" / "index.html")
    assert sorted(index.figures["rows"]["videos"]["id"]) == sorted([WHOLE, PARTIAL, FAILED, COPY])
    assert f"videos/{PARTITION}/{EMPTY}.parquet" in index.text and "Nothing failed" not in index.text
    assert {page.stem for page in (out / "reports" / "videos").iterdir()} == ALL
