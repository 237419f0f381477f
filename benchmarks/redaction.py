"""Redact every clip of a folder, then look for faces in every frame of the copies: none may be left.

    python -m benchmarks.redaction FOOTAGE WORK [--how box] [--outside mtcnn] [--every 5]

Counted are detections of YuNet at score 0.5 on the picture and on its double size, in every frame, and those of a
detector that had no part in the redaction in every fifth. A detection is uncovered when less than 60 % of its box was
covered; cut-outs of those go to WORK/uncovered/ for a person to look at, of the copy beside the original. A detection
on a cover says that the cover still looks like a face to the detector.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.every_frame import decode_every, outcome_for
from analytics.packets import list_packets
from analytics.plan import plan_video
from analytics.records import Detections, Picture, Pulse
from jobs.passes import Passes
from jobs.redact import Redacted, RedactOptions, redact
from models.detectors import DETECTORS
from models.detectors.yunet import YuNet

_SCORE: Final = 0.5
_COVERED: Final = 0.6
_KINDS: Final = {".mp4", ".mkv", ".mov", ".avi"}


@dataclass
class Counts:
    """Detections in the copy of one clip."""

    frames: int = 0
    uncovered: int = 0
    on_cover: int = 0
    outside_frames: int = 0
    outside_uncovered: int = 0
    outside_on_cover: int = 0
    cuttings: list[Picture] = field(default_factory=list)


def main() -> None:
    """Print a row a clip, as Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("footage", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--how", default="box")
    parser.add_argument("--outside", default="mtcnn", choices=[*DETECTORS, "none"])
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--only", default="", help="clips whose name contains this")
    given = parser.parse_args()
    (given.work / "uncovered").mkdir(parents=True, exist_ok=True)
    outside = None if given.outside == "none" else DETECTORS[given.outside](min_score=0.7, long_side=960)
    print(
        f"| clip | frames | frames/s | covered in | of them unfound in | after its check | uncovered | on a cover | {given.outside}: frames | "
        "uncovered | on a cover |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    clips = [path for path in given.footage.iterdir() if path.suffix in _KINDS and given.only in path.name]
    for clip in sorted(clips, key=lambda path: path.stat().st_size):
        copy = given.work / f"{clip.stem}.{given.how}.mkv"
        with Passes(quiet=True) as passes:
            done = redact(RedactOptions(video=str(clip), file=copy, how=given.how, force=True), passes)
        found = _counted(clip, copy, done, outside, given.every)
        if found.cuttings:
            cv2.imwrite(str(given.work / "uncovered" / f"{clip.stem}.png"), np.vstack(found.cuttings[:40]))
        print(
            f"| {clip.name} | {done.frames} | {done.frames / done.elapsed_s:.1f} | {done.covered} | {done.unfound} | {done.added} | "
            f"{found.uncovered} | {found.on_cover} | {found.outside_frames} | {found.outside_uncovered} | "
            f"{found.outside_on_cover} |",
            flush=True,
        )


def _counted(clip: Path, copy: Path, done: Redacted, outside: object, every: int) -> Counts:
    """Look for faces in the copy."""
    found = Counts()
    net = YuNet(min_score=_SCORE)
    for number, original, picture in _side_by_side(clip, copy):
        found.frames += 1
        boxes = done.regions.box[done.regions.of_frame(number)]
        covered = _mask(boxes, picture.shape[:2])
        for scale in (1.0, 2.0):
            hits = net.detect_at(picture, scale)
            bare = _bare(hits, covered)
            found.uncovered += int(bare.sum())
            found.on_cover += int((~bare).sum())
            found.cuttings += [_cutting(original, picture, box, number) for box in hits.boxes[bare]]
        if outside is not None and found.frames % every == 1:
            hits = outside.detect(picture)  # type: ignore[attr-defined]
            bare = _bare(hits, covered)
            found.outside_frames += 1
            found.outside_uncovered += int(bare.sum())
            found.outside_on_cover += int((~bare).sum())
            found.cuttings += [_cutting(original, picture, box, number) for box in hits.boxes[bare]]
    return found


def _side_by_side(clip: Path, copy: Path) -> Iterator[tuple[int, Picture, Picture]]:
    """Number in the plan, picture of the clip and of its copy, for every frame."""
    plan = plan_video(list_packets(clip), Fraction(1, 2))
    again = plan_video(list_packets(copy), Fraction(1, 2))
    theirs = decode_every(clip, plan, outcome_for(plan, Pulse()))
    ours = decode_every(copy, again, outcome_for(again, Pulse()))
    for original, drawn in zip(theirs, ours, strict=True):
        yield original.sample, original.picture, drawn.picture


def _mask(boxes: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(size, np.bool_)
    for x, y, w, h in boxes:
        mask[
            max(0, int(np.floor(y))) : max(0, int(np.ceil(y + h))),
            max(0, int(np.floor(x))) : max(0, int(np.ceil(x + w))),
        ] = True
    return mask


def _bare(hits: Detections, covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) which detections lie mostly beside what was covered."""
    bare = []
    for x, y, w, h in hits.boxes:
        part = covered[max(0, int(y)) : max(0, int(np.ceil(y + h))), max(0, int(x)) : max(0, int(np.ceil(x + w)))]
        bare.append(not part.size or part.mean() < _COVERED)
    return np.array(bare, np.bool_)


def _cutting(original: Picture, picture: Picture, box: NDArray[np.float32], number: int) -> Picture:
    """The place in the original and in the copy, side by side."""
    x, y, w, h = box.tolist()
    side = max(w, h) * 1.5
    left, top = round(x + w / 2 - side), round(y + h / 2 - side)
    tiles = []
    for shown in (original, picture):
        part = shown[max(0, top) : max(1, top + round(2 * side)), max(0, left) : max(1, left + round(2 * side))]
        tiles.append(cv2.resize(part, (160, 160)))
    cv2.putText(tiles[0], str(number), (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1)
    return np.asarray(np.hstack(tiles), np.uint8)


if __name__ == "__main__":
    main()
