"""What a declared retention removes, and what must be looked at first: told before, and by the same figures."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.recorders import recorded
from analytics.tables import Place
from analytics.videos import read_videos
from jobs.agenda import Agenda, Item
from jobs.ledger import Ledger
from jobs.options import RunOptions
from jobs.outcome import RunSummary
from jobs.purge import purge
from jobs.purpose import checked
from jobs.record import write_record
from jobs.retention import Due, due_at, remove_old, since_of
from tests.archive import fill
from tests.command import emobatch, rows
from tests.rerun import clip

CONFIG: Final = """
[run]
sources = ["footage"]
timezone = "UTC"
[[recorder]]
pattern = "{camera}_{start:%Y%m%d_%H%M%S}.mp4"
[purpose]
retention = "30d"
"""


def due(options: RunOptions, *again: str) -> Due | None:
    """What a run finds too old that is to do some files again, and no others."""
    facts = {"size": 1, "changed_ns": 1, "recorded": recorded("", (), None), "digest": None}
    agenda = Agenda(items=[Item(path=Path(path), **facts) for path in again])  # type: ignore[arg-type]
    videos = read_videos(options.out)
    return due_at(agenda, videos, Ledger.of(videos), {None: "other"}, options, datetime.now(UTC))


def test_a_run_removes_what_a_dry_run_tells_and_nothing_that_came_in_since(tmp_path: Path) -> None:
    """Most of an archive stays, however much came in tonight to make it look like less; and says so in both."""
    now = datetime.now(UTC)
    old = now - timedelta(days=40)
    out = tmp_path / "out"
    place = Place(f"{old:%Y-%m-%d}", "door")
    fill(out, range(3), place, start_time=old, start_time_source="pattern", finished_at=now)
    for number in range(4):
        start = now - timedelta(days=1, minutes=number)
        clip(tmp_path / "footage" / f"door_{start:%Y%m%d_%H%M%S}.mp4", number + 1)
    (tmp_path / "emobatch.toml").write_text(CONFIG)
    command = ("run", "--stable-for", "0", "--json")
    dry = emobatch(*command, "--dry-run", cwd=tmp_path).json["due"]
    assert dry["videos"] == 3 and dry["held_back"].startswith("3 of 3 videos are older than the retention of 30d")
    done = emobatch(*command, cwd=tmp_path)
    assert (done.code, done.json["removed"], len(rows(out, "videos"))) == (3, 0, 7)
    assert [one["reason"] for one in done.json["failures"]] == [dry["held_back"]]
    # The next night counts them as this one did: three of three, not of seven.
    again = emobatch(*command, cwd=tmp_path)
    assert (again.code, [one["reason"] for one in again.json["failures"]]) == (3, [dry["held_back"]])
    first, second = (json.loads(file.read_text("utf-8")) for file in sorted((out / "runs").glob("*.json")))
    assert first["started_at"] == first["held_back_since"] == second["held_back_since"] < second["started_at"]

    # What one tells, the other does.
    (tmp_path / "emobatch.toml").write_text(CONFIG.replace('"30d"', '"60d"'))
    fill(out, [9], Place(None, "door"), start_time=now - timedelta(days=80), finished_at=now)
    assert emobatch(*command, "--dry-run", cwd=tmp_path).json["due"]["videos"] == 1
    assert emobatch(*command, cwd=tmp_path).json["removed"] == 1


def test_what_is_to_be_done_again_is_not_due_where_nothing_else_dates_it(tmp_path: Path) -> None:
    """Neither for the dry run nor for the run: it is new then."""
    for number in range(4):
        clip(tmp_path / "footage" / f"{number}.mp4", number + 1)
    config = tmp_path / "emobatch.toml"
    config.write_text(CONFIG.partition("[purpose]")[0])
    command = ("run", "--stable-for", "0", "--json")
    assert emobatch(*command, cwd=tmp_path).code == 0
    ago = datetime.now(UTC) - timedelta(days=40)
    [old] = (row["video_id"] for row in rows(tmp_path / "out", "videos") if row["source"].endswith("/0.mp4"))
    [file] = (tmp_path / "out" / "videos").rglob(f"{old}.parquet")
    table = pq.ParquetFile(file).read()
    at = table.column_names.index("finished_at")
    pq.write_table(table.set_column(at, table.field(at), pa.array([ago], table.field(at).type)), file)

    config.write_text(CONFIG)
    assert emobatch(*command, "--dry-run", cwd=tmp_path).json["due"]["videos"] == 1
    again = (*command, "--every", "0.25")
    assert emobatch(*again, "--dry-run", cwd=tmp_path).json["due"] is None
    done = emobatch(*again, cwd=tmp_path)
    assert (done.code, done.json["removed"], len(rows(tmp_path / "out", "videos"))) == (0, 0, 4)


def test_where_a_disk_is_away_most_of_an_archive_does_not_go_either(tmp_path: Path) -> None:
    """What could not be done again is too old still: one goes, three of four do not."""
    then, now = datetime.now(UTC) - timedelta(days=40), datetime.now(UTC)
    fill(tmp_path, range(3), Place(None, "door"), start_time=None, finished_at=then)
    fill(tmp_path, [3], Place(None, "door"), start_time=None, finished_at=now)
    options = RunOptions(sources=(), out=tmp_path, purpose=checked({"retention": "30d"}))
    again = [f"/archive/{number:06}.mp4" for number in range(3)]
    found = due(options, *again)
    assert found and (found.videos, found.held_back) == (0, None)
    summary = RunSummary(run_id="r", out=str(tmp_path), started_at=now.isoformat())
    assert remove_old(options, found, summary) == frozenset() and len(rows(tmp_path, "videos")) == 4
    assert summary.failures[0]["reason"].startswith("3 of 4 videos are older than the retention of 30d")
    fill(tmp_path, [1, 2], Place(None, "door"), start_time=None, finished_at=now)
    assert len(remove_old(options, found, summary)) == summary.removed == 1


@pytest.mark.parametrize("n", [2, 12])
def test_most_of_an_archive_does_not_go_by_itself(tmp_path: Path, n: int) -> None:
    """A wrong clock or rule looks like that: the run fails and says what to do."""
    now = datetime.now(UTC)
    for number in range(n):
        start = now - timedelta(days=40)
        place = Place(f"{start:%Y-%m-%d}", "door")
        fill(tmp_path, [number], place, finished_at=now, start_time=start, start_time_source="pattern")
    options = RunOptions(sources=(), out=tmp_path, purpose=checked({"retention": "30d"}))
    summary = RunSummary(run_id="r", out=str(tmp_path), started_at=now.isoformat())
    assert remove_old(options, due(options), summary) == frozenset()
    assert summary.removed == 0 and len(rows(tmp_path, "videos")) == n
    assert (
        summary.exit_code == 3
        and f"{n} of {n} videos are older than the retention of 30d" in summary.failures[0]["reason"]
    )


def test_what_was_held_back_is_counted_as_it_was_then(tmp_path: Path) -> None:
    """Night by night new videos come in, and make no less of the archive of what is too old, until a person has seen to it."""
    now = datetime.now(UTC)
    then = now - timedelta(days=40)
    fill(tmp_path, range(3), Place(None, "door"), start_time=None, finished_at=then)
    options = RunOptions(sources=(), out=tmp_path, purpose=checked({"retention": "30d"}))
    for night in range(3):
        began = now + timedelta(minutes=night)
        summary = RunSummary(run_id=f"{began:%Y%m%dT%H%M%SZ}-aaaaaa", out=str(tmp_path), started_at=began.isoformat())
        found = due(options)
        summary.held_back_since = since_of(found, summary)
        came = range(3 + 4 * night, 7 + 4 * night)
        fill(tmp_path, came, Place(None, "door"), start_time=None, finished_at=began + timedelta(seconds=1))
        assert remove_old(options, found, summary) == frozenset() and summary.exit_code == 3
        assert summary.failures[0]["reason"].startswith("3 of 3 videos are older than the retention of 30d")
        assert summary.held_back_since == now.isoformat()
        write_record(options, "cafe", summary)
    fill(
        tmp_path, [0, 1], Place(None, "door"), start_time=None, finished_at=now + timedelta(hours=1)
    )  # As if done again.
    found = due(options)
    assert found and found.videos == 1
    # The only one that is left of then is looked at once more; nothing is held back where nothing is too old.
    purge(tmp_path, now - timedelta(days=30), dry_run=False, force=True)
    summary = RunSummary(run_id="29990101T000000Z-aaaaaa", out=str(tmp_path), started_at=now.isoformat())
    assert since_of(due(options), summary) is None


def test_an_only_video_under_a_clock_that_is_ahead_stays(tmp_path: Path) -> None:
    """The refusal names OUT once, and a command that can be given as it stands."""
    then = datetime.now(UTC) - timedelta(days=40)
    fill(tmp_path, [1], Place(None, "door"), start_time=None, finished_at=then)
    options = RunOptions(sources=(), out=tmp_path, purpose=checked({"retention": "30d"}))
    summary = RunSummary(run_id="r", out=str(tmp_path), started_at=then.isoformat())
    assert remove_old(options, due(options), summary) == frozenset() and len(rows(tmp_path, "videos")) == 1
    [failure] = summary.failures
    assert failure["source"] == str(tmp_path) and failure["reason"].count(str(tmp_path)) == 1
    assert failure["reason"].endswith(f"and at emobatch purge {tmp_path} --older-than 30d --dry-run")
    assert "--force" not in failure["reason"]


def test_what_a_run_counts_is_what_is_left(tmp_path: Path) -> None:
    """Neither events nor unchanged videos of what was removed at its end."""
    now = datetime.now(UTC)
    for number, days in enumerate((40, 2, 2)):
        fill(tmp_path, [number], Place(None, "door"), start_time=None, finished_at=now - timedelta(days=days))
    options = RunOptions(sources=(), out=tmp_path, purpose=checked({"retention": "30d"}))
    summary = RunSummary(run_id="r", out=str(tmp_path), started_at=now.isoformat(), events=5)
    summary.videos["unchanged"], summary.not_done = 3, {"failed": 1}
    (tmp_path / "events").mkdir(exist_ok=True)
    unchanged = frozenset(row["video_id"] for row in rows(tmp_path, "videos"))
    remove_old(options, due(options), summary, unchanged)
    assert (summary.removed, summary.videos["unchanged"], summary.events) == (1, 2, 0)
    assert summary.not_done == {"failed": 1}
