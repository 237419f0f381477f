"""Zones and rules of emobatch.toml: what is refused, with rule and line, before anything is looked at."""

from pathlib import Path
from typing import Final

import pytest

from analytics.errors import UsageError
from analytics.events.rules import EventRules
from analytics.polygons import why_no_polygon
from jobs.config import read_config
from jobs.config_events import rules_from, strangers
from tests.command import emobatch

ZONE: Final = """[[zone]]
name = "shelf"
camera = "shop"
points = [[0.1, 0.1], [0.6, 0.1], [0.6, 0.9], [0.1, 0.9]]
"""
"""Four lines: what comes after begins in line 5."""


def read(text: str, folder: Path) -> EventRules | None:
    """The rules of a file."""
    (folder / "emobatch.toml").write_text(text, encoding="utf-8")
    return rules_from(read_config(folder / "emobatch.toml", {}))


def rule(text: str) -> str:
    """The zone, and a rule below it: its name stands in line 6, the text begins in line 7."""
    return f'{ZONE}[[rule]]\nname = "mine"\n{text}\n'


WRONG: Final = {
    'expression = "angry"': (5, "apparent expression alone"),
    'expression = "angry"\nhours = "22-06"\ndays = ["sat"]': (5, "apparent expression alone"),
    'expression = "angry"\ndwell = 2': (5, "apparent expression alone"),
    'expression = "angry"\npeople = 1': (5, "apparent expression alone"),
    'any = [{ zone = "shelf", expression = "angry" }, { change = "fear" }]': (7, "apparent expression alone"),
    'any = [\n  { dwell = 60 },\n  { any = [\n    { zone = "shelf" },\n    { expression = "sad" },\n] }]': (
        11,
        "expression alone",
    ),
    'expression = "angry"\ndwell = 5\nlasting = 1': (5, "apparent expression alone"),
    'expression = "angry"\ndwell = "20s"\nlasting = "1m"': (5, "apparent expression alone"),
    'then = [{ expression = "angry" }, { dwell = 30 }]\nwithin = "1h"': (5, "apparent expression alone"),
    'then = [{ dwell = 30 }, { expression = "angry" }]\nwithin = "1h"': (5, "apparent expression alone"),
    'all = [\n  { zone = "shelf" },\n  { dwell = "2h", hours = "12-13" },\n]': (9, "can never fire"),
    'dwell = 30\ndays = ["sunflower"]': (8, "no day of the week"),
    'then = [{ change = "fear" }, { expression = "angry" }]\nwithin = "1m"': (5, "apparent expression alone"),
    'zone = "till"': (7, "no such zone"),
    'dwell = "soon"': (7, "no span of time"),
    "dwell = 0": (7, "0 s is out of range"),
    "dwell = 08:00:00": (7, "a time of day"),
    'dwell = "2h"\nhours = "12-13"': (5, "can never fire"),
    "people = 0": (7, "0 is no number of people"),
    "people = 2.5": (7, "2.5 is no number of people"),
    "people = 3\npeople_lasting = -1": (8, "out of range"),
    'zone = "shelf"\nhours = "25-26"': (8, "no hours of a day"),
    'zone = "shelf"\nhours = "8-8"': (8, "no hours of a day"),
    'zone = "shelf"\nhours = "8:75-9"': (8, "no hours of a day"),
    'zone = "shelf"\ndays = ["someday"]': (8, "no day of the week"),
    'zone = "shelf"\ncooldown = -5': (8, "out of range"),
    'zone = "shelf"\ncooldown = "5s"': (8, "shorter than the merge_gap"),
    'zone = "shelf"\ncooldown = "9w"': (8, "out of range"),
    'zone = "shelf"\nmerge_gap = "long"': (8, "no span of time"),
    'zone = "shelf"\nseverity = "urgent"': (8, "low, medium, high"),
    'zone = "shelf"\nconfidence = 0.5': (8, "says nothing without"),
    'zone = "shelf"\nexpression = "angry"\nconfidence = 1.5': (9, "out of range"),
    'zone = "shelf"\nexpression = "angry"\nusable = 9': (9, "can never fire"),
    'zone = "shelf"\nexpression = "Anger!"': (8, "can be no expression"),
    'zone = "shelf"\nexpression = ["angry", "angry"]': (8, "twice"),
    'zone = "shelf"\ncameras = ["yard*"]': (8, "none of them has the zone"),
    'then = [{ zone = "shelf" }, { dwell = "2m" }]\nwithin = "30s"': (5, "can never fire"),
    'then = [{ zone = "shelf" }, { dwell = "2m" }]': (7, "within how long"),
    'then = [{ zone = "shelf" }]\nwithin = 9': (7, "has 1 parts"),
    "all = []": (7, "no list of conditions"),
    'all = [\n  { zone = "shelf" },\n  { dwel = 5 },\n]': (9, "did you mean dwell"),
    "severity = 'low'": (5, "asks for nothing"),
    'zome = "shelf"': (7, "did you mean zone"),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_rule_is_told_by_name_and_line(text: str, tmp_path: Path) -> None:
    """The line of the setting where it is about one, that of the rule where it is about the whole."""
    line, words = WRONG[text]
    with pytest.raises(UsageError) as error:
        read(rule(text), tmp_path)
    assert f'emobatch.toml:{line}: rule "mine"' in str(error.value), error.value
    assert words in str(error.value)


POINTS: Final = {
    "[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]": "cross",
    "[[0.1, 0.1], [0.9, 0.1], [0.5, 0.1], [0.5, 0.9]]": "cross",
    "[[0.1, 0.1], [0.9, 0.1], [0.1, 0.1], [0.5, 0.9]]": "cross",
    "[[0.1, 0.1], [0.9, 0.9], [0.1, 0.9], [0.5, 0.5]]": "cross",
    "[[0.1, 0.1], [0.6, 0.1], [0.6, 1.2]]": "outside the picture",
    "[[100, 100], [600, 100], [600, 700]]": "divide px",
    "[[0.1, 0.1], [0.6, 0.1], [nan, 0.9]]": "outside the picture",
    "[[0.1, 0.1], [0.6, 0.1]]": "2 corners",
    "[[0.1, 0.1], [0.1, 0.1], [0.6, 0.1], [0.6, 0.9]]": "twice in a row",
    "[[0.1, 0.1], [0.101, 0.1], [0.101, 0.101]]": "next to nothing",
    '["0.1", "0.2"]': "no list of corners",
    "[[0.1, 0.1, 0.1], [0.6, 0.1], [0.6, 0.9]]": "no list of corners",
}


@pytest.mark.parametrize("points", POINTS)
def test_a_wrong_zone_is_told_by_name_and_line(points: str, tmp_path: Path) -> None:
    """Self-crossing, outside the picture, in px, of no area."""
    with pytest.raises(UsageError) as error:
        read(f'[[zone]]\nname = "shelf"\ncamera = "shop"\npoints = {points}\n', tmp_path)
    assert 'emobatch.toml:4: zone "shelf": points: ' in str(error.value)
    assert POINTS[points] in str(error.value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[events]\nuse = ["loiterin"]', 2, "did you mean loitering"),
        ('[events]\nuse = ["stays"]\n[[rule]]\nname = "stays"\ndwell = 5', 2, "a rule of your own is always on"),
        ('[events]\nuse = ["loitering"]', 2, "has no zone"),
        ('[events]\nuse = ["crowding", "crowding"]', 2, "twice"),
        ("[events.crowding]\npeople = 0\n[events]\nuse = ['crowding']", 2, "no number of people"),
        ('[events]\nuse = ["agitation"]\n[events.agitation]\ndwell = 3', 3, "apparent expression alone"),
        ("[events.crowds]\npeople = 4", 1, "did you mean crowding"),
        ("[events]\ncrowding = 4", 2, "write [events.crowding]"),
        ("[events]\nabsence = '2h'", 2, "out of range"),
        ("[[rule]]\npeople = 4", 1, "has no name"),
        ("[[rule]]\nname='a'\npeople = 4\n[[rule]]\nname='a'\npeople=5", 5, "there is such a rule"),
        ("[[zone]]\nname='a'\ncamera='b'", 1, "has no points"),
        ("[[zone]]\nname='a'\npoints=[]", 1, "has no camera"),
        (ZONE + ZONE, 6, "has such a zone in"),
        ("[rule]\npeople = 4", 1, "rule: has one pair of brackets, and takes two: write [[rule]]"),
        ("[rule.mine]\npeople = 4", 1, "rule: has one pair of brackets, and takes two: write [[rule]]"),
        ("[run]\n[zone]\nname = 'a'", 2, "zone: has one pair of brackets, and takes two: write [[zone]]"),
        ("[[events]]\nuse = ['crowding']", 1, "events: has two pairs of brackets, and takes one: write [events]"),
        ("[events]\n[[events.rule]]\nname = 'a'\npeople = 3", 2, "no rule stands below [events]: write [[rule]]"),
        ("[events.rule]\nname = 'a'\npeople = 3", 1, "no rule stands below [events]: write [[rule]]"),
        ("[[events.zone]]\nname = 'a'", 1, "no zone stands below [events]: write [[zone]]"),
        (
            "[[events.crowding]]\npeople = 3",
            1,
            "crowding: has two pairs of brackets, and takes one: write [events.crowd",
        ),
        ("[[rule]]\nname = 'crowding'\npeople = 3", 2, "change that one below [events.crowding]"),
        ("[[rule]]\nname = 'loitering'\npeople = 3\n[events]\nuse = ['crowding']", 2, "comes with emobatch is called"),
        ("zone = 4", 1, "is no section"),
    ],
)
def test_sections_that_cannot_be(text: str, line: int, words: str, tmp_path: Path) -> None:
    """Names of emobatch's own rules, what they need, and names that are there twice."""
    with pytest.raises(UsageError) as error:
        read(text, tmp_path)
    assert f"emobatch.toml:{line}: " in str(error.value)
    assert words in str(error.value)


