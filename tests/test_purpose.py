"""What it is done for: refused where the law forbids it, recorded and printed, with a log of who did what, and an end."""

import errno
import json
import os
import re
import shutil
import stat
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest

from analytics.errors import EmobatchError, UsageError
from analytics.purpose import Purpose, note_purpose, purpose_at, purposes_below
from analytics.tables import Place
from jobs.access import note_access, noted_if_possible
from jobs.options import from_settings
from tests.archive import fill
from tests.clips import write_clip
from tests.command import emobatch, files_below, rows
from tests.footage import Actor, Scene, standing

DECLARED: Final = """
[purpose]
setting = "retail"
basis = "legitimate interests, assessed 2026-05"
notice = "signs at both doors & the website"
"""


@pytest.fixture(name="clip")
def _clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_clip(Scene(fps=4, duration_s=2, actors=(Actor(standing(200, 160, 90)),)), path)
    return path


def config(folder: Path, text: str) -> None:
    """emobatch.toml."""
    (folder / "emobatch.toml").write_text(text, encoding="utf-8")


def accesses(out: Path) -> list[dict[str, object]]:
    """The lines of the log."""
    return [json.loads(line) for line in (out / "access.jsonl").read_text("utf-8").splitlines()]


# === Where it is refused ===


def test_a_workplace_is_refused_without_exception_and_reason(tmp_path: Path, clip: Path) -> None:
    """With exit code 2, before anything is written; with both it runs and says so."""
    config(tmp_path, '[purpose]\nsetting = "workplace"\n')
    done = emobatch("run", clip, cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith(
        "emobatch: emobatch.toml:2: purpose.setting: workplace: inferring emotions there is"
    )
    assert not (tmp_path / "out").exists()
    reason = "drivers of heavy machines who fall asleep"
    config(tmp_path, f'[purpose]\nsetting = "workplace"\nexception = "safety"\nreason = "{reason}"\n')
    assert emobatch("run", clip, cwd=tmp_path).code == 0
    assert f"exception safety; reason {reason}" in (tmp_path / "out" / "reports" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("command", [("predict", "face.png"), ("annotate", "clip.mp4", "copy.mp4")])
def test_so_are_pictures_and_annotated_copies_of_it(command: tuple[str, ...], tmp_path: Path, clip: Path) -> None:
    """By the configuration in this folder, or a named one."""
    assert clip.name == "clip.mp4"
    cv2.imwrite(str(tmp_path / "face.png"), np.full((60, 60, 3), 90, np.uint8))
    config(tmp_path, '[purpose]\nsetting = "education"\n')
    done = emobatch(*command, cwd=tmp_path)
    assert done.code == 2 and "purpose.setting: education: inferring emotions there" in done.only_error()
    assert not (tmp_path / "copy.mp4").exists()
    if command[0] == "annotate":  # Also with rows that somebody has made elsewhere.
        done = emobatch(*command, "--tracks", "out", cwd=tmp_path)
        assert done.code == 2 and "purpose.setting: education: inferring emotions there" in done.only_error()
    (tmp_path / "other.toml").write_text('[purpose]\nsetting = "home"\n')
    assert emobatch(*command, "--config", "other.toml", cwd=tmp_path).code == 0


@pytest.mark.parametrize("setting", ["workplace", "education"])
@pytest.mark.parametrize(
    "more, problem",
    [
        ({}, "but for medical or safety reasons, and no exception is given"),
        ({"exception": "safety"}, "and the exception has no written reason"),
        ({"exception": "medical", "reason": "medical"}, "and the exception has no written reason"),
        ({"reason": "because we would like to"}, "and no exception is given"),
    ],
)
def test_an_exception_needs_its_reason(setting: str, more: dict[str, str], problem: str) -> None:
    """Also for Python callers."""
    with pytest.raises(UsageError) as raised:
        from_settings("clip.mp4", "out", {"purpose": {"setting": setting, **more}})
    assert raised.value.problem.startswith(f"setting: {setting}: inferring emotions there is forbidden in the EU")
    assert raised.value.problem.endswith(problem)
    declared = {"setting": setting, "exception": "medical", "reason": "patients who cannot speak"}
    assert from_settings("clip.mp4", "out", {"purpose": declared}).purpose.told()["exception"] == "medical"


@pytest.mark.parametrize(
    "text, problem",
    [
        ('setting = "office"', "2: purpose.setting: office: is unknown: give one of retail, "),
        (
            'setting = "retail"\nexception = "safety"',
            "3: purpose.exception: is for the settings workplace and education",
        ),
        ('exception = "fun"', "2: purpose.exception: fun: is unknown: give one of medical, safety"),
        ("basis = 3", "2: purpose.basis: is a number: give a text in quotes"),
        ("notice = 2026-06-01", "2: purpose.notice: is a number, date or time: give a text in quotes"),
        ('basis = " "', "2: purpose.basis: is no text of 1 to 2000 characters"),
        ("notice = true", "2: purpose.notice: is true or false: give a text in quotes"),
        ('retention = "30"', "2: purpose.retention: 30: has no unit: say h, d or w"),
        ('retention = "30m"', "2: purpose.retention: 30m: is not in hours, days or weeks: say h, d or w"),
        ('retention = "86400s"', "2: purpose.retention: 86400s: is not in hours, days or weeks"),
        ('retention = "0d"', "2: purpose.retention: 0d: is less than a day: give 1d or more"),
        ('retention = "23h"', "2: purpose.retention: 23h: is less than a day: give 1d or more"),
        ('retention = "soon"', "2: purpose.retention: soon: no span of time"),
        ('settings = "retail"', "2: purpose.settings: no such setting: did you mean setting?"),
    ],
)
def test_a_purpose_that_cannot_be_names_its_line(text: str, problem: str, tmp_path: Path) -> None:
    """All of it, before anything is looked at."""
    from jobs.config import read_config
    from jobs.purpose import purpose_from

    config(tmp_path, f"[purpose]\n{text}\n")
    with pytest.raises(UsageError) as raised:
        purpose_from(read_config(tmp_path / "emobatch.toml", {}))
    assert str(raised.value).startswith(f"{tmp_path}/emobatch.toml:{problem}")


# === Where it is told ===


def test_every_page_record_and_status_tell_the_purpose(tmp_path: Path, clip: Path) -> None:
    """First undeclared; then declared, which pages of videos that were processed before do not claim."""
    rule = '[[recorder]]\npattern = "*.mp4"\ncamera = "door"\n'
    config(tmp_path, rule)
    assert emobatch("run", clip, cwd=tmp_path).code == 0
    out = tmp_path / "out"
    pages = sorted(out.glob("reports/**/*.html"))
    assert {page.parent.name for page in pages} == {"reports", "videos", "cameras", "models"}
    for page in pages:
        assert "<p>Purpose declared for this: undeclared (docs/privacy.md" in page.read_text("utf-8"), page
        assert "Retention: none declared" in page.read_text("utf-8")
    assert "purpose: undeclared" in emobatch("status", "out", cwd=tmp_path).stdout

    config(tmp_path, rule + DECLARED)
    other = tmp_path / "other.mp4"
    write_clip(Scene(fps=4, duration_s=2, actors=(Actor(standing(300, 160, 90)),)), other)
    done = emobatch("run", clip, other, "--json", cwd=tmp_path)
    assert done.code == 0
    record = json.loads((out / "runs" / f"{done.json['run_id']}.json").read_text("utf-8"))
    assert record["purpose"] == {
        "setting": "retail",
        "basis": "legitimate interests, assessed 2026-05",
        "notice": "signs at both doors & the website",
        "retention": "undeclared",
    }
    told = {
        Path(row["source"]).name: _told(out / "reports" / "videos" / f"{row['video_id']}.html")
        for row in rows(out, "videos")
    }
    words = "setting retail; basis legitimate interests, assessed 2026-05; notice signs at both doors &amp; the website"
    assert told["clip.mp4"].startswith(f"undeclared · now: {words}")
    assert told["other.mp4"].startswith(f"{words}; retention undeclared. Retention: none declared")
    for found in (out / "reports" / "index.html", *(out / "reports" / "cameras").glob("*.html")):
        assert _told(found).startswith(f"undeclared · now: {words}")
    assert emobatch("status", "out", "--json", cwd=tmp_path).json["purpose"] == record["purpose"]
    shown = emobatch("config", "show", cwd=tmp_path).stdout
    assert re.search(r"purpose\.setting +emobatch\.toml:6 +retail", shown)


def _told(page: Path) -> str:
    return page.read_text("utf-8").split("Purpose declared for this: ")[1].split("</p>")[0]


def test_what_was_declared_is_kept_in_order(tmp_path: Path) -> None:
    """A line for each change; a damaged line is passed over."""
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    retail, research = Purpose(setting="retail"), Purpose(setting="research")
    for moment, purpose in zip(moments, (Purpose(), retail, retail, research), strict=True):
        note_purpose(tmp_path, moment, purpose)
    file = tmp_path / "purpose" / "history.jsonl"
    file.write_text("{cut off\n" + file.read_text("utf-8"))
    history = purposes_below(tmp_path)
    assert [one.since for one in history] == [moments[1], moments[3]]
    expected = [Purpose(), retail, retail, research]
    assert [purpose_at(history, moment) for moment in moments] == expected
    assert purpose_at(history) == research and not purpose_at(())


def test_no_line_of_what_was_declared_is_ever_lost(tmp_path: Path) -> None:
    """Not those that nobody understands, nor those that cannot be read now; the last one is what holds, whatever clocks say."""
    file = tmp_path / "purpose" / "history.jsonl"
    file.parent.mkdir()
    later_release = '{"since": "2026-01-05T00:00:00+00:00", "purpose": {"setting": "prison"}}'
    file.write_text(f"{later_release}\n" + '{"since": "2026-01-06T00:00:00+00:00", "pur')
    retail, research = Purpose(setting="retail"), Purpose(setting="research")
    note_purpose(tmp_path, datetime(2031, 1, 1, tzinfo=UTC), research)
    for day in (1, 2, 3):
        note_purpose(tmp_path, datetime(2026, 3, day, tzinfo=UTC), retail)
    lines = file.read_text("utf-8").splitlines()
    assert lines[0] == later_release and len(lines) == 4
    history = purposes_below(tmp_path)
    assert [one.purpose for one in history] == [research, retail] and purpose_at(history) == retail
    before = file.read_bytes()
    file.rename(file.with_suffix(".kept"))
    file.symlink_to(file.name)  # Reading it fails, whoever asks.
    with pytest.raises(EmobatchError, match="what was declared cannot be read"):
        note_purpose(tmp_path, datetime(2026, 4, 1, tzinfo=UTC), research)
    assert file.is_symlink() and file.with_suffix(".kept").read_bytes() == before


# === Who did what ===


def test_each_access_is_logged_and_a_purge_takes_no_line(tmp_path: Path, clip: Path) -> None:
    """User, host, command line, time, version and purpose; nothing of a face; lines are only ever added."""
    config(tmp_path, DECLARED)
    out = tmp_path / "out"
    assert emobatch("run", clip, cwd=tmp_path).code == 0
    assert emobatch("export", "out", "faces.csv", "--table", "faces", cwd=tmp_path).code == 0
    assert emobatch("compact", "out", cwd=tmp_path).code == 0
    before = (out / "access.jsonl").read_bytes()
    assert emobatch("purge", "out", "--older-than", "1d", "--dry-run", cwd=tmp_path).code == 0
    assert (out / "access.jsonl").read_bytes() == before
    assert emobatch("purge", "out", "--older-than", "0d", "--force", cwd=tmp_path).code == 0
    assert (out / "access.jsonl").read_bytes().startswith(before)
    lines = accesses(out)
    assert [line["action"] for line in lines] == ["run", "export", "compact", "purge"]
    for line in lines:
        assert {"user", "host", "pid", "folder", "emobatch"} <= line.keys()
        assert datetime.now(UTC) - datetime.fromisoformat(str(line["time"])) < timedelta(minutes=10)
        assert line["purpose"]["setting"] == "retail"  # type: ignore[index]
    assert str(clip) in lines[0]["command"] and "faces.csv" in lines[1]["command"]  # type: ignore[operator]
    assert lines[0]["run_id"] == next((out / "runs").glob("*.json")).stem


def test_lines_of_many_processes_do_not_mix_and_one_cut_off_swallows_none(tmp_path: Path) -> None:
    """The line that a power failure cut stays alone."""
    (tmp_path / "access.jsonl").write_text('{"action": "ru')
    for number in range(3):
        note_access(tmp_path, "test", Purpose(), number=number)
    first, *lines = (tmp_path / "access.jsonl").read_text("utf-8").splitlines()
    assert first == '{"action": "ru'
    assert [json.loads(line)["number"] for line in lines] == [0, 1, 2]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--note", "Erika in red", "--who", "Jo"), ["--note", "…", "--who", "…"]),
        (("--note=Erika = red", "--who=", "--json"), ["--note=…", "--who=…", "--json"]),
        (("--note", "--who", "--who", "Jo", "out"), ["--note", "…", "--who", "…", "out"]),
        (("--notes=x", "note", "--note"), ["--notes=x", "note", "--note"]),
    ],
)
def test_what_people_wrote_is_not_noted(
    given: tuple[str, ...], told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However a shell was told it: from this log nobody could take it out again."""
    monkeypatch.setattr(sys, "argv", ["emobatch", "review", *given])
    note_access(tmp_path, "review", Purpose())
    assert accesses(tmp_path)[0]["command"] == ["emobatch", "review", *told]


def test_what_cannot_be_noted_is_not_done(tmp_path: Path, clip: Path) -> None:
    """Not even reading."""
    out = tmp_path / "out"
    fill(out, [0], Place(None, "door"), start_time=None)
    (out / "access.jsonl").mkdir()
    done = emobatch("run", clip, cwd=tmp_path)
    assert done.code == 1 and "who does what cannot be noted" in done.only_error()
    done = emobatch("export", "out", "faces.csv", "--table", "faces", cwd=tmp_path)
    assert done.code == 1 and "cannot be noted" in done.only_error() and not (tmp_path / "faces.csv").exists()
    with pytest.raises(EmobatchError, match="cannot be noted"):
        note_access(tmp_path / "nowhere", "test", Purpose())


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o640), (0o002, 0o660), (0o077, 0o600)])
def test_the_umask_says_whether_others_of_the_group_add_lines(mask: int, mode: int, tmp_path: Path) -> None:
    """A second account that may write OUT can then use it; nobody else can read who did what."""
    before = os.umask(mask)
    try:
        note_access(tmp_path, "test", Purpose())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "access.jsonl").stat().st_mode) == mode


def test_a_line_goes_nowhere_else(tmp_path: Path) -> None:
    """A link is not followed, and what is no file takes none."""
    log = tmp_path / "access.jsonl"
    log.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmobatchError, match=r"it is a link.*: put the file itself in its place"), noted_if_possible():
        note_access(tmp_path, "test", Purpose())
    assert not (tmp_path / "elsewhere").exists()
    log.unlink()
    os.mkfifo(log)
    with pytest.raises(EmobatchError, match="it is no regular file"), noted_if_possible():
        note_access(tmp_path, "test", Purpose())


def test_only_a_disk_that_is_mounted_read_only_is_read_without_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leave that is missing can be given, and room be made."""
    for number in (errno.EACCES, errno.ENOSPC, errno.EROFS):
        monkeypatch.setattr(os, "open", partial(_refused, number))
        expected = nullcontext() if number == errno.EROFS else pytest.raises(EmobatchError, match="cannot be noted")
        with expected, noted_if_possible():
            note_access(tmp_path, "test", Purpose())


def _refused(number: int, *_: object) -> int:
    raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("uid", [0, 12345])
def test_only_root_is_believed_who_came_by_sudo(uid: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody else could name the one who is to be blamed."""
    monkeypatch.setenv("SUDO_USER", "colleague")
    monkeypatch.setattr(os, "getuid", lambda: uid)
    note_access(tmp_path, "test", Purpose())
    assert ("sudo by colleague" in str(accesses(tmp_path)[0]["user"])) == (uid == 0)


# === Until when it is kept ===


def test_a_declared_retention_is_kept_and_none_removes_nothing(tmp_path: Path) -> None:
    """What is older goes at the end of a run, and does not come back; what would be removed at once is not decoded."""
    now = datetime.now(UTC)
    (tmp_path / "footage").mkdir()
    for number, days in enumerate((40, 20, 2)):
        name = f"{now - timedelta(days=days):%Y%m%d_%H%M%S}.mp4"
        actors = (Actor(standing(200 + 60 * number, 160, 90)),)
        write_clip(Scene(fps=4, duration_s=1, actors=actors), tmp_path / "footage" / name)
    base = '[run]\nsources = ["footage"]\n[[recorder]]\npattern = "{start:%Y%m%d_%H%M%S}.mp4"\ntimezone = "UTC"\n'
    config(tmp_path, base)
    out = tmp_path / "out"
    assert emobatch("run", cwd=tmp_path).code == 0
    assert len(rows(out, "videos")) == 3
    ids = {row["source"]: row["video_id"] for row in rows(out, "videos")}
    oldest = ids[min(ids)]

    config(tmp_path, base + '[purpose]\nretention = "30d"\nnotice = "signs where faces are looked for."\n')
    dry = emobatch("run", "--dry-run", "--json", cwd=tmp_path).json["due"]
    assert (dry["videos"], dry["retention"], dry["held_back"]) == (1, "30d", None)
    day = f"{now - timedelta(days=40):%Y-%m-%d}"
    assert dry["oldest"] == dry["youngest"] and dry["oldest"].startswith(day)
    words = f"1 video to be removed at the end, of {day}: older than the declared retention of 30d"
    assert words in emobatch("run", "--dry-run", cwd=tmp_path).stderr and len(rows(out, "videos")) == 3
    done = emobatch("run", "--json", cwd=tmp_path)
    assert done.code == 0 and "1 video removed: older than the declared retention" in done.stderr
    assert {row["video_id"] for row in rows(out, "videos")} == set(ids.values()) - {oldest}
    assert oldest not in " ".join(files_below(out)) and len(list((out / "purged").glob("*.jsonl"))) == 1
    record = json.loads((out / "runs" / f"{done.json['run_id']}.json").read_text("utf-8"))
    assert record["removed_for_retention"] == done.json["removed"] == 1
    assert [line["action"] for line in accesses(out)] == ["run", "run", "retention"]
    page = (out / "reports" / "index.html").read_text("utf-8")
    assert "retention 30d" in page and "looked for;" in page and ".." not in page.partition("Purpose declared")[2][:300]

    shutil.rmtree(out)
    done = emobatch("run", "--json", cwd=tmp_path)
    assert done.json["videos"]["done"] == 2 and len(rows(out, "videos")) == 2
    assert done.json["too_old"] == 1 and "1 file not processed: older than the declared retention" in done.stderr
    assert "1 of the files found are dated before the retention of 30d and were written since, such as" in done.stderr

    # A recorder that overwrites: footage that is kept longer than its rows does not keep rows of what is gone.
    [latest] = (path for path in (tmp_path / "footage").iterdir() if path.name == Path(max(ids)).name)
    write_clip(Scene(fps=4, duration_s=2, actors=(Actor(standing(250, 160, 90)),)), latest)
    ago = (now - timedelta(days=40)).timestamp()
    os.utime(tmp_path / "footage" / Path(min(ids)).name, (ago, ago))
    done = emobatch("run", "--json", "--stable-for", "0", cwd=tmp_path)
    assert done.json["videos"]["done"] == 1 and "were written since" not in done.stderr
    assert sorted(row["source"] for row in rows(out, "videos")) == sorted(set(ids) - {min(ids)})
