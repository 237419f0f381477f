"""What rules find in archives whose truth is known, and how fast they are over a thousand hours of tables.

    python -m benchmarks.events truth WORK      rules made on some seeds, tried on others
    python -m benchmarks.events speed WORK      1,000 hours of 20 cameras, compacted

Nothing is decoded: the tables are drawn (tests/planted.py).
"""

import json
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.events.finding import find_events
from analytics.schema import TABLES
from analytics.tables import Place, prepare
from analytics.track import link
from jobs.config import read_config
from jobs.config_events import rules_from
from tests.archive import METADATA, video_id_of
from tests.planted import CONFIG, FIRST, HEIGHT, WIDTH, Drawer, Filed, planted_tables, write_planted
from tests.test_report_data import video_row

MADE_ON: Final = (1, 101)
"""Seeds on which numbers in analytics/events were chosen."""
TRIED_ON: Final = (2201, 2202, 2203)
HOURS: Final = 12.0
CAMERAS, DAYS = 20, 50 / 24
"""20 cameras of 50 hours."""
_POOL: Final = 8
_FILE_S: Final = 900.0
_MIXED: Final = """
[[rule]]
name = "night at the shelf"
zone = "shelf"
dwell = 30
hours = "22-06"

[[rule]]
name = "crowd and anger"
all = [{ people = 4, people_lasting = 10 }, { zone = "shelf", expression = "angry", confidence = 0.5, lasting = 6 }]

[[rule]]
name = "startled after a stay"
then = [{ zone = "shelf", dwell = 60 }, { change = ["fear", "surprise"] }]
within = "1m"
"""


def truth(work: Path) -> None:
    """Print, by rule, how much of what was planted is found, and what else is."""
    (work / "emobatch.toml").write_text(CONFIG, encoding="utf-8")
    rules = rules_from(read_config(work / "emobatch.toml", {}))
    assert rules is not None
    print("| archive | samples every | rule | planted | found | false | false an hour |\n|---|---|---|---|---|---|---|")
    for name, seeds in (("made on", MADE_ON), ("tried on", TRIED_ON)):
        for every in (0.5, 0.4):
            counts = {rule.name: [0, 0, 0] for rule in rules.rules}
            for seed in seeds:
                _count(work / f"{seed}-{every}", Drawer(seed, HOURS), every, rules, counts)
            hours = HOURS * len(seeds)
            for rule, (planted, found, false) in counts.items():
                print(f"| {name} | {every} s | {rule} | {planted} | {found} | {false} | {false / hours:.3f} |")


def _count(out: Path, drawer: Drawer, every: float, rules: Any, counts: dict[str, list[int]]) -> None:
    if not out.exists():
        write_planted(out, "shop", drawer, Filed(every=every))
    items = [
        (one.rule.name, one.start - FIRST.timestamp(), one.end - FIRST.timestamp())
        for one in find_events(out, rules).items
    ]
    for planted in drawer.truth:
        fits = any(
            rule == planted.rule and start <= planted.end + 1 and end >= planted.start - 1 for rule, start, end in items
        )
        counts[planted.rule][0] += 1
        counts[planted.rule][1] += fits
        if not fits:
            print(f"missed: {out.name} {planted}", file=sys.stderr)
    for rule, start, end in items:
        if not any(rule == one.rule and start <= one.end + 1 and end >= one.start - 1 for one in drawer.truth):
            counts[rule][2] += 1
            print(f"false: {out.name} {rule} {start:.0f} {end:.0f}", file=sys.stderr)


