"""`emobatch events` from outside: what it prints and writes, and that other commands treat the table rightly."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analytics.events.rules import EventRules
from analytics.events.store import FILE, drop_events
from analytics.schema import EVENTS
from jobs.compact import compact_days
from jobs.config import read_config
from jobs.config_events import rules_from
from jobs.config_values import Setting
from jobs.events import evaluate
from jobs.purge import purge
from tests.clips import write_clip
from tests.command import emobatch, files_below, rows
from tests.footage import Actor, Scene, standing
from tests.planted import CONFIG, Drawer, write_planted

KINDS = ("loiters", "crowd", "nearly loiters", "agitated")


@pytest.fixture(scope="module", name="evaluated")
def _evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of two cameras, of which one has the zone, and its events."""
    folder = tmp_path_factory.mktemp("events")
    write_planted(folder / "out", "shop", Drawer(5, 0.5, KINDS))
    write_planted(folder / "out", "hall", Drawer(6, 0.25, KINDS), first=50)
    (folder / "emobatch.toml").write_text(f'[run]\nout = "out"\n{CONFIG}', encoding="utf-8")
    done = emobatch("events", "--json", cwd=folder)
    assert (done.code, done.stderr) == (0, "")
    told = done.json
    assert list(told) == [
        "out", "dry_run", "events", "by_rule", "by_severity", "hours", "still", "unchanged", "added", "removed", "changed",
        "warnings",
    ]  # fmt: skip
    assert told["events"] == len(told["added"]) == sum(told["by_rule"].values()) > 3
    assert set(told["by_rule"]) == {"loitering", "crowding", "agitation"}
    assert (told["unchanged"], told["removed"], told["changed"], told["warnings"]) == (0, [], [], [])
    return folder


def rules_of(folder: Path) -> EventRules:
    """What the command reads from the configuration there."""
    rules = rules_from(read_config(folder / "emobatch.toml", {"out": Setting(kind="path")}))
    assert rules is not None
    return rules


@pytest.fixture(name="folder")
def _folder(evaluated: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(evaluated, tmp_path / "copy"))


def test_a_second_time_changes_nothing(folder: Path) -> None:
    """The same files, untouched."""
    files = sorted((folder / "out" / "events").rglob(FILE))
    assert {file.parent.name for file in files} == {"cam=shop", "cam=hall"}
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    done = emobatch("events", "out", cwd=folder)
    assert done.code == 0
    assert "0 are new, 0 are gone, 0 are changed" in done.stdout
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before
    for file in files:
        assert pq.read_schema(file).remove_metadata().equals(EVENTS.remove_metadata())
    assert files_below(folder / "out" / ".journal") == set()


def test_a_dry_run_tells_what_a_changed_rule_does_and_writes_nothing(folder: Path) -> None:
    """Crowding is gone, loitering asks for more, agitation for less; the lines and the JSON say which."""
    text = (folder / "emobatch.toml").read_text("utf-8")
    text = text.replace('"crowding", ', "").replace("dwell = 60.0", "dwell = 75.0")
    (folder / "other.toml").write_text(text, encoding="utf-8")
    before = {name: (folder / "out" / name).read_bytes() for name in files_below(folder / "out")}
    told = emobatch("events", "out", "--config", "other.toml", "--dry-run", "--json", cwd=folder).json
    removed = {one["rule"] for one in told["removed"]}
    assert "crowding" in removed <= {"crowding", "loitering"}
    assert told["added"] == []
    assert told["by_rule"].get("crowding") is None
    for one in told["changed"]:
        assert one["before"]["rule"] == one["after"]["rule"] == "loitering"
        assert "asked: 60 s" in one["before"]["evidence"]
        assert "asked: 75 s" in one["after"]["evidence"]
    assert told["changed"]
    assert all(one["after"]["time"].endswith("+00:00") for one in told["changed"])
    lines = emobatch("events", "out", "--config", "other.toml", "--dry-run", cwd=folder).stdout.splitlines()
    assert sum(line.startswith("- ") for line in lines) == len(told["removed"])
    assert sum(line.startswith("~ ") for line in lines) == len(told["changed"])
    # By the clock of the camera, which is two hours ahead in May.
    assert all(" 2026-05-04 1" in line and " UTC+02:00: " in line for line in lines if line[:2] in ("- ", "~ "))
    assert {name: (folder / "out" / name).read_bytes() for name in files_below(folder / "out")} == before


