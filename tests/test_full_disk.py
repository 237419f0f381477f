"""A disk that is full in the middle of each file that a run writes: told, nothing half-written seen, and mended."""

import errno
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

import emobatch
from analytics.schema import TABLES
from jobs.compact import compact_days
from tests.clips import write_clip
from tests.command import ENVIRONMENT, files_below
from tests.command import emobatch as command
from tests.footage import Actor, Scene
from tests.kills import content, leftovers

# Runs, one after the other in one process, in which files of some names take 100 bytes. Each line on stdin is a
# pattern of such names; each line on stdout is the error that the run ended with, and its exit code.
FULL: Final = """
import errno, io, os, re, sys
from pathlib import Path
import emobatch
from analytics.errors import EmobatchError
full, opened = None, io.open
class Full:
    def __init__(self, file):
        self._file, self._room = file, 100
    def write(self, data):
        part, self._room = data[:self._room], max(self._room - len(data), 0)
        self._file.write(part)
        if len(part) < len(data):
            self._file.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)
    def __getattr__(self, name):
        return getattr(self._file, name)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self._file.close()
def open_full(file, mode="r", *arguments, **named):
    made = opened(file, mode, *arguments, **named)
    return Full(made) if set(mode) & set("wxa+") and full.search(os.fsdecode(file)) else made
io.open = open_full
for line in sys.stdin:
    full = re.compile(line.strip())
    try:
        emobatch.run(sys.argv[1], "out", workers=0, segment="10", stable_for_s=0)
        print("ended")
    except EmobatchError as error:
        print(error.exit_code, error)
    sys.stdout.flush()
"""
RUN: Final = ("--out", "out", "--workers", "0", "--segment", "10", "--stable-for", "0")
PLACES: Final = {
    "the lock": r"/\.lock\..*new$",
    "the empty tables": "0000000000000000",
    "the state": r"/\.state/videos",
    "the plan": r"plan\.npz",
    "a segment": r"000001\.npz",
    "the journal": r"/\.journal/",
    "rows of faces": "/faces/",
    "the row of a video": "/videos/.*parquet",
    "pages": "/reports/videos/",
    "fingerprints": r"/\.state/fingerprints",
    "the record": r"runs/.*\.tmp",
}


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video of two segments, and a short one."""
    folder = tmp_path_factory.mktemp("footage")
    for name, duration_s in (("long.mp4", 20.0), ("short.mp4", 1.0)):
        walker = Actor(path=((0.0, 60, 90, 60), (duration_s, 260, 90, 60)))
        write_clip(Scene(320, 180, 5.0, duration_s, 5, (walker,)), folder / name, gop=10)
    return folder


@contextmanager
def on_a_full_disk(footage: Path, cwd: Path) -> Iterator[Callable[[str], str]]:
    """What a run says, given a pattern of the files that cannot be written whole."""
    with subprocess.Popen(
        [sys.executable, "-c", FULL, footage],
        cwd=cwd, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip

        def run(where: str) -> str:
            assert process.stdin and process.stdout
            print(where, file=process.stdin, flush=True)
            return process.stdout.readline().strip()

        yield run
        assert process.stdin
        process.stdin.close()


def frames(out: Path) -> dict[str, list[Any]]:
    """All rows as emobatch's own readers find them, in an order of their own."""
    results = emobatch.open_results(out)
    return {table: sorted(map(repr, getattr(results, table).to_dict("records"))) for table in TABLES}


def test_whatever_cannot_be_written_is_told_and_mended(footage: Path, tmp_path: Path) -> None:
    """One run after the other with no room for one more kind of file; then one with room, equal to an undisturbed run."""
    (tmp_path / "whole").mkdir()
    assert command("run", footage, *RUN, cwd=tmp_path / "whole").code == 0
    whole, out = content(tmp_path / "whole" / "out"), tmp_path / "out"

    told = re.compile("1 .*out.*: cannot write .No space left on device.: free or mend the disk and run again")
    with on_a_full_disk(footage, tmp_path) as run:
        for place, where in PLACES.items():
            said = run(where)
            assert told.match(said), (place, said)
            if place not in ("the lock", "the empty tables"):
                now = content(out)
                assert all(whole[name] == now[name] for name in now if name != "videos"), place
                assert all(row in whole["videos"] for row in now["videos"]), place
                assert len(frames(out)["videos"]) == len(now["videos"]), place
            left = leftovers(out)
            assert not [file for file in left if file.endswith(".tmp") or ".unfinished/" not in file], (place, left)
        assert run("nothing like it") == "ended"
    assert content(out) == whole
    assert leftovers(out) == []


def test_a_compaction_that_has_no_room_leaves_the_tables_as_they_are(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room for the rows of some table, or for the record of the change; then there is."""
    out = tmp_path / "out"
    assert command("run", footage, *RUN, cwd=tmp_path).code == 0
    before, rows = content(out), frames(out)
    opened = io.open
    for where in ("/faces/.*compacted", "/videos/.*compacted", r"/\.journal/"):

        def full(file: Any, mode: str = "r", *arguments: Any, where: str = where, **named: Any) -> Any:
            if set(mode) & set("wxa+") and re.search(where, os.fsdecode(file)):
                opened(file, mode, *arguments, **named).close()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return opened(file, mode, *arguments, **named)

        monkeypatch.setattr(io, "open", full)
        with pytest.raises(OSError, match="No space left"):
            compact_days(out, None, least=2)
        monkeypatch.undo()
        assert content(out) == before, where
    done = command("compact", "out", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert [file for file in files_below(out / "faces") if "compacted" in file]
    assert frames(out) == rows
    assert leftovers(out) == []
