"""Changes to the tables, each made by a process of its own that is killed, or suspended, before a chosen step.

`python -m tests.kill_points` reads one order a line and forks for each: importing pyarrow again for each of a
thousand kills would take minutes. A step is what renames, and if THOROUGH anything that changes the disk.
os._exit stands for the kill: it lets no `finally` run.
"""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa

from analytics.commit import commit, complete, term_of
from analytics.compaction import compact, drop, loosen
from analytics.listing import TABLES as OF_VIDEOS
from analytics.listing import list_tables
from analytics.schema import TABLES
from analytics.tables import Place, files_of, prepare, to_table, write_video
from tests.command import ENVIRONMENT, ROOT

KILLED: Final = 137
METADATA: Final = {"emobatch.version": "0"}
THOROUGH: Final = bool(os.environ.get("EMOBATCH_EVERY_KILL"))
_STEPS: Final = ("replace", "rename", *(("unlink", "rmdir", "mkdir", "fsync", "utime", "link") if THOROUGH else ()))


@dataclass(frozen=True)
class Filed:
    """What a video's rows say, and where they are filed."""

    folder: str
    version: int
    failed: bool = False
    """It has a row in `videos` alone."""


def tables_of(video_id: str, filed: Filed) -> dict[str, pa.Table]:
    """Rows that say which video they are of, and in which version: 2 in each table, 1 in videos."""
    names = ("videos",) if filed.failed else OF_VIDEOS
    return {name: _table(name, video_id, filed.version, 1 if name == "videos" else 2) for name in names}


def write(out: Path, video_id: str, filed: Filed, replaces: list[tuple[str, str]]) -> None:
    """Write a video as a run does."""
    day, camera = (key.partition("=")[2] for key in filed.folder.split("/"))
    term, place, tables = term_of(out), Place(day, camera), tables_of(video_id, filed)
    write_video(out, place, video_id, tables, METADATA, replaces=replaces, term=term)


def _table(name: str, video_id: str, version: int, rows: int) -> pa.Table:
    known: dict[str, Any] = {
        "video_id": [video_id] * rows,
        "source": [f"/footage/{video_id}.mp4"] * rows,
        "status": ["done"] * rows,
        "sample": list(range(rows)),
        "finished_at": [datetime(2026, 1, 1, tzinfo=UTC)] * rows,
        "time": [None] * rows,
        "duplicate_of": [None] * rows,
        "reason": [None] * rows,
    }
    return to_table(name, {field.name: known.get(field.name, _values(field, version, rows)) for field in TABLES[name]})


def _values(field: pa.Field, version: int, rows: int) -> list[Any]:
    if pa.types.is_list(field.type):
        return [[]] * rows
    if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
        return ["happy"] * rows
    if pa.types.is_timestamp(field.type):
        return [None] * rows
    return [pa.scalar(version).cast(field.type).as_py()] * rows


def carry_out(out: Path, what: str, *told: Any) -> None:
    """One change, by its name."""
    changes: dict[str, Callable[..., object]] = {
        "prepare": lambda: prepare(out, METADATA),
        "complete": lambda: complete(out),
        "write": lambda one, folder, version, failed, replaces: write(
            out, one, Filed(folder, version, failed), [(place, old) for place, old in replaces]
        ),
        "compact": lambda folder: compact(out, list_tables(out), folder),
        "loosen": lambda folder, *ids: loosen(out, list_tables(out), folder, ids),
        "drop": lambda folder, *ids: drop(out, list_tables(out), folder, ids),
        "remove": lambda folder, one: commit(out, one, (), files_of(out, folder, one)),
    }
    changes[what](*told)


class Killer:
    """Orders changes from a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def change(self, out: Path, what: str, *told: Any, kill_before: int | None = None) -> bool:
        """Make a change in OUT; whether it came to its end before the step at which it was to be killed."""
        ended = self._order(out, "kill", kill_before, what, *told)
        assert ended in (0, KILLED), f"{what} {told} ended with {ended}"
        return ended == 0

    def suspended(self, out: Path, what: str, *told: Any, before: int) -> int | None:
        """Begin a change and suspend it before a step; its process, or None where it came to its end before."""
        ended = self._order(out, "stop", before, what, *told)
        return None if ended >= 0 else -ended

    def wake(self, process: int) -> int:
        """Let a suspended change go on to its end; with what it ended."""
        return self._order(Path(), "wake", process, "")

    def _order(self, out: Path, mode: str, number: int | None, what: str, *told: Any) -> int:
        assert self._process.stdin and self._process.stdout
        print(json.dumps([str(out), mode, number, what, *told]), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@contextmanager
def killer() -> Iterator[Killer]:
    """Someone to order changes from."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kill_points"],
        cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Killer(process)
        assert process.stdin
        process.stdin.close()


def _interrupt_before(step: int, how: Callable[[], None]) -> None:
    """Kill or suspend this process before the step of that number, counted from 1."""
    left = step

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                how()
            return function(*arguments, **named)

        return instead

    for name in _STEPS:
        setattr(os, name, counted(getattr(os, name)))
    opened = io.open

    def open_or_die(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        return (counted(opened) if set(mode) & set("wxa+") else opened)(file, mode, *arguments, **named)

    if THOROUGH:
        io.open = open_or_die


def _in_a_child(out: Path, mode: str, step: int | None, what: str, *told: Any) -> None:
    if mode == "stop" and what != "write":  # What workers do not do is done by the process that took the lock.
        complete(out)
    if step is not None:
        killed, stopped = (lambda: os._exit(KILLED)), (lambda: os.kill(os.getpid(), signal.SIGSTOP))
        _interrupt_before(step, killed if mode == "kill" else stopped)
    try:
        carry_out(out, what, *told)
    except OSError as error:  # As a step of a run that is over ends.
        print(f"{what}: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Carry out orders until there are no more; answer each with how it ended, or minus a suspended process."""
    with TemporaryDirectory() as warm:  # What is imported at first use is so once, and not by every child.
        write(Path(warm), "0" * 15 + "1", Filed("day=0/cam=0", 1), [])
    for line in sys.stdin:
        out, mode, number, what, *told = json.loads(line)
        if mode == "wake":
            child = number
            os.kill(child, signal.SIGCONT)
        elif not (child := os.fork()):
            try:
                _in_a_child(Path(out), mode, number, what, *told)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, os.WUNTRACED)
        print(-child if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
