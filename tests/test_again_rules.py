"""Other rules and settings: rows follow camera and clock without decoding, and only what must is decoded again."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from analytics.errors import UsageError
from analytics.recorders import Recorder
from tests.command import Finished, emobatch, files_below, rows
from tests.rerun import Archive, counts

BERLIN: Final = Recorder(pattern="{camera}/{start:%Y%m%d_%H%M%S}.mp4", timezone="Europe/Berlin")
NIGHT: Final = "door/20260301_003000.mp4"
START: Final = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
CREATED: Final = "2026-03-01T23:30:00Z"


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def _partitions(archive: Archive) -> set[str]:
    """Of all tables, but for the files without rows."""
    files = {
        Path(file) for table in ("videos", "faces", "samples", "tracks") for file in files_below(archive.out / table)
    }
    found = {str(file.parent) for file in files if file.name != "0000000000000000.parquet"}
    return found


def _follows(archive: Archive, start: datetime | None, source: str, camera: str | None, partition: str) -> None:
    """All four tables say the same start and camera of the one video, and lie in one place."""
    (video,) = rows(archive.out, "videos")
    assert (video["start_time"], video["start_time_source"], video["camera"]) == (start, source, camera)
    assert _partitions(archive) == {partition}

    def at(seconds: float) -> datetime | None:
        return start + timedelta(seconds=seconds) if start else None

    samples, faces, tracks = (rows(archive.out, table) for table in ("samples", "faces", "tracks"))
    assert len(samples) == len(faces) == 2 and len(tracks) == 1
    assert all(row["time"] == at(row["pts_s"]) for row in samples + faces)
    assert all((row["start_time"], row["end_time"]) == (at(row["start_s"]), at(row["end_s"])) for row in tracks)
    assert {row["camera"] for row in faces + tracks} == {camera}


def _unchanged(archive: Archive, **settings: Any) -> None:
    """The next run has nothing to do."""
    before = archive.bytes()
    assert counts(archive.run(**settings)) == {"unchanged": 1}
    assert archive.bytes() == before


def test_rows_follow_the_rules_that_come_change_and_go(archive: Archive) -> None:
    """Day, camera and times of all tables are those of the rule that holds; nothing is decoded again."""
    archive.clip(NIGHT)
    archive.run()
    made = archive.made()
    _follows(archive, None, "unknown", None, "day=undated/cam=unnamed")
    no_zone = Recorder(pattern=BERLIN.pattern)
    steps: list[tuple[Any, ...]] = [
        ({"recorders": (BERLIN,)}, START, "pattern", "door", "day=2026-03-01/cam=door"),
        ({"recorders": (no_zone,)}, None, "unknown", "door", "day=undated/cam=door"),
        (
            {"recorders": (no_zone,), "timezone": "UTC"},
            START + timedelta(hours=1), "pattern", "door", "day=2026-03-01/cam=door",
        ),
        (
            {"recorders": (Recorder(pattern="{start:%Y%m%d_%H%M%S}.mp4", camera="../Tor 3", timezone="UTC+01:00"),)},
            START, "pattern", "../Tor 3", "day=2026-03-01/cam=..%2FTor%203",
        ),
        ({"recorders": (BERLIN,), "camera": "yard"}, START, "pattern", "yard", "day=2026-03-01/cam=yard"),
        ({"camera": "yard"}, None, "unknown", "yard", "day=undated/cam=yard"),
        ({}, None, "unknown", None, "day=undated/cam=unnamed"),
    ]  # fmt: skip
    for settings, *told in steps:
        assert counts(archive.run(**settings)) == {"unchanged": 1}
        _follows(archive, *told)
        assert archive.made() == made
        _unchanged(archive, **settings)


def test_the_time_of_the_container_comes_second(archive: Archive) -> None:
    """It fills in where no rule tells, stays while none does, and its day is that of the camera's time zone."""
    archive.clip(NIGHT, created=CREATED)
    archive.run()
    made, created = archive.made(), datetime.fromisoformat(CREATED)
    _follows(archive, created, "container", None, "day=2026-03-01/cam=unnamed")
    _unchanged(archive)
    for settings, *told in (
        ({"timezone": "Europe/Berlin"}, created, "container", None, "day=2026-03-02/cam=unnamed"),
        ({"recorders": (BERLIN,)}, START, "pattern", "door", "day=2026-03-01/cam=door"),
        ({"camera": "door"}, created, "container", "door", "day=2026-03-01/cam=door"),
        ({"camera": "door", "timezone": "Europe/Berlin"}, created, "container", "door", "day=2026-03-02/cam=door"),
    ):
        assert counts(archive.run(**settings)) == {"unchanged": 1}
        _follows(archive, *told)  # type: ignore[arg-type]
        _unchanged(archive, **settings)
    assert archive.made() == made