def test_two_zones_that_no_camera_has_both_of(tmp_path: Path) -> None:
    """A rule that needs them can never fire."""
    other = ZONE.replace("shelf", "till").replace('"shop"', '"hall"')
    with pytest.raises(UsageError, match="no camera has all of the zones shelf, till"):
        read(other + rule('all = [{ zone = "shelf" }, { zone = "till" }]'), tmp_path)


HALVES: Final = """[[zone]]
name = "left"
camera = "shop"
points = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
[[zone]]
name = "right"
camera = "shop"
points = [[0.5, 0.0], [1.0, 0.0], [1.0, 0.9], [0.5, 0.9]]
[[rule]]
name = "mine"
"""


@pytest.mark.parametrize(
    "text",
    [
        'any = [{ zone = "left", expression = "angry" }, { zone = "right", expression = "angry" }]',
        'expression = "angry"\nany = [{ zone = "left" }, { zone = "right" }]',
    ],
)
def test_zones_that_together_are_most_of_the_picture_are_no_context(text: str, tmp_path: Path) -> None:
    """One half of it and the other; with what happens first in one and then in the other they are."""
    with pytest.raises(UsageError, match="apparent expression alone"):
        read(HALVES + text, tmp_path)
    assert read(HALVES.replace("0.9", "0.4") + text, tmp_path) is not None
    assert read(HALVES + 'then = [{ zone = "left" }, { zone = "right", expression = "sad" }]\nwithin = 60', tmp_path)
    big = ZONE.replace("0.1", "0.0").replace("0.6", "0.9")
    with pytest.raises(UsageError, match="apparent expression alone"):
        read(big + '[[rule]]\nname = "mine"\nzone = "shelf"\nexpression = "sad"\n', tmp_path)


