"""Where and when files were recorded: patterns, presets, clocks that change, and names of every kind."""

import pickle
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import UsageError
from analytics.recorder_patterns import read_pattern
from analytics.recorder_presets import PRESETS
from analytics.recorders import (
    AMBIGUOUS,
    SKIPPED,
    Recorded,
    Recorder,
    recorded,
    recorders_of,
    with_container_time,
    zone_of,
)
from tests.command import ROOT

ZONES: Final = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC+05:30", "UTC")


def start_of(path: str, pattern: str, timezone: str | None = "UTC") -> datetime | None:
    return recorded(path, [Recorder(pattern=pattern, timezone=timezone)]).start


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("pattern", "path", "start"),
    [
        ("{start:%Y%m%d_%H%M%S}.mp4", "/a/20240601_080001.mp4", utc(2024, 6, 1, 8, 0, 1)),
        ("{start:%Y%m%d_%H%M%S}.mp4", "20240601_080001.MP4", utc(2024, 6, 1, 8, 0, 1)),
        ("{start:%y%m%d-%H%M}.*", "240601-0800.dav", utc(2024, 6, 1, 8)),
        ("{start:%Y%m%d%H%M%S%f}.*", "20240601080001042.mkv", utc(2024, 6, 1, 8, 0, 1, 42000)),
        ("{start:%Y%m%d%H%M%S}.{start:%f}.*", "20240601080001.5.mkv", utc(2024, 6, 1, 8, 0, 1, 500000)),
        ("{start:%d-%b-%Y %I.%M.%S %p}.avi", "01-JUN-2024 12.30.00 am.avi", utc(2024, 6, 1, 0, 30)),
        ("{start:%d-%b-%Y %I.%M.%S %p}.avi", "01-Jun-2024 12.30.00 PM.avi", utc(2024, 6, 1, 12, 30)),
        ("{start:%Y/%j/%H%M%S}.ts", "x/2024/366/235959.ts", utc(2024, 12, 31, 23, 59, 59)),
        (
            "{start:%Y-%m-%d}/{start:%H}/{camera}/{start:%M.%S}.mp4",
            "2024-06-01/08/a/59.30.mp4",
            utc(2024, 6, 1, 8, 59, 30),
        ),
        ("{start:%Y%m%d}/{start:%Y%m%d%H%M}.mp4", "20240601/202406010800.mp4", utc(2024, 6, 1, 8)),
        ("{start:%s}.mp4", "1717228800.mp4", utc(2024, 6, 1, 8)),
        ("{start:%s%f}.mp4", "1717228800250.mp4", utc(2024, 6, 1, 8, 0, 0, 250000)),
        ("{start:%Y%m%d%H%M}-{end:%H%M}.*", "202406010800-0810.ts", utc(2024, 6, 1, 8)),
        ("100%% {{{start:%Y%m%d%%%H%M}}}*.*", "100%% {20240601%0800} x.y.ts", utc(2024, 6, 1, 8)),
        ("a[0]+({start:%Y%m%d%H%M})$.mp4", "a[0]+(202406010800)$.mp4", utc(2024, 6, 1, 8)),
    ],
)
def test_the_pieces_of_a_start_are_put_together(pattern: str, path: str, start: datetime) -> None:
    """Directives may stand anywhere in the path; all else in a pattern is taken as it is written."""
    assert start_of(path, pattern) == start


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{start:%Y%m%d_%H%M%S}.mp4", "20240230_080001.mp4"),
        ("{start:%Y%m%d_%H%M%S}.mp4", "20240601_240000.mp4"),
        ("{start:%Y%m%d_%H%M%S}.mp4", "20240601_080001.mkv"),
        ("{start:%Y%m%d_%H%M%S}.mp4", "x20240601_080001.mp4"),
        ("{start:%Y%m%d_%H%M%S}.mp4", "\u0662\u0660\u0662\u06640601_080001.mp4"),
        ("{start:%Y%m%d_%H%M%S}.*", "20240601_080001"),
        ("{start:%Y%m%d_%H%M%S}.*", "20240601_080001.mp4.part"),
        ("{start:%Y-%j %H%M}.mp4", "2023-366 0800.mp4"),
        ("{start:%Y%m%d%I%M%p}.mp4", "202406011300PM.mp4"),
        ("{start:%Y%m%d%H%M}.mp4", "000106010800.mp4"),
        ("{start:%Y%m%d}/{start:%Y%m%d%H%M}.mp4", "20240602/202406010800.mp4"),
        ("{camera}/{start:%Y%m%d%H%M}.mp4", "202406010800.mp4"),
        ("{camera}/{start:%Y%m%d%H%M}.mp4", "/202406010800.mp4"),
        ("{camera}/{start:%Y%m%d%H%M}.mp4", "../202406010800.mp4"),
        ("Hof/{start:%Y%m%d%H%M}.mp4", "hof/202406010800.mp4"),
    ],
)
def test_another_name_or_an_impossible_date_is_no_match(pattern: str, path: str) -> None:
    """The next rule is asked; the root and the way up are no names of cameras."""
    fallback = Recorder(pattern="*", camera="other")
    assert recorded(path, [Recorder(pattern=pattern, timezone="UTC"), fallback]) == Recorded(camera="other")
    assert recorded(path, []) == Recorded()


