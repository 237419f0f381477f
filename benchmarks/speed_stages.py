"""Where the processor time of a run goes, step by step, within one process.

    python -m benchmarks.speed_stages VIDEO…

Milliseconds of processor time per second of video: listing packets, decoding, turning samples into pictures (a small one
for the gate, and that in which is searched), the detector, the gate beside it, cropping and judging, classifying, and the
rest (tracks, rows). Beside it what PyAV takes to decode every frame on one thread.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av

from analytics import decode
from analytics.records import Pulse
from jobs import pipeline
from jobs.options import RunOptions
from jobs.search import FaceSearch
from models.classifier import ExpressionClassifier
from models.detectors.yunet import YuNet

STEPS = ("list", "decode", "pictures", "detect", "gate", "crop and judge", "classify", "rest")


class Meter:
    """Processor time by step: a step that is called by another one is not counted twice."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._steps = ["rest"]
        self._since = time.process_time()

    def turn(self) -> None:
        """Book what passed to the step that is under way."""
        now = time.process_time()
        self.spent[self._steps[-1]] += now - self._since
        self._since = now

    def timed(self, owner: Any, name: str, step: str) -> None:
        """Have a function, or what a generator does between two of its values, booked to a step."""
        function = getattr(owner, name)

        def called(*given: Any, **named: Any) -> Any:
            result = self._within(step, lambda: function(*given, **named))
            return self._each(step, result) if isinstance(result, Iterator) else result

        setattr(owner, name, called)

    def _within(self, step: str, work: Callable[[], Any]) -> Any:
        self.turn()
        self._steps.append(step)
        try:
            return work()
        finally:
            self.turn()
            self._steps.pop()

    def _each(self, step: str, values: Iterator[Any]) -> Iterator[Any]:
        over = object()
        while (value := self._within(step, lambda: next(values, over))) is not over:
            yield value


def decoding_s(path: Path) -> float:
    """Processor time of decoding every frame."""
    began = time.process_time()
    with av.open(path) as file:
        stream = file.streams.video[0]
        stream.codec_context.thread_count = 1
        for _ in file.decode(stream):
            pass
    return time.process_time() - began


def watched() -> Meter:
    """A meter that sees the steps of a run."""
    meter = Meter()
    crop_and_judge = "crop_faces", "judge", "obstructed"
    for owner, name, step in (
        (pipeline, "list_packets", "list"),
        (pipeline, "decode_samples", "decode"),
        (decode, "upright", "pictures"),
        (decode, "small_luma", "pictures"),
        (YuNet, "detect", "detect"),
        (YuNet, "detect_at", "detect"),
        (FaceSearch, "faces_in", "gate"),
        *((pipeline, name, "crop and judge") for name in crop_and_judge),
        (ExpressionClassifier, "classify", "classify"),
    ):
        meter.timed(owner, name, step)
    return meter


def main() -> None:
    meter = watched()
    print(f"| | PyAV | {' | '.join(STEPS)} | all |\n|{'---|' * (len(STEPS) + 3)}")
    for path in map(Path, sys.argv[1:]):
        options = RunOptions(sources=(str(path),), out=Path("unused"))
        engines = pipeline.Engines.load(options)
        meter.turn()
        meter.spent.clear()
        plan, segments = pipeline.plan_file(path, options, Pulse())
        parts = [pipeline.read_segment(path, plan, segment, options, engines, Pulse()) for segment in segments]
        pipeline.finish_video(path, plan, pipeline.SegmentRows.joined(parts), options, engines)
        meter.turn()
        spent = [meter.spent[step] for step in STEPS]
        figures = (1000 * seconds / plan.duration_s for seconds in (decoding_s(path), *spent, sum(spent)))
        print(f"| {path.stem} | {' | '.join(f'{figure:.1f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    main()