def test_unknown_cameras_are_warned_of(folder: Path) -> None:
    """A camera may be new, so it is no error; a misspelt one is named with what it may be."""
    text = f'{CONFIG}\n[[rule]]\nname = "night"\ncameras = ["shap"]\ndwell = "1m"\nhours = "22-06"\n'
    (folder / "other.toml").write_text(text.replace('camera = "shop"', 'camera = "Shop"'), encoding="utf-8")
    done = emobatch("events", "out", "--config", "other.toml", "--dry-run", cwd=folder)
    assert done.code == 0
    assert 'other.toml:2: zone "shelf": no video is of camera Shop: did you mean shop?' in done.stderr
    assert 'rule "night": no video is of camera shap: did you mean shop?' in done.stderr


def test_a_class_that_the_classifier_does_not_have(folder: Path) -> None:
    """Rule and line, exit code 2, and the table stays."""
    before = rows(folder / "out", "events")
    (folder / "other.toml").write_text('[[rule]]\nname = "b"\npeople = 2\nchange = "boredom"\n', encoding="utf-8")
    done = emobatch("events", "out", "--config", "other.toml", cwd=folder)
    assert done.code == 2
    assert 'other.toml:1: rule "b": boredom: is no class of the classifier: take one of angry' in done.only_error()
    assert rows(folder / "out", "events") == before


