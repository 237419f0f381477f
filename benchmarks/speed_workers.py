"""One worker and two over the same clips, and how long a run takes until its first rows can be read.

    python -m benchmarks.speed_workers FOOTAGE WORK [ROUNDS]

WORK is that of benchmarks/speed.py, whose clips are all given to one command. Medians of ROUNDS: seconds until the first
file of faces is in place, until the run has ended, and the most memory of the main process and of a worker.
"""

import shutil
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed_clips import CLIPS, KINDS
from benchmarks.watch import emobatch, watch

_LOOK_S = 0.05


class FirstRows:
    """Looks for the first file of a table while a run is under way."""

    def __init__(self, out: Path) -> None:
        self.after_s = 0.0
        self._began, self._out, self._over = time.monotonic(), out, threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            if any((self._out / "faces").rglob("*.parquet")):
                self.after_s = time.monotonic() - self._began
                return

    def stop(self) -> None:
        """The run has ended."""
        self._over.set()
        self._watch.join()


@dataclass(frozen=True)
class Ran:
    """A whole process."""

    first_s: float
    all_s: float
    main_mb: float
    worker_mb: float


def run(clips: list[Path], out: Path, workers: int) -> Ran:
    """All clips in one run."""
    shutil.rmtree(out, ignore_errors=True)
    rows = FirstRows(out)
    try:
        watched = watch(emobatch(*clips, "--out", out, "--workers", str(workers)))
    finally:
        rows.stop()
    most = max(mb for curve in watched.workers.values() for _, mb in curve)
    return Ran(rows.after_s, watched.elapsed_s, max(mb for _, mb in watched.main), most)


def main() -> None:
    footage, work = Path(sys.argv[1]), Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    subprocess.run([sys.executable, "-m", "benchmarks.speed_clips", str(footage), str(work)], check=True)
    clips = [work / f"{clip.name}_{kind}.mp4" for clip in CLIPS for kind in KINDS]
    ran: dict[int, list[Ran]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, rows in ran.items():
            rows.append(run(clips, work / "out_workers", workers))
    seconds = sum(clip.seconds for clip in CLIPS) * len(KINDS)
    print(f"{len(clips)} clips, {seconds / 60:.0f} minutes, medians of {rounds}\n")
    print("| workers | first rows, s | all, s | minutes a minute | main, MB | worker, MB |\n|---|---|---|---|---|---|")
    for workers, rows in ran.items():
        all_s = statistics.median(row.all_s for row in rows)
        figures = (
            f"{statistics.median(row.first_s for row in rows):.1f}",
            *(f"{figure:.0f}" for figure in (all_s, seconds / all_s)),
            *(f"{max(figures):.0f}" for figures in ([row.main_mb for row in rows], [row.worker_mb for row in rows])),
        )
        print(f"| {workers} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
