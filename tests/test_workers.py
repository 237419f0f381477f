"""Several processes and several segments give the tables of one, whatever dies on the way."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clips import write_clip
from tests.command import COMMAND, ENVIRONMENT, emobatch, files_below, rows
from tests.footage import Actor, Scene

WALKER = Actor(path=((0.0, 60, 90, 60), (40.0, 260, 90, 60)))
LONG = Scene(320, 180, 10.0, 40.0, 5, (WALKER,))


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds with one person who is there all the time, in several containers, and some short clips."""
    folder = tmp_path_factory.mktemp("footage")
    write_clip(LONG, folder / "long.mp4", gop=15, bframes=2)
    write_clip(LONG, folder / "long.ts", gop=35, bframes=2)
    write_clip(LONG, folder / "long.mkv", gop=35)
    write_clip(LONG, folder / "long.avi", codec="mpeg4", gop=35)
    for seed in (1, 2, 3):
        write_clip(Scene(duration_s=1.0, fps=10, seed=seed), folder / f"short{seed}.mp4")
    shutil.copy(folder / "short2.mp4", folder / "twin.mp4")
    return folder


def content(out: Path) -> dict[str, bytes]:
    """All files of faces, samples and tracks."""
    return {
        f"{table}/{name}": (out / table / name).read_bytes()
        for table in ("faces", "samples", "tracks")
        for name in files_below(out / table)
    }


@pytest.fixture(scope="module", name="alone")
def _alone(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of a run in one process and one segment a video."""
    cwd = tmp_path_factory.mktemp("alone")
    done = emobatch("run", footage, "--out", "out", "--workers", "0", cwd=cwd)
    assert done.code == 0, done.stderr
    long = [video for video in rows(cwd / "out", "videos") if "/long." in video["source"]]
    assert [(video["n_tracks"], video["coverage"]) for video in long] == [(1, 1.0)] * 4
    return content(cwd / "out")


@pytest.mark.parametrize(
    ("workers", "segment"),
    [
        ("0", "10"),
        pytest.param("1", "20", marks=pytest.mark.slow),
        ("2", "10"),
        pytest.param("3", "300", marks=pytest.mark.slow),
    ],
)
def test_workers_and_segments_change_no_byte(
    workers: str, segment: str, footage: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    """The walker crosses up to three cuts and stays one track; nothing unfinished is left behind."""
    done = emobatch("run", footage, "--out", "out", "--workers", workers, "--segment", segment, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert content(tmp_path / "out") == alone
    assert not (tmp_path / "out" / ".unfinished").exists()


def workers_of(parent: int) -> list[int]:
    """Processes below a run that carry out steps."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status, command = (folder / "status").read_text(), (folder / "cmdline").read_text()
            except OSError:
                continue
            child = re.search(r"PPid:\s+(\d+)", status)
            if child and int(child[1]) == parent and "spawn_main" in command:
                found.append(int(folder.name))
    return found


def start(*arguments: str | Path, cwd: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*COMMAND, "run", *arguments, "--out", "out", "--stable-for", "0"],
        cwd=cwd,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
    )


def some_worker(process: "subprocess.Popen[bytes]") -> int:
    """A worker of the run, once there is one."""
    for _ in range(300):
        if found := workers_of(process.pid):
            return found[0]
        time.sleep(0.1)
    raise AssertionError("no worker was started")


@pytest.mark.parametrize("after_s", [0.0, 1.5])
def test_a_killed_worker_costs_nothing(after_s: float, footage: Path, alone: dict[str, bytes], tmp_path: Path) -> None:
    """kill -9 while it starts, and later: the step is done again, and the tables are the same."""
    run = start(footage, "--workers", "2", "--segment", "10", cwd=tmp_path)
    worker = some_worker(run)
    time.sleep(after_s)
    os.kill(worker, signal.SIGKILL)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 0, said.decode()
    assert content(tmp_path / "out") == alone


def test_workers_die_with_their_parent(footage: Path, tmp_path: Path) -> None:
    """kill -9 of the main process alone: within ten seconds none of its workers is left."""
    run = start(footage, "--workers", "2", "--segment", "10", cwd=tmp_path)
    some_worker(run)
    time.sleep(2)
    workers = workers_of(run.pid)
    assert workers
    run.kill()
    run.communicate()
    for _ in range(100):
        if not any(Path(f"/proc/{worker}").exists() for worker in workers):
            return
        time.sleep(0.1)
    raise AssertionError("workers outlived their parent")


@pytest.mark.slow
def test_a_script_needs_no_main_guard(footage: Path, tmp_path: Path) -> None:
    """Worker processes do not import the script that started them."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from jobs.options import RunOptions\n"
        "from jobs.run import run\n"
        f"print(run(RunOptions(sources=({str(footage / 'short1.mp4')!r},), out=Path('out'), workers=1)).videos['done'])\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_an_ended_run_leaves_what_was_finished(number: int, workers: str, footage: Path, tmp_path: Path) -> None:
    """A scheduler's SIGTERM and Ctrl-C alike: exit 130, record, pages, no worker, and a rerun completes the tables."""
    run = start(footage, "--workers", workers, "--segment", "10", cwd=tmp_path)
    for _ in range(600):
        if list((tmp_path / "out" / "videos").rglob("*.parquet"))[1:]:
            break
        time.sleep(0.05)
    below = workers_of(run.pid)
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said.decode()
    assert "interrupted: what was finished is kept" in said.decode()
    assert "Traceback" not in said.decode()
    assert not any(Path(f"/proc/{worker}").exists() for worker in below)
    (record,) = (tmp_path / "out" / "runs").glob("*.json")
    assert json.loads(record.read_text())["interrupted"] is True
    assert (tmp_path / "out" / "reports" / "index.html").is_file()