@pytest.mark.parametrize(
    ("pattern", "path", "camera"),
    [
        ("{camera}-{start:%Y%m%d}.mp4", "front-door-20240601.mp4", "front-door"),
        ("{camera}_{_}_{start:%Y%m%d}.mp4", "Front_Door_00_20240601.mp4", "Front_Door"),
        ("*_{camera}_main.mp4", "NVR_ch1_main.mp4", "ch1"),
        ("{camera}/{camera}.{start:%H%M}.mp4", "a/a.0800.mp4", "a"),
        ("{camera}/{camera}.{start:%H%M}.mp4", "a/b.0800.mp4", None),
        ("{camera}/*", "/x/Hof/any.thing", "Hof"),
        ("{camera}/*.mp4", 'Einfahrt "süd" 100% <b>&\'/1.mp4', 'Einfahrt "süd" 100% <b>&\''),
        ("{camera}/*.mp4", "a\nb\t\udcff☃/1.mp4", "a\nb\t\udcff☃"),
    ],
)
def test_a_camera_is_named_as_its_path_names_it(pattern: str, path: str, camera: str | None) -> None:
    """{camera} is as long as possible, {_} and * as short as possible."""
    assert recorded(Path(path), [Recorder(pattern=pattern)]).camera == camera


def test_a_fixed_name_stands_in_for_a_camera_that_the_path_does_not_tell() -> None:
    """A pattern's own {camera} goes before it."""
    assert recorded("a/1.mp4", [Recorder(pattern="1.mp4", camera="door")]).camera == "door"
    assert recorded("a/1.mp4", [Recorder(pattern="{camera}/1.mp4", camera="door")]).camera == "a"


@pytest.mark.parametrize(
    "pattern", ["{camera}/{start:%Y%m%d}.mp4", "{camera}/{start:%Y%m%d}{_}.mp4", "{camera}/{start:%H%M%S}*.mp4"]
)
def test_half_a_time_is_no_time(pattern: str) -> None:
    """A date alone, or a time of day alone, gives a camera and no start: none is invented."""
    found = recorded("a/20240601.mp4", [Recorder(pattern=pattern, timezone="UTC")])
    assert found == Recorded(camera="a", timezone="UTC")
    assert found.day is None


def test_without_a_time_zone_there_is_no_start() -> None:
    """But an offset in the name, seconds since 1970, or a clock in UTC needs none."""
    assert start_of("20240601_0800.mp4", "{start:%Y%m%d_%H%M}.mp4", None) is None
    for pattern, name, zone in (
        ("{start:%Y%m%d_%H%M%z}.mp4", "20240601_1000+0200.mp4", "UTC+02:00"),
        ("{start:%Y%m%d_%H%M%z}.mp4", "20240601_0230-05:30.mp4", "UTC-05:30"),
        ("{start:%Y%m%d_%H%M%z}.mp4", "20240601_0800z.mp4", "UTC"),
        ("{start:%s}.mp4", "1717228800.mp4", None),
        ("{utc:%Y%m%d_%H%M}.mp4", "20240601_0800.mp4", None),
    ):
        found = recorded(name, [Recorder(pattern=pattern)])
        assert found == Recorded(start=utc(2024, 6, 1, 8), timezone=zone, start_source="pattern")


