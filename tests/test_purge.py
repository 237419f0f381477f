"""What is too old goes for good: rows, pages and unfinished work; footage stays, and nothing comes back."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from analytics.compaction import COMPACTED
from analytics.errors import EmobatchError, UsageError
from analytics.recorders import recorders_of
from analytics.tables import Place
from jobs.compact import compact_days
from jobs.moments import moment_before
from jobs.purge import PURGED, purge, read_tombstones
from reports.site import write_site
from tests.archive import fill, video_id_of
from tests.command import emobatch, files_below, rows
from tests.rerun import Archive, counts

NOW: Final = datetime.now(UTC)
OLD, NEW = NOW - timedelta(days=40), NOW - timedelta(days=2)


def fill_both(out: Path) -> None:
    """Of one camera: two old and two new recordings, and of no known start one that was done long ago and a new one."""
    for number, start in enumerate((OLD, OLD, NEW, NEW)):
        fill(
            out,
            [number],
            Place(f"{start:%Y-%m-%d}", "door"),
            finished_at=NOW,
            start_time=start,
            start_time_source="pattern",
        )
    fill(out, [4], Place(None, "door"), start_time=None, finished_at=OLD)
    fill(out, [5], Place(None, "door"), start_time=None, finished_at=NEW)
    # Recorded long ago, processed now, and filed under a day that is not its own: the start decides.
    fill(out, [6], Place(f"{NEW:%Y-%m-%d}", "door"), start_time=OLD, finished_at=NOW, start_time_source="pattern")


GONE: Final = {video_id_of(number) for number in (0, 1, 4, 6)}
STAYS: Final = {video_id_of(number) for number in (2, 3, 5)}


def ids(out: Path) -> dict[str, set[str]]:
    """Which videos each table holds rows of, and which have a page."""
    found = {table: {row["video_id"] for row in rows(out, table)} for table in ("videos", "samples")}
    return found | {"pages": {page.stem for page in (out / "reports" / "videos").glob("*.html")}}


@pytest.mark.parametrize("together", [False, True])
def test_rows_pages_and_unfinished_work_go(together: bool, tmp_path: Path) -> None:
    """By the recording's start, or by when it was processed where that is unknown; from files of many, too."""
    out = tmp_path / "out"
    fill_both(out)
    write_site(out)
    if together:
        compact_days(out, None, least=2)
    for number in (0, 2):
        (out / ".unfinished" / f"{video_id_of(number)}-cafe").mkdir(parents=True)
    before = files_below(out)
    dry = emobatch("purge", out, "--older-than", "30d", "--dry-run", "--json", cwd=tmp_path)
    assert dry.json["videos"] == len(dry.json["list"]) == 4
    assert dry.json["log"] is None
    assert {one["video_id"] for one in dry.json["list"]} == GONE
    decided = [(one["decided_by"], datetime.fromisoformat(one["moment"])) for one in dry.json["list"]]
    assert decided == [("pattern", OLD), ("pattern", OLD), ("finished_at", OLD), ("pattern", OLD)]
    assert files_below(out) == before

    done = emobatch("purge", out, "--older-than", "30d", cwd=tmp_path)
    assert done.code == 0
    assert done.stdout.count("removed ") == 4
    assert f"{video_id_of(1)} /archive/000001.mp4: recorded {OLD:%Y-%m-%d %H:%M} UTC (pattern)\n" in done.stdout
    assert f"/archive/000004.mp4: start unknown, processed {OLD:%Y-%m-%d %H:%M} UTC\n" in done.stdout
    assert ids(out) == dict.fromkeys(("videos", "samples", "pages"), STAYS)
    assert [folder.name for folder in (out / ".unfinished").iterdir()] == [f"{video_id_of(2)}-cafe"]
    assert not list(out.glob(f"*/day={OLD:%Y-%m-%d}"))
    index = (out / "reports" / "index.html").read_text("utf-8")
    assert all(one not in index for one in GONE) and all(one in index for one in STAYS)

    (log,) = (out / PURGED).iterdir()
    told = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(one["video_id"], one["source"], one["camera"]) for one in told] == [
        (video_id_of(number), f"/archive/{number:06}.mp4", "door") for number in (0, 1, 4, 6)
    ]
    assert datetime.fromisoformat(told[0]["start_time"]) == OLD
    assert told[2]["start_time"] is None
    again = emobatch("purge", out, "--older-than", "30d", "--json", cwd=tmp_path)
    assert again.json == {"videos": 0, "log": None, "list": []}
    assert len(list((out / PURGED).iterdir())) == 1


