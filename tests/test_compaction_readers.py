"""Readers of tables that are put together: those of others before and after, emobatch's own meanwhile."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pytest

from analytics.compaction import compact, loosen
from analytics.listing import TABLES, list_tables
from jobs.compact import compact_days
from tests.archive import DOOR, fill, fill_mixed, video_id_of
from tests.command import ENVIRONMENT

DAY: Final = DOOR.partition


def _pandas(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder)


def _pyarrow(folder: Path) -> pd.DataFrame:
    frame: pd.DataFrame = ds.dataset(folder, partitioning="hive").to_table().to_pandas()
    return frame


def _duckdb(folder: Path) -> pd.DataFrame:
    query = f"SELECT * FROM read_parquet('{folder}/**/*.parquet', hive_partitioning=false)"
    frame: pd.DataFrame = duckdb.execute(query).df()
    return frame


def _duckdb_hive(folder: Path) -> pd.DataFrame:
    query = f"SELECT * FROM read_parquet('{folder}/**/*.parquet', hive_partitioning=true)"
    frame: pd.DataFrame = duckdb.execute(query).df()
    return frame


def _polars(folder: Path) -> pd.DataFrame:
    return pl.read_parquet(folder / "**/*.parquet", hive_partitioning=False).to_pandas()


def _polars_hive(folder: Path) -> pd.DataFrame:
    return pl.scan_parquet(folder / "**/*.parquet", hive_partitioning=True).collect().to_pandas()


READERS: Final = [_pandas, _pyarrow, _duckdb, _duckdb_hive, _polars, _polars_hive]


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    """Videos of three cameras."""
    fill_mixed(tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("table", TABLES)
def test_every_reader_finds_the_same_rows(read: Callable[[Path], pd.DataFrame], table: str, out: Path) -> None:
    """With partition keys and without, before and after."""

    def found() -> list[str]:
        frame = read(out / table)
        return sorted(repr([str(value) for value in row]) for row in frame[sorted(frame.columns)].to_numpy().tolist())

    before = found()
    assert compact_days(out, None, least=2).videos == 22
    assert found() == before
    assert len(before) == {"videos": 22, "samples": 80}.get(table, len(before)) > 0


READ_AGAIN_AND_AGAIN: Final = """
import sys, time
from pathlib import Path
import emobatch
from jobs.results import Results, status_of
from reports.archive import read_archive
from reports.data import inputs_of, read_page
from reports.stored import StoredTables

out, until, rounds = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2]), 0
wanted = stamps = None
while time.monotonic() < until:
    results = emobatch.open_results(out)
    found = [len(getattr(results, table)) for table in ("videos", "samples", "faces", "tracks")]
    index, tables = read_archive(out), StoredTables(out)
    found += [len(index.videos), len(index.unreadable), len(index.tracks)]
    found.append(len(status_of(Results.opened(out))["list"]))
    pages = [read_page(tables, video) for video in index.videos[:4]]
    found += [page.disagreements or page.unreadable for page in pages]
    now = [inputs_of(tables, video) for video in index.videos]
    wanted, rounds = wanted or found, rounds + 1
    assert found == wanted, (rounds, found, wanted)
print(rounds)
"""


def test_readers_see_each_row_once_while_another_process_compacts(tmp_path: Path) -> None:
    """emobatch's own: open_results, the index, pages and status, again and again."""
    fill(tmp_path, range(30))
    command = [sys.executable, "-c", READ_AGAIN_AND_AGAIN, str(tmp_path), "4"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as reader:
        chosen = random.Random(1)
        changes = 0
        while reader.poll() is None:
            compact(tmp_path, list_tables(tmp_path), DAY)
            some = [video_id_of(number) for number in chosen.sample(range(30), 3)]
            loosen(tmp_path, list_tables(tmp_path), DAY, some)
            changes += 2
        read = reader.communicate()[0]
    assert reader.returncode == 0
    assert int(read) > 3 and changes > 10
