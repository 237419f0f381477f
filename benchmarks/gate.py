"""What the gate costs and saves: every video searched as a whole and by what has changed, in one run.

python benchmarks/gate.py VIDEO…

A row a video: usable faces with --gate off, those of them that --gate on finds, too (the same sample, boxes that
overlap by half), tracks, tracks of which the label is another one, and the CPU time of both.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from analytics.overlap import overlaps
from analytics.records import Pulse
from jobs.options import RunOptions
from jobs.pipeline import Engines, SegmentRows, VideoResult, finish_video, plan_file, read_segment

HALF = 0.5


def processed(path: Path, options: RunOptions, engines: Engines) -> tuple[VideoResult, float]:
    """A video and the CPU seconds that it took."""
    started = time.process_time()
    plan, segments = plan_file(path, options, Pulse())
    parts = []
    for segment in segments:
        shape = parts[0].shape if parts else None
        parts.append(read_segment(path, plan, segment, options, engines, Pulse(), shape))
    result = finish_video(path, plan, SegmentRows.joined(parts), options, engines)
    return result, time.process_time() - started


def matched(off: VideoResult, on: VideoResult) -> "np.ndarray":
    """(faces of off,) the face of on that each one is, or -1."""
    places = np.full(len(off.faces), -1)
    for k in range(len(off.faces)):
        (there,) = np.nonzero(on.faces.sample == off.faces.sample[k])
        if len(there):
            found = overlaps(off.faces.boxes[k], on.faces.boxes[there])
            if found.max() >= HALF:
                places[k] = there[found.argmax()]
    return places


def compared(name: str, off: VideoResult, on: VideoResult) -> tuple[int, int]:
    """Usable faces, and those that are lost; a line of the table is printed."""
    place = matched(off, on)
    usable = off.faces.usable
    lost = int((usable & (place < 0)).sum())
    tracks, missing, other = {track.track_id: track for track in off.tracks}, 0, 0
    labels = {track.track_id: track.expression for track in on.tracks}
    for number, track in tracks.items():
        there = on.track_id[place[(off.track_id == number) & (place >= 0)]]
        there = there[there > 0]
        if not len(there):
            missing += 1
        elif labels[int(np.bincount(there).argmax())] != track.expression:
            other += 1
    moved = [overlaps(off.faces.boxes[k], on.faces.boxes[place[k : k + 1]])[0] for k in np.flatnonzero(place >= 0)]
    held = float((on.samples.gate == 1).mean())
    print(
        f"| {name} | {len(off.faces)} | {int(usable.sum())} | {lost} | {int((place < 0).sum())} | {len(on.faces) - int((place >= 0).sum())} "
        f"| {len(tracks)} | {missing} | {other} | {np.median(moved) if moved else 1:.3f} | {held:.0%} |",
        end="",
        flush=True,
    )
    return int(usable.sum()), lost


def main() -> None:
    paths = [Path(one) for one in sys.argv[1:]]
    if missing := [str(path) for path in paths if not path.is_file()] or ([] if paths else ["VIDEO…"]):
        raise SystemExit(f"{', '.join(missing)}: no such video")
    cv2.setNumThreads(1)
    options = RunOptions(sources=(), out=Path("out"))
    engines = Engines.load(options)
    columns = "video, faces, usable, lost, any lost, more, tracks, lost, other label, overlap, held, off s, on s, ratio"
    print("| " + columns.replace(", ", " | ") + " |\n|" + "---|" * 14)
    total = np.zeros(2, int)
    for path in paths:
        off, off_s = processed(path, replace(options, gate=False), engines)
        on, on_s = processed(path, options, engines)
        total += compared(path.name, off, on)
        print(f" {off_s:.2f} | {on_s:.2f} | {on_s / off_s:.2f} |", flush=True)
    print(f"\n{total[1]} of {total[0]} usable faces lost")


if __name__ == "__main__":
    main()