def test_copies_and_failures_follow_the_rules_too(archive: Archive) -> None:
    """Also out of files that many videos share."""
    archive.clip(NIGHT)
    archive.copy(NIGHT, "gate/20260301_120000.mp4")
    (archive.footage / "gate/20260301_130000.mp4").write_bytes(b"no video" * 100)
    archive.run()
    assert emobatch("compact", archive.out, cwd=archive.footage).code == 0
    assert counts(archive.run(recorders=(BERLIN,))) == {"duplicate": 1, "unchanged": 2}
    hours = {source: start and start.hour for source, start in archive.told("start_time").items()}
    assert hours == {NIGHT: 23, "gate/20260301_120000.mp4": 11, "gate/20260301_130000.mp4": 12}
    assert archive.told("camera") == {source: source.partition("/")[0] for source in hours}
    archive.check()
    before = archive.bytes()
    assert counts(archive.run(recorders=(BERLIN,))) == {"unchanged": 3}
    assert archive.bytes() == before


def test_a_rule_of_the_configuration_moves_rows(archive: Archive, tmp_path: Path) -> None:
    """emobatch.toml and the command."""
    archive.clip(NIGHT)
    archive.run()
    made = archive.made()
    (tmp_path / "emobatch.toml").write_text(
        '[run]\nsources = ["footage"]\nout = "out"\n[[recorder]]\npattern = "{camera}/{start:%Y%m%d_%H%M%S}.mp4"\n'
        'timezone = "Europe/Berlin"\n'
    )
    done = emobatch("run", "--json", cwd=tmp_path)
    assert (done.code, done.json["videos"]["unchanged"]) == (0, 1)
    assert "its rows now say door, 2026-02-28 23:30:00+00:00" in done.stderr
    _follows(archive, START, "pattern", "door", "day=2026-03-01/cam=door")
    assert archive.made() == made