RULES: Final = recorders_of("{camera}/{start:%Y%m%dT%H%M}.mp4", timezone="UTC")


def run(archive: Archive) -> dict[str, int]:
    """What became of the videos of a run."""
    return counts(archive.run(recorders=RULES))


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    """Two old clips, a copy of the second, and a new clip; all that is old was purged."""
    archive = Archive(tmp_path)
    archive.clip("door/20200101T1000.mp4", 1)
    archive.clip("door/20200101T1100.mp4", 2)
    archive.copy("door/20200101T1100.mp4", "gate/20200101T1100.mp4")
    archive.clip(f"door/{NEW:%Y%m%dT%H%M}.mp4", 4)
    assert run(archive) == {"done": 3, "duplicate": 1}
    footage = {file: file.read_bytes() for file in archive.footage.rglob("*.mp4")}
    assert len(purge(archive.out, NOW - timedelta(days=30), dry_run=False).videos) == 3
    assert {file: file.read_bytes() for file in archive.footage.rglob("*.mp4")} == footage
    return archive


def _nothing(archive: Archive) -> None:
    pass


def _forgotten(archive: Archive) -> None:
    shutil.rmtree(archive.out / ".state")


def _renamed(archive: Archive) -> None:
    archive.move("door/20200101T1000.mp4", "door/20200101T1030.mp4")
    archive.move("gate/20200101T1100.mp4", "yard/20200101T1100.mp4")


def _copied(archive: Archive) -> None:
    archive.copy("door/20200101T1000.mp4", "yard/20200102T1000.mp4")


def _renamed_and_forgotten(archive: Archive) -> None:
    _copied(archive)
    _renamed(archive)
    _forgotten(archive)


@pytest.mark.parametrize(
    "meanwhile",
    [_nothing, _forgotten, _renamed, _copied, _renamed_and_forgotten],
)
def test_nothing_comes_back(archive: Archive, meanwhile: Any) -> None:
    """The next runs over the same footage leave what was purged, whatever it is called now and what is remembered."""
    (left,) = archive.videos()
    for _ in range(2):
        meanwhile(archive)
        meanwhile = _nothing
        done = archive.run(recorders=RULES)
        assert (done.exit_code, done.videos["done"], done.videos["failed"], done.videos["duplicate"]) == (0, 0, 0, 0)
        assert list(archive.videos()) == [left]
        assert len(ids(archive.out)["pages"]) == 1


def test_new_content_under_an_old_name_is_processed(archive: Archive) -> None:
    """What was purged is what a file held, not what it was called; also where it was a copy."""
    archive.clip("door/20200101T1000.mp4", 8)
    archive.clip("gate/20200101T1100.mp4", 9)
    assert run(archive)["done"] == 2
    assert len(archive.videos()) == 3
    archive.check()


def test_an_empty_file_that_was_purged_does_not_come_back(archive: Archive) -> None:
    """Until there is something in it."""
    empty = archive.footage / "door" / "20200101T1200.mp4"
    empty.touch()
    assert run(archive)["failed"] == 1
    assert len(purge(archive.out, NOW - timedelta(days=30), dry_run=False).videos) == 1
    assert run(archive) == {"unchanged": 5}
    archive.clip("door/20200101T1200.mp4", 9)
    assert run(archive)["done"] == 1


def test_a_copy_stays_when_its_original_is_not_too_old(tmp_path: Path) -> None:
    """An old name of a new recording goes alone, and does not come back."""
    archive = Archive(tmp_path)
    new = f"door/{NEW:%Y%m%dT%H%M}.mp4"
    archive.clip(new, 1)
    assert run(archive) == {"done": 1}
    archive.copy(new, "door/20200101T1000.mp4")
    assert run(archive) == {"duplicate": 1, "unchanged": 1}
    (gone,) = purge(archive.out, NOW - timedelta(days=30), dry_run=False).videos
    assert gone.status == "duplicate"
    for _ in range(2):
        assert run(archive).get("duplicate", 0) == 0
        assert list(archive.videos()) == [new]
        shutil.rmtree(archive.out / ".state")


