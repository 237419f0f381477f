"""What putting tables together is worth: a day of 50 cameras, 288 videos each, before and after.

python benchmarks/compaction.py WORK_FOLDER [CAMERAS]
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
import pyarrow.parquet as pq

from analytics.compaction import COMPACTED
from analytics.listing import TABLES
from analytics.schema import SCHEMA_VERSION
from analytics.tables import Place, prepare
from emobatch import open_results
from reports.stored import StoredTables
from tests.archive import METADATA, tables_of, video_id_of
from tests.test_report_data import START

A_DAY = 288
QUERIES = {
    "faces": "SELECT camera, expression, usable, count(*), avg(score), max(confidence) FROM {} GROUP BY ALL ORDER BY ALL",
    "tracks": "SELECT camera, expression, count(*), avg(end_s - start_s), sum(n_faces) FROM {} GROUP BY ALL ORDER BY ALL",
}


def make_camera(out: Path, camera: int) -> None:
    """A day of one camera, five minutes a video; not as safe on the disk as emobatch writes, so that it is fast."""
    place = Place("2026-03-01", f"camera {camera:02}")
    for table in TABLES:
        place.folder(out, table).mkdir(parents=True)
    for number in range(camera * A_DAY, (camera + 1) * A_DAY):
        start = START.replace(hour=0) + timedelta(minutes=5 * (number % A_DAY))
        for name, rows in tables_of(number, camera=place.camera or "", start_time=start, faces=12).items():
            rows = rows.replace_schema_metadata(METADATA | {"emobatch.schema_version": str(SCHEMA_VERSION)})
            path = place.folder(out, name) / f"{video_id_of(number)}.parquet"
            pq.write_table(rows, path, compression="zstd")


def make(out: Path, cameras: int) -> None:
    """The tables of all cameras."""
    prepare(out, METADATA)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(partial(make_camera, out), range(cameras)))


def asked(out: Path, table: str) -> tuple[float, list[tuple[object, ...]]]:
    """Seconds that a query takes, the median of three, and what it says."""
    query = QUERIES[table].format(f"read_parquet('{out}/{table}/**/*.parquet')")
    times = []
    for _ in range(3):
        started = time.perf_counter()
        said = duckdb.execute(query).fetchall()
        times.append(time.perf_counter() - started)
    return median(times), said


def rounded(rows: list[tuple[object, ...]]) -> list[list[object]]:
    """Rows with the digits of sums that do not depend on their order."""
    return [[round(value, 6) if isinstance(value, float) else value for value in row] for row in rows]


def size_of(out: Path) -> tuple[int, float, float]:
    """Files of all tables, and their MB: of the content, and as the disk holds it."""
    stats = [file.stat() for table in TABLES for file in (out / table).rglob("*.parquet")]
    return len(stats), sum(one.st_size for one in stats) / 1e6, sum(one.st_blocks * 512 for one in stats) / 1e6


def digest(out: Path) -> list[tuple[int, ...]]:
    """The number of the rows of each table, and hashes of all that is in them, whatever files it lies in."""
    return [
        duckdb.execute(f"SELECT count(*), bit_xor(hash(t)), sum(hash(t)) FROM read_parquet('{out}/{table}/**/*.parquet', "
                   "hive_partitioning=false) t").fetchall()[0]
        for table in TABLES
    ]  # fmt: skip


def compact(out: Path) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "emobatch", "compact", str(out)]


def killed(out: Path, rounds: int, whole: list[tuple[int, ...]]) -> int:
    """Kill the command at random moments, look, and let it come to its end; how often it was killed at work."""
    chosen, hit = random.Random(0), 0
    for _ in range(rounds):
        process = subprocess.Popen(compact(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chosen.uniform(1.5, 6))
        process.send_signal(signal.SIGKILL)
        hit += process.wait() == -signal.SIGKILL
        results = open_results(out)
        assert [len(getattr(results, table)) for table in TABLES] == [n for n, *_ in whole], (
            "rows are missing or double"
        )
        # Readers that are not emobatch's see the same once the change that was under way is completed, as by a run.
        subprocess.run([sys.executable, "-c", COMPLETE, str(out)], check=True)
        assert digest(out) == whole, "rows were lost or doubled"
    return hit


COMPLETE = "import sys; from pathlib import Path; from analytics.commit import complete; complete(Path(sys.argv[1]))"


def main() -> None:
    work, cameras = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    made, out = work / f"loose{cameras}", work / "compacted"
    if not made.exists():
        started = time.perf_counter()
        make(made, cameras)
        print(f"made in {time.perf_counter() - started:.0f} s")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(made, out)
    whole = digest(out)
    before = {table: asked(out, table) for table in QUERIES}
    files, mb, mb_disk = size_of(out)

    started = time.perf_counter()
    process = subprocess.Popen(compact(out), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    print(f"emobatch compact: {time.perf_counter() - started:.1f} s, at most {usage.ru_maxrss / 1024:.0f} MB")
    assert digest(out) == whole
    for table, (seconds, said) in before.items():
        after_s, after = asked(out, table)
        assert rounded(after) == rounded(said)
        print(f"{table}: {seconds:.2f} s before, {after_s:.3f} s after: {seconds / after_s:.0f} times as fast")
    files_after, mb_after, _ = size_of(out)
    print(f"{files:,} files of {mb:.0f} MB ({mb_disk:.0f} MB on disk) became {files_after:,} of {mb_after:.1f} MB")
    assert files_after == 4 * (cameras + 1)

    tables, camera = StoredTables(out), Path("day=2026-03-01", "cam=camera%2000")
    started = time.perf_counter()
    for number in range(A_DAY):
        tables.rows("faces", camera, video_id_of(number), ["pts_s", "track_id"])
    print(f"rows of one video out of {COMPACTED}: {(time.perf_counter() - started) / A_DAY * 1000:.1f} ms")

    shutil.rmtree(out)
    shutil.copytree(made, out)
    hit = killed(out, 6, whole)
    subprocess.run(compact(out), check=True)
    assert digest(out) == whole
    print(f"killed {hit} times in the middle: no row was lost or doubled")


if __name__ == "__main__":
    main()
