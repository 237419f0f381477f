"""One file a table, day and camera in place of one a video: no row is lost, doubled or changed."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import emobatch as api
from analytics.compaction import COMPACTED, compact, drop, loosen
from analytics.listing import TABLES, list_tables
from analytics.tables import Place, write_video
from analytics.videos import TRANSIENT
from jobs.compact import compact_days
from tests.archive import DOOR, METADATA, fill, fill_mixed, tables_of, video_id_of
from tests.command import emobatch, files_below, rows

DAY: Final = DOOR.partition


def told(out: Path) -> dict[str, list[str]]:
    """All rows of all tables, in no order."""
    return {table: sorted(repr(row) for row in rows(out, table)) for table in TABLES}


def files(out: Path, table: str) -> set[str]:
    """Names of the files of a table that hold videos."""
    return {file for file in files_below(out / table) if not file.startswith("day=undated/cam=unnamed/0000")}


def write(out: Path, number: int, place: Place = DOOR, **facts: Any) -> None:
    """Write, or write again, the rows of a video."""
    write_video(out, place, video_id_of(number), tables_of(number, **facts), METADATA)


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    """Videos of three cameras."""
    fill_mixed(tmp_path / "out")
    return tmp_path / "out"


def test_there_is_one_file_a_table_day_and_camera(out: Path) -> None:
    """In order of the videos' start, then of their source, then of time."""
    before = told(out)
    done = compact_days(out, None, least=2)
    assert (done.partitions, done.videos, done.damaged) == (3, 22, ())
    folders = (DAY, "day=2026-03-02/cam=01", "day=undated/cam=unnamed")
    for table in TABLES:
        assert files(out, table) == {f"{folder}/{COMPACTED}" for folder in folders}
    assert told(out) == before
    videos = {row["video_id"]: row for row in rows(out, "videos")}
    for folder in folders:
        for table in TABLES:
            found = pq.ParquetFile(out / table / folder / COMPACTED).read().to_pylist()
            ids = [row["video_id"] for row in found]
            starts = [(str(videos[one]["start_time"]), videos[one]["source"]) for one in ids]
            assert starts == sorted(starts)
            if table in ("faces", "samples"):
                times = [(ids.index(row["video_id"]), row["pts_s"]) for row in found]
                assert times == sorted(times)
    assert compact_days(out, None, least=2).videos == 0


def test_files_keep_the_schema_and_what_they_agree_on(tmp_path: Path) -> None:
    """Descriptions of columns stay; a setting that is not that of all videos is told of none."""
    fill(tmp_path, range(3))
    write_video(tmp_path, DOOR, video_id_of(9), tables_of(9), METADATA | {"emobatch.settings_hash": "beef"})
    before = pq.read_schema(tmp_path / "faces" / DAY / f"{video_id_of(9)}.parquet")
    compact_days(tmp_path, None, least=2)
    after = pq.read_schema(tmp_path / "faces" / DAY / COMPACTED)
    assert after.remove_metadata().equals(before.remove_metadata(), check_metadata=True)
    assert after.metadata[b"emobatch.version"] == b"1"
    assert after.metadata[b"emobatch.schema_version"] == before.metadata[b"emobatch.schema_version"]
    assert b"emobatch.settings_hash" not in after.metadata


def test_what_comes_later_is_put_with_the_rest(out: Path) -> None:
    """A single new video, too, where others are together already; asked for nothing, nothing is written."""
    compact_days(out, None, least=2)
    fill(out, [50])
    before = told(out)
    assert len(files(out, "videos")) == 4
    assert compact_days(out, None, least=2).videos == 1
    assert len(files(out, "videos")) == 3
    assert told(out) == before
    unchanged = {path: path.stat().st_ino for path in out.rglob(COMPACTED)}
    compact_days(out, None, least=2)
    assert {path: path.stat().st_ino for path in out.rglob(COMPACTED)} == unchanged


def test_a_lone_video_stays_as_it_is(tmp_path: Path) -> None:
    """There is nothing to put it together with."""
    fill(tmp_path, [1])
    assert compact_days(tmp_path, None, least=2).videos == 0
    assert files(tmp_path, "faces") == {f"{DAY}/{video_id_of(1)}.parquet"}


def test_failures_that_are_tried_again_stay_apart(tmp_path: Path) -> None:
    """The mark is one of the file, and would be that of all; --dry-run counts them no more than is done."""
    fill(tmp_path, range(4))
    mark = {TRANSIENT.decode(): "yes"}
    failed = tables_of(8, status="failed", reason="no space left")
    write_video(tmp_path, DOOR, video_id_of(8), failed, METADATA | mark)
    before = told(tmp_path)
    assert compact_days(tmp_path, None, least=2, dry_run=True) == compact_days(tmp_path, None, least=2)
    assert files(tmp_path, "videos") == {f"{DAY}/{COMPACTED}", f"{DAY}/{video_id_of(8)}.parquet"}
    assert TRANSIENT not in pq.read_schema(tmp_path / "videos" / DAY / COMPACTED).metadata
    assert told(tmp_path) == before