def test_the_day_is_the_cameras_own() -> None:
    """Half past eleven at night in New York is the next day in UTC."""
    rule = Recorder(pattern="{start:%Y%m%d_%H%M}.mp4", timezone="America/New_York")
    assert recorded("20240601_2330.mp4", [rule]).day == "2024-06-01"
    assert Recorded(start=utc(2024, 6, 2, 3, 30)).day == "2024-06-02"
    assert Recorded(start=utc(2024, 6, 2, 3, 30), timezone="UTC-04:00").day == "2024-06-01"


@pytest.mark.parametrize(
    ("zone", "name", "first", "second", "remark"),
    [
        # The clock goes back at 3:00, to 2:00.
        ("Europe/Berlin", "20241027_0159", utc(2024, 10, 26, 23, 59), utc(2024, 10, 26, 23, 59), ""),
        ("Europe/Berlin", "20241027_0200", utc(2024, 10, 27, 0, 0), utc(2024, 10, 27, 1, 0), AMBIGUOUS),
        ("Europe/Berlin", "20241027_0300", utc(2024, 10, 27, 2, 0), utc(2024, 10, 27, 2, 0), ""),
        ("America/New_York", "20241103_0130", utc(2024, 11, 3, 5, 30), utc(2024, 11, 3, 6, 30), AMBIGUOUS),
        # By half an hour only.
        ("Australia/Lord_Howe", "20240407_0145", utc(2024, 4, 6, 14, 45), utc(2024, 4, 6, 15, 15), AMBIGUOUS),
        ("Australia/Lord_Howe", "20240407_0129", utc(2024, 4, 6, 14, 29), utc(2024, 4, 6, 14, 29), ""),
        # It goes forward at 2:00, to 3:00; who shows 2:30 has not moved it.
        ("Europe/Berlin", "20240331_0230", utc(2024, 3, 31, 1, 30), utc(2024, 3, 31, 1, 30), SKIPPED),
        ("America/New_York", "20240310_0200", utc(2024, 3, 10, 7, 0), utc(2024, 3, 10, 7, 0), SKIPPED),
        ("Australia/Lord_Howe", "20241006_0215", utc(2024, 10, 5, 15, 45), utc(2024, 10, 5, 15, 45), SKIPPED),
        # A clock that never changes has neither.
        ("UTC+01:00", "20241027_0230", utc(2024, 10, 27, 1, 30), utc(2024, 10, 27, 1, 30), ""),
    ],
)
def test_clocks_that_change(zone: str, name: str, first: datetime, second: datetime, remark: str) -> None:
    """An hour that occurs twice is the first one, unless the file was changed soon after the second."""
    rule = [Recorder(pattern="{start:%Y%m%d_%H%M}.mp4", timezone=zone)]
    for modified, start in (
        (None, first),
        (first + timedelta(minutes=5), first),
        (second + timedelta(minutes=5), second),
        # A copy of a week later tells nothing.
        (second + timedelta(days=7), first),
    ):
        found = recorded(f"{name}.mp4", rule, modified)
        assert (found.start, found.start_source) == (start, f"pattern{remark}")


FORMATS: Final = {
    "{camera}/{start:%Y%m%d_%H%M%S}.mp4": "a/%Y%m%d_%H%M%S.mp4",
    "{start:%Y-%m-%d}/{start:%H}/{camera}/{start:%M.%S}.mp4": "/m/%Y-%m-%d/%H/a/%M.%S.mp4",
    "{camera}_{start:%d%b%y %I-%M-%S%p}*.*": "a_%d%b%y %I-%M-%S%p (2).MKV",
    "{camera}_{start:%Y%j%H%M%S%f}.*": "a_%Y%j%H%M%S%f.ts",
}


