"""Tables that do not fit together: files that somebody removed or damaged, and a video with rows in two places.

Each time the next run mends it: nothing that was promised stays lost, and no reader sees a row twice.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

import emobatch as api
from analytics.compaction import COMPACTED
from analytics.errors import EmobatchError
from analytics.listing import TABLES, Listing, list_tables
from analytics.recorders import recorders_of
from analytics.tables import Place, prepare, read_video, write_video
from analytics.videos import read_videos
from jobs.compact import compact_days
from jobs.ledger import Ledger
from tests.archive import DOOR, METADATA, fill, tables_of, video_id_of
from tests.command import emobatch, rows
from tests.rerun import Archive, counts

RULES: Final = recorders_of("{camera}/{start:%Y%m%dT%H%M}.mp4", timezone="UTC")
CLIPS: Final = ("door/20260301T1000.mp4", "door/20260301T1100.mp4", "gate/20260301T1000.mp4")
DAY: Final = "day=2026-03-01/cam=door"
OF_ROWS: Final = ("faces", "samples", "tracks")


def run(archive: Archive, *names: str, **settings: Any) -> dict[str, int]:
    """What became of the videos of a run."""
    return counts(archive.run(*names, recorders=RULES, **settings))


def found(archive: Archive) -> dict[str, list[Any]]:
    """All rows of faces, samples and tracks as any reader finds them, in an order that tells of no file."""
    return {table: sorted((row["video_id"], repr(row)) for row in rows(archive.out, table)) for table in OF_ROWS}


@pytest.fixture(name="archive", params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["together", "apart"])
def _archive(tmp_path: Path, request: pytest.FixtureRequest) -> Archive:
    """Two cameras on one day, whose tables were put together or not."""
    archive = Archive(tmp_path)
    for number, name in enumerate(CLIPS):
        archive.clip(name, number)
    assert run(archive) == {"done": 3}
    if request.param:
        compact_days(archive.out, None, least=1)
        assert (archive.out / "videos" / DAY / COMPACTED).exists()
    return archive


def files(archive: Archive, table: str) -> list[Path]:
    """Those of the door."""
    return sorted((archive.out / table / DAY).glob("*.parquet"))


@pytest.mark.parametrize("table", OF_ROWS)
def test_rows_that_somebody_removed_are_made_anew(table: str, archive: Archive) -> None:
    """As the message about a damaged file asks for; what is not affected stays as it is."""
    before, made = found(archive), archive.made()
    for file in files(archive, table):
        file.unlink()
    assert run(archive) == {"done": 2, "unchanged": 1}
    assert found(archive) == before
    gate = archive.told("video_id")[CLIPS[2]]
    assert archive.made()[gate] == made[gate]
    archive.check()
    assert run(archive) == {"unchanged": 3}


def test_a_dry_run_tells_that_rows_are_missing(archive: Archive) -> None:
    """The files to look at are those whose rows are gone."""
    for file in files(archive, "samples"):
        file.unlink()
    (archive.footage / "rules.toml").write_text(
        '[[recorder]]\npattern = "{camera}/{start:%Y%m%dT%H%M}.mp4"\ntimezone = "UTC"\n', encoding="utf-8"
    )
    told = emobatch(
        "run",
        archive.footage,
        "--out",
        archive.out,
        "--config",
        "rules.toml",
        "--dry-run",
        "--json",
        cwd=archive.footage,
    ).json
    assert [name.removeprefix(f"{archive.footage}/") for name in told["to_look_at"]] == list(CLIPS[:2])


def test_a_compaction_does_not_hide_that_rows_are_missing(archive: Archive) -> None:
    """A file that was put together anew would look as if it held them."""
    compact_days(archive.out, None, least=1)
    before = found(archive)
    archive.clip("door/20260301T1200.mp4", 9)
    assert run(archive, "door/20260301T1200.mp4") == {"done": 1}
    (archive.out / "samples" / DAY / COMPACTED).unlink()
    told = emobatch("compact", archive.out, cwd=archive.footage)
    assert (told.code, f"samples/{DAY}/{COMPACTED} is gone" in told.stderr) == (3, True)
    assert run(archive) == {"done": 2, "unchanged": 2}
    for table, of_table in found(archive).items():
        assert set(before[table]) < set(of_table)
    archive.check()


@pytest.mark.parametrize("damaged", [False, True], ids=["removed", "damaged"])
def test_no_row_comes_twice_where_videos_lost_a_file(damaged: bool, archive: Archive) -> None:
    """Neither when all of it is made again at once, nor when the nights are short; what is not yet, stays."""
    before = found(archive)
    for file in files(archive, "videos"):
        if damaged:
            file.write_bytes(file.read_bytes()[:-100])
        else:
            file.unlink()
    assert run(archive, CLIPS[0]) == {"done": 1}
    assert found(archive) == before
    assert run(archive, *CLIPS) == {"done": 1, "unchanged": 2}
    assert found(archive) == before
    if damaged:  # A file of one video was replaced, and one of many is still to be removed.
        (archive.out / "videos" / DAY / COMPACTED).unlink(missing_ok=True)
    assert run(archive) == {"unchanged": 3}
    assert found(archive) == before
    archive.check()
    assert len(api.open_results(archive.out).samples) == len(before["samples"])


def test_rows_in_another_partition_go_when_their_video_is_made_anew(archive: Archive) -> None:
    """Its file was renamed meanwhile, so the new rows belong elsewhere."""
    for file in files(archive, "videos"):
        file.unlink()
    archive.move(CLIPS[0], "gate/20260302T1000.mp4")
    archive.move(CLIPS[1], "gate/20260302T1100.mp4")
    assert run(archive) == {"done": 2, "unchanged": 1}
    for table in OF_ROWS:
        assert files(archive, table) == []
        assert len({row["video_id"] for row in rows(archive.out, table)}) == 3
    archive.check()


def test_second_rows_that_are_there_already_go(archive: Archive) -> None:
    """As an earlier release left them: a video with rows of its own, and the same ones in a file of many."""
    before = found(archive)
    kept = {table: {file: file.read_bytes() for file in files(archive, table)} for table in OF_ROWS}
    for file in files(archive, "videos"):
        file.unlink()
    assert run(archive) == {"done": 2, "unchanged": 1}
    for table in OF_ROWS:
        for file, content in kept[table].items():
            file.write_bytes(content)
    assert run(archive) == {"unchanged": 3}
    assert found(archive) == before
    archive.check()


def test_rows_of_footage_that_is_gone_stay(archive: Archive) -> None:
    """They are all that is left of it, and only `videos` had lost its file."""
    before = found(archive)
    for file in files(archive, "videos"):
        file.unlink()
    for name in CLIPS[:2]:
        (archive.footage / name).unlink()
    assert run(archive) == {"unchanged": 1}
    assert found(archive) == before


def test_a_table_that_cannot_be_listed_is_not_a_table_without_rows(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that is away for a moment costs no archive its rows."""
    before = archive.bytes()
    away = Listing({table: {} for table in TABLES}, {archive.out / "samples": OSError(5, "Input/output error")})
    with monkeypatch.context() as patched:
        patched.setattr("jobs.run.list_tables", lambda out: away)
        with pytest.raises(EmobatchError, match=r"samples: cannot write \(Input/output error\)"):
            run(archive)
    assert archive.bytes() == before
    assert run(archive) == {"unchanged": 3}


