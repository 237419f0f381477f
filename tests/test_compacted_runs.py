"""Runs over an archive whose tables were put together: nothing is done twice, and what changes changes alone."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

import emobatch as api
from analytics.compaction import COMPACTED
from analytics.errors import EmobatchError
from analytics.listing import TABLES
from analytics.recorders import recorders_of
from analytics.tables import NO_ROWS
from jobs.compact import compact_days
from reports.site import write_site
from tests.archive import DOOR, fill, video_id_of
from tests.command import emobatch, files_below
from tests.rerun import Archive, counts
from tests.test_reports import page_of
from tests.test_reports_redrawn import drawn

RULES: Final = recorders_of("{camera}/{start:%Y%m%dT%H%M}.mp4", timezone="UTC")
CLIPS: Final = ("door/20260301T1000.mp4", "door/20260301T1100.mp4", "door/20260301T1200.mp4", "gate/20260301T1000.mp4")


def run(archive: Archive, *names: str, **settings: Any) -> dict[str, int]:
    """What became of the videos of a run."""
    return counts(archive.run(*names, recorders=RULES, **settings))


def loose(archive: Archive) -> dict[str, int]:
    """By camera, how many videos have a file of their own in `videos`."""
    found = [file for file in files_below(archive.out / "videos") if not file.endswith((COMPACTED, NO_ROWS))]
    cameras = [re.search("cam=([^/]*)", file).group(1) for file in found]  # type: ignore[union-attr]
    return {camera: cameras.count(camera) for camera in sorted(set(cameras))}


def pages(out: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of all pages of videos."""
    found = (out / "reports" / "videos").glob("*.html")
    return {page.name: (page.read_bytes(), page.stat().st_mtime_ns) for page in found}


@pytest.fixture(name="archive", params=[True], ids=["together"])
def _archive(tmp_path: Path, request: pytest.FixtureRequest) -> Archive:
    """Two cameras on one day, whose tables were put together unless the test says otherwise."""
    archive = Archive(tmp_path)
    for number, name in enumerate(CLIPS):
        archive.clip(name, number)
    archive.clip("gate/20260301T1100.mp4", 7)
    assert run(archive) == {"done": 5}
    if request.param:
        compact_days(archive.out, None, least=2)
        assert loose(archive) == {}
    return archive


