"""A change of the tables that is killed before any of its steps: readers see all of it or nothing of it."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import emobatch
from analytics.commit import commit, half_of, term_of
from analytics.compaction import COMPACTED
from analytics.expressions import EXPRESSIONS
from analytics.schema import TABLES
from analytics.tables import NO_ROWS, Place, prepare, write_video
from analytics.videos import keep_videos, read_videos
from reports.archive import read_archive
from tests.command import files_below
from tests.kill_points import METADATA, THOROUGH, Filed, Killer, killer, tables_of, write

HERE, THERE = "day=2026-01-01/cam=a", "day=2026-01-02/cam=b"
IDS: Final = tuple(f"{number:016x}" for number in range(1, 5))
A, B, C, NEW = IDS
Filing = dict[str, Filed]


@pytest.fixture(scope="module", name="kill")
def _kill() -> Iterator[Killer]:
    with killer() as ready:
        yield ready


@pytest.fixture(scope="module", name="made")
def _made(kill: Killer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three videos of one day and camera: in files of their own, together, and both."""
    folder = tmp_path_factory.mktemp("made")
    made = {name: folder / name for name in ("loose", "together", "mixed")}
    prepare(made["loose"], METADATA)
    for one in (A, B, C):
        write(made["loose"], one, Filed(HERE, 1), [])
    shutil.copytree(made["loose"], made["together"])
    assert kill.change(made["together"], "compact", HERE)
    shutil.copytree(made["together"], made["mixed"])
    write(made["mixed"], NEW, Filed(HERE, 1), [])
    return made


def seen(out: Path) -> dict[str, list[Any]]:
    """What emobatch's own readers find, each row once for each time that it is found."""
    results = emobatch.open_results(out)
    found: dict[str, list[Any]] = {}
    versions = {"samples": "n_faces", "faces": "track_id", "tracks": "track_id"}
    for table, column in versions.items():
        frame = getattr(results, table)
        found[table] = sorted(zip(frame["video_id"].astype(str), frame[column].astype(int), strict=True))
    stored = read_videos(out)
    assert not stored.unreadable
    found["videos"] = sorted((row["video_id"], row["n_samples"], row["in_folder"]) for row in stored.rows())
    assert sorted(results.videos["video_id"].astype(str)) == [one for one, _, _ in found["videos"]]
    index = read_archive(out)
    assert not index.unreadable
    assert [(v.video_id, v.n_samples, str(v.folder)) for v in index.videos] == found["videos"]
    assert {index.videos[place].video_id for place in index.tracks["video"]} == {one for one, _ in found["tracks"]}
    return found


def expected(filing: Filing) -> dict[str, list[Any]]:
    """The same of rows that are known."""
    whole = sorted((one, filed.version) for one, filed in filing.items() if not filed.failed for _ in range(2))
    videos = sorted((one, filed.version, filed.folder) for one, filed in filing.items())
    return {"samples": whole, "faces": whole, "tracks": whole, "videos": videos}


def tables_below(out: Path) -> set[str]:
    """All files but those that say nothing of the tables."""
    return {file for file in files_below(out) if not file.startswith(".state/") and not file.endswith(NO_ROWS)}


