"""Runs that see a part alone: of the footage, of the tables, of a day whose file is damaged. Nothing else is touched."""

import os
from pathlib import Path
from typing import Any, Final

import pytest

from analytics.compaction import COMPACTED, loosen
from analytics.errors import EmobatchError
from analytics.recorders import recorders_of
from analytics.videos import read_videos
from jobs.compact import compact_days
from jobs.conductor import Conductor
from jobs.ledger import Need
from jobs.limits import Limits
from jobs.options import RunOptions
from jobs.run import Silent
from jobs.task import VideoTask
from tests.command import emobatch
from tests.rerun import Archive, counts, two_clips

RULES: Final = recorders_of("{camera}/{start:%Y%m%dT%H%M}.mp4", timezone="UTC")
DOOR: Final = ("door/20260301T1000.mp4", "door/20260301T1100.mp4", "door/20260301T1200.mp4")
GATE: Final = ("gate/20260301T1000.mp4", "gate/20260301T1100.mp4")
DAY: Final = "day=2026-03-01/cam=door"


@pytest.fixture(name="days")
def _days(tmp_path: Path) -> Archive:
    """Two cameras on one day, whose tables were put together."""
    archive = Archive(tmp_path)
    for number, name in enumerate((*DOOR, *GATE)):
        archive.clip(name, number)
    assert counts(archive.run(recorders=RULES)) == {"done": 5}
    compact_days(archive.out, None, least=1)
    return archive


@pytest.mark.parametrize("how", ["excluded", "a source is away", "not stable yet"])
def test_rows_wait_where_their_content_may_lie_elsewhere(how: str, tmp_path: Path) -> None:
    """Its file has new content, and where the old one went this run does not look; the next one finds it there."""
    archive = two_clips(tmp_path)
    made, old = archive.made(), archive.told("video_id")["a.mp4"]
    archive.move("a.mp4", "sub/was_a.mp4")
    archive.clip("a.mp4", 9)
    if how == "excluded":
        archive.run(exclude=("was_a.mp4",))
    elif how == "a source is away":
        archive.run("a.mp4", "b.mp4", "gone")
    else:
        for name in ("a.mp4", "b.mp4"):
            os.utime(archive.footage / name, (1, 1))
        os.utime(archive.footage / "sub" / "was_a.mp4")
        archive.run(stable_for_s=3600)
    assert old in {row["video_id"] for row in read_videos(archive.out).rows()}
    archive.run()
    assert archive.told("video_id")["sub/was_a.mp4"] == old
    assert made.items() <= archive.made().items()
    archive.check()


def test_a_damaged_day_costs_its_own_videos_alone(days: Archive) -> None:
    """Those that moved are failed with the remedy, and done when it was followed; another camera's move as always."""
    file = days.out / "faces" / DAY / COMPACTED
    file.write_bytes(file.read_bytes()[:-100])
    days.move(DOOR[0], "door/20260301T1330.mp4")
    days.move(GATE[0], "gate/20260301T1330.mp4")
    summary = days.run(recorders=RULES)
    assert summary.exit_code == 3
    (told,) = [one for one in summary.failures if one["source"].endswith("door/20260301T1330.mp4")]
    assert f"rows that it had cannot be replaced: [Errno 5] {file} cannot be read; remove it" in told["reason"]
    assert days.told("start_time")["gate/20260301T1330.mp4"].hour == 13
    file.unlink()
    assert counts(days.run(recorders=RULES))["done"] == 3
    assert days.told("start_time")["door/20260301T1330.mp4"].hour == 13
    days.check()


def test_old_rows_in_a_damaged_file_are_told_of(days: Archive) -> None:
    """Their content lies nowhere any more, and they cannot be removed."""
    file = days.out / "tracks" / DAY / COMPACTED
    file.write_bytes(file.read_bytes()[:-100])
    days.clip(DOOR[0], 99)
    summary = days.run(recorders=RULES)
    assert summary.exit_code == 3
    assert [one["source"] for one in summary.failures if "its old rows cannot be removed" in one["reason"]] == [
        f"{days.footage}/{DOOR[0]}"
    ]