def test_a_camera_with_signs_in_its_name_is_named_as_it_is(tmp_path: Path) -> None:
    """`a[1]` as a pattern would be a1."""
    text = ZONE.replace("shop", "a[1]") + '[[rule]]\nname = "mine"\nzone = "shelf"\ncameras = ["a[1]"]\n'
    rules = read(text, tmp_path)
    assert rules is not None
    assert rules.rules[0].is_for("a[1]", frozenset({"shelf"}))
    assert rules.rules[0].is_for("a1", frozenset({"shelf"}))
    assert strangers(rules, ["a[1]"]) == []


def test_a_section_that_is_not_in_use_is_checked_and_told(tmp_path: Path) -> None:
    """A wrong value is refused in it, too; a sound one waits for `use`."""
    text = '[events]\nuse = ["crowding"]\n[events.loitering]\n'
    with pytest.raises(UsageError, match=r'emobatch.toml:4: rule "loitering": zone: .*no such zone'):
        read(text + 'zone = "nope"', tmp_path)
    rules = read(text + "dwell = 90", tmp_path)
    assert rules is not None
    assert [one.name for one in rules.rules] == ["crowding"]
    (told,) = strangers(rules, [])
    assert "emobatch.toml:3: [events.loitering]: is not in use" in told


def test_a_list_that_uses_nothing_asks_for_no_events(tmp_path: Path) -> None:
    """Unlike a file that says nothing of events, it empties the table."""
    rules = read("[events]\nuse = []\n", tmp_path)
    assert rules is not None
    assert rules.rules == ()


def test_a_zone_that_is_the_whole_picture_is_no_context(tmp_path: Path) -> None:
    """It says nothing of where somebody is."""
    whole = ZONE.replace("0.1", "0.0").replace("0.6", "1.0").replace("0.9", "1.0")
    with pytest.raises(UsageError, match="apparent expression alone"):
        read(whole + '[[rule]]\nname = "mine"\nzone = "shelf"\nexpression = "sad"\n', tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        'zone = "shelf"\nexpression = "angry"',
        'dwell = "30s"\nexpression = ["angry", "disgust"]\nlasting = 8\nusable = 4',
        'people = 3\nchange = "fear"\nrise = 0.4',
        'any = [{ zone = "shelf" }, { dwell = "5m" }]\nhours = "22:30-06"\ndays = ["fri", "Saturday"]',
        'then = [{ zone = "shelf", dwell = "20s" }, { change = "surprise" }]\nwithin = "1m"',
        "dwell = 60\ncooldown = 0\nmerge_gap = 0\nseverity = 'high'\ncameras = ['shop', 'till-*']",
    ],
)
def test_what_may_be_said(text: str, tmp_path: Path) -> None:
    """Each is a rule of its own."""
    rules = read(rule(text), tmp_path)
    assert rules is not None
    assert [one.name for one in rules.rules] == ["mine"]