@given(
    instant=st.datetimes(datetime(1995, 1, 2), datetime(2036, 12, 30), timezones=st.just(UTC)),
    zone=st.sampled_from(ZONES),
    pattern=st.sampled_from(sorted(FORMATS)),
)
def test_what_a_recorder_writes_is_read_back(instant: datetime, zone: str, pattern: str) -> None:
    """A name that was made of an instant gives that instant, but for the hour that occurs twice."""
    if "%f" not in pattern:
        instant = instant.replace(microsecond=0)
    local = instant.astimezone(zone_of(zone))
    path = local.strftime(FORMATS[pattern])
    rule = [Recorder(pattern=pattern, timezone=zone)]
    found = recorded(path, rule, modified=instant + timedelta(minutes=1))
    assert (found.camera, found.day) == ("a", local.date().isoformat())
    assert found.start == instant
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    assert found.start_source == ("pattern:ambiguous" if twice else "pattern")


@given(camera=st.text(min_size=1).filter(lambda name: "/" not in name and name not in (".", "..")))
def test_a_folder_of_any_name_is_a_camera(camera: str) -> None:
    """Whatever a folder is called, that is the name of the camera."""
    rule = [Recorder(pattern="{camera}/{start:%Y%m%d_%H%M%S}.*", timezone="UTC")]
    assert recorded(f"/x/{camera}/20240601_080000.mp4", rule).camera == camera


@given(path=st.text(alphabet=st.sampled_from("/._-0129ABchRecDST*[]{}%é\n")), other=st.text())
def test_no_path_breaks_a_preset(path: str, other: str) -> None:
    """Names are only looked at."""
    for name in PRESETS:
        recorded(path, recorders_of(name, timezone="Europe/Berlin"))
        recorded(other, recorders_of(name, timezone="Europe/Berlin"))


@given(text=st.text(alphabet=st.sampled_from("{}*/%:_.Ymdpx camerstutcend")))
def test_a_pattern_is_read_or_refused(text: str) -> None:
    """No text brings forth anything but a pattern or an error that a user can mend."""
    try:
        read_pattern(text).match(Path("a/b/c.mp4"))
    except UsageError as error:
        assert error.remedy


def test_a_hostile_name_takes_no_longer_than_a_long_one() -> None:
    """Eight wildcards over a name that nearly fits would take a regular expression years."""
    rule = [Recorder(pattern="{camera}_{_}_{_}_*_*_*_*_{start:%H%M}*_*.mp4")]
    began = time.perf_counter()
    assert recorded("/" + "_0" * 20_000 + ".mp4", rule) == Recorded()
    assert time.perf_counter() - began < 10


