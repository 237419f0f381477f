"""Two workers against two bare decoders, and the memory of the workers, on an hour of 720p looped from real clips.

    python benchmarks/hour_of_720p.py FOOTAGE_FOLDER WORK_FOLDER [SECONDS]

Speed-up is what two processes gain over one in the same session: what disk, memory and a second core give at
best is what two bare PyAV processes get, each of which decodes one half and does nothing else.
"""

import multiprocessing
import shutil
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.watch import Curve, draw, emobatch, watch

WIDTH, HEIGHT, FPS = 1280, 720, 25
CLIPS = ("corridor_three_people.mp4", "street_1080p.mp4", "one_man_neutral_to_happy.mp4", "signer_walk.mkv")


def make_hour(footage: Path, target: Path, seconds: float) -> None:
    """Some real clips as 720p H.264, their packets repeated until the time is full."""
    once = target.with_suffix(".once.mp4")
    with av.open(once, "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 2 * FPS, 0
        for name in CLIPS:
            with av.open(footage / name) as clip:
                for frame in clip.decode(video=0):
                    picture = cv2.resize(frame.to_ndarray(format="bgr24"), (WIDTH, HEIGHT))
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")))
        file.mux(stream.encode(None))
    with av.open(once) as source, av.open(target, "w") as file:
        taken = source.streams.video[0]
        stream = file.add_stream_from_template(taken)
        stream.time_base = Fraction(1, FPS)
        number = 0
        while number < seconds * FPS:
            source.seek(0, stream=taken)
            for packet in source.demux(taken):
                if packet.size:
                    packet.stream, packet.time_base = stream, Fraction(1, FPS)
                    packet.pts = packet.dts = number
                    packet.duration = 1
                    file.mux(packet)
                    number += 1
    once.unlink()


def decode(path: Path, start_s: float, end_s: float) -> None:
    """What a bare decoder does: every frame between two times, on one thread, and nothing with it."""
    with av.open(path) as file:
        stream = file.streams.video[0]
        stream.codec_context.thread_count = 1
        file.seek(int(start_s * av.time_base))
        for frame in file.decode(stream):
            if frame.time is not None and frame.time >= end_s:
                break


def bare(path: Path, seconds: float, processes: int) -> float:
    """Elapsed seconds of so many bare decoders, each with an equal part."""
    edges = np.linspace(0, seconds, processes + 1)
    started = time.monotonic()
    running = [
        multiprocessing.Process(target=decode, args=(path, *edges[k : k + 2].tolist())) for k in range(processes)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()
    return time.monotonic() - started


def main() -> None:
    footage, work = Path(sys.argv[1]), Path(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 3600.0
    work.mkdir(parents=True, exist_ok=True)
    hour = work / f"looped_{seconds:.0f}.mp4"
    if not hour.exists():
        make_hour(footage, hour, seconds)
    print(f"{hour.stat().st_size / 1e6:.0f} MB, {seconds:.0f} s")
    times: dict[str, float] = {}
    curves: dict[str, Curve] = {}
    for processes in (1, 2):
        times[f"bare {processes}"] = bare(hour, seconds, processes)
        out = work / f"out{processes}"
        shutil.rmtree(out, ignore_errors=True)
        watched = watch(emobatch(hour, "--out", out, "--workers", str(processes)))
        times[f"emobatch {processes}"] = watched.elapsed_s
        curves = {"main": watched.main}
        curves |= {f"worker {k + 1}": curve for k, curve in enumerate(watched.workers.values())}
    for name, elapsed_s in times.items():
        print(f"{name}: {elapsed_s:.1f} s, {seconds / elapsed_s:.1f} x real time")
    gain, best = (times[f"{kind} 1"] / times[f"{kind} 2"] for kind in ("emobatch", "bare"))
    print(f"speed-up of emobatch {gain:.2f}, of bare decoding {best:.2f}, ratio {gain / best:.2f}")
    for name, curve in curves.items():
        memory = [mb for _, mb in curve]
        late = memory[len(memory) // 4 :]
        print(f"{name}: most {max(memory):.0f} MB; after the first quarter {min(late):.0f} to {max(late):.0f} MB")
    draw(Path(__file__).parent / "hour_of_720p.svg", f"Memory, {seconds / 60:.0f} min of 720p, two workers", curves)


if __name__ == "__main__":
    main()
