"""Runs that are told to leave something out, or are cut short, and what the next one makes of it."""

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics.recorders import Recorder
from tests.command import COMMAND, ENVIRONMENT, emobatch, files_below, rows
from tests.rerun import Archive, clip, counts

RULE = Recorder(pattern="{start:%Y%m%d_%H%M%S}.mp4", timezone="Europe/Berlin")


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path)
    for seed, name in enumerate(("20260301_050000.mp4", "20260301_120000.mp4", "20260302_223000.mp4")):
        os.utime(archive.clip(name, seed), (1e9, 1e9))
    return archive


def _names(archive: Archive) -> list[str]:
    return sorted(archive.videos())


def test_files_that_may_still_be_written_wait(archive: Archive, tmp_path: Path) -> None:
    """Those in folders and of patterns; one that is named itself is taken. What is done already is no matter."""
    fresh = archive.clip("fresh.mp4", 8)
    os.utime(ahead := archive.clip("ahead.mp4", 9), (time.time() + 30,) * 2)
    done = emobatch("run", "footage", "--out", "out", "--stable-for", "2m", "--json", cwd=tmp_path)
    assert (done.code, done.json["videos"]["done"]) == (0, 3)
    assert [left["source"] for left in done.json["left"]] == [str(ahead), str(fresh)]
    assert all(
        "may still be written (--stable-for 120s; 0 takes it at once)" in left["reason"] for left in done.json["left"]
    )
    assert sum("later " in line for line in done.stderr.splitlines()) == 2
    assert counts(archive.run("*.mp4", stable_for_s=120.0)) == {"unchanged": 3}
    assert counts(archive.run("fresh.mp4", stable_for_s=120.0)) == {"done": 1}
    again = archive.run(stable_for_s=120.0)
    assert (counts(again), len(again.left), again.exit_code) == ({"unchanged": 4}, 1, 0)
    assert counts(archive.run(stable_for_s=0)) == {"done": 1, "unchanged": 4}


def test_only_what_is_asked_for_is_done(archive: Archive, tmp_path: Path) -> None:
    """--include and --exclude, --since, and --hours over midnight of the camera's day."""
    rule = tmp_path / "rules.toml"
    rule.write_text(f'[[recorder]]\npattern = "{RULE.pattern}"\ntimezone = "Europe/Berlin"\n')
    for asked, wanted in (
        (
            ("--include", "*_05*.mp4", "--include", "footage/*_12*", "--exclude", "*/20260301_12*"),
            ["20260301_050000.mp4"],
        ),
        (("--since", "2026-03-02"), ["20260302_223000.mp4"]),
        (("--hours", "22-05"), ["20260302_223000.mp4"]),
        (("--hours", "22-06"), ["20260301_050000.mp4", "20260302_223000.mp4"]),
        (("--hours", "22:30-05:01"), ["20260301_050000.mp4", "20260302_223000.mp4"]),
        (("--hours", "22:31-05:00"), []),
    ):
        plan = emobatch("run", "footage", "--config", rule, *asked, "--dry-run", "--json", cwd=tmp_path)
        assert plan.code == 0, plan.stderr
        assert [Path(source).name for source in plan.json["to_look_at"]] == wanted
        assert plan.json["passed_over"] == 3 - len(wanted)
    assert counts(archive.run(recorders=(RULE,), hours=(22, 6))) == {"done": 2}
    assert _names(archive) == ["20260301_050000.mp4", "20260302_223000.mp4"]
    assert counts(archive.run(recorders=(RULE,), since=datetime(2026, 3, 2).date())) == {"unchanged": 1}
    assert counts(archive.run(recorders=(RULE,))) == {"done": 1, "unchanged": 2}


def test_without_a_known_start_the_last_change_tells_the_day(archive: Archive) -> None:
    """Of hours it tells nothing."""
    day = datetime(2026, 3, 2, 12).timestamp()
    os.utime(archive.footage / "20260301_050000.mp4", (day, day))
    since = datetime(2026, 3, 2).date()
    assert counts(archive.run(since=since, hours=(22, 6))) == {"done": 1}
    assert _names(archive) == ["20260301_050000.mp4"]


@pytest.mark.parametrize("pattern", ["", "."])
def test_an_empty_pattern_is_refused(archive: Archive, tmp_path: Path, pattern: str) -> None:
    """It would match nothing."""
    done = emobatch("run", "footage", "--include", pattern, "--dry-run", cwd=tmp_path)
    assert done.code == 2
    assert f"--include {pattern!r}: matches nothing" in done.only_error()


def test_newest_first_begins_with_the_latest(archive: Archive, tmp_path: Path) -> None:
    """By the start that rules tell, else by the time of the last change."""
    os.utime(archive.footage / "20260301_120000.mp4", (2e9, 2e9))
    done = emobatch("run", "footage", "--newest-first", cwd=tmp_path)
    order = [line.rpartition("/")[2][:13] for line in done.stderr.splitlines()[:3]]
    assert order == ["20260301_1200", "20260301_0500", "20260302_2230"]
    (tmp_path / "rules.toml").write_text(f'[[recorder]]\npattern = "{RULE.pattern}"\ntimezone = "Europe/Berlin"\n')
    done = emobatch("run", "footage", "--newest-first", "--out", "2", "--config", "rules.toml", cwd=tmp_path)
    order = [line.rpartition("/")[2][:13] for line in done.stderr.splitlines()[:3]]
    assert order == ["20260302_2230", "20260301_1200", "20260301_0500"]


