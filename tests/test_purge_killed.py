"""A purge that is killed before any of its steps, and the next one."""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

import emobatch as api
from jobs.cli import app
from jobs.compact import compact_days
from jobs.purge import read_tombstones
from reports.site import write_site
from tests.archive import video_id_of
from tests.command import ENVIRONMENT, files_below
from tests.test_purge import GONE, NOW, STAYS, fill_both, ids

KILLED_IN_THE_MIDDLE: Final = """
import os, shutil, sys
from datetime import datetime
from pathlib import Path
import pandas  # pyarrow would import it in each child.
from jobs.purge import purge

made, work, before = Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
left = 0

def counted(function):
    def step(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os._exit(137)
        return function(*arguments, **more)
    return step

for at in range(0, 1000, 2):
    out = work / str(at)
    shutil.copytree(made, out)
    if (child := os.fork()) == 0:
        left = at
        for name in ("replace", "rename", "unlink", "rmdir", "mkdir"):
            setattr(Path, name, counted(getattr(Path, name)))
        os.fsync = counted(os.fsync)
        purge(out, before, False)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(at)
"""


@pytest.mark.parametrize("together", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_next_purge_completes_one_that_was_killed(together: bool, tmp_path: Path) -> None:
    """Killed before any step: each video is there or gone as a whole, and then the same as without the kill."""
    made = tmp_path / "made"
    fill_both(made)
    write_site(made)
    shutil.rmtree(made / "reports" / "assets")  # 4 MB for each kill.
    (made / ".unfinished" / f"{video_id_of(0)}-cafe").mkdir(parents=True)
    if together:
        compact_days(made, None, least=2)
    before = NOW - timedelta(days=30)
    command = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(made), str(tmp_path), before.isoformat()]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    steps = int(done.stdout)
    assert steps > 10
    assert ids(tmp_path / str(steps))["videos"] == STAYS
    for at in range(0, steps, 2):
        out = tmp_path / str(at)
        there = set(api.open_results(out).videos["video_id"])
        assert set(api.open_results(out).samples["video_id"]) == there
        assert there >= STAYS
        assert read_tombstones(out).keys() in (set(), GONE)
        assert there == STAYS | GONE or read_tombstones(out).keys() == GONE
        if at % 12 == 0 or at >= steps - 4:
            assert CliRunner().invoke(app, ["purge", str(out), "--older-than", "30d"]).exit_code == 0
            assert ids(out) == dict.fromkeys(("videos", "samples", "pages"), STAYS)
            assert not list((out / ".unfinished").iterdir())
            assert "index.html" in files_below(out / "reports")
            assert all(one not in (out / "reports" / "index.html").read_text("utf-8") for one in GONE)