def speed(work: Path) -> None:
    """Print how long `emobatch events` takes, by what the rules need."""
    out = work / "out"
    if not out.exists():
        _make(out)
    n = sum(pq.read_metadata(file).num_rows for file in (out / "faces").rglob("*.parquet"))
    zone = CONFIG.partition("[events]")[0]
    zones = "".join(zone.replace('"shop"', f'"shop-{k:02}"') for k in range(CAMERAS))
    shipped = CONFIG.removeprefix(zone)
    for name, text in (
        ("shipped rules and three more", shipped + _MIXED),
        ("shipped rules", shipped),
        (
            "loitering of ten minutes",
            '[events]\nuse = ["loitering"]\n[events.loitering]\nzone = "shelf"\ndwell = "10m"',
        ),
    ):
        (work / "emobatch.toml").write_text(zones + text, encoding="utf-8")
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "emobatch",
            "events",
            str(out),
            "--config",
            str(work / "emobatch.toml"),
            "--json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        told = json.loads(done.stdout)
        print(
            f"{name}: {told['hours']:.0f} h, {n:,} faces, {told['events']:,} events: "
            f"{seconds:.1f} s, {cpu:.1f} s of processor time, {after.ru_maxrss / 1024:.0f} MB"
        )


def _make(out: Path) -> None:
    """Twenty cameras that each see some hours over and over, in another order."""
    prepare(out, METADATA)
    pool = [_hour(seed) for seed in range(_POOL)]
    number, per_camera = 0, round(DAYS * 24)
    for camera in range(CAMERAS):
        random = np.random.default_rng(camera)
        by_day: dict[str, dict[str, list[pa.Table]]] = {}
        for hour in range(per_camera):
            for k, tables in enumerate(pool[int(random.integers(_POOL))]):
                start = FIRST + timedelta(hours=hour, seconds=k * _FILE_S)
                parts = by_day.setdefault(start.date().isoformat(), {table: [] for table in tables})
                for table, rows in _renamed(tables, video_id_of(number), f"shop-{camera:02}", start).items():
                    parts[table].append(rows)
                number += 1
        for day, parts in by_day.items():
            for table, found in parts.items():
                file = Place(day, f"shop-{camera:02}").folder(out, table) / "compacted.parquet"
                file.parent.mkdir(parents=True, exist_ok=True)
                whole = pa.concat_tables(found).unify_dictionaries()
                pq.write_table(whole.cast(TABLES[table]), file, compression="zstd", row_group_size=65_536)


def _hour(seed: int) -> list[dict[str, pa.Table]]:
    """The tables of the four files of an hour, with twice as many people as in the archives of truth."""
    drawer = Drawer(7000 + seed, 1.0)
    drawer.people += Drawer(8000 + seed, 1.0).people
    faces, files = drawer.faces(0.5), []
    for k in range(4):
        mine = np.flatnonzero((faces.pts_s >= k * _FILE_S) & (faces.pts_s < (k + 1) * _FILE_S - 0.4))
        rows = faces.at(mine)
        rows.pts_s[:] -= k * _FILE_S
        track_id = link(rows.pts_s, rows.boxes, rows.score)
        tables = planted_tables("0" * 16, "shop", None, rows, track_id)
        facts = {"duration_s": _FILE_S - 0.4, "n_faces": len(rows), "n_tracks": len(tables["tracks"])}
        row = video_row("0" * 16, camera="shop", width=WIDTH, height=HEIGHT, **facts)
        tables["videos"] = pa.Table.from_pylist([row], schema=TABLES["videos"])
        files.append(tables)
    return files


def _renamed(tables: dict[str, pa.Table], video_id: str, camera: str, start: Any) -> dict[str, pa.Table]:
    renamed = {}
    for name, table in tables.items():
        columns: dict[str, Any] = {"video_id": video_id, "camera": camera}
        if name == "videos":
            columns |= {"start_time": start, "source": f"/archive/{camera}/{video_id}.mp4"}
        for column, value in columns.items():
            k = table.schema.get_field_index(column)
            kind = table.schema.field(k).type
            plain = pa.repeat(pa.scalar(value, kind.value_type if pa.types.is_dictionary(kind) else kind), len(table))
            values = plain.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else plain
            table = table.set_column(k, table.schema.field(k), values)
        renamed[name] = table
    return renamed


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    {"truth": truth, "speed": speed}[sys.argv[1]](folder)
