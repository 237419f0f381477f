"""The memory of a worker over one long file.

    python -m benchmarks.memory VIDEO SECONDS WORK

Repeats the packets of a video whose frames are equally far apart and in the order in which they are shown (those of
benchmarks/speed_clips.py that end in "_p") until so many seconds are full, runs emobatch over it with one worker, and
prints, in MB, the most that main process and worker held, the worker also without the files of libraries, and between what
the worker kept after each quarter.
"""

import itertools
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av

from benchmarks.watch import Curve, emobatch, watch


def looped(source: Path, seconds: float, target: Path) -> None:
    """The video over and over, without encoding it anew."""
    with av.open(source) as once, av.open(target, "w") as file:
        taken = once.streams.video[0]
        rate = taken.average_rate
        assert rate is not None
        step = Fraction(1) / rate
        stream = file.add_stream_from_template(taken)
        number = 0
        while number * step < seconds:
            once.seek(0, stream=taken)
            for packet in once.demux(taken):
                if packet.size:
                    packet.stream, packet.time_base = stream, step
                    packet.pts = packet.dts = number
                    packet.duration = 1
                    file.mux(packet)
                    number += 1


def quarters(curve: Curve) -> list[str]:
    """Least and most in each quarter of the time."""
    memory = [mb for _, mb in curve]
    cuts = [len(memory) * k // 4 for k in range(5)]
    parts = [memory[first:last] for first, last in itertools.pairwise(cuts)]
    return [f"{min(part):.0f} to {max(part):.0f}" for part in parts if part]


def main() -> None:
    source, seconds, work = Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    video, out = work / f"{source.stem}_{seconds:.0f}s.mp4", work / "out"
    if not video.exists():
        looped(source, seconds, video)
    shutil.rmtree(out, ignore_errors=True)
    watched = watch(emobatch(video, "--out", out, "--workers", "1"))
    print(f"{video.name}: {seconds / watched.elapsed_s:.1f} times as fast as it plays")
    print(f"main process: {max(mb for _, mb in watched.main):.0f} MB")
    for process, curve in watched.workers.items():
        most = max(mb for _, mb in curve)
        print(f"worker: {most:.0f} MB, {watched.own_mb[process]:.0f} its own; by quarters {', '.join(quarters(curve))}")


if __name__ == "__main__":
    main()