OLD: Final = {one: Filed(HERE, 1) for one in (A, B, C)}
MIXED: Final = {**OLD, NEW: Filed(HERE, 1)}
TWO_IDS: Final = ("write", NEW, THERE, 2, False, [(HERE, A), (HERE, B)])
CHANGES: Final[dict[str, tuple[str, Filing, Filing, tuple[Any, ...]]]] = {
    "new rows": ("loose", OLD, {**OLD, NEW: Filed(THERE, 2)}, ("write", NEW, THERE, 2, False, [])),
    "other rows": ("loose", OLD, {**OLD, A: Filed(HERE, 2)}, ("write", A, HERE, 2, False, [])),
    "elsewhere": ("loose", OLD, {**OLD, A: Filed(THERE, 2)}, ("write", A, THERE, 2, False, [(HERE, A)])),
    "a failure": ("loose", OLD, {**OLD, A: Filed(HERE, 2, failed=True)}, ("write", A, HERE, 2, True, [(HERE, A)])),
    "another id": ("loose", OLD, {C: OLD[C], NEW: Filed(THERE, 2)}, TWO_IDS),
    "removed": ("loose", OLD, {B: OLD[B], C: OLD[C]}, ("remove", HERE, A)),
    "put together": ("loose", OLD, OLD, ("compact", HERE)),
    "put together again": ("mixed", MIXED, MIXED, ("compact", HERE)),
    "loosened": ("mixed", MIXED, MIXED, ("loosen", HERE, A, NEW)),
    "all loosened": ("together", OLD, OLD, ("loosen", HERE, A, B, C)),
    "dropped": ("mixed", MIXED, {B: OLD[B], C: OLD[C]}, ("drop", HERE, A, NEW)),
    "all dropped": ("together", OLD, {}, ("drop", HERE, A, B, C)),
}
SLOW: Final = ("other rows", "put together again", "loosened", "dropped")
"""They take as many steps as others that are not left out of the quick suite."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CHANGES]
)
def test_a_change_that_is_killed_anywhere_is_whole_or_nothing(
    name: str, kill: Killer, made: dict[str, Path], tmp_path: Path
) -> None:
    """Before each of its steps in turn, and before each of those that then complete it; nothing is left over."""
    source, old, new, told = CHANGES[name]
    whole = tmp_path / "whole"
    shutil.copytree(made[source], whole)
    keep_videos(whole, read_videos(whole))
    assert kill.change(whole, *told)
    assert seen(whole) == expected(new)
    files = {False: tables_below(made[source]), True: tables_below(whole)}
    # Files of many videos say when they were written.
    kept = {file: (whole / file).read_bytes() for file in files[True] if not file.endswith(COMPACTED)}

    held = False
    for step in count(1):
        out = tmp_path / f"killed{step}"
        shutil.copytree(made[source], out)
        keep_videos(out, read_videos(out))
        if kill.change(out, *told, kill_before=step):
            break
        now = seen(out)
        held = held or (old != new and now == expected(new))
        assert now == expected(new if held else old), step
        # Those who complete it may be killed, too: at each step in turn, or as each takes seconds at one.
        for deeper in count(1) if THOROUGH else (1 + step % 5,):
            ended = kill.change(out, "complete", kill_before=deeper)
            assert seen(out) == now, (step, deeper)
            if ended:
                break
        assert kill.change(out, "prepare")
        if old != new:
            assert tables_below(out) == files[held], step
        assert tables_below(out) in files.values(), step
        assert kill.change(out, *told)
        assert tables_below(out) == files[True], step
        assert all((out / file).read_bytes() == content for file, content in kept.items())
        shutil.rmtree(out)
    assert step > 4 and (held or old == new)


FOLDERS: Final = st.sampled_from([HERE, THERE])
ORDERS: Final = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(IDS), FOLDERS, st.booleans()),
    st.tuples(st.just("compact"), FOLDERS),
    st.tuples(st.just("drop"), st.sampled_from(IDS)),
)


@settings(max_examples=200 if THOROUGH else 12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(st.tuples(ORDERS, st.none() | st.integers(1, 30)), min_size=1, max_size=6))
def test_any_night_of_kills_leaves_each_row_once(
    orders: list[tuple[tuple[Any, ...], int | None]], kill: Killer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Changes one after the other, each killed somewhere or nowhere, the next run beginning as a run does."""
    out = tmp_path_factory.mktemp("night") / "out"
    prepare(out, METADATA)
    filing: Filing = {}
    for version, (order, step) in enumerate(orders, 1):
        assert kill.change(out, "prepare")
        for told, new in _as_a_run_does(out, order, filing, version):
            ended = kill.change(out, *told, kill_before=step)
            if ended or seen(out) == expected(new):
                filing = new
            assert seen(out) == expected(filing)
            if not ended:
                break
    assert kill.change(out, "prepare")
    assert seen(out) == expected(filing)
    assert not [file for file in files_below(out) if file.endswith((".tmp", ".json"))]