def test_rows_that_cannot_be_read_are_made_again(archive: Archive) -> None:
    """When they were to say another camera."""
    archive.clip(NIGHT)
    archive.run()
    (video_id,) = archive.told("video_id").values()
    (file,) = (archive.out / "faces").rglob(f"{video_id}.parquet")
    file.write_bytes(b"damaged")
    assert counts(archive.run(recorders=(BERLIN,))) == {"done": 1}
    _follows(archive, START, "pattern", "door", "day=2026-03-01/cam=door")


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Eleven videos of one camera, and one of another."""
    archive = Archive(tmp_path_factory.mktemp("many"))
    for seed in range(11):
        archive.clip(f"yard/{seed:02}.mp4", seed)
    archive.clip("door/1.mp4", 99)
    archive.run(recorders=(Recorder(pattern="{camera}/*.mp4"),))
    return archive


def test_settings_of_one_camera_redo_its_videos_alone(many: Archive) -> None:
    """Up to ten without being asked; taken back, they are as they were."""
    rules = (Recorder(pattern="{camera}/*.mp4"),)
    made, samples = many.made(), len(rows(many.out, "samples"))
    own = {"recorders": rules, "cameras": {"door": {"every": "0.25"}}}
    assert counts(many.run(**own)) == {"done": 1, "unchanged": 11}
    assert len(rows(many.out, "samples")) == samples + 2
    assert counts(many.run(**own)) == {"unchanged": 12}
    assert counts(many.run(recorders=rules)) == {"done": 1, "unchanged": 11}
    assert len(rows(many.out, "samples")) == samples
    (door,) = set(made) - {one for one, when in many.made().items() if made[one] == when}
    assert many.told("video_id")["door/1.mp4"] == door
    many.check()


def test_more_than_ten_are_redone_only_with_force(many: Archive) -> None:
    """Without it nothing is touched, exit 2; a part of them is few enough."""
    rules = (Recorder(pattern="{camera}/*.mp4"),)
    before = many.bytes()
    with pytest.raises(UsageError, match=r"12 videos were processed with other settings.*--force"):
        many.run(recorders=rules, every="0.25")
    asked = (many.footage, "--out", many.out, "--config", _config(many), "--every", "0.25")
    refused = emobatch("run", *asked, cwd=many.footage)
    assert refused.code == 2
    assert "12 videos" in refused.only_error() and str(many.footage) in refused.only_error()
    assert many.bytes() == before
    planned = emobatch("run", *asked, "--dry-run", "--json", cwd=many.footage)
    assert (planned.code, planned.json["redone_for_settings"]) == (0, 12)
    assert counts(many.run("door", recorders=rules, every="0.25")) == {"done": 1}
    assert counts(many.run(recorders=rules, every="0.25", force=True)) == {"done": 11, "unchanged": 1}
    assert len(rows(many.out, "samples")) == 12 * 4
    many.check()


def _config(archive: Archive) -> Path:
    path = archive.footage.parent / "rules.toml"
    path.write_text('[[recorder]]\npattern = "{camera}/*.mp4"\n')
    return path


ODD_NAMES: Final = {
    "long": ("夜" * 30, "takes 270 bytes"),
    "null of Hive": ("__HIVE_DEFAULT_PARTITION__", "missing value"),
    "bytes": (os.fsdecode(b"t\xfcr"), "not valid UTF-8"),
}


@pytest.mark.parametrize(
    "kind", ["bytes", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ODD_NAMES if kind != "bytes")]
)
def test_a_camera_that_cannot_be_filed_is_none_and_a_warning(archive: Archive, kind: str) -> None:
    """Its videos are processed, and what is known of them but for the camera is kept."""
    name, words = ODD_NAMES[kind]
    archive.clip("x.mp4")
    try:
        archive.move("x.mp4", f"{name}/20260301_003000.mp4")
    except OSError:
        pytest.skip("no such name on this file system")
    rule = ("--config", archive.footage.parent / "emobatch.toml")
    rule[1].write_text(f'[[recorder]]\npattern = "{BERLIN.pattern}"\ntimezone = "Europe/Berlin"\n')

    def run() -> Finished:
        return emobatch("run", archive.footage, "--out", archive.out, *rule, "--json", cwd=archive.footage)

    first = run()
    assert (first.code, first.json["videos"]["done"]) == (0, 1), first.stderr
    assert sum(words in line for line in first.stderr.splitlines()) == 1
    assert any(words in log.read_text() for log in (archive.out / "runs").glob("*.log"))
    _follows(archive, START, "pattern", None, "day=2026-03-01/cam=unnamed")
    again = run()
    assert (again.code, again.json["videos"]["unchanged"]) == (0, 1)


def test_a_camera_that_is_excluded_stays_out_though_it_cannot_be_filed(archive: Archive) -> None:
    """What a rule calls it is what counts."""
    archive.clip("x.mp4")
    archive.clip(f"{'夜' * 30}/1.mp4", 2)
    rules = (Recorder(pattern="{camera}/*.mp4"),)
    assert counts(archive.run(recorders=rules, cameras={"夜" * 30: {"exclude": True}})) == {"done": 1}
    assert set(archive.videos()) == {"x.mp4"}


def test_settings_of_a_camera_that_no_file_is_from_are_told(archive: Archive, tmp_path: Path) -> None:
    """A name with a slip of the pen would exclude nothing."""
    archive.clip("door/1.mp4")
    config = tmp_path / "emobatch.toml"
    config.write_text(
        '[[recorder]]\npattern = "{camera}/*.mp4"\n[camera.dor]\nexclude = true\n[camera.door]\nevery = 1\n'
    )
    done = emobatch("run", "footage", cwd=tmp_path)
    (line,) = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert "camera dor: no file" in line
