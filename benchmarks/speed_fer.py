"""emobatch and the package fer on the same clips at two samples a second: whole processes, on one core, in one run.

    pip download --no-deps fer && unzip fer-*.whl -d PACKAGE
    python -m benchmarks.speed_fer FOOTAGE WORK PACKAGE [ROUNDS] [NAME…]

fer runs as it comes: its Haar detector, its tflite network. OpenCV reads the video for it and unpacks only the pictures
that are sampled. Seconds are medians of ROUNDS, per second of video; faces are all that either one reports. WORK is that
of benchmarks/speed.py, whose clips are used.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from analytics.videos import read_videos
from benchmarks.speed import run
from benchmarks.speed_clips import CLIPS, KINDS

FER = """
import sys, cv2
sys.path.insert(0, sys.argv[2])
from fer.fer import FER
detector, video = FER(), cv2.VideoCapture(sys.argv[1])
step, frame, faces = video.get(cv2.CAP_PROP_FPS) / 2, 0, 0
while video.grab():
    if frame % step < 1:
        faces += len(detector.detect_emotions(video.retrieve()[1]))
    frame += 1
print(faces)
"""


def fer(path: Path, package: Path) -> tuple[float, int]:
    """Seconds of a process of fer, and how many faces it reports."""
    began = time.perf_counter()
    command = [sys.executable, "-c", FER, str(path), str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, int(done.stdout.split()[-1])


def main() -> None:
    footage, work, package = map(Path, sys.argv[1:4])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    names = sys.argv[5:]
    subprocess.run([sys.executable, "-m", "benchmarks.speed_clips", str(footage), str(work)], check=True)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print("| clip | emobatch | fer | times as fast | faces | faces of fer |\n|---|---|---|---|---|---|")
    for clip in CLIPS:
        if not clip.has_face or (names and clip.name not in names):
            continue
        for kind in KINDS:
            path, ours, theirs = work / f"{clip.name}_{kind}.mp4", list[float](), list[float]()
            for _ in range(rounds):
                ours.append(run(path, work / "out_fer", "--workers", "0").wall_s)
                seconds, n_theirs = fer(path, package)
                theirs.append(seconds)
            n_ours = sum(read_videos(work / "out_fer").table["n_faces"].to_pylist())
            a, b = statistics.median(ours), statistics.median(theirs)
            print(
                f"| {clip.name} {kind} | {a / clip.seconds:.4f} | {b / clip.seconds:.4f} | {b / a:.1f} | {n_ours} | {n_theirs} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
