"""All frames of a video in order, for those to whom no sample is enough: what is to be hidden, or drawn on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from analytics.container import open_video
from analytics.decode import DecodeOutcome, SampledFrame, frames_of
from analytics.plan import VideoPlan
from analytics.records import Pulse
from analytics.segments import Segment
from analytics.upright import shape_of


def outcome_for(plan: VideoPlan, pulse: Pulse) -> DecodeOutcome:
    """What decode_every fills in."""
    return DecodeOutcome(decoded=np.zeros(len(plan.times_s), np.bool_), pulse=pulse)


def decode_every(path: Path, plan: VideoPlan, outcome: DecodeOutcome) -> Iterator[SampledFrame]:
    """Decode a video from end to end; every sound frame once, its number in the plan in place of a grid point.

    Corrupt packets are counted and stepped over; a frame that comes out damaged, or after a later one, is left out.

    Raises:
        VideoError: the file cannot be opened.
    """
    container, stream = open_video(path)
    whole = Segment(0, 0, len(plan.times_s), 0, len(plan.frame_of_packet) - 1)
    last = -1
    with container:
        for number, frame in frames_of(container, stream, plan, whole, outcome):
            outcome.is_sound &= not frame.is_corrupt
            if frame.is_corrupt or number <= last:
                continue
            last = number
            outcome.decoded[number] = True
            outcome.pulse.at(float(plan.times_s[number]))
            outcome.shape = outcome.shape or shape_of(frame, float(stream.sample_aspect_ratio or 1))
            yield SampledFrame(number, float(plan.times_s[number]), frame, outcome.shape)
