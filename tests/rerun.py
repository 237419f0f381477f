"""An archive of tiny clips that is run again and again, and what its tables say in between."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import av

import emobatch
from analytics.schema import TABLES
from jobs.outcome import RunSummary
from tests.clips import write_clip
from tests.command import rows
from tests.footage import Actor, Scene, standing

FACE: Final = Actor(standing(80, 60, 70))
Made = dict[str, tuple[Any, ...]]


def clip(path: Path, seed: int = 0, *, seconds: float = 1, created: str | None = None) -> Path:
    """Draw a clip of one face; another seed gives other content, the same seed the same bytes.

    created: what the container tells as the time of its making.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(Scene(160, 120, 4.0, seconds, seed, (FACE,)), path, gop=4)
    if created is not None:
        bare = path.rename(path.with_suffix(".bare"))
        with av.open(bare) as source, av.open(path, "w", format="mp4") as copy:
            copy.metadata["creation_time"] = created
            stream = copy.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    copy.mux(packet)
        bare.unlink()
    return path


class Archive:
    """Footage, and the OUT of its runs."""

    def __init__(self, folder: Path) -> None:
        self.footage, self.out = folder / "footage", folder / "out"
        self.footage.mkdir()

    def clip(self, name: str, seed: int = 0, **more: Any) -> Path:
        """Draw a clip below the footage."""
        return clip(self.footage / name, seed, **more)

    def copy(self, name: str, to: str) -> Path:
        """A true copy of a file, made now."""
        (self.footage / to).parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(self.footage / name, self.footage / to))

    def move(self, name: str, to: str) -> Path:
        """Give a file another place; it keeps its time."""
        (self.footage / to).parent.mkdir(parents=True, exist_ok=True)
        return (self.footage / name).rename(self.footage / to)

    def run(self, *names: str, **settings: Any) -> RunSummary:
        """Run over some of the footage, or all of it, within this process: starting another one takes seconds."""
        sources: Iterable[Path] = [self.footage / name for name in names] or [self.footage]
        return emobatch.run(sources, self.out, **{"workers": 0, "stable_for_s": 0, **settings})

    def videos(self) -> dict[str, dict[str, Any]]:
        """The rows of `videos` by source below the footage; there is one for each."""
        found = rows(self.out, "videos")
        by_source = {row["source"].removeprefix(f"{self.footage}/"): row for row in found}
        assert len(by_source) == len(found), sorted(row["source"] for row in found)
        return by_source

    def told(self, column: str) -> dict[str, Any]:
        """One column of `videos`, by source."""
        return {source: row[column] for source, row in self.videos().items()}

    def made(self) -> Made:
        """What tells of each decoded video when it was: it stays the same as long as it is not decoded again."""
        decoded = [row for row in rows(self.out, "videos") if row["status"] in ("done", "partial")]
        return {row["video_id"]: (row["finished_at"], row["elapsed_s"]) for row in decoded}

    def check(self) -> None:
        """Rows of all tables are of videos that are done, and copies of ones that are there."""
        done = {row["video_id"] for row in self.videos().values() if row["status"] in ("done", "partial")}
        known = {row["video_id"] for row in self.videos().values()}
        for table in TABLES:
            if table != "videos":
                assert {row["video_id"] for row in rows(self.out, table)} <= done, table
        assert {row["video_id"] for row in rows(self.out, "samples")} == done
        assert {one for one in self.told("duplicate_of").values() if one} <= known

    def bytes(self) -> dict[str, bytes]:
        """Content of all tables, by file."""
        files = [file for table in TABLES for file in (self.out / table).rglob("*.parquet")]
        return {str(file.relative_to(self.out)): file.read_bytes() for file in files}


def counts(summary: RunSummary) -> dict[str, int]:
    """What became of the videos of a run, without noughts."""
    return {status: n for status, n in summary.videos.items() if n}


def two_clips(folder: Path) -> Archive:
    """Two clips and a run over them."""
    archive = Archive(folder)
    archive.clip("a.mp4", 1)
    archive.clip("b.mp4", 2)
    assert counts(archive.run()) == {"done": 2}
    return archive
