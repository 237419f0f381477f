"""What a run has to do, decided from what is known: for whatever files, whatever OUT knows of them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.fingerprint import WHOLE_UP_TO, id_of_content, id_of_path
from analytics.listing import list_tables
from analytics.recorders import CONTAINER, Recorded
from analytics.tables import Place
from jobs.astray import Strays
from jobs.fingerprints import Fingerprints
from jobs.ledger import Known, Ledger, Need, is_misfiled, need_of
from jobs.options import RunOptions
from jobs.settle import Settler
from jobs.steps import Video
from jobs.task import VideoTask

START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


def known(digest: str, source: Path, recorded: Recorded | None = None, **changes: Any) -> Known:
    """What OUT says of a video that was done as the rules have it now."""
    recorded = recorded or Recorded()
    facts: dict[str, Any] = {
        "video_id": id_of_content(digest),
        "source": str(source),
        "camera": recorded.camera,
        "start_time": recorded.start,
        "start_time_source": recorded.start_source,
        "time_zone": recorded.timezone,
        "status": "done",
        "settings_hash": "now",
        "duplicate_of": None,
        "transient": False,
        "in_folder": Place(recorded.day, recorded.camera).partition,
        "compacted": False,
    }
    return Known(**facts | changes)


STARTS = st.one_of(st.none(), st.datetimes(datetime(1995, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "Pacific/Kiritimati", "UTC-11:00"])
CAMERAS = st.sampled_from([None, "door", "yard", "..", "Tor 3"])


@st.composite
def told(draw: st.DrawFn) -> Recorded:
    """Whatever rules tell of a path."""
    start = draw(STARTS)
    source = "unknown" if start is None else draw(st.sampled_from(["pattern", "preset:axis", "pattern:ambiguous"]))
    return Recorded(camera=draw(CAMERAS), start=start, timezone=draw(ZONES), start_source=source)


@given(told(), told(), st.sampled_from(["/a.mp4", "/b.mp4"]))
def test_rows_are_misfiled_until_they_say_what_rules_tell(before: Recorded, now: Recorded, source: str) -> None:
    """Rows that were filed as told are never filed again, and others always are."""
    as_told = known("d", Path("/a.mp4"), before)
    assert not is_misfiled(as_told, "/a.mp4", before)
    alike = before == now and source == "/a.mp4"
    assert is_misfiled(as_told, source, now) == (not alike)


@given(ZONES, ZONES, CAMERAS)
def test_the_time_of_the_file_itself_stays_and_its_zone_follows_the_rule(
    before: str | None, now: str | None, camera: str | None
) -> None:
    """Where no rule tells a start."""
    filed = Recorded(camera=camera, start=START, timezone=before, start_source=CONTAINER)
    rows = known("d", Path("/a.mp4"), filed)
    no_rule = Recorded(camera=camera, timezone=now)
    assert is_misfiled(rows, "/a.mp4", no_rule) == (before != now)


@pytest.mark.parametrize(
    ("changes", "again", "need"),
    [
        ({}, False, Need.NOTHING),
        ({}, True, Need.NOTHING),
        ({"settings_hash": "before"}, False, Need.PROCESS),
        ({"status": "failed"}, False, Need.NOTHING),
        ({"status": "failed"}, True, Need.PROCESS),
        ({"status": "failed", "transient": True}, False, Need.PROCESS),
        ({"status": "partial"}, False, Need.NOTHING),
        ({"status": "partial"}, True, Need.PROCESS),
        ({"status": "duplicate"}, False, Need.PROCESS),
        ({"source": "/elsewhere.mp4"}, False, Need.REFILE),
        ({"source": "/elsewhere.mp4", "settings_hash": "before"}, False, Need.PROCESS),
        ({"source": "/elsewhere.mp4", "status": "failed"}, False, Need.REFILE),
    ],
)
def test_what_a_known_file_needs(changes: dict[str, Any], again: bool, need: Need) -> None:
    """Failures that may have passed are tried again, others when it is asked for."""
    assert need_of(replace(known("d", Path("/a.mp4")), **changes), "/a.mp4", Recorded(), "now", again) is need


def test_what_is_unknown_is_processed() -> None:
    """A file whose content OUT knows nothing of."""
    assert need_of(None, "/a.mp4", Recorded(), "now", False) is Need.PROCESS


class Desk:
    """A settler and files of which only size and digest matter."""

    def __init__(self, folder: Path, *rows: Known, settled: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.fingerprints = Fingerprints(folder)
        ledger = Ledger({row.video_id: row for row in rows})
        for row in rows:
            ledger._ids[row.source].add(row.video_id)
        strays = Strays(folder, list_tables(folder))
        self.settler = Settler(folder, ledger, strays, self.fingerprints, settled or {}, again=False)

    def video(self, name: str, size: int = 10) -> Video:
        """A file that waits for its turn."""
        options = RunOptions(sources=(), out=self.folder)
        task = VideoTask(path=self.folder / name, options=options, settings_hash="now", releases={})
        return Video(0, size, 0, task)


def digest(letter: str) -> str:
    return letter * 64


@given(st.permutations("abc"))
def test_of_files_of_one_size_the_first_is_the_original_whoever_is_identified_first(order: list[str]) -> None:
    """Workers end in any order; what is an original and what its copy must not depend on it."""
    desk = Desk(Path("/nowhere"))
    videos = {name: desk.video(f"{name}.mp4") for name in "abc"}
    desk.settler.expect([10, 10, 10])
    for name in "abc":
        desk.settler.opened(videos[name])
    found = [pair for name in order for pair in desk.settler.identified(videos[name], digest("d"))]
    assert [(video.task.path.name, need) for video, need in found] == [
        ("a.mp4", Need.PROCESS), ("b.mp4", Need.NOTE_COPY), ("c.mp4", Need.NOTE_COPY),
    ]  # fmt: skip
    ids = [video.task.key.video_id for video, _ in found]
    assert ids == [id_of_content(digest("d")), *(id_of_path(Path(f"/nowhere/{name}.mp4")) for name in "bc")]


@pytest.mark.parametrize("same", [True, False])
def test_one_fingerprint_of_large_files_is_no_proof(same: bool) -> None:
    """All of both is compared; another content gets an id of its own, and those that wait go on."""
    desk, size = Desk(Path("/nowhere")), WHOLE_UP_TO + 1
    a, b, c = (desk.video(f"{name}.mp4", size) for name in "abc")
    desk.settler.expect([size] * 3)
    for video in (a, b, c):
        desk.settler.opened(video)
    assert list(desk.settler.identified(a, digest("d"))) == [(a, Need.PROCESS)]
    assert list(desk.settler.identified(b, digest("d"))) == [(b, Need.COMPARE)]
    assert list(desk.settler.identified(c, digest("e"))) == []
    theirs = digest("1" if same else "2")
    (first, need), waiting = desk.settler.compared(b, digest("1"), theirs)
    assert (first, need) == (b, Need.NOTE_COPY if same else Need.PROCESS)
    assert waiting == (c, Need.PROCESS)
    ids = {video.task.key.video_id for video in (a, b, c)}
    assert len(ids) == 3
    if not same:
        assert b.task.key.video_id == id_of_content(digest("1"))


@pytest.mark.parametrize("for_good", [True, False])
def test_a_failure_keeps_nobody_waiting(for_good: bool) -> None:
    """Files of its size that come after it go on."""
    desk = Desk(Path("/nowhere"))
    a, b = desk.video("a.mp4"), desk.video("b.mp4")
    desk.settler.expect([10, 10])
    for video in (a, b):
        desk.settler.opened(video)
    assert list(desk.settler.identified(b, digest("d"))) == []
    a.task = desk.settler.to_fail(a, for_good)
    assert list(desk.settler.failed(a, for_good)) == [(b, Need.PROCESS)]


@pytest.mark.parametrize(
    ("status", "for_good", "by_content"),
    [
        ("done", True, True),
        ("done", False, False),
        ("partial", False, False),
        ("failed", False, True),
        (None, False, True),
    ],
)
def test_only_a_failure_of_the_content_takes_the_place_of_good_rows(
    tmp_path: Path, status: str | None, for_good: bool, by_content: bool
) -> None:
    """What passes leaves them, and is filed under the path."""
    rows = [known(digest("d"), tmp_path / "a.mp4", status=status, settings_hash="before")] if status else []
    desk = Desk(tmp_path, *rows)
    video = desk.video("a.mp4")
    ((_, need),) = desk.settler.identified(video, digest("d"))
    assert need is Need.PROCESS
    content, path = id_of_content(digest("d")), id_of_path(tmp_path / "a.mp4")
    video.task = desk.settler.to_fail(video, for_good)
    list(desk.settler.failed(video, for_good))
    assert video.task.key.video_id == (content if by_content else path)
    assert desk.settler.superseded() == []


def test_a_failure_of_this_run_is_not_superseded_in_it(tmp_path: Path) -> None:
    """Neither as a file that is gone nor beside the rows of the content that it held; an older one is."""
    gone = known("", tmp_path / "gone.mp4", video_id=id_of_path(tmp_path / "gone.mp4"), status="failed", transient=True)
    old = known("", tmp_path / "old.mp4", video_id=id_of_path(tmp_path / "old.mp4"), status="failed", transient=True)
    desk = Desk(tmp_path, gone, old)
    video = desk.video("gone.mp4")
    video.task = desk.settler.to_fail(video, for_good=False)
    list(desk.settler.failed(video, for_good=False))
    assert [one.source for one in desk.settler.superseded()] == [old.source]


def test_fingerprints_are_kept_for_files_that_are_as_they_were(tmp_path: Path) -> None:
    """Of whatever name; those of files that are gone are forgotten, and a damaged cache is none."""
    names = [b"plain.mp4", b"b\xfcro.mp4", "夜.mp4".encode()]
    paths = [tmp_path / name.decode("utf-8", "surrogateescape") for name in names]
    first = Fingerprints(tmp_path)
    for number, path in enumerate(paths):
        path.write_bytes(b"x")
        first.put(path, 1, number, digest(str(number)))
    first.put(tmp_path / "gone.mp4", 1, 1, digest("9"))
    first.keep()
    again = Fingerprints(tmp_path)
    assert [again.get(path, 1, number) for number, path in enumerate(paths)] == [digest(str(n)) for n in range(3)]
    assert again.get(paths[0], 1, 5) is again.get(paths[0], 2, 0) is None
    again.keep()
    unused = Fingerprints(tmp_path)
    unused.keep()
    assert Fingerprints(tmp_path).get(paths[1], 1, 1) == digest("1")
    paths[1].unlink()
    Fingerprints(tmp_path).keep()
    assert Fingerprints(tmp_path).get(paths[1], 1, 1) is None
    (tmp_path / ".state" / "fingerprints.parquet").write_bytes(b"damaged")
    assert Fingerprints(tmp_path).get(paths[0], 1, 0) is None
