"""Single frames of a video, by their times."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from analytics.container import open_video
from analytics.decode import DecodeOutcome, frames_of, look
from analytics.masks import NO_MASKS, Masks
from analytics.packets import list_packets
from analytics.plan import plan_video
from analytics.records import Picture, Pulse
from analytics.segments import cut
from analytics.upright import upright

_STRETCH: Final = Fraction(10)
"""Seconds of footage in a stretch that is decoded for the frames in it; the others are skipped."""


def stills(
    path: Path, times_s: Sequence[float], pulse: Pulse, masks: Masks = NO_MASKS
) -> Iterator[tuple[float, Picture]]:
    """The frames that are shown at these times, in order of time, upright and of the video's size.

    A frame that is damaged or that no decoder brings out is left out.

    Args:
        path: the video.
        times_s: as tables give them: seconds from the start of the video stream.
        pulse: beats as the work goes on.
        masks: of its camera; they are painted over.

    Raises:
        VideoError: the file cannot be opened, or is no video.
    """
    plan = plan_video(list_packets(path, pulse), Fraction(1, 2))
    asked = np.unique(np.asarray(times_s, np.float64))
    # The last frame shown by then; times of tables are those of frames, give or take a rounding.
    numbers = np.clip(np.searchsorted(plan.times_s, asked + 1e-6, side="right") - 1, 0, len(plan.times_s) - 1)
    wanted = dict(zip(numbers.tolist(), asked.tolist(), strict=True))
    shape = look(path, plan, pulse)
    if shape is None:
        return
    for segment in cut(plan, _STRETCH, Fraction(1, 2)):
        missing = {number for number in wanted if segment.first <= number < segment.until}
        if not missing:
            continue
        outcome = DecodeOutcome(decoded=np.zeros(len(segment), np.bool_), pulse=pulse)
        container, stream = open_video(path)
        with container:
            for number, frame in frames_of(container, stream, plan, segment, outcome):
                pulse.beat()
                if number in missing and not frame.is_corrupt:
                    missing.discard(number)
                    yield wanted[number], upright(frame, shape, masks)
                if not missing:
                    break