def test_a_damaged_table_is_named_and_nothing_is_lost(folder: Path) -> None:
    """Events stand until their tables can be read again."""
    before = rows(folder / "out", "events")
    file = next((folder / "out" / "faces").glob("day=2*/cam=shop/*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    done = emobatch("events", "out", cwd=folder)
    assert done.code == 2
    assert str(file.relative_to(folder)) in done.only_error()
    assert rows(folder / "out", "events") == before


def test_status_and_export_know_them(folder: Path) -> None:
    """Counts by severity; all columns, lists as JSON, and conditions."""
    stored = rows(folder / "out", "events")
    told = emobatch("status", "out", "--json", cwd=folder).json["events"]
    assert (list(told), sum(told.values())) == (["low", "medium", "high"], len(stored))
    assert "events: " in emobatch("status", "out", cwd=folder).stdout
    done = emobatch("export", "out", "events.jsonl", "--table", "events", cwd=folder)
    assert f"{len(stored)} rows of events" in done.stdout
    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]
    assert {line["event_id"] for line in lines} == {row["event_id"] for row in stored}
    assert all(line["videos"][0] == line["video_id"] for line in lines)
    done = emobatch("export", "out", "-", "--as", "csv", "--table", "events", "--where", "rule=crowding", cwd=folder)
    assert len(done.stdout.splitlines()) - 1 == sum(row["rule"] == "crowding" for row in stored)


def test_compaction_leaves_events_and_changes_none(folder: Path) -> None:
    """The rules find the same in shared files."""
    before = rows(folder / "out", "events")
    assert compact_days(folder / "out", None, least=2).videos == 2
    assert rows(folder / "out", "events") == before
    done = evaluate(folder / "out", rules_of(folder))
    assert (len(done.events), done.added, done.removed, done.changed) == (len(before), (), (), ())


def test_a_purge_takes_the_events_of_its_videos_for_good(folder: Path) -> None:
    """All that touch one of them; the rules bring none of them back."""
    out = folder / "out"
    before = rows(out, "events")
    first = min(row["time"] for row in before)
    done = purge(out, datetime(2026, 5, 4, 8, 10, tzinfo=UTC), dry_run=False)
    gone = {one.video_id for one in done.videos}
    assert gone & {one for row in before for one in row["videos"]}
    for _ in range(2):
        left = rows(out, "events")
        assert left
        assert not gone & {one for row in left for one in row["videos"]}
        evaluate(out, rules_of(folder))
    assert min(row["time"] for row in rows(out, "events")) > first


def test_a_purge_that_was_killed_before_it_came_to_them_is_made_good(folder: Path) -> None:
    """The next one takes them."""
    out = folder / "out"
    stored = rows(out, "events")
    when = datetime(2026, 5, 4, 8, 10, tzinfo=UTC)
    kept = {file: file.read_bytes() for file in (out / "events").rglob(FILE)}
    gone = {one.video_id for one in purge(out, when, dry_run=False).videos}
    for file, content in kept.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    purge(out, when, dry_run=False)
    assert {row["event_id"] for row in rows(out, "events")} == {
        row["event_id"] for row in stored if not gone & set(row["videos"])
    }
    drop_events(out, {one for row in stored for one in row["videos"]})
    assert rows(out, "events") == []


def test_a_run_evaluates_its_rules_at_its_end(tmp_path: Path) -> None:
    """From pictures to an event, in one command; without rules only events of videos that are gone go."""
    face = Actor(path=standing(320.0, 180.0, 90.0))
    write_clip(Scene(duration_s=8, fps=5, actors=(face,)), tmp_path / "clip.mp4")
    (tmp_path / "emobatch.toml").write_text(
        '[run]\nsources = ["clip.mp4"]\ncamera = "door"\n[[rule]]\nname = "stays"\ndwell = 5\n', encoding="utf-8"
    )
    done = emobatch("run", "--json", cwd=tmp_path)
    assert (done.code, done.json["events"]) == (0, 1)
    assert "1 event by the rules" in done.stderr
    (row,) = rows(tmp_path / "out", "events")
    assert (row["rule"], row["camera"], row["tracks"], row["time"]) == ("stays", "door", [1], None)
    assert row["evidence"].startswith("track 1 stayed 7")
    done = emobatch("events", "out", "--dry-run", cwd=tmp_path)
    assert done.stdout.startswith("1 event in 7.2 s of recordings: 1 stays\n0 would be new, ")
    assert "1 of 1 event is open" in emobatch("review", "out", cwd=tmp_path).stdout
    done = emobatch("review", "out", row["event_id"], "unclear", cwd=tmp_path)
    assert done.stdout.endswith("1 verdict written; the next report shows it\n")
    (tmp_path / "out" / "reviews.jsonl").unlink()
    done = emobatch("run", "clip.mp4", "--config", "/dev/null", "--camera", "door", "--json", cwd=tmp_path)
    assert (done.json["events"], rows(tmp_path / "out", "events")) == (None, [row])
    again = emobatch("run", "clip.mp4", "--config", "/dev/null", "--camera", "door", "--every", "1", cwd=tmp_path)
    assert (again.code, rows(tmp_path / "out", "events")) == (0, [])  # They were of other faces.
    assert emobatch("events", "out", cwd=tmp_path).code == 0
    assert len(rows(tmp_path / "out", "events")) == 1
    (tmp_path / "none.toml").write_text("[events]\nuse = []\n", encoding="utf-8")
    done = emobatch("events", "out", "--config", "none.toml", cwd=tmp_path)
    assert (done.code, rows(tmp_path / "out", "events")) == (0, [])
    assert emobatch("events", "out", cwd=tmp_path).code == 0
    write_clip(Scene(duration_s=4, fps=5), tmp_path / "clip.mp4")
    assert emobatch("run", "clip.mp4", "--config", "/dev/null", "--camera", "door", cwd=tmp_path).code == 0
    assert rows(tmp_path / "out", "events") == []