def _as_a_run_does(
    out: Path, order: tuple[Any, ...], filing: Filing, version: int
) -> Iterator[tuple[tuple[Any, ...], Filing]]:
    """The changes that an order takes, each with what holds afterwards."""
    what, *told = order
    if what == "compact":
        yield order, filing
        return
    one = told[0]
    old = filing.get(one)
    shared = old and not (out / "videos" / old.folder / f"{one}.parquet").exists()
    if old and shared:
        assert (out / "videos" / old.folder / COMPACTED).exists()
        if what == "write":
            yield ("loosen", old.folder, one), filing
    if what == "drop":
        if old:
            told = ["drop" if shared else "remove", old.folder, one]
            yield tuple(told), {other: filed for other, filed in filing.items() if other != one}
        return
    _, folder, failed = told
    replaces = [(old.folder, one)] if old else []
    yield ("write", one, folder, version, failed, replaces), {**filing, one: Filed(folder, version, failed)}


@pytest.mark.parametrize(
    "name",
    [
        "elsewhere",
        "removed",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("another id", "put together", "dropped")),
    ],
)
def test_a_change_that_wakes_after_another_run_began_changes_nothing(
    name: str, kill: Killer, made: dict[str, Path], tmp_path: Path
) -> None:
    """Suspended before each of its steps, while another run files the same video anew; then it goes on, if it can."""
    source, old, new, told = CHANGES[name]
    for step in count(1):
        out = tmp_path / f"suspended{step}"
        shutil.copytree(made[source], out)
        assert kill.change(out, "prepare")
        if not (process := kill.suspended(out, *told, before=step)):
            break
        assert kill.change(out, "prepare")
        filing = new if seen(out) == expected(new) else old
        if (shared := filing.get(A)) and not (out / "videos" / HERE / f"{A}.parquet").exists():
            assert kill.change(out, "loosen", shared.folder, A)
        assert kill.change(out, "write", A, HERE, 3, False, [(THERE, A)])
        later = expected({**filing, A: Filed(HERE, 3)})
        assert seen(out) == later, step
        kill.wake(process)
        assert seen(out) == later, step
        assert kill.change(out, "prepare")
        assert not [file for file in files_below(out) if file.endswith((".tmp", ".json"))]
        shutil.rmtree(out)
    assert step > 2


def test_what_a_run_began_ends_with_it(made: dict[str, Path], tmp_path: Path) -> None:
    """A worker that lives on writes its rows when another run has the lock: it is refused, and leaves nothing."""
    out = tmp_path / "out"
    shutil.copytree(made["loose"], out)
    prepare(out, METADATA)
    term = term_of(out)
    prepare(out, METADATA)
    before = files_below(out)
    with pytest.raises(FileNotFoundError):
        write_video(
            out, Place("2026-01-02", "b"), A, tables_of(A, Filed(THERE, 2)), METADATA, EXPRESSIONS, [(HERE, A)], term
        )
    assert seen(out) == expected(OLD)
    assert files_below(out) == before


def test_a_change_without_all_of_its_content_is_refused(made: dict[str, Path], tmp_path: Path) -> None:
    """Where new content has vanished before the change holds, the old rows stay."""
    out = tmp_path / "out"
    shutil.copytree(made["loose"], out)
    place = out / "videos" / THERE / f"{A}.parquet"
    old = [out / table / HERE / f"{A}.parquet" for table in TABLES]
    with pytest.raises(FileNotFoundError):
        commit(out, A, [(half_of(place), place)], old)
    assert seen(out) == expected(OLD)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{half", "is no record of a change; remove it"),
        ('{"puts": [["x"]], "removes": []}', "is no record of a change; remove it"),
        ('{"puts": [], "removes": ["../footage.mp4"]}', "names files outside of OUT"),
        ('{"puts": [["a.tmp", "/etc/passwd"]], "removes": []}', "names files outside of OUT"),
    ],
)
def test_a_record_that_somebody_else_wrote_is_not_carried_out(content: str, error: str, tmp_path: Path) -> None:
    """Whoever may write the journal would else have files replaced and removed that he may not touch."""
    out = tmp_path / "out"
    prepare(out, METADATA)
    (tmp_path / "footage.mp4").touch()
    (out / ".journal" / term_of(out) / "change.json").write_text(content)
    with pytest.raises(OSError, match=error):
        prepare(out, METADATA)
    assert (tmp_path / "footage.mp4").exists()
