"""Damage in the middle of a recording, run from outside: found, told, and the rest is there."""

from itertools import pairwise
from pathlib import Path

import av
import pandas as pd
import pytest

from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.damage import stray_ts_packets, zero_bytes
from tests.footage import Actor, Scene, standing

SECONDS, ZEROED = 40.0, 300_000
CONTAINERS = ("mp4", "mkv", "avi", "ts")


@pytest.fixture(name="sound", scope="module")
def _sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same 40 s in four containers: one person, noise, some megabytes."""
    folder = tmp_path_factory.mktemp("sound")
    scene = Scene(320, 180, 10.0, SECONDS, 3, (Actor(standing(160, 90, 80)),), noise=12)
    original = folder / "clip.mp4"
    write_clip(scene, original, gop=20, options={"crf": "12", "threads": "2"})
    write_clip(scene, folder / "clip.avi", codec="mpeg4", gop=20, options={"b": "1500000"})
    for suffix in ("mkv", "ts"):
        with av.open(str(original)) as source, av.open(str(folder / f"clip.{suffix}"), "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    return folder


def frame_times(path: Path) -> list[float]:
    """Times of the packets that lie whole outside the zeroed middle, in an undamaged file of 10 frames a second."""
    start = path.stat().st_size // 2 - ZEROED // 2
    kept = []
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(video=0) if p.size]
        first = min(p.dts for p in packets if p.dts is not None)
        for packet in packets:
            assert packet.pos is not None and packet.dts is not None
            if packet.pos + packet.size <= start or packet.pos >= start + ZEROED:
                kept.append(float((packet.dts - first) * packet.time_base))
    return kept


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_hole_is_found_and_what_follows_is_kept(container: str, sound: Path, tmp_path: Path) -> None:
    """300 kB zeroed: the hole to within a second, rows after it, status partial, exit 3."""
    whole = sound / f"clip.{container}"
    kept = frame_times(whole)
    lost_from, lost_to = max(pairwise(kept), key=lambda edge: edge[1] - edge[0])
    damaged = tmp_path / f"damaged.{container}"
    damaged.write_bytes(whole.read_bytes())
    zero_bytes(damaged, whole.stat().st_size // 2 - ZEROED // 2, ZEROED)

    done = emobatch("run", str(damaged), "--out", "out", cwd=tmp_path)

    assert done.code == 3, done.stderr
    video = pd.read_parquet(tmp_path / "out" / "videos").iloc[0]
    assert video.status == "partial"
    assert video.duration_s == pytest.approx(SECONDS, abs=0.2)
    holes = [gap for gap in video.holes if gap["kind"] == "hole"]
    assert len(holes) == 1
    assert holes[0]["start_s"] == pytest.approx(lost_from, abs=1.0)
    # A Matroska reader finds its way again at the next cluster, which may be some seconds on; one of transport
    # streams a little after the damage.
    late = {"mkv": 5.5, "ts": 1.6}.get(container, 1.0)
    assert lost_to - 1.0 <= holes[0]["end_s"] <= lost_to + late
    assert video.coverage == pytest.approx(1 - (holes[0]["end_s"] - holes[0]["start_s"]) / SECONDS, abs=0.01)
    faces = pd.read_parquet(tmp_path / "out" / "faces")
    after = faces[faces.pts_s >= holes[0]["end_s"]]
    assert len(after) >= (SECONDS - holes[0]["end_s"]) * 2 - 2
    assert faces.pts_s.max() > SECONDS - 1


@pytest.mark.parametrize(
    "container", [pytest.param(one, marks=() if one in ("mp4", "ts") else pytest.mark.slow) for one in CONTAINERS]
)
def test_a_sound_recording_is_covered_whole(container: str, sound: Path, tmp_path: Path) -> None:
    """Without damage the same files are done, with a sample every half second."""
    done = emobatch("run", str(sound / f"clip.{container}"), "--out", "out", cwd=tmp_path)

    assert done.code == 0, done.stderr
    video = pd.read_parquet(tmp_path / "out" / "videos").iloc[0]
    assert (video.status, video.n_samples, video.n_tracks) == ("done", 80, 1)
    assert video.coverage == 1.0


def test_a_stream_that_damage_makes_appear_ends_no_video(tmp_path: Path) -> None:
    """Packets that name an unknown stream in mid-file are lost; what comes before and after them is read."""
    write_clip(Scene(duration_s=6, noise=6), tmp_path / "clip.ts")
    stray_ts_packets(tmp_path / "clip.ts", 60)
    done = emobatch("run", "clip.ts", "--out", "out", cwd=tmp_path)
    (video,) = rows(tmp_path / "out", "videos")
    assert video["status"] in ("done", "partial"), done.stderr
    assert 0.5 < video["coverage"] < 1
    assert [s["pts_s"] for s in rows(tmp_path / "out", "samples") if s["gate"] != "corrupt"][-1] > 5
