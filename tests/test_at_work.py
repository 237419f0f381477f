"""`emobatch status`: who is at work in an OUT, what the last run did; and commands that find OUT in emobatch.toml."""

import json
import os
import platform
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pytest

from jobs.at_work import at_work, last_run
from jobs.lock import LOCK, locked
from jobs.lock_file import Holder
from tests.archive import fill
from tests.command import ENVIRONMENT, emobatch
from tests.rerun import two_clips

RECORD: Final[dict[str, Any]] = {
    "run_id": "20260301T220000Z-aaaaaa",
    "started_at": "2026-03-01T22:00:00+00:00",
    "elapsed_s": 3720.0,
    "videos": {"done": 3, "partial": 0, "failed": 1, "duplicate": 0, "unchanged": 7},
    "failures": [{"source": "x.mp4", "reason": "cut"}],
    "left": [{"source": "y.mp4", "reason": "not finished before --until"}],
    "interrupted": False,
    "exit_code": 3,
    "host": "nvr1",
    "pid": 1,
}


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    """An OUT with three videos."""
    fill(tmp_path / "out", range(3))
    return tmp_path / "out"


def keep(out: Path, **changes: Any) -> None:
    """Leave a record of a run."""
    (out / "runs").mkdir(exist_ok=True)
    record = {**RECORD, **changes}
    (out / "runs" / f"{record['run_id']}.json").write_text(json.dumps(record), encoding="utf-8")


def test_nobody_is_at_work_and_nothing_ran(out: Path) -> None:
    """Both keys are there, with null."""
    told = emobatch("status", out, "--json", cwd=out).json
    assert (told["at_work"], told["last_run"]) == (None, None)
    assert emobatch("status", out, cwd=out).stdout == "3 done\npurpose: undeclared\n"


def test_a_run_that_is_at_work_is_told(out: Path) -> None:
    """With host, process, start and last sign of life, while it lasts."""
    with locked(out, "emobatch run"):
        told = emobatch("status", out, "--json", cwd=out).json["at_work"]
        words = emobatch("status", out, cwd=out).stdout
    assert (told["command"], told["host"], told["pid"]) == ("emobatch run", platform.node(), os.getpid())
    assert 0 <= told["last_sign_s"] < 60 and told["since"]
    assert f"at work: `emobatch run`, process {os.getpid()} on {platform.node()}, since " in words
    assert at_work(str(out)) is None


def test_a_lock_of_the_dead_is_nobody_at_work(out: Path) -> None:
    """On this machine it is known; of another one the last sign of life tells, as it does where a run wants the lock."""
    here = Holder.here("emobatch run")
    (out / LOCK).write_text(json.dumps(asdict(replace(here, process_started_s=here.process_started_s + 9))))
    assert at_work(str(out)) is None
    (out / LOCK).write_text(json.dumps(asdict(replace(here, host="nvr9", machine="nvr9 boot"))))
    seen = at_work(str(out))
    assert seen and seen.host == "nvr9"
    os.utime(out / LOCK, (1, 1))
    assert at_work(str(out)) is None
    (out / LOCK).write_bytes(b"damaged")
    assert at_work(str(out)) is None


def test_the_last_run_is_told_with_counts_and_exit_code(out: Path) -> None:
    """The latest that has a record which can be read; none of a clock that was years ahead."""
    keep(out)
    keep(out, run_id="20250101T220000Z-aaaaaa", started_at="2025-01-01T22:00:00+00:00", videos={"done": 99})
    keep(out, run_id="20990101T220000Z-aaaaaa", started_at="2099-01-01T22:00:00+00:00")
    (out / "runs" / "20260302T220000Z-aaaaaa.json").write_text("{half")
    told = emobatch("status", out, "--json", cwd=out).json["last_run"]
    assert told == {name: RECORD.get(name) for name in told} | {
        "failures": 1,
        "left": 1,
        "refused": [],
        "masks_of_nobody": [],
    }
    words = emobatch("status", out, cwd=out).stdout.splitlines()[1]
    assert words.startswith(("last run: 2026-03-01 ", "last run: 2026-03-02 "))  # By the clock of this machine.
    assert words.endswith(", 1 h 02 min: 3 done, 1 failed, 7 unchanged, 1 left for later; exit code 3")


def test_of_many_refused_files_the_first_are_told(out: Path) -> None:
    """All stand among the failures, once; --json tells them all."""
    failures = [{"source": f"/a/{n}.mp4", "reason": "new", "kind": "refused"} for n in range(1000)]
    keep(out, failures=[*failures, {"source": "/b.mp4", "reason": "empty"}], masks_of_nobody=[])
    lines = emobatch("status", out, cwd=out).stdout.splitlines()
    told = [line for line in lines if line.startswith("  not looked at ")]
    assert len(told) == 51 and told[0] == "  not looked at /a/0.mp4: new"
    assert told[-1] == "  not looked at and 950 more: emobatch status --json lists them"
    assert len(emobatch("status", out, "--json", cwd=out).json["last_run"]["refused"]) == 1000


