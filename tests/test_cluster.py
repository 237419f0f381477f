"""A cluster that runs already, files that kill or hang their worker, and what is said of it."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from models.classifier import model_path
from tests.clips import write_clip
from tests.command import ENVIRONMENT, ROOT, emobatch, files_below, rows
from tests.footage import Actor, Scene, standing

PERSON = Scene(320, 180, 10.0, 30.0, 3, (Actor(standing(160, 90, 80)),))

TRAPS = """
import inspect, multiprocessing, os, time
import analytics.container, analytics.fingerprint
opened, hashed = analytics.container.open_video, analytics.fingerprint.full_hash
def open_video(path):
    if "kills" in path.name:
        os.kill(os.getpid(), 9)
    if "hangs" in path.name and (
        "segment" not in path.name or any(frame.function == "read_segment" for frame in inspect.stack(0))
    ):
        time.sleep(1000)
    return opened(path)
def full_hash(path, pulse):
    if "unhashable" in path.name and multiprocessing.parent_process():
        os.kill(os.getpid(), 9)
    return hashed(path, pulse)
analytics.container.open_video = open_video
analytics.fingerprint.full_hash = full_hash
"""
"""Loaded by every process at its start: stands for a decoder or a disk that crashes, and for ones that hang."""


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_clip(PERSON, folder / "person.mp4", gop=15)
    for seed in (1, 2, 3, 4):
        write_clip(Scene(duration_s=2.0, fps=10, seed=seed), folder / f"short{seed}.mp4")
    return folder


def content(out: Path) -> dict[str, bytes]:
    return {
        f"{table}/{name}": (out / table / name).read_bytes()
        for table in ("faces", "samples", "tracks")
        for name in files_below(out / table)
    }


@pytest.fixture(name="trapped")
def _trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for Python modules first and holds the traps."""
    (tmp_path / "traps").mkdir()
    (tmp_path / "traps" / "sitecustomize.py").write_text(TRAPS)
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{tmp_path / 'traps'}:{ROOT}")
    return tmp_path


def test_a_file_that_kills_every_worker_fails_alone(footage: Path, trapped: Path) -> None:
    """Two deaths and no third; all other videos are done."""
    (trapped / "kills.mp4").write_bytes((footage / "short1.mp4").read_bytes() + b"x")
    done = emobatch("run", footage, "kills.mp4", "--out", "out", "--workers", "2", "--json", cwd=trapped)
    assert done.code == 3, done.stderr
    assert (done.json["videos"]["done"], done.json["videos"]["failed"]) == (5, 1)
    (failure,) = done.json["failures"]
    assert failure["source"] == str(trapped / "kills.mp4")
    assert failure["reason"].startswith("ended its worker process 2 times")
    assert {video["status"] for video in rows(trapped / "out", "videos")} == {"done", "failed"}


def test_a_file_that_hangs_its_worker_is_given_up(footage: Path, trapped: Path) -> None:
    """After the time of --stall; the worker is started afresh and the other videos are done."""
    (trapped / "hangs.mp4").write_bytes((footage / "short1.mp4").read_bytes() + b"x")
    arguments = ("run", "hangs.mp4", footage, "--out", "out", "--workers", "1", "--stall", "3", "--json")
    done = emobatch(*arguments, cwd=trapped)
    assert done.code == 3, done.stderr
    assert (done.json["videos"]["done"], done.json["videos"]["failed"]) == (5, 1)
    assert done.json["failures"][0]["reason"].startswith("timed out: no progress for 3 s")


@pytest.mark.slow
def test_a_file_that_hangs_in_all_of_its_segments_is_given_up_once(footage: Path, trapped: Path) -> None:
    """Two workers hang in the same video: it fails once, and both are there for the others."""
    (trapped / "hangs in a segment.mp4").write_bytes((footage / "person.mp4").read_bytes())
    (trapped / "person.mp4").write_bytes((footage / "person.mp4").read_bytes() + b"x")
    arguments = ("run", "hangs in a segment.mp4", "person.mp4", "--out", "out", "--workers", "2", "--segment", "10")
    done = emobatch(*arguments, "--stall", "4", "--json", cwd=trapped)
    assert done.code == 3, done.stderr
    assert (done.json["videos"]["done"], done.json["videos"]["failed"]) == (1, 1)
    (failure,) = done.json["failures"]
    assert failure["source"].endswith("hangs in a segment.mp4")
    assert failure["reason"].startswith("timed out")
    assert not (trapped / "out" / ".unfinished").exists()


@pytest.mark.slow
def test_files_that_kill_whoever_hashes_them_hold_up_nobody(footage: Path, trapped: Path) -> None:
    """More files of one size than are open at a time, three of which cannot be hashed."""
    content = (footage / "short1.mp4").read_bytes()
    for number in range(8):
        name = f"unhashable{number}" if number < 3 else f"fine{number}"
        (trapped / f"{name}.mp4").write_bytes(content + bytes([number]))
    done = emobatch("run", ".", "--out", "out", "--workers", "1", "--json", cwd=trapped)
    assert done.code == 3, done.stderr
    assert (done.json["videos"]["done"], done.json["videos"]["failed"]) == (5, 3)
    assert all("ended its worker process 2 times" in failure["reason"] for failure in done.json["failures"])


