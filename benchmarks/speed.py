"""How near emobatch comes to a bare decoder: whole processes by an outside clock, on one core, in one run.

    python benchmarks/speed.py FOOTAGE WORK [ROUNDS] [NAME…]      or: make bench FOOTAGE=… WORK=…

For each clip, with pictures that no other one is decoded from ("b") and without ("p"): seconds per second of video of
PyAV's decoding of every frame on one thread, of listing the packets, of a whole `emobatch run --workers 0` and of one
with --gate off (once); the ratios to PyAV's decoding; peak memory. Medians of ROUNDS.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.speed_clips import CLIPS, KINDS, Clip

DECODE = """
import sys, time, av
with av.open(sys.argv[1]) as file:
    stream = file.streams.video[0]
    stream.codec_context.thread_count = 1
    began = time.perf_counter()
    frames = sum(1 for _ in file.decode(stream))
print(time.perf_counter() - began)
"""
LIST = """
import sys, time
from pathlib import Path
from analytics.packets import list_packets
began = time.perf_counter()
list_packets(Path(sys.argv[1]))
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Ran:
    """A whole process."""

    wall_s: float
    peak_mb: float


def printed(code: str, path: Path) -> float:
    """Seconds that a small program prints."""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def run(path: Path, out: Path, *more: str) -> Ran:
    """A run from a cold process to its exit."""
    shutil.rmtree(out, ignore_errors=True)
    # As pip installs it: with compiled modules beside the sources.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "emobatch", "run", str(path), "--out", str(out), "--quiet", *more]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return Ran(time.perf_counter() - began, usage.ru_maxrss / 1024)


def measured(clip: Clip, path: Path, work: Path, rounds: int) -> dict[str, float]:
    """What a clip costs, round by round, so that a busy minute meets all alike."""
    found: dict[str, list[float]] = {}
    peak = 0.0
    for number in range(rounds):
        on = run(path, work / "out", "--workers", "0")
        peak = max(peak, on.peak_mb)
        row = {"decode": printed(DECODE, path), "list": printed(LIST, path), "run": on.wall_s}
        if number == 0:
            row["gate off"] = run(path, work / "out", "--workers", "0", "--gate", "off").wall_s
        for name, seconds in row.items():
            found.setdefault(name, []).append(seconds / clip.seconds)
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {
        **medians,
        "ratio": medians["run"] / medians["decode"],
        "off": medians["gate off"] / medians["decode"],
        "MB": peak,
    }


def main() -> None:
    footage, work = Path(sys.argv[1]), Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    names = sys.argv[4:]
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "benchmarks.speed_clips", str(footage), str(work)], check=True)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    print(
        f"one of {len(cores)} cores, {datetime.now(UTC):%Y-%m-%d}, medians of {rounds}, seconds per second of video\n"
    )
    columns = ("decode", "list", "run", "gate off", "ratio", "off", "MB")
    print(f"| clip | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    kept = []
    for clip in CLIPS:
        if names and clip.name not in names:
            continue
        for kind in KINDS:
            path = work / f"{clip.name}_{kind}.mp4"
            row = measured(clip, path, work, rounds)
            kept.append({"clip": clip.name, "kind": kind, **row})
            digits = {"ratio": 2, "off": 2, "MB": 0}
            print(
                f"| {clip.name} {kind} | {' | '.join(f'{row[name]:.{digits.get(name, 4)}f}' for name in columns)} |",
                flush=True,
            )
    (work / "speed.json").write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
