"""Rules on archives whose truth is known: what is planted is found, what only looks like it is not."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from analytics.events import finding
from analytics.events.finding import find_events
from analytics.events.items import Item
from analytics.events.rules import Condition, EventRules, Rule, Zone
from analytics.events.store import read_events, rows_of, write_events
from analytics.tables import NO_ROWS
from jobs.config import read_config
from jobs.config_events import rules_from
from tests.planted import CONFIG, DWELL_S, FIRST, ZONE, Drawer, Filed, Person, Truth, write_planted

HOURS: Final = 3.0
HELD_OUT: Final = 2201
"""No number in analytics/events was chosen on the archive of this seed."""
SHELF: Final = Zone(name="shelf", camera="shop", points=ZONE)
LOITERING: Final = Rule(name="loitering", when=Condition(zone="shelf", dwell_s=DWELL_S))


def shipped(folder: Path) -> EventRules:
    """The rules of the planted archives."""
    (folder / "emobatch.toml").write_text(CONFIG, encoding="utf-8")
    rules = rules_from(read_config(folder / "emobatch.toml", {}))
    assert rules is not None
    return rules


def seconds(item: Item) -> tuple[str, float, float]:
    """Rule, start and end, seconds of the footage."""
    assert item.begin is not None
    return item.rule.name, item.start - FIRST.timestamp(), item.end - FIRST.timestamp()


def judged(items: Sequence[Item], drawer: Drawer) -> tuple[list[Any], list[Any]]:
    """What was planted and not found, and what was found and not planted."""
    found = [seconds(item) for item in items]

    def fits(truth: Truth, one: tuple[str, float, float]) -> bool:
        return truth.rule == one[0] and one[1] <= truth.end + 1 and one[2] >= truth.start - 1

    missed = [truth for truth in drawer.truth if not any(fits(truth, one) for one in found)]
    return missed, [one for one in found if not any(fits(truth, one) for truth in drawer.truth)]


@pytest.fixture(scope="module", name="planted")
def _planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Drawer, EventRules]:
    folder = tmp_path_factory.mktemp("planted")
    drawer = Drawer(HELD_OUT, HOURS)
    write_planted(folder / "out", "shop", drawer)
    return folder / "out", drawer, shipped(folder)


def scene(out: Path, people: Sequence[Person], filed: Filed | None = None, hours: float = 0.25) -> None:
    """An archive of just these people."""
    drawer = Drawer(1, 0.0)
    drawer.hours, drawer.people = hours, list(people)
    write_planted(out, "shop", drawer, filed or Filed())


def standing(begin: float, end: float, x: float = 640.0, **more: Any) -> Person:
    """Somebody at a spot in the middle of the zone."""
    return Person([(begin, x, 400.0), (end, x, 400.0)], 60.0, bias={"neutral": 2.0}, **more)


def only(*rules: Rule, zones: tuple[Zone, ...] = (SHELF,)) -> EventRules:
    """These rules."""
    return EventRules(rules=rules, zones=zones)


def test_everything_planted_is_found_and_next_to_nothing_else(planted: tuple[Path, Drawer, EventRules]) -> None:
    """At most one false event an hour, with people who stay nearly long enough, queues, posters and stern faces about."""
    out, drawer, rules = planted
    missed, false = judged(find_events(out, rules).items, drawer)
    assert {truth.rule for truth in drawer.truth} == {rule.name for rule in rules.rules}
    assert missed == []
    assert len(false) <= HOURS, false


def test_pruning_by_tracks_loses_nothing(
    planted: tuple[Path, Drawer, EventRules], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faces that are not read would have fired nothing."""
    out, _, rules = planted
    pruned = find_events(out, rules)
    monkeypatch.setattr(finding, "may_fire", lambda when, chunk, spells: spells.start > -1)
    whole = find_events(out, rules)
    assert rows_of(pruned.items) == rows_of(whole.items)
    assert pruned.faces <= whole.faces


def test_events_are_the_same_with_other_samples(tmp_path: Path, planted: tuple[Path, Drawer, EventRules]) -> None:
    """Every 0.4 s in place of 0.5 s: the same moments, a sample earlier or later."""
    _, drawer, rules = planted
    write_planted(tmp_path / "out", "shop", drawer, Filed(every=0.4))
    missed, false = judged(find_events(tmp_path / "out", rules).items, drawer)
    assert missed == []
    assert len(false) <= HOURS


