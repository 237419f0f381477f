"""Thousands of one-second clips: what a clip costs beyond its pictures, and the memory of the main process.

python benchmarks/many_clips.py WORK_FOLDER [CLIPS]
"""

import shutil
import sys
import time
from pathlib import Path

from analytics.records import Pulse
from benchmarks.watch import draw, emobatch, watch
from jobs.options import RunOptions
from jobs.pipeline import Engines, finish_video, plan_file, read_segment
from jobs.releases import releases
from jobs.work import VideoTask, begin
from reports.site import write_site
from tests.clips import write_clip
from tests.footage import Actor, Scene, standing


def make_clips(folder: Path, clips: int) -> None:
    """As many files as are asked for, no two alike: the same second, and a free box with its number."""
    folder.mkdir(parents=True, exist_ok=True)
    one = folder / "0.mp4"
    write_clip(Scene(320, 180, 25.0, 1.0, 3, (Actor(standing(160, 90, 80)),), noise=3), one)
    content = one.read_bytes()
    one.unlink()
    for number in range(clips):
        box = b"\0\0\0\x10free" + number.to_bytes(8, "big")
        (folder / f"{number:05}.mp4").write_bytes(content + box)


def overhead_s(clips: list[Path], out: Path) -> tuple[float, float]:
    """Seconds for a clip in all, and those of them that are not spent on its pictures."""
    options = RunOptions(sources=(), out=out)
    engines = Engines.load(options)
    whole_s = pictures_s = 0.0
    for path in clips:
        task = VideoTask(path=path, options=options, settings_hash=engines.settings_hash, releases=releases())
        started = time.perf_counter()
        begin(Pulse(), task)
        whole_s += time.perf_counter() - started
        plan, (segment,) = plan_file(path, options, Pulse())
        started = time.perf_counter()
        rows = read_segment(path, plan, segment, options, engines, Pulse())
        pictures_s += time.perf_counter() - started
        finish_video(path, plan, rows, options, engines)
    return whole_s / len(clips), (whole_s - pictures_s) / len(clips)


def main() -> None:
    work, clips = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    folder, out = work / f"clips{clips}", work / "out_clips"
    if not folder.exists():
        make_clips(folder, clips)
    shutil.rmtree(out, ignore_errors=True)
    watched = watch(emobatch(folder, "--out", out, "--workers", "2"))
    print(f"{clips} clips in {watched.elapsed_s:.0f} s, {watched.elapsed_s / clips * 1000:.1f} ms a clip, two workers")
    print(f"main process: most {max(mb for _, mb in watched.main):.0f} MB")
    started = time.perf_counter()
    write_site(out)
    print(f"pages again, none changed: {time.perf_counter() - started:.1f} s")
    started = time.perf_counter()
    write_site(out, everything=True)
    print(f"all pages: {(time.perf_counter() - started) / clips * 1000:.1f} ms a clip")
    whole_s, beyond_s = overhead_s(sorted(folder.iterdir())[:200], work / "out_alone")
    print(f"alone: {whole_s * 1000:.1f} ms a clip, {beyond_s * 1000:.1f} ms of them for open, plan, fingerprint, write")
    curves = {"main": watched.main}
    curves |= {f"worker {k + 1}": curve for k, curve in enumerate(watched.workers.values())}
    draw(Path(__file__).parent / "many_clips.svg", f"Memory, {clips} one-second clips, two workers", curves)


if __name__ == "__main__":
    main()
