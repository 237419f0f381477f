"""Bytes that belong to no packet: what containers put there themselves, and what was lost."""

from pathlib import Path

import pytest

from analytics.coverage import LEAST_COVERAGE
from tests.clips import write_clip
from tests.damage import zero_bytes
from tests.footage import Scene
from tests.seen import seen, spans

CONSTANT_RATE = {"muxrate": "3000000"}
IN_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
WITH_FILLER = [
    ("clip.ts", CONSTANT_RATE),
    ("clip.m2ts", {**CONSTANT_RATE, "mpegts_m2ts_mode": "1"}),
    ("clip.mp4", IN_FRAGMENTS),
]
GRAIN = Scene(width=320, height=192, duration_s=40.0, noise=12)


@pytest.mark.parametrize("pause_s", [2, 30])
@pytest.mark.parametrize(("name", "muxer"), WITH_FILLER)
def test_filler_in_a_pause_is_no_damage(tmp_path: Path, name: str, muxer: dict[str, str], pause_s: int) -> None:
    """Null packets that keep a bit rate, and the indexes of fragments, lie where the recorder paused."""
    path = tmp_path / name
    times = [k / 25 for k in range(75)] + [3 + pause_s + k / 25 for k in range(75)]
    write_clip(Scene(width=192, height=112), path, times=times, container_options=muxer)
    coverage = seen(path).coverage
    assert spans(coverage) == [("paused", 3.0, 3.0 + pause_s)]
    assert coverage.share == 1.0


@pytest.mark.parametrize(("name", "muxer"), WITH_FILLER)
def test_a_sound_file_with_filler_is_covered_whole(tmp_path: Path, name: str, muxer: dict[str, str]) -> None:
    """Without a pause nothing is found, with sound and B-frames."""
    path = tmp_path / name
    write_clip(Scene(width=192, height=112, duration_s=10.0), path, bframes=2, audio=True, container_options=muxer)
    coverage = seen(path).coverage
    assert (spans(coverage), coverage.share) == ([], 1.0)


@pytest.mark.parametrize("muxer", [{}, CONSTANT_RATE])
def test_a_transport_stream_with_a_zeroed_end_has_a_hole_there(tmp_path: Path, muxer: dict[str, str]) -> None:
    """Its header promises no end, but the bytes are there: a fifth of them is a fifth of the time."""
    path = tmp_path / "clip.ts"
    write_clip(GRAIN, path, options={"crf": "24"}, container_options=muxer)
    size = path.stat().st_size
    zero_bytes(path, size * 4 // 5, size - size * 4 // 5)
    result = seen(path)
    ((kind, start_s, end_s),) = spans(result.coverage)
    assert kind == "hole"
    assert (start_s, end_s) == pytest.approx((32.0, 40.0), abs=1.5)
    assert result.coverage.share == pytest.approx(0.8, abs=0.03)
    assert "at the end of the file" in result.coverage.gaps[0].cause


def test_many_short_losses_in_a_transport_stream_add_up(tmp_path: Path) -> None:
    """Sixteen losses of half a second, none long enough for a hole, and each frame's packets gone without a trace."""
    path = tmp_path / "clip.ts"
    write_clip(GRAIN, path, gop=5, options={"crf": "24"})
    size = path.stat().st_size
    for k in range(1, 17):
        zero_bytes(path, size * k // 17, size // 80)
    result = seen(path)
    assert result.coverage.share < LEAST_COVERAGE
    assert result.coverage.share == pytest.approx(0.8, abs=0.1)
