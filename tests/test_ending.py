"""A command ends with its exit code and all it said, whatever native code does at the end of a process."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ENVIRONMENT

_ABORTS_AT_ITS_END = """
import atexit, ctypes, sys, emobatch, jobs.cli
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)
sys.argv = ["emobatch", *sys.argv[1:]]
run = jobs.cli.run_command_line
jobs.cli.run_command_line = lambda: (atexit.register(print, "put away"), run())
emobatch.command()
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--version"], 0), (["status", "nowhere"], 2), (["run", "nowhere"], 2), (["run", "--nope"], 2)],
)
def test_native_code_cannot_harm_the_end(tmp_path: Path, arguments: list[str], code: int) -> None:
    """Such as Arrow, whose threads may outlive their pools; what Python puts away is put away before."""
    done = subprocess.run(
        [sys.executable, "-c", _ABORTS_AT_ITS_END, *arguments],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, "put away"), done.stderr
    assert bool(done.stderr) == bool(code)


def test_a_reader_that_went_away(tmp_path: Path) -> None:
    """What cannot be written any more is Python's to tell, as before."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m emobatch --help | head -c 1; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr and done.stdout.split()[-1] in ("0", "1", "120", "141")