@pytest.mark.parametrize("archive", [False], indirect=True, ids=["loose"])
def test_the_command_tells_and_does_it(archive: Archive, tmp_path: Path) -> None:
    """--dry-run says the same, and nothing is done; no page is drawn again, and no row changes its place for a reader."""
    before = archive.told("video_id"), pages(archive.out)
    dry = emobatch("compact", archive.out, "--dry-run", "--json", cwd=tmp_path)
    assert dry.json == {"partitions": 2, "videos": 5, "damaged": []}
    assert loose(archive) == {"door": 3, "gate": 2}
    done = emobatch("compact", archive.out, cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == "5 videos put together in 2 folders of a day and camera\n"
    assert loose(archive) == {}
    assert (archive.told("video_id"), pages(archive.out)) == before


def test_a_second_run_does_nothing_and_draws_nothing(archive: Archive) -> None:
    """Rows and pages stay to the byte; so they do with another compaction."""
    before, drawn_before = archive.bytes(), pages(archive.out)
    assert run(archive) == {"unchanged": 5}
    assert emobatch("compact", archive.out, "--json", cwd=archive.footage).json["videos"] == 0
    assert (archive.bytes(), pages(archive.out)) == (before, drawn_before)
    told = emobatch("status", archive.out, "--json", cwd=archive.footage).json
    assert (told["videos"]["done"], len(told["list"])) == (5, 5)


def test_a_video_that_is_redone_leaves_the_others_together(archive: Archive) -> None:
    """With another setting, for this video alone: its rows and its page change, no other."""
    before, made = pages(archive.out), archive.made()
    assert run(archive, CLIPS[1], every="1/4") == {"done": 1}
    redone = archive.told("video_id")[CLIPS[1]]
    assert loose(archive) == {"door": 1}
    assert {one for one, told in archive.made().items() if made[one] != told} == {redone}
    after = pages(archive.out)
    assert {page for page in before if after[page] != before[page]} == {f"{redone}.html"}
    assert archive.told("n_samples") == {**dict.fromkeys(archive.videos(), 2), CLIPS[1]: 4}
    compact_days(archive.out, None, least=2)
    assert loose(archive) == {}
    assert pages(archive.out) == after
    assert run(archive, CLIPS[1], every="1/4") == {"unchanged": 1}
    archive.check()


def test_a_video_that_was_renamed_is_not_decoded_again(archive: Archive) -> None:
    """Its rows say the new name and time, and lie apart until the next compaction; other cameras' stay together."""
    made = archive.made()
    archive.move(CLIPS[0], "door/20260301T1330.mp4")
    archive.run(recorders=RULES)
    assert {one: of[1] for one, of in archive.made().items()} == {one: of[1] for one, of in made.items()}
    assert archive.told("start_time")["door/20260301T1330.mp4"].hour == 13
    assert (len(archive.videos()), list(loose(archive))) == (5, ["door"])
    archive.check()


def test_a_video_goes_to_another_camera_and_another_day(archive: Archive) -> None:
    """Out of the shared files of one folder, into a file of its own in the next."""
    archive.move(CLIPS[0], "gate/20260302T1000.mp4")
    archive.run(recorders=RULES)
    row = archive.videos()["gate/20260302T1000.mp4"]
    for table in TABLES:
        assert (archive.out / table / "day=2026-03-02" / "cam=gate" / f"{row['video_id']}.parquet").exists()
    assert (len(archive.videos()), row["camera"], loose(archive)["gate"]) == (5, "gate", 1)
    assert len(api.open_results(archive.out).samples) == 10
    archive.check()


def test_a_video_with_new_content_leaves_the_shared_files(archive: Archive) -> None:
    """The old content lies nowhere any more: its rows and its page go."""
    old = archive.told("video_id")[CLIPS[0]]
    archive.clip(CLIPS[0], 99)
    assert run(archive) == {"done": 1, "unchanged": 4}
    assert old not in archive.told("video_id").values()
    assert not (archive.out / "reports" / "videos" / f"{old}.html").exists()
    assert len(archive.videos()) == len(pages(archive.out)) == 5
    archive.check()


def test_a_run_puts_days_together_that_are_over(tmp_path: Path) -> None:
    """Fifty videos of one day and camera, at the end of the next run, unless it is told not to."""
    archive = Archive(tmp_path)
    archive.clip("new/20260305T1000.mp4", 1)
    fill(archive.out, range(49))
    run(archive, compact=False)
    assert loose(archive) == {"door": 49, "new": 1}
    run(archive)
    assert loose(archive) == {"door": 49, "new": 1}
    fill(archive.out, [49])
    run(archive, compact=False)
    assert loose(archive) == {"door": 50, "new": 1}
    before = pages(archive.out)
    run(archive)
    assert loose(archive) == {"new": 1}
    assert pages(archive.out) == before


def test_pages_are_drawn_from_shared_files_as_from_their_own(tmp_path: Path) -> None:
    """All of them, to the byte; and none again that is the same as before."""
    fill(tmp_path, range(8))
    write_site(tmp_path)
    before = {name: content for name, (content, _) in pages(tmp_path).items()}
    compact_days(tmp_path, None, least=2)
    write_site(tmp_path, everything=True)
    assert {name: content for name, (content, _) in pages(tmp_path).items()} == before
    assert drawn(tmp_path) == set()


def test_a_shared_file_that_somebody_changed_is_told_of(tmp_path: Path) -> None:
    """Its pages are drawn again, each says which file cannot be read, and those of other folders stay."""
    fill(tmp_path, range(4))
    compact_days(tmp_path, None, least=2)
    write_site(tmp_path)
    file = tmp_path / "faces" / DOOR.partition / COMPACTED
    whole = file.read_bytes()
    file.write_bytes(whole[:-300])
    with pytest.raises(EmobatchError, match=COMPACTED):
        write_site(tmp_path)
    assert f"cannot be read: faces/{DOOR.partition}/{COMPACTED}" in page_of(tmp_path / "reports", video_id_of(1)).text
    file.write_bytes(whole)
    assert drawn(tmp_path) == {video_id_of(number) for number in range(4)}
