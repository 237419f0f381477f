"""Hundreds of damaged files among some good ones: what becomes of each, and whether any is done twice.

python benchmarks/damaged_archive.py WORK_FOLDER [DAMAGED] [SEED]
"""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.command import COMMAND, ENVIRONMENT, rows
from tests.damaged_archive import make_bad, make_good

GOOD = 20
STALL_S = 60
_MOST_S = 3600


def run(work: Path) -> tuple[int, dict[str, Any], float]:
    """Exit code, what --json says, and seconds."""
    began = time.monotonic()
    arguments = ["run", "in", "--out", "out", "--workers", "2", "--stall", str(STALL_S), "--stable-for", "0"]
    with (work / "said.txt").open("ab") as said:
        done = subprocess.run(
            [*COMMAND, *arguments, "--json"],
            cwd=work, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=said, timeout=_MOST_S, check=False,
        )  # fmt: skip
    return done.returncode, json.loads(done.stdout), time.monotonic() - began


def main() -> None:
    work = Path(sys.argv[1])
    damaged, seed = int(sys.argv[2]) if len(sys.argv) > 2 else 300, int(sys.argv[3]) if len(sys.argv) > 3 else 1
    shutil.rmtree(work, ignore_errors=True)
    make_good(work / "in" / "good", GOOD)
    bad = make_bad(work / "in" / "bad", sorted((work / "in" / "good").iterdir()), damaged, seed)

    code, told, elapsed_s = run(work)
    found = {Path(row["source"]).name: row for row in rows(work / "out", "videos")}
    print(f"{len(bad)} damaged and {GOOD} good files: {elapsed_s:.0f} s, exit {code}, {told['videos']}")
    for damage in dict.fromkeys(bad.values()):
        became = Counter(found[name]["status"] for name, what in bad.items() if what == damage and name in found)
        print(f"  {damage:16} {dict(became)}")
    odd = [f"{name}: {found[name]['reason']}" for name in bad if _is_odd(found.get(name))]
    print("odd:", *(odd or ["none"]), sep="\n  ")
    assert code == 3
    assert set(found) == {*bad, *(path.name for path in (work / "in" / "good").iterdir())}, "a file has no row"
    assert all(found[name]["status"] == "done" for name in set(found) - set(bad)), "a good video was lost"
    assert all(row["reason"] for row in found.values() if row["status"] in ("failed", "partial"))

    code, told, elapsed_s = run(work)
    print(f"again: {elapsed_s:.0f} s, exit {code}, {told['videos']}")
    assert (code, told["videos"]["unchanged"]) == (0, len(found))
    assert {Path(row["source"]).name: row for row in rows(work / "out", "videos")} == found, "something was done again"


def _is_odd(row: dict[str, Any] | None) -> bool:
    """Whether a reason is not one that was foreseen."""
    words = (row["reason"] or "") if row else "unforeseen"
    return any(word in words for word in ("unforeseen", "timed out", "ended its worker"))


if __name__ == "__main__":
    main()
