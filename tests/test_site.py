"""What a site keeps and what it lets go, whatever happens while it is drawn."""

import json
from pathlib import Path

import pytest

from analytics.errors import EmobatchError, UsageError
from reports import site as site_module
from reports.files import MADE, write_whole
from reports.site import write_site
from tests.test_report_data import PARTIAL, WHOLE, write_results
from tests.test_reports import page_of
from tests.test_reports_redrawn import PARTITION


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    """Results with their pages, and pictures of both videos."""
    out = write_results(tmp_path / "out")
    write_site(out)
    for video_id in (WHOLE, PARTIAL):
        write_whole(out / "reports" / "thumbnails" / video_id / "1.jpg", "a picture")
        write_whole(out / "reports" / "thumbnails" / video_id / MADE, json.dumps({"settings_hash": "cafe"}))
    return out


def left(out: Path) -> set[str]:
    """Ids of videos with a page or pictures."""
    site = out / "reports"
    return {path.stem for path in (site / "videos").iterdir()} | {path.name for path in (site / "thumbnails").iterdir()}


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def test_pages_go_after_the_index_no_longer_names_them(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that was not drawn to its end has no link that leads nowhere, and the page tells that work is left."""
    for table in ("videos", "samples", "faces", "tracks"):
        (out / table / PARTITION / f"{PARTIAL}.parquet").unlink()

    def killed_at_the_index(path: Path, content: str) -> None:
        if path.name == "index.html":
            raise Killed
        write_whole(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(site_module, "write_whole", killed_at_the_index)
        with pytest.raises(Killed):
            write_site(out)
    assert left(out) == {WHOLE, PARTIAL}
    write_site(out)
    assert left(out) == {WHOLE}
    assert PARTIAL not in (out / "reports" / "index.html").read_text("utf-8")


def test_nothing_goes_while_nobody_knows_whose_rows_are_in_a_damaged_file(out: Path) -> None:
    """But for what was removed on purpose."""
    (out / "videos" / PARTITION / f"{PARTIAL}.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(EmobatchError):
        write_site(out)
    assert left(out) == {WHOLE, PARTIAL}
    with pytest.raises(EmobatchError):
        write_site(out, gone={PARTIAL})
    assert left(out) == {WHOLE}


def test_what_a_killed_writer_left_goes(out: Path) -> None:
    """It may be the whole page of a video that was purged since."""
    for folder in ("", "videos", "days", "cameras", "models"):
        (out / "reports" / folder).mkdir(exist_ok=True)
        (out / "reports" / folder / f".{PARTIAL}.html.123.unfinished").write_text("half a page")
    write_site(out)
    assert list((out / "reports").rglob("*.unfinished")) == []


def test_pictures_of_other_settings_are_neither_shown_nor_kept(out: Path) -> None:
    """Track 3 of rows that were made otherwise is somebody else."""
    write_site(out)
    assert "thumbnails" in (out / "reports" / "videos" / f"{WHOLE}.html").read_text("utf-8")
    write_whole(out / "reports" / "thumbnails" / WHOLE / MADE, json.dumps({"settings_hash": "other"}))
    write_site(out)
    assert "thumbnails" not in (out / "reports" / "videos" / f"{WHOLE}.html").read_text("utf-8")
    assert not (out / "reports" / "thumbnails" / WHOLE).exists()


def played(out: Path) -> str | None:
    """Where the page of a video finds its footage."""
    reader = page_of(out / "reports", PARTIAL)
    return next((attrs.get("src") for tag, attrs in reader.elements if tag == "video"), None)


def test_where_footage_is_found_is_kept_until_it_is_said_anew(out: Path) -> None:
    """A purge, which is not asked for it, draws pages that still lead there; an empty text forgets it."""
    here = played(out)
    assert here is not None and here.endswith("/archive/gate.mkv")
    write_site(out, link_footage="/archive=https://footage.example")
    assert played(out) == "https://footage.example/gate.mkv"
    write_site(out, everything=True)
    assert played(out) == "https://footage.example/gate.mkv"
    write_site(out, link_footage="")
    assert played(out) == here


def test_a_place_that_fits_no_video_is_told(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept for later, so a mistyped one would go unnoticed for long."""
    write_site(out, link_footage="/wrong=https://footage.example")
    assert "--link-footage /wrong=https://footage.example fits none of 5 videos" in caplog.text
    caplog.clear()
    write_site(out, link_footage="/archive=https://footage.example")
    assert caplog.text == ""


@pytest.mark.parametrize(
    "kept", ['{"link_footage": "ftp://x"}', '{"link_footage": 3}', "[]", "{", '{"link_footage": null}']
)
def test_a_foreign_setting_stops_no_page(out: Path, kept: str) -> None:
    """Anybody may write below OUT; the pages lead to where the run found the footage."""
    here = played(out)
    (out / "reports" / "settings.json").write_text(kept)
    write_site(out, everything=True)
    assert played(out) == here


def test_a_place_that_no_page_may_link_to_is_refused_before_anything_is_drawn(out: Path) -> None:
    """With nothing kept of it."""
    index = (out / "reports" / "index.html").read_bytes()
    with pytest.raises(UsageError, match="javascript"):
        write_site(out, link_footage="javascript:alert(1)")
    assert (out / "reports" / "index.html").read_bytes() == index
    assert not (out / "reports" / "settings.json").exists()


def test_pages_of_a_bucket_name_no_path_of_the_machine_that_drew_them(out: Path, tmp_path: Path) -> None:
    """The same pages, whatever folder the mirror is in; with --link-footage they lead to the footage."""
    write_site(out, in_bucket=True)
    before = {page.name: page.read_bytes() for page in (out / "reports" / "videos").iterdir()}
    other = tmp_path / "a" / "deeper" / "mirror"
    other.parent.mkdir(parents=True)
    out.rename(other)
    write_site(other, in_bucket=True, everything=True)
    assert {page.name: page.read_bytes() for page in (other / "reports" / "videos").iterdir()} == before
    assert played(other) is None
    write_site(other, in_bucket=True, link_footage="https://footage.example")
    assert played(other) == "https://footage.example/archive/gate.mkv"