def test_a_day_whose_videos_moved_is_taken_apart_once(days: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for each of them: that would write a day of thousands thousands of times."""
    taken: list[str] = []

    def noted(out: Path, listing: Any, folder: str, video_ids: Any) -> None:
        taken.append(folder)
        loosen(out, listing, folder, video_ids)

    monkeypatch.setattr("jobs.settle.loosen", noted)
    for name in DOOR:
        days.move(name, name.replace("door", "yard"))
    assert counts(days.run(recorders=RULES)) == {"unchanged": 5}
    assert taken == [DAY]
    days.check()


def test_tables_that_are_away_are_not_undone(days: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that cannot be read ends the run before anything is decoded; a damaged file does not."""
    before = days.bytes()
    stored = read_videos(days.out)
    stored.unreadable[days.out / "videos" / DAY] = OSError(5, "Input/output error")
    with monkeypatch.context() as patched:
        patched.setattr("jobs.run.read_videos", lambda out: stored)
        with pytest.raises(EmobatchError, match=rf"{DAY}: cannot write \(Input/output error\)"):
            days.run(recorders=RULES)
    assert days.bytes() == before


def test_names_that_are_no_text_do_not_stand_for_one_another(tmp_path: Path) -> None:
    """Two that differ in a byte which is no UTF-8 are two files, also in the next run."""
    archive = Archive(tmp_path)
    for number, name in enumerate((b"a\xff.mp4", b"a\xfe.mp4")):
        archive.clip(os.fsdecode(name), number)
    assert counts(archive.run()) == {"done": 2}
    assert sorted(archive.videos()) == ["a\\xfe.mp4", "a\\xff.mp4"]
    assert counts(archive.run()) == {"unchanged": 2}


def test_the_end_of_a_run_tells_of_older_failures(tmp_path: Path) -> None:
    """They are unchanged, and still there."""
    archive = two_clips(tmp_path)
    (archive.footage / "c.mp4").write_text("no video")
    archive.run()
    done = emobatch("run", archive.footage, "--out", archive.out, cwd=tmp_path)
    assert done.code == 0
    assert f"of the unchanged: 1 failed (emobatch status {archive.out})" in done.stderr


@pytest.mark.parametrize(("more", "told"), [((), True), (("--camera", "door"), False)])
def test_a_run_that_knows_no_camera_says_how_one_is_told(tmp_path: Path, more: tuple[str, ...], told: bool) -> None:
    """Without one there are no pages of cameras and days, and who begins cannot know why."""
    (tmp_path / "footage").mkdir()
    (tmp_path / "footage" / "a.mp4").write_text("no video")
    done = emobatch("run", "footage", *more, "--out", "out", cwd=tmp_path)
    assert ("no camera is known of the videos looked at: --camera or [[recorder]]" in done.stderr) == told


def test_files_that_no_rule_knows_are_told(days: Archive, caplog: pytest.LogCaptureFixture) -> None:
    """How many, with one of them; where a rule told the camera alone, nothing is."""
    days.clip("unheard.mp4", 50)
    days.run(recorders=RULES)
    assert f"1 of 6 files match no rule that tells camera or time, such as {days.footage}/unheard.mp4" in caplog.text
    caplog.clear()
    days.run(recorders=(*RULES, *recorders_of("{camera}.mp4")))
    assert "match no rule" not in caplog.text


def test_a_run_that_is_refused_leaves_no_record_of_a_night(tmp_path: Path) -> None:
    """Pages and status would tell of a night that there was none of."""
    archive = Archive(tmp_path)
    for number in range(11):
        archive.clip(f"{number}.mp4", number)
    archive.run()
    records = sorted((archive.out / "runs").glob("*.json"))
    with pytest.raises(EmobatchError, match="11 videos were processed with other settings"):
        archive.run(every="1/4")
    assert sorted((archive.out / "runs").glob("*.json")) == records


class _Nothing:
    """A settler that has nothing to do for any file, and an executor that is never asked for anything."""

    slots, running = 1, {}  # type: ignore[var-annotated]

    def expect(self, sizes: Any) -> None:
        """Whatever their sizes are."""

    def opened(self, video: Any) -> None:
        """It needs nothing."""

    def identified(self, video: Any) -> Any:
        """Nothing, at once."""
        yield video, Need.NOTHING

    def wait(self, timeout_s: float) -> list[Any]:
        """Nothing was handed out."""
        return []


def test_thousands_of_files_with_nothing_to_do_in_a_row(tmp_path: Path) -> None:
    """Each ends as it is opened, and the next one is opened; that is no recursion."""
    options, nothing = RunOptions(sources=(), out=tmp_path), _Nothing()
    tasks = [
        (VideoTask(path=Path(f"/{n}.mp4"), options=options, settings_hash="", releases={}, digest=f"{n:064x}"), 1, 1)
        for n in range(5000)
    ]
    conductor = Conductor(tasks, {}, nothing, nothing, Silent(), Limits(60.0))  # type: ignore[arg-type]
    conductor.run()
    assert conductor.ended == 5000