def test_no_rule_is_no_error(tmp_path: Path) -> None:
    """Zones alone, and a section that switches nothing on."""
    assert read(f"{ZONE}[events]\nabsence = 5\n", tmp_path) is None


def test_polygons_that_are_sound() -> None:
    """Convex or not, either way round, along the edge of the picture."""
    for points in (
        ((0, 0), (1, 0), (1, 1), (0, 1)),
        ((0, 1), (1, 1), (1, 0), (0, 0)),
        ((0, 0), (1, 0), (1, 1), (0.5, 0.2), (0, 1)),
        ((0, 0), (0.5, 0), (1, 0), (1, 1)),
    ):
        assert why_no_polygon(points) is None


OUTSIDE: Final = (
    (rule('expression = "angry"'), 'emobatch.toml:5: rule "mine": rests on apparent expression alone'),
    (rule("people = 0"), 'emobatch.toml:7: rule "mine": people: 0 is no number'),
    (rule('dwell = "2h"\nhours = "12-13"'), 'emobatch.toml:5: rule "mine": can never fire'),
    (rule('zone = "shelf"\ncooldown = "5s"'), 'emobatch.toml:8: rule "mine": cooldown: '),
    (rule('then = [{ zone = "shelf" }, { dwell = 90 }]\nwithin = 30'), 'emobatch.toml:5: rule "mine": can never fire'),
    (rule('zone = "shelf"\nhours = "25-06"'), 'emobatch.toml:8: rule "mine": hours: '),
    (ZONE.replace("0.6, 0.9", "0.05, 0.5"), 'emobatch.toml:4: zone "shelf": points: '),
    (ZONE.replace("0.6, 0.9", "600, 900"), 'emobatch.toml:4: zone "shelf": points: corner 3 (600, 900) lies outside'),
    ("[run]\nworkers = 1\n", "holds no rule"),
)


@pytest.mark.parametrize("number", range(len(OUTSIDE)))
def test_the_command_refuses_them(number: int, tmp_path: Path) -> None:
    """One line, exit code 2, nothing written; before it looks whether OUT is there."""
    text, words = OUTSIDE[number]
    (tmp_path / "emobatch.toml").write_text(text, encoding="utf-8")
    done = emobatch("events", "out", cwd=tmp_path)
    assert done.code == 2
    assert words in done.only_error()
    assert not (tmp_path / "out").exists()


def test_config_show_tells_them_and_their_lines(tmp_path: Path) -> None:
    """As they stand in the file; a wrong one is refused there, too."""
    (tmp_path / "emobatch.toml").write_text(
        rule('zone = "shelf"\ndwell = 90') + '[events]\nuse = ["crowding"]\n', encoding="utf-8"
    )
    done = emobatch("config", "show", "--json", cwd=tmp_path)
    told = {one["setting"]: (one["value"], one["source"]) for one in done.json["settings"]}
    assert told["rule.0.dwell"] == (90, "emobatch.toml:8")
    assert told["zone.0.camera"] == ("shop", "emobatch.toml:3")
    assert told["events.use"] == (["crowding"], "emobatch.toml:10")
    (tmp_path / "emobatch.toml").write_text(rule("people = 0"), encoding="utf-8")
    assert "no number of people" in emobatch("config", "show", cwd=tmp_path).only_error()


def test_a_run_refuses_them_before_it_begins(tmp_path: Path) -> None:
    """The nights' work does not begin with rules that cannot be."""
    (tmp_path / "emobatch.toml").write_text(rule('expression = "angry"'), encoding="utf-8")
    done = emobatch("run", "clip.mp4", cwd=tmp_path)
    assert done.code == 2
    assert "rests on apparent expression alone" in done.only_error()
    (tmp_path / "emobatch.toml").write_text(rule('zone = "shelf"\nexpression = "bored"'), encoding="utf-8")
    done = emobatch("run", "clip.mp4", cwd=tmp_path)
    assert done.code == 2
    assert 'emobatch.toml:5: rule "mine": bored: is no class of the classifier' in done.only_error()
    assert not (tmp_path / "out").exists()