def test_the_run_at_work_is_not_the_last_one(out: Path) -> None:
    """Its record is there from its start, as one that was killed has its record, too."""
    keep(out)
    now = {"run_id": "20260302T220000Z-aaaaaa", "interrupted": True, "exit_code": None, "elapsed_s": 0.0}
    keep(out, **now, host=platform.node(), pid=os.getpid())
    with locked(out, "emobatch run"):
        seen = last_run(out, at_work(str(out)))
    assert seen and seen["run_id"] == RECORD["run_id"]
    seen = last_run(out, None)
    assert seen and (seen["run_id"], seen["interrupted"], seen["exit_code"]) == (now["run_id"], True, None)
    assert emobatch("status", out, cwd=out).stdout.splitlines()[1].endswith("; was interrupted")


def test_a_run_leaves_its_exit_code_and_who_it_was(tmp_path: Path) -> None:
    """In its record."""
    archive = two_clips(tmp_path)
    (archive.footage / "c.mp4").write_text("no video")
    archive.run()
    seen = last_run(archive.out, None)
    assert seen and (seen["exit_code"], seen["videos"]["failed"], seen["interrupted"]) == (3, 1, False)
    (latest, _) = sorted((archive.out / "runs").glob("*.json"), reverse=True)
    assert json.loads(latest.read_text())["pid"] == os.getpid()


MASKS: Final = "masks = [[[0.0, 0.0], [0.1, 0.0], [0.0, 0.1]]]"
CONFIG: Final = f"""
[run]
out = "out"
[camera.door]
{MASKS}
[camera.hall]
{MASKS}
[camera.yard]
exclude = true
{MASKS}
[[rule]]
name = "long"
dwell = "1h"
"""


def test_masks_of_the_configuration_and_rules_without_events_are_told(out: Path) -> None:
    """Of the configuration of this OUT alone; that of another one says nothing of it."""
    folder = out.parent
    (folder / "emobatch.toml").write_text(CONFIG)
    for arguments in ((), ("out",), (out,)):
        lines = emobatch("status", *arguments, cwd=folder).stdout.splitlines()
        assert lines[1:3] == [
            "events: none; the rules in emobatch.toml found none, or were not evaluated: `emobatch events` does it",
            "masks: of 2 cameras in emobatch.toml",
        ]
    assert emobatch("status", "--json", cwd=folder).json["masked_cameras"] == ["door", "hall"]
    (folder / "emobatch.toml").write_text(CONFIG.replace('out = "out"', 'out = "elsewhere"'))
    assert emobatch("status", "out", cwd=folder).stdout == "3 done\npurpose: undeclared\n"
    assert "masks: of 2 " in emobatch("status", "out", "--config", "emobatch.toml", cwd=folder).stdout
    (folder / "emobatch.toml").write_text("[run")
    assert emobatch("status", "out", cwd=folder).code == 0


COMMANDS: Final = (("status",), ("compact",), ("report",), ("purge", "--older-than", "30d", "--dry-run"))


@pytest.mark.parametrize(
    "command",
    [*COMMANDS[:1], *(pytest.param(command, marks=pytest.mark.slow) for command in COMMANDS[1:])],
    ids=[command[0] for command in COMMANDS],
)
def test_out_is_found_as_a_run_finds_it(
    command: tuple[str, ...], out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this folder's emobatch.toml, in the one that is named, in the environment; what is given holds over all."""
    missing = emobatch(*command, cwd=tmp_path)
    assert missing.code == 2
    assert "Missing argument 'OUT': name it, or give out in emobatch.toml" in missing.only_error()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "night.toml").write_text('[run]\nout = "../out"\n')
    named = emobatch(*command, "--config", "conf/night.toml", cwd=tmp_path)
    assert (named.code, named.stderr) == (0, "")
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_OUT", "out")
    assert emobatch(*command, cwd=tmp_path).code == 0
    monkeypatch.delitem(ENVIRONMENT, "EMOBATCH_OUT")
    (tmp_path / "emobatch.toml").write_text('[run]\nout = "elsewhere"\nforce = true\n')
    assert "elsewhere" in emobatch(*command, cwd=tmp_path).only_error()
    assert emobatch(*command, "out", cwd=tmp_path).code == 0
    (tmp_path / "emobatch.toml").write_text("[run]\nevery = 0\n")
    assert "emobatch.toml:2: every: " in emobatch(*command, cwd=tmp_path).only_error()
