"""An archive of ten thousand clips of which all but a hundred are done: how long until work begins, and at what cost.

python benchmarks/archive_of_10000.py WORK_FOLDER [CLIPS]
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.compaction import COMPACTED
from analytics.fingerprint import fingerprint, id_of_content
from analytics.schema import VIDEOS
from analytics.tables import Place, prepare, read_video, write_half
from analytics.videos import keep_videos, read_videos
from benchmarks.many_clips import make_clips
from jobs.fingerprints import Fingerprints
from reports.site import write_site
from tests.command import ENVIRONMENT

NEW = 100
FILES = 100_000
HERE = Place(None, None)


@dataclass
class Watched:
    """A run that ended."""

    elapsed_s: float = 0.0
    peak_mb: float = 0.0
    """Of the main process."""
    after_s: dict[str, float] = field(default_factory=dict)
    """When a word was first in the log."""
    printed: dict[str, object] = field(default_factory=dict)


def run(footage: Path, out: Path, *more: str, words: Sequence[str] = ("to look at", "[1/", "report")) -> Watched:
    """Run emobatch with an eye on its log and its memory."""
    watched, started = Watched(), time.monotonic()
    earlier = set((out / "runs").glob("*.log"))
    command = [sys.executable, "-m", "emobatch", "run", str(footage), "--out", str(out), "--stable-for", "0", "--json"]
    process = subprocess.Popen([*command, *more], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        said = "".join(log.read_text("utf-8") for log in set((out / "runs").glob("*.log")) - earlier)
        for word in words:
            if word in said:
                watched.after_s.setdefault(word, time.monotonic() - started)
        with suppress(OSError, StopIteration):
            status = Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines()
            peak = next(line for line in status if line.startswith("VmHWM"))
            watched.peak_mb = max(watched.peak_mb, int(peak.split()[1]) / 1024)
        time.sleep(0.05)
    watched.elapsed_s = time.monotonic() - started
    assert process.stdout is not None and process.returncode == 0, process.returncode
    watched.printed = json.loads(process.stdout.read())
    return watched


def as_if_done(clips: Sequence[Path], out: Path) -> None:
    """Rows and state as runs over these clips leave them: those of one that was run, under the ids of the others."""
    one = next(row for row in read_videos(out).rows())
    tables, metadata = read_video(out, HERE.partition, one["video_id"])
    metadata = {key: value for key, value in metadata.items() if key.startswith("emobatch.")}
    kept = Fingerprints(out)
    for clip in clips:
        stat, digest = clip.stat(), fingerprint(clip)
        kept.put(clip, stat.st_size, stat.st_mtime_ns, digest)
        video_id = id_of_content(digest)
        if video_id == one["video_id"]:
            continue
        for name, rows in tables.items():
            rows = _with(rows, "video_id", video_id)
            rows = _with(rows, "source", str(clip)) if name == "videos" else rows
            # Not as safe on the disk as emobatch writes, so that it is fast.
            rows = rows.replace_schema_metadata(metadata)
            pq.write_table(rows, HERE.folder(out, name) / f"{video_id}.parquet", compression="zstd")
    kept.keep()
    keep_videos(out, read_videos(out))


def _with(rows: pa.Table, column: str, value: str) -> pa.Table:
    place = rows.schema.get_field_index(column)
    array = pa.array([value] * len(rows), pa.string()).cast(rows.schema.field(place).type)
    return rows.set_column(place, rows.schema.field(place), array)


def made(work: Path, clips: int) -> tuple[Path, Path]:
    """Footage, and an OUT in which all but the last are done, with their pages."""
    footage, out = work / f"clips{clips}", work / f"done{clips}"
    if not footage.exists():
        make_clips(footage, clips)
    files = sorted(footage.iterdir())
    assert len({fingerprint(file) for file in files[:500]}) == min(500, clips)
    if not out.exists():
        run(files[0], out, "--workers", "0")
        as_if_done(files[:-NEW], out)
        started = time.perf_counter()
        write_site(out)
        print(f"{clips - NEW:,} pages drawn in {time.perf_counter() - started:.0f} s")
    return footage, out


def archive(work: Path, clips: int) -> None:
    """Runs over an archive that is nearly done."""
    footage, done = made(work, clips)
    out = work / "out_archive"
    for name, state in (("with OUT/.state", True), ("without it", False)):
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(done, out)  # With the times of the files.
        if not state:
            shutil.rmtree(out / ".state")
        watched = run(footage, out, "--workers", "2")
        counts = watched.printed["videos"]
        assert isinstance(counts, dict) and (counts["done"], counts["unchanged"]) == (NEW, clips - NEW), counts
        times = ", ".join(f"{word!r} after {seconds:.1f} s" for word, seconds in watched.after_s.items())
        print(f"{name}: {times}; ended after {watched.elapsed_s:.1f} s; at most {watched.peak_mb:.0f} MB")
    watched = run(footage, out, "--workers", "2")
    print(f"nothing to do: {watched.elapsed_s:.1f} s; at most {watched.peak_mb:.0f} MB")
    started = time.perf_counter()
    write_site(out)
    print(f"index of {clips:,} videos, no page changed: {time.perf_counter() - started:.1f} s")


def listing(work: Path) -> None:
    """A hundred thousand files, all of them known."""
    footage, out = work / "files", work / "out_files"
    shutil.rmtree(out, ignore_errors=True)
    table = read_videos(work / "out_archive").table.select(VIDEOS.names).slice(0, 1)
    prepare(out, {})
    kept, sources, ids = Fingerprints(out), [], []
    for number in range(FILES):
        path = footage / f"{number // 1000:03}" / f"{number:06}.mp4"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(1_000_000 + number)
        digest = f"{number:064x}"[::-1]
        stat = path.stat()
        kept.put(path, stat.st_size, stat.st_mtime_ns, digest)
        sources.append(str(path))
        ids.append(id_of_content(digest))
    kept.keep()
    many = table.take(pa.array([0] * FILES, pa.int64()))
    for column, values in (("video_id", ids), ("source", sources)):
        place = many.schema.get_field_index(column)
        array = pa.array(values, pa.string())
        kind = many.schema.field(place).type
        array = array.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else array
        many = many.set_column(place, many.schema.field(place), array)
    for name in ("n_samples", "n_faces", "n_tracks"):  # Rows that are promised and not there would be made anew.
        place = many.schema.get_field_index(name)
        many = many.set_column(place, many.schema.field(place), pa.array([0] * FILES, many.schema.field(place).type))
    path = HERE.folder(out, "videos") / COMPACTED
    write_half(many, path, {}).replace(path)
    for name in ("first", "second"):  # The first has no videos.parquet in OUT/.state.
        started = time.perf_counter()
        said = subprocess.run(
            [sys.executable, "-m", "emobatch", "run", str(footage), "--out", str(out), "--dry-run", "--json"],
            env=ENVIRONMENT, capture_output=True, check=True,
        )  # fmt: skip
        assert json.loads(said.stdout)["unchanged"] == FILES
        print(f"{FILES:,} files, {name} --dry-run: {time.perf_counter() - started:.1f} s")
        keep_videos(out, read_videos(out))


def main() -> None:
    work, clips = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    work.mkdir(parents=True, exist_ok=True)
    print(f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}")
    archive(work, clips)
    listing(work)


if __name__ == "__main__":
    main()