def test_when_the_time_is_over_nothing_is_begun_and_the_next_run_does_it(archive: Archive) -> None:
    """No failure: what is left is listed."""
    archive.run("20260301_050000.mp4")
    before = archive.bytes()
    over = datetime.now(UTC) - timedelta(seconds=1)
    late = archive.run(until=over)
    assert (counts(late), late.exit_code, late.failures) == ({"unchanged": 1}, 0, [])
    assert [(Path(left["source"]).name, left["reason"]) for left in late.left] == [
        (name, "not finished before --until") for name in ("20260301_120000.mp4", "20260302_223000.mp4")
    ]
    assert archive.bytes() == before
    soon = archive.run(until=datetime.now(UTC) + timedelta(hours=1))
    assert (counts(soon), soon.left) == ({"done": 2, "unchanged": 1}, [])


def test_patterns_that_fit_no_file_are_no_quiet_night(archive: Archive, tmp_path: Path) -> None:
    """A mistyped pattern is told, with a file that it leaves out; what merely is not due tonight is all well."""
    done = emobatch("run", "footage", "--include", "*.xyz", cwd=tmp_path)
    assert done.code == 4
    assert "none of 3 files fits --include and --exclude, such as" in done.only_error()
    assert emobatch("run", "footage", "--exclude", "*", cwd=tmp_path).code == 4
    assert emobatch("run", "footage", "--since", "2030-01-01", cwd=tmp_path).code == 0


def test_a_dry_run_tells_and_writes_nothing(archive: Archive, tmp_path: Path) -> None:
    """Before the first run not even OUT; later nothing in it, whatever there is to do."""
    plan = emobatch("run", "footage", "--out", "new/out", "--dry-run", "--json", cwd=tmp_path)
    assert (plan.code, len(plan.json["to_look_at"])) == (0, 3)
    assert not (tmp_path / "new").exists()
    archive.run("20260301_050000.mp4", "20260301_120000.mp4")
    archive.clip("20260301_050000.mp4", 7)
    before = {name: (archive.out / name).stat().st_ctime_ns for name in files_below(archive.out)}
    plan = emobatch("run", "footage", "--dry-run", cwd=tmp_path)
    assert (plan.code, plan.stdout) == (0, "")
    assert plan.stderr.splitlines()[0] == "2 files to look at, 1 unchanged, 0 for later"
    assert {name: (archive.out / name).stat().st_ctime_ns for name in files_below(archive.out)} == before


def test_old_failures_are_no_failure_of_this_run(archive: Archive, tmp_path: Path) -> None:
    """Exit 0 where all is as it was, 3 where a named source is missing, 4 where there is none."""
    (archive.footage / "text.mp4").write_text("no video " * 100)
    codes = [emobatch("run", "footage", cwd=tmp_path).code for _ in range(2)]
    assert codes == [3, 0]
    assert emobatch("run", "footage", "gone.mp4", cwd=tmp_path).code == 3
    (tmp_path / "empty").mkdir()
    assert emobatch("run", "empty", cwd=tmp_path).code == 4


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with_where_it_was(tmp_path: Path) -> None:
    """Segments that were read are not read again, and the tables are those of a run that nobody disturbed."""
    clip(tmp_path / "long.mp4", seconds=30)
    asked = ("long.mp4", "--segment", "10")
    assert emobatch("run", *asked, "--out", "whole", cwd=tmp_path).code == 0
    command = [*COMMAND, "run", "--workers", "0", "--stable-for", "0", *asked]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as killed:
        while not (kept := list(tmp_path.glob("out/.unfinished/*/000000.npz"))) and killed.poll() is None:
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
    assert kept and killed.returncode == -signal.SIGKILL
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert rows(out, "videos") == rows(out, "faces") == []
    before = {path: path.stat().st_mtime_ns for path in out.glob(".unfinished/*/*.npz")}
    done = emobatch("run", *asked, "--json", cwd=tmp_path)
    assert (done.code, done.json["videos"]["done"], done.json["media_s"]) == (0, 1, 30.0)
    log = out / "runs" / f"{done.json['run_id']}.log"
    assert f"{len(before) - 1} of 3 segments were read before" in log.read_text()
    assert not (out / ".unfinished").exists()
    for table in ("faces", "samples", "tracks"):
        assert files_below(out / table) == files_below(whole / table)
        assert all(
            (out / table / one).read_bytes() == (whole / table / one).read_bytes() for one in files_below(out / table)
        )
    assert _lasting(rows(out, "videos")) == _lasting(rows(whole, "videos"))


def _lasting(videos: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in video.items() if k not in ("elapsed_s", "finished_at")} for video in videos]
