"""What one pass over a file sees of it, without detecting anything."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analytics.coverage import Coverage, cover
from analytics.decode import DecodeOutcome, decode_samples
from analytics.packets import list_packets
from analytics.plan import VideoPlan, plan_video
from analytics.segments import cut

HALF = Fraction(1, 2)


class Seen(NamedTuple):
    """What emobatch saw of a file."""

    plan: VideoPlan
    decoded: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    samples: list[int]
    coverage: Coverage


def seen(path: Path) -> Seen:
    """A whole pass over a file."""
    plan = plan_video(list_packets(path), HALF)
    (segment,) = cut(plan, Fraction(3600), HALF)
    outcome = DecodeOutcome(decoded=np.zeros(len(segment), np.bool_))
    samples = [frame.sample for frame in decode_samples(path, plan, segment, outcome)]
    return Seen(plan, outcome.decoded, samples, cover(plan, outcome.decoded, path.stat().st_size / plan.duration_s))


def spans(coverage: Coverage) -> list[tuple[str, float, float]]:
    return [(gap.kind, gap.start_s, gap.end_s) for gap in coverage.gaps]