def test_a_rerun_writes_the_same_bytes_and_the_old_rows_go(
    tmp_path: Path, planted: tuple[Path, Drawer, EventRules]
) -> None:
    """Whole files, one a day and camera."""
    out, _, rules = planted
    found = find_events(out, rules)
    for _ in range(2):
        write_events(tmp_path, found.items, {"emobatch.version": "1"})
        (file,) = (tmp_path / "events").glob("day=2*/cam=*/*.parquet")
        assert file.relative_to(tmp_path).as_posix() == "events/day=2026-05-04/cam=shop/events.parquet"
    first = file.read_bytes()
    file.unlink()
    write_events(tmp_path, found.items, {"emobatch.version": "1"})
    assert file.read_bytes() == first
    assert read_events(tmp_path) == rows_of(found.items)
    write_events(tmp_path, (), {"emobatch.version": "1"})
    (schema,) = (path for path in (tmp_path / "events").rglob("*") if path.is_file())
    assert schema.name == NO_ROWS


def test_rows_say_where_when_who_and_why(planted: tuple[Path, Drawer, EventRules]) -> None:
    """The peak lies within the event, times fit, and evidence holds figures and thresholds."""
    out, _, rules = planted
    rows = rows_of(find_events(out, rules).items)
    assert len({row["event_id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["start_s"] < row["end_s"]
        assert (row["end_time"] - row["time"]).total_seconds() == pytest.approx(row["end_s"] - row["start_s"])
        assert row["videos"][0] == row["video_id"]
        assert row["peak_video_id"] in row["videos"]
        if row["peak_video_id"] == row["video_id"]:
            assert row["start_s"] <= row["peak_pts_s"] <= row["end_s"]
        assert json.loads(row["thresholds"])["cooldown_s"] >= 0
        figures = json.loads(row["figures"])
        assert row["tracks"] == figures["tracks"][row["video_id"]]
        assert "(asked: " in row["evidence"]
        assert (row["track_id"] is None) == (row["rule"] in ("crowding", "distress") or len(row["tracks"]) > 1)
        assert not {"intent", "suspicious", "feels", "thief"} & set(row["evidence"].lower().split())


def test_presence_goes_on_over_the_cut_between_two_files(tmp_path: Path) -> None:
    """Once, with both files in the row; where the files lie too far apart there are two people, who stay too short."""
    scene(tmp_path / "near", [standing(885, 955)], hours=0.5)
    (item,) = find_events(tmp_path / "near", only(LOITERING)).items
    assert list(seconds(item)[1:]) == pytest.approx([885, 955], abs=2)
    assert len(item.videos) == len(item.tracks) == 2
    (row,) = rows_of([item])
    assert row["track_id"] == (row["tracks"][0] if len(row["tracks"]) == 1 else None)
    assert "of 2 files" in row["evidence"]
    assert row["end_s"] > 900
    scene(tmp_path / "far", [standing(860, 950)], Filed(gap_s=15.0), hours=0.5)
    assert find_events(tmp_path / "far", only(LOITERING)).items == ()
    scene(tmp_path / "undated", [standing(860, 940)], Filed(dated=False), hours=0.5)
    assert find_events(tmp_path / "undated", only(LOITERING)).items == ()


def test_an_undated_video_has_events_without_a_time(tmp_path: Path) -> None:
    """Seconds are known, clock time is not; no time of day fits."""
    scene(tmp_path, [standing(100, 190)], Filed(dated=False))
    (row,) = rows_of(find_events(tmp_path, only(LOITERING)).items)
    assert (row["time"], row["end_time"]) == (None, None)
    assert row["start_s"] == pytest.approx(100, abs=2)
    always = replace(LOITERING, when=replace(LOITERING.when, hours=(0.0, 86_400.0)))
    assert find_events(tmp_path, only(always)).items == ()


def test_a_hole_neither_ends_nor_makes_presence(tmp_path: Path) -> None:
    """Who is there before and after was there; the seconds between do not count, and evidence says so."""
    hole = Filed(holes=((130.0, 160.0),))
    scene(tmp_path / "long", [standing(80, 190)], hole)
    (item,) = find_events(tmp_path / "long", only(LOITERING)).items
    assert list(seconds(item)[1:]) == pytest.approx([80, 190], abs=2)
    (row,) = rows_of([item])
    assert "30 s of it were not recorded" in row["evidence"]
    scene(tmp_path / "short", [standing(100, 185)], hole)
    assert find_events(tmp_path / "short", only(LOITERING)).items == ()


def test_a_poster_does_not_loiter(tmp_path: Path) -> None:
    """A face that never moves is none that stays."""
    scene(tmp_path, [standing(10, 400, sway=0.0)])
    assert find_events(tmp_path, only(LOITERING)).items == ()


def test_a_time_of_day_is_that_of_the_camera(tmp_path: Path) -> None:
    """Berlin is two hours ahead of UTC in May: the footage begins at ten there, on a Monday."""
    scene(tmp_path, [standing(100, 190)])
    for hours, days, n in (
        ((36_000.0, 39_600.0), None, 1),
        ((28_800.0, 32_400.0), None, 0),
        ((79_200.0, 39_600.0), frozenset({6}), 1),
        (None, frozenset({0}), 1),
        (None, frozenset({1, 2, 3, 4, 5, 6}), 0),
    ):
        rule = replace(LOITERING, when=replace(LOITERING.when, hours=hours, days=days))
        assert len(find_events(tmp_path, only(rule)).items) == n, (hours, days)


def test_unusable_faces_count_for_presence_and_never_for_expression(tmp_path: Path) -> None:
    """Somebody whose face is never frontal stays, and shows nothing that could be judged."""
    scene(tmp_path, [standing(100, 190, turned=[(0, 300)], moods=[(100, 190, "angry", 6.0)])])
    angry = rules_from_text(tmp_path, 'zone = "shelf"\nexpression = "angry"')
    assert find_events(tmp_path, angry).items == ()
    assert len(find_events(tmp_path, only(LOITERING)).items) == 1


def rules_from_text(folder: Path, text: str) -> EventRules:
    """One rule of a file, with the zone."""
    zone = f'[[zone]]\nname = "shelf"\ncamera = "shop"\npoints = {[list(point) for point in ZONE]}\n'
    (folder / "emobatch.toml").write_text(f'{zone}[[rule]]\nname = "mine"\n{text}\n', encoding="utf-8")
    rules = rules_from(read_config(folder / "emobatch.toml", {}))
    assert rules is not None
    return rules


def test_one_then_the_other_and_any_of_them(tmp_path: Path) -> None:
    """Surprise soon after a minute at the shelf, by the same person; before it, or long after it, is nothing."""
    people = [
        standing(100, 220, 500.0, moods=[(180, 186, "surprise", 6.0)]),
        standing(400, 490, 500.0, moods=[(420, 426, "surprise", 6.0)]),
        standing(600, 690, 500.0),
        standing(600, 720, 150.0, moods=[(680, 686, "surprise", 6.0)]),
    ]
    scene(tmp_path, people)
    text = 'then = [{ zone = "shelf", dwell = 60 }, { change = "surprise" }]\nwithin = 20'
    found = find_events(tmp_path, rules_from_text(tmp_path, text)).items
    assert [round(seconds(item)[1]) for item in found] == [pytest.approx(100, abs=2)]
    assert found[0].peak_s == pytest.approx(180, abs=2)
    text = 'dwell = 30\nany = [{ zone = "shelf" }, { change = "surprise" }]'
    found = find_events(tmp_path, rules_from_text(tmp_path, text)).items
    assert len(found) == 3
    text = 'all = [{ zone = "shelf", dwell = 30 }, { people = 2 }]'
    found = find_events(tmp_path, rules_from_text(tmp_path, text)).items
    assert [round(seconds(item)[1]) for item in found] == [pytest.approx(600, abs=2)]


def test_neighbours_are_one_item_and_what_follows_too_soon_is_counted(tmp_path: Path) -> None:
    """Hits 5 s apart merge; a third one 40 s later is within the cool-down, a fourth is not."""
    people = [standing(begin, begin + 20, x) for begin, x in ((100, 420.0), (125, 860.0), (185, 420.0), (400, 640.0))]
    scene(tmp_path, people)
    rule = replace(LOITERING, when=Condition(zone="shelf", dwell_s=15.0))
    found = find_events(tmp_path, only(rule)).items
    assert [round(seconds(item)[1]) for item in found] == [pytest.approx(100, abs=2), pytest.approx(400, abs=2)]
    assert [item.cooled for item in found] == [1, 0]
    assert "once more within the cool-down of 60 s" in rows_of(found)[0]["evidence"]
    assert len(find_events(tmp_path, only(replace(rule, cooldown_s=0.0))).items) == 3
    assert len(find_events(tmp_path, only(replace(rule, cooldown_s=0.0, merge_gap_s=0.0))).items) == 4


def test_zones_and_cameras_keep_to_their_own(tmp_path: Path) -> None:
    """A zone of another camera, and a rule for others, pick out nothing here."""
    scene(tmp_path, [standing(100, 190)])
    assert find_events(tmp_path, only(LOITERING, zones=(replace(SHELF, camera="hall"),))).items == ()
    assert find_events(tmp_path, only(replace(LOITERING, cameras=("hall*",)))).items == ()
    assert len(find_events(tmp_path, only(replace(LOITERING, cameras=("s*",)))).items) == 1