@contextmanager
def process(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    with (cwd / "cluster.log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, *arguments], cwd=cwd, env=env or ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=30)


@contextmanager
def scheduler(cwd: Path) -> Iterator[str]:
    """A scheduler on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    port = address.rpartition(":")[2]
    arguments = ("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    with process(*arguments, cwd=cwd):
        yield address


def worker(address: str, threads: int = 1) -> tuple[str, ...]:
    arguments = ("--nthreads", str(threads), "--no-dashboard", "--host", "127.0.0.1")
    return ("-m", "distributed.cli.dask_worker", address, *arguments)


def test_workers_of_a_scheduler_give_the_same_tables(footage: Path, tmp_path: Path) -> None:
    """Two workers, one more joins in mid-run and one leaves."""
    alone = emobatch("run", footage, "--out", "alone", "--workers", "0", cwd=tmp_path)
    assert alone.code == 0, alone.stderr
    with scheduler(tmp_path) as address, ExitStack() as workers:
        workers.enter_context(process(*worker(address), cwd=tmp_path))
        leaving = workers.enter_context(process(*worker(address), cwd=tmp_path))
        time.sleep(4)
        run = subprocess.Popen(
            [sys.executable, "-m", "emobatch", "run", footage, "--out", "out", "--stable-for", "0", "--segment", "10",
             "--scheduler", address],
            cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(3)
        workers.enter_context(process(*worker(address), cwd=tmp_path))
        leaving.terminate()
        _, said = run.communicate(timeout=120)
    assert run.returncode == 0, said.decode()
    assert content(tmp_path / "out") == content(tmp_path / "alone")


@pytest.mark.slow
def test_a_worker_of_several_threads_gives_the_same_tables(footage: Path, tmp_path: Path) -> None:
    """It was started in another folder, and the model is named by a relative path."""
    for suffix in (".tflite", ".json"):
        (tmp_path / f"mine{suffix}").write_bytes(model_path("default").with_suffix(suffix).read_bytes())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    arguments = ("run", footage, "--model", "mine.tflite", "--segment", "10")
    alone = emobatch(*arguments, "--out", "alone", "--workers", "0", cwd=tmp_path)
    assert alone.code == 0, alone.stderr
    with scheduler(tmp_path) as address, process(*worker(address, threads=4), cwd=elsewhere):
        done = emobatch(*arguments, "--out", "out", "--scheduler", address, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert content(tmp_path / "out") == content(tmp_path / "alone")


def test_a_worker_without_the_model_is_told_one_remedy(footage: Path, tmp_path: Path) -> None:
    """What the worker says of it, once."""
    (tmp_path / "only_here.py").write_text(
        "import sys\nif 'emobatch' not in sys.orig_argv:\n"
        "    import models.classifier, pathlib\n    models.classifier.SHIPPED['default'] = pathlib.Path('gone.tflite')\n"
    )
    (tmp_path / "sitecustomize.py").write_text("import only_here\n")
    trapped = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with scheduler(tmp_path) as address, process(*worker(address), cwd=tmp_path, env=trapped):
        done = emobatch("run", footage, "--out", "out", "--scheduler", address, cwd=tmp_path)
    assert done.code == 2
    assert re.search(r"worker tcp://127\.0\.0\.1:\d+: --model default: no such model: name one of", done.only_error())
    assert "mount" not in done.stderr


def test_a_worker_that_does_not_fit_is_named(footage: Path, tmp_path: Path) -> None:
    """One without emobatch: its address and the remedy, before anything is read."""
    (tmp_path / "bare").mkdir()
    # Stands in the way of the true module, as if it were not installed.
    (tmp_path / "bare" / "jobs.py").write_text("raise ImportError('no emobatch here')\n")
    bare = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path / "bare")}
    with scheduler(tmp_path) as address, process(*worker(address), cwd=tmp_path, env=bare):
        done = emobatch("run", footage, "--out", "out", "--scheduler", address, cwd=tmp_path)
    assert done.code == 2
    assert re.search(r"worker tcp://127\.0\.0\.1:\d+: cannot run emobatch", done.stderr), done.stderr
    assert not list((tmp_path / "out" / "faces").rglob("day=*/cam=*/*[1-9]*.parquet"))


def test_a_scheduler_that_is_not_there_is_named(footage: Path, tmp_path: Path) -> None:
    """Exit 2 with the address."""
    done = emobatch("run", footage, "--out", "out", "--scheduler", "tcp://127.0.0.1:9", cwd=tmp_path)
    assert (done.code, "--scheduler tcp://127.0.0.1:9: cannot be reached" in done.stderr) == (2, True), done.stderr