def test_a_damaged_file_costs_its_own_folder_alone(out: Path) -> None:
    """It is told of, its folder stays as it is, and all others are put together."""
    file = out / "faces" / DAY / f"{video_id_of(3)}.parquet"
    file.write_bytes(file.read_bytes()[:100])
    done = compact_days(out, None, least=2)
    assert (done.partitions, done.videos) == (2, 7)
    assert str(file) in done.damaged[0]
    assert len(files(out, "videos")) == 15 + 2
    command = emobatch("compact", out, "--json", cwd=out)
    assert (command.code, command.json["damaged"]) == (3, list(done.damaged))


def test_rows_of_a_video_that_left_videos_do_not_come_twice(tmp_path: Path) -> None:
    """Somebody removes the shared file of `videos`, as one is told to where it is damaged, and the videos are redone."""
    fill(tmp_path, range(4))
    compact_days(tmp_path, None, least=2)
    before = told(tmp_path)
    (tmp_path / "videos" / DAY / COMPACTED).unlink()
    fill(tmp_path, range(3))
    compact_days(tmp_path, None, least=2)
    gone = video_id_of(3)
    assert told(tmp_path) == {name: [row for row in of if gone not in row] for name, of in before.items()}


def test_videos_get_their_own_files_again(out: Path) -> None:
    """Also a video without faces its empty ones, and a failed one no more than it had."""
    before, names = told(out), {table: files(out, table) for table in TABLES}
    compact_days(out, None, least=2)
    for number in (3, 20, 22):
        loosen(out, list_tables(out), DAY, [video_id_of(number)])
        assert told(out) == before
    own = {f"{DAY}/{video_id_of(number)}.parquet" for number in (3, 20, 22)}
    for table in TABLES:
        assert {file for file in files(out, table) if not file.endswith(COMPACTED)} == own & names[table]


def test_the_last_video_that_leaves_takes_the_file_along(tmp_path: Path) -> None:
    """No file without rows stays that nobody needs."""
    fill(tmp_path, range(3))
    before = {table: files(tmp_path, table) for table in TABLES}
    compact_days(tmp_path, None, least=2)
    loosen(tmp_path, list_tables(tmp_path), DAY, [video_id_of(k) for k in range(3)])
    assert {table: files(tmp_path, table) for table in TABLES} == before
    compact_days(tmp_path, None, least=2)
    drop(tmp_path, list_tables(tmp_path), DAY, [video_id_of(k) for k in range(3)])
    assert not any(files(tmp_path, table) for table in TABLES)


OPERATIONS: Final = st.lists(
    st.tuples(
        st.sampled_from(["write", "compact", "loosen", "drop"]),
        st.sets(st.integers(0, 5), min_size=1, max_size=3),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS)
def test_any_order_of_changes_leaves_what_a_simple_model_says(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, set[int], bool]]
) -> None:
    """The model: a dictionary from each video to the number of its faces, None where it failed."""
    out = tmp_path_factory.mktemp("any")
    fill(out, [])
    model: dict[int, int | None] = {}
    for k, (operation, numbers, failed) in enumerate(operations):
        listing, ids = list_tables(out), [video_id_of(number) for number in numbers]
        if operation == "write":
            loosen(out, listing, DAY, ids)  # As a run does, with all of them at once.
            for number in numbers:
                model[number] = None if failed else k % 4
                write(out, number, **({"status": "failed"} if failed else {"faces": k % 4}))
        elif operation == "compact":
            compact(out, listing, DAY)
        elif operation == "loosen":
            loosen(out, listing, DAY, ids)
        else:
            drop(out, listing, DAY, ids)
            model = {number: faces for number, faces in model.items() if number not in numbers}
    results = api.open_results(out)
    assert sorted(results.videos["video_id"]) == sorted(map(video_id_of, model))
    expected = sorted(video_id_of(number) for number, faces in model.items() for _ in range(faces or 0))
    assert sorted(results.faces["video_id"]) == expected
    assert len(results.samples) == 4 * sum(faces is not None for faces in model.values())
    assert not list(out.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("day", "today", "over"),
    [
        ("2026-03-01", "2026-03-01", False),
        ("2026-03-01", "2026-03-02", False),  # 10 in the morning of UTC: 22 o'clock of the day before, farthest west.
        ("2026-03-01", "2026-03-03", True),
        ("2026-03-02", "2026-03-01", False),  # It has begun in the farthest east.
        (None, "2026-03-01", True),
    ],
)
def test_a_day_is_put_together_when_it_is_over_everywhere(
    day: str | None, today: str, over: bool, tmp_path: Path
) -> None:
    """In no time zone is anything more recorded on it; of undated videos nobody knows, so enough of them are."""
    fill(tmp_path, range(3), Place(day, "door"))
    assert compact_days(tmp_path, date.fromisoformat(today), least=4).videos == 0
    assert compact_days(tmp_path, date.fromisoformat(today), least=3).videos == (3 if over else 0)


def test_a_folder_that_grows_is_not_written_again_for_little(tmp_path: Path) -> None:
    """A run puts new videos with many others only when they are a sixteenth of them; the command always does."""
    place, today = Place(None, "door"), date(2026, 3, 3)
    fill(tmp_path, range(48), place)
    assert compact_days(tmp_path, today, least=2).videos == 48
    fill(tmp_path, [50, 51], place)
    assert compact_days(tmp_path, today, least=2).videos == 0
    fill(tmp_path, [52], place)
    assert compact_days(tmp_path, today, least=2).videos == 3
    fill(tmp_path, [53], place)
    assert compact_days(tmp_path, None, least=2).videos == 1