EXAMPLES: Final = (
    ("axis", "axis-ACCC8EB0662C/20190510/08/20190510_084109_D60B_ACCC8EB0662C/20190510_09/20190510_090616_25CE.mkv",
     "ACCC8EB0662C", utc(2019, 5, 10, 9, 6, 16)),
    ("blueiris", "New/Front.Yard.20240601_080000.bvr", "Front.Yard", utc(2024, 6, 1, 8)),
    ("dahua", "AMC0028V/2021-03-06/001/dav/10/10.27.32-10.28.00[M][0@0][0].dav", "AMC0028V", utc(2021, 3, 6, 10, 27, 32)),
    ("dahua-nvr", "/mnt/dvr/2026-09-13/002/dav/00/00.44.33-00.44.57[M][0@0][0].dav", "002", utc(2026, 9, 13, 0, 44, 33)),
    ("dahua-nvr", "NVR_ch1_main_20230131000000_20230131010000.dav", "ch1", utc(2023, 1, 31)),
    ("frigate", "recordings/2024-06-01/08/front/59.30.mp4", "front", utc(2024, 6, 1, 8, 59, 30)),
    ("frigate", "recordings/2022-06/01/08/front/59.30.mp4", "front", utc(2022, 6, 1, 8, 59, 30)),
    ("hikvision", "ch01_20241022100000.mp4", "ch01", utc(2024, 10, 22, 10)),
    ("hikvision", "192.168.0.64_01_20190319093422939_MOTION_DETECTION.mp4", "192.168.0.64_01",
     utc(2019, 3, 19, 9, 34, 22, 939000)),
    ("iso", "front/2024-06-01T10-00-00+0200.mp4", "front", utc(2024, 6, 1, 8)),
    ("iso", "front_2024-06-01T08-00-00.mkv", "front", utc(2024, 6, 1, 8)),
    ("ispy", "video/ABCDE/1_2024-06-01_08-00-00.mp4", "ABCDE", utc(2024, 6, 1, 8)),
    ("motion", "01-20240601080000.mkv", None, utc(2024, 6, 1, 8)),
    ("motioneye", "Camera1/2024-06-01/08-00-00.mp4", "Camera1", utc(2024, 6, 1, 8)),
    ("nextbase", "240915_143027_001_FH.MP4", "FH", utc(2024, 9, 15, 14, 30, 27)),
    ("reolink", "Mp4Record/2022-03-06/RecM01_20220306_020024_020118_6732828_2821E4C.mp4", None,
     utc(2022, 3, 6, 2, 0, 24)),
    ("reolink", "RecS02_DST20230426_145918_150032_2B14808_32F1DF.mp4", None, utc(2023, 4, 26, 14, 59, 18)),
    ("reolink", "Rec_20230517_043229_541_M.mp4", None, utc(2023, 5, 17, 4, 32, 29)),
    ("reolink", "Camera1_00_20260121074033.mp4", "Camera1", utc(2026, 1, 21, 7, 40, 33)),
    ("shinobi", "videos/qyCQYItwa0/2a6n2o9b0i8t/2025-06-22T00-37-20.mp4", "2a6n2o9b0i8t", utc(2025, 6, 22, 0, 37, 20)),
    ("tesla", "SavedClips/2020-01-16_09-12-36/2020-01-16_09-12-32-left_repeater.mp4", "left_repeater",
     utc(2020, 1, 16, 9, 12, 32)),
    ("unifi-protect-backup", "Front/2024-06-01/2024-06-01T08-00-30 motion.mp4", "Front", None),
    ("viofo", "2024_0101_120000_000001F.MP4", None, utc(2024, 1, 1, 12)),
    ("wyze", "record/20230826/12/30.mp4", None, utc(2023, 8, 26, 12, 30)),
    ("wyze-bridge", "FRONT_DOOR_2024-06-01_08-00-00_UTC.mp4", "FRONT_DOOR", utc(2024, 6, 1, 8)),
    ("zoneminder", "events/3/24/06/01/08/00/00/1234-video.mp4", "3", utc(2024, 6, 1, 8)),
    ("zoneminder", "events/3/24/06/01/08/00/00/1234-video.h264.mp4", "3", utc(2024, 6, 1, 8)),
    ("zoneminder", "events/3/2024-06-01/1234/1234-video.mp4", "3", None),
)  # fmt: skip


@pytest.mark.parametrize(("preset", "path", "camera", "start"), EXAMPLES)
def test_presets_read_the_names_of_their_recorders(
    preset: str, path: str, camera: str | None, start: datetime | None
) -> None:
    """Each example is a name as such a recorder writes it."""
    found = recorded(path, recorders_of(preset, timezone="UTC"))
    assert (found.camera, found.start) == (camera, start)
    assert found.start_source == (f"preset:{preset}" if start else "unknown")


def test_every_preset_has_an_example_and_a_line_in_the_manual() -> None:
    """What is offered is tested and told."""
    lines = (ROOT / "docs/cameras.md").read_text(encoding="utf-8").splitlines()
    assert {preset for preset, *_ in EXAMPLES} == set(PRESETS)
    assert {line.split("`")[1] for line in lines if line.startswith("| `") and "preset" not in line} >= set(PRESETS)


def test_frigates_folders_are_utc_wherever_the_camera_is() -> None:
    """The time zone decides the local day alone."""
    found = recorded("2024-06-01/22/front/30.00.mp4", recorders_of("Frigate", timezone="Europe/Berlin"))
    assert (found.start, found.day) == (utc(2024, 6, 1, 22, 30), "2024-06-02")