def _other_rows(archive: Archive, name: str, status: str, **changes: Any) -> None:
    """Write rows of a video once more, into another partition, as a worker does that was cut off."""
    row = archive.videos()[name]
    tables, metadata = read_video(archive.out, DAY, row["video_id"])
    videos = tables["videos"].to_pylist()
    videos[0] |= {"status": status, **changes}
    tables["videos"] = type(tables["videos"]).from_pylist(videos, schema=tables["videos"].schema)
    if status == "failed":
        tables = {"videos": tables["videos"]}
    prepare(archive.out, METADATA)
    write_video(archive.out, Place("2026-03-05", "yard"), row["video_id"], tables, metadata)


@pytest.mark.parametrize("archive", [False], indirect=True, ids=["apart"])
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
@pytest.mark.parametrize("status", ["failed", "done"])
def test_of_two_rows_of_one_video_one_stays(status: str, together: bool, archive: Archive) -> None:
    """The one that is finished, before a younger one that failed; with it go the rows in the other tables."""
    before, row = found(archive), archive.videos()[CLIPS[0]]
    _other_rows(archive, CLIPS[0], status, finished_at=row["finished_at"] + timedelta(seconds=status == "failed"))
    if together:
        compact_days(archive.out, None, least=1)
    assert run(archive)["unchanged"] == 3
    assert len(archive.videos()) == 3
    assert found(archive) == before
    assert archive.videos()[CLIPS[0]] == row
    archive.check()


def test_rows_are_looked_for_in_listings_alone(tmp_path: Path) -> None:
    """No file is opened to see whether rows are there, or ten thousand videos would delay each night."""
    fill(tmp_path, range(6))
    compact_days(tmp_path, None, least=1)
    (tmp_path / "faces" / DOOR.partition / COMPACTED).write_bytes(b"damaged")
    ledger = Ledger.of(read_videos(tmp_path), {}, list_tables(tmp_path))
    assert {one for one, known in ledger.by_id.items() if known.lost} == set()
    (tmp_path / "faces" / DOOR.partition / COMPACTED).unlink()
    ledger = Ledger.of(read_videos(tmp_path), {}, list_tables(tmp_path))
    with_faces = {video_id_of(number) for number in range(6) if len(tables_of(number)["faces"])}
    assert {one for one, known in ledger.by_id.items() if known.lost} == with_faces