@pytest.mark.parametrize("span", ["30", " 30 ", "0.5", "", "d", "-30d", "30 days", "1e3d", "999999w", "3y", "nan"])
def test_a_span_that_is_none_is_refused(span: str, tmp_path: Path) -> None:
    """One without a unit would be seconds, and so nearly everything."""
    with pytest.raises(UsageError) as error:
        moment_before(NOW, span)
    assert error.value.problem.startswith(f"--older-than {span}: ")
    assert "such as" in str(error.value.remedy)


def test_a_span_is_days_hours_or_weeks(tmp_path: Path) -> None:
    """What a wrong one says on the command line is one line, and nothing is removed."""
    for span, days in (("30d", 30), ("4w", 28), ("36h", 1.5), ("0.5d", 0.5)):
        assert moment_before(NOW, span) == NOW - timedelta(days=days)
    fill(tmp_path, [1])
    for wrong in ("30", "soon"):
        refused = emobatch("purge", tmp_path, "--older-than", wrong, cwd=tmp_path)
        assert refused.code == 2
        assert refused.only_error().startswith(f"emobatch: --older-than {wrong}: ")
    assert len(rows(tmp_path, "videos")) == 1
    assert emobatch("purge", tmp_path, cwd=tmp_path).code == 2
    elsewhere = emobatch("purge", tmp_path / "nowhere", "--older-than", "1d", cwd=tmp_path)
    assert (elsewhere.code, "holds no results" in elsewhere.only_error()) == (2, True)


def test_a_damaged_log_of_a_purge_is_told_of(tmp_path: Path) -> None:
    """What it kept from coming back would come back without a word."""
    fill_both(tmp_path)
    purge(tmp_path, NOW - timedelta(days=30), dry_run=False, force=True)
    assert read_tombstones(tmp_path).keys() == GONE
    (log,) = (tmp_path / PURGED).iterdir()
    log.write_text("{half", "utf-8")
    with pytest.raises(OSError, match="damaged"):
        read_tombstones(tmp_path)


def test_a_purge_by_a_wrong_clock_is_refused(tmp_path: Path) -> None:
    """All videos are too old, and the last run is, too: it is not they that are old. --force removes them."""
    out = tmp_path / "out"
    fill_both(out)
    with pytest.raises(UsageError, match=f"all {len(GONE | STAYS)} videos would go, and the last run was before"):
        purge(out, NOW + timedelta(days=900), dry_run=False)
    assert ids(out)["videos"] == GONE | STAYS and not (out / PURGED).exists()
    assert len(purge(out, NOW + timedelta(days=900), dry_run=True).videos) == len(GONE | STAYS)
    assert len(purge(out, NOW + timedelta(days=900), dry_run=False, force=True).videos) == len(GONE | STAYS)
    assert ids(out)["videos"] == set()


def test_rows_in_a_damaged_file_are_told_and_go_with_the_next_purge(tmp_path: Path) -> None:
    """All others are gone; what tells that they were purged is there from the first time on."""
    out = tmp_path / "out"
    fill_both(out)
    fill(out, range(10, 13), Place("2026-01-01", "gate"), start_time=OLD, finished_at=NOW)
    compact_days(out, None, least=2)
    file = out / "faces" / "day=2026-01-01" / "cam=gate" / COMPACTED
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(EmobatchError, match=r"3 videos are still there, such as /archive/000010\.mp4: .* remove it"):
        purge(out, NOW - timedelta(days=30), dry_run=False)
    damaged = {video_id_of(number) for number in range(10, 13)}
    assert ids(out)["videos"] == STAYS | damaged
    assert read_tombstones(out).keys() == GONE | damaged
    file.unlink()
    assert len(purge(out, NOW - timedelta(days=30), dry_run=False).videos) == 3
    assert ids(out)["videos"] == ids(out)["samples"] == STAYS


def test_second_rows_of_a_video_go_with_it(tmp_path: Path) -> None:
    """It was filed in two places, as where a worker was cut off; neither is left to tell of it."""
    out = tmp_path / "out"
    fill_both(out)
    fill(out, [0], Place("2026-01-01", "gate"), start_time=OLD, finished_at=OLD, status="failed")
    fill(out, [1], Place("2026-01-01", "gate"), start_time=OLD, finished_at=OLD)
    (out / "videos" / "day=2026-01-01" / "cam=gate" / f"{video_id_of(1)}.parquet").unlink()
    assert len(purge(out, NOW - timedelta(days=30), dry_run=False).videos) == len(GONE)
    assert ids(out)["videos"] == ids(out)["samples"] == STAYS