@pytest.mark.parametrize(
    ("creation_time", "start"),
    [
        ("2024-06-01T08:00:00.000000Z", utc(2024, 6, 1, 8)),
        ("2024-06-01T10:00:00+0200", utc(2024, 6, 1, 8)),
        (" 2024-06-01 08:00:00 ", utc(2024, 6, 1, 8)),
        ("2024-06-30T11:59:00Z", utc(2024, 6, 30, 11, 59)),
        ("2024-07-02T12:00:00Z", None),
        ("1904-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:10Z", None),
        ("2024-06-01", None),
        ("2024-13-01T08:00:00Z", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("Sat Jun  1 08:00:00 2024", None),
        ("", None),
        (None, None),
    ],
)
def test_the_container_is_asked_second(creation_time: str | None, start: datetime | None) -> None:
    """Its time counts where the path told none, and where the clock of its writer had been set."""
    now = utc(2024, 6, 30, 12)
    source = "container" if start else "unknown"
    known = Recorded(camera="a", timezone="Europe/Berlin")
    found = with_container_time(known, creation_time, now)
    assert found == Recorded(camera="a", timezone="Europe/Berlin", start=start, start_source=source)
    dated = Recorded(start=utc(2020, 1, 1), start_source="pattern")
    assert with_container_time(dated, creation_time) == dated


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "has 0 characters"),
        ("x" * 301, "has 301 characters"),
        ("{camera.mp4", "without its partner"),
        ("camera}.mp4", "write }} for"),
        ("{cam}.mp4", "unknown field {cam}"),
        ("{camera:x}.mp4", "unknown field {camera:x}"),
        ("{start}.mp4", "without a format"),
        ("{start:%Y-%U}.mp4", "unknown directive %U"),
        ("{start:%Y%}.mp4", "unknown directive %"),
        ("{start:%I%M}.mp4", "%I without %p"),
        ("{start:%Y}{utc:%H}.mp4", "use one of them"),
        ("{camera}-{camera}.mp4", "{camera} twice"),
        ("{camera}{start:%s%f}.mp4", "put a character between"),
        ("{camera}/{start:%H}", "no extension"),
        ("/mnt/{camera}.mp4", "without a slash"),
        ("**/{camera}.mp4", "holds **"),
        ("a\\{camera}.mp4", "folders with /"),
    ],
)
def test_a_wrong_pattern_is_named_with_its_remedy(pattern: str, says: str) -> None:
    """The message quotes the pattern, what is wrong, and what to write."""
    with pytest.raises(UsageError) as caught:
        Recorder(pattern=pattern)
    assert says in str(caught.value)
    assert repr(pattern[:40]) in str(caught.value) or repr(pattern) in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "says"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("new_york", "did you mean America/New_York?"),
        ("GMT+1", "UTC+01:00"),
        ("Europe", "UTC+01:00"),
        ("../../etc/passwd", "UTC+01:00"),
        ("a\0", "UTC+01:00"),
        ("", "UTC+01:00"),
        ("UTC+24:00", "UTC+01:00"),
    ],
)
def test_a_wrong_time_zone_is_named_with_its_remedy(zone: str, says: str) -> None:
    """A near miss is answered with the name that was meant."""
    with pytest.raises(UsageError) as caught:
        Recorder(pattern="*", timezone=zone)
    assert repr(zone) in str(caught.value)
    assert says in str(caught.value)


def test_other_wrong_rules() -> None:
    """An unknown preset lists those there are; a nameless camera and a number are refused."""
    with pytest.raises(UsageError, match=r"'hikvison' is unknown.*frigate, hikvision"):
        recorders_of("hikvison")
    with pytest.raises(UsageError, match="empty name"):
        Recorder(pattern="*", camera="")
    with pytest.raises(UsageError, match="timezone = 1 "):
        Recorder(pattern="*", timezone=1)  # type: ignore[arg-type]


def test_rules_travel_to_other_processes() -> None:
    """A rule that a worker is sent reads as it did here."""
    rules = pickle.loads(pickle.dumps(recorders_of("{camera}/{start:%Y%m%d%H%M}.mp4", timezone="Asia/Kathmandu")))
    found = recorded("a/202406010800.mp4", rules)
    assert found.start == datetime(2024, 6, 1, 8, tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert pickle.loads(pickle.dumps(found)) == found
