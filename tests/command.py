"""The emobatch command as a user or a scheduler starts it, and the tables that it leaves."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

ROOT: Final = Path(__file__).parents[1]
COMMAND: Final = (sys.executable, "-m", "emobatch")
# PYTHONPATH, because the command runs in another folder; the rest shall not depend on who runs the tests.
ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The object on stdout, which holds nothing else."""
        read: dict[str, Any] = json.loads(self.stdout)
        return read

    def only_error(self) -> str:
        """The one line on stderr, which is an error and no traceback."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        assert lines[0].startswith("emobatch: "), self.stderr
        assert self.stdout == ""
        return lines[0]


def emobatch(*arguments: str | Path | bytes, cwd: Path, before: tuple[str, ...] = ()) -> Finished:
    """Run the command to its end in the folder cwd. `before` stands before it: sudo and its kind.

    A run that does not say how many workers it wants has none: starting processes takes seconds. One that does not
    say otherwise takes files that were written just now.
    """
    if arguments[:1] == ("run",) and "--help" not in arguments:
        workers = () if {"--workers", "--scheduler"} & set(arguments) else ("--workers", "0")
        stable = () if "--stable-for" in arguments else ("--stable-for", "0")
        arguments = ("run", *workers, *stable, *arguments[1:])
    done = subprocess.run(
        [*before, *COMMAND, *arguments], cwd=cwd, env=ENVIRONMENT, capture_output=True, timeout=240, check=False
    )
    finished = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in finished.stderr, finished.stderr
    assert "internal error" not in finished.stderr, finished.stderr
    return finished


def rows(out: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table, read file by file, in order of the files' names."""
    files = sorted((out / table).rglob("*.parquet"), key=lambda file: file.name)
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def files_below(folder: Path) -> set[str]:
    """Relative paths of all files in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def without_override() -> tuple[str, ...]:
    """What to put before a command so that file modes bind it even where the tests run as root."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may read everything, and there is no setpriv to give that up")
    return (setpriv, "--bounding-set=-dac_override,-dac_read_search")
