"""What an event says of itself agrees with what was asked."""

import json
import re
from pathlib import Path

from analytics.events.finding import find_events
from analytics.events.store import rows_of
from tests.planted import Person
from tests.test_events import rules_from_text, scene, standing


def test_an_expression_is_told_by_its_best_stretch_and_ends_with_its_last_face(tmp_path: Path) -> None:
    """The mean over all stretches that reach the threshold may lie below it; a calm face is no part of the event."""
    scene(tmp_path, [standing(5, 80, moods=[(40, 46.5, "angry", 9.0)])])
    rules = rules_from_text(tmp_path, 'zone = "shelf"\nexpression = "angry"\nlasting = 10')
    (row,) = rows_of(find_events(tmp_path, rules).items)
    (told,) = json.loads(row["figures"])["measured"]
    assert told["probability"] >= told["asked_probability"] == 0.5
    assert told["asked_usable_s"] <= told["usable_s"] <= told["window_s"] + 2
    assert 39 <= row["start_s"] <= row["peak_pts_s"] <= row["end_s"] <= 48
    assert "in which the face could be judged (asked: 0.50 over 10 s, 5 s of which can be judged)" in row["evidence"]
    assert "usable" not in row["evidence"]


def test_seconds_with_too_few_people_do_not_count(tmp_path: Path) -> None:
    """Six for a second every four and a half seconds are no six for twenty seconds."""
    calm = {"neutral": 2.0}
    people = [Person([(5, 80 + k * 160, 200), (65, 80 + k * 160, 200)], 60.0, bias=calm) for k in range(5)]
    for k in range(12):
        begin, x = 6 + k * 4.5, 100 + (k % 6) * 180
        people.append(Person([(begin, x, 550), (begin + 1.0, x + 3, 550)], 60.0, bias=calm))
    scene(tmp_path, people)
    assert find_events(tmp_path, rules_from_text(tmp_path, "people = 6\npeople_lasting = 20")).items == ()
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, "people = 6\npeople_lasting = 4")).items)
    (told,) = json.loads(row["figures"])["measured"]
    assert 4 <= told["lasted_s"] <= 24
    assert row["end_s"] - row["start_s"] > 30


def test_parts_that_ask_for_different_things_are_told_apart(tmp_path: Path) -> None:
    """Two dwell times, two numbers of people: each with what it asked for."""
    scene(tmp_path, [standing(5, 90, 500.0), standing(5, 90, 800.0)])
    text = 'all = [{ zone = "shelf", dwell = 10 }, { zone = "shelf", dwell = 70 }, { people = 1 }, { people = 2 }]'
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, text)).items)
    assert re.findall(r"asked: ([^)]*)\)", row["evidence"]) == ["10 s", "70 s", "1 person", "2 people"]


def test_what_came_first_and_what_followed_are_told_with_the_seconds_between(tmp_path: Path) -> None:
    """In this order, with the seconds that were held against `within`; also where somebody was only there first."""
    scene(tmp_path, [standing(100, 220, 500.0, moods=[(180, 186, "surprise", 6.0)])])
    text = 'then = [{ zone = "shelf", dwell = 60 }, { change = "surprise" }]\nwithin = 20'
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, text)).items)
    words = (
        r"first tracks? [\d+]+ stayed 1\d\d(\.\d)? s in zone shelf \(asked: 60 s\); "
        r"then, ([\d.]+) s later \(asked: within 20 s\), tracks? [\d+]+: apparent expression surprise rose from .* "
        r"\(asked: by 0\.35 within 3 s\)"
    )
    found = re.fullmatch(words, row["evidence"])
    assert found is not None, row["evidence"]
    measured = json.loads(row["figures"])["measured"]
    assert [(one["kind"], one.get("step")) for one in measured] == [
        ("dwell", ["first"]), ("then", None), ("rising", ["then"]),
    ]  # fmt: skip
    assert measured[1]["apart_s"] == float(found[2]) <= measured[1]["asked_s"] == 20
    text = 'then = [{ zone = "shelf" }, { dwell = 30 }]\nwithin = 60'
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, text)).items)
    assert re.match(r"first tracks? [\d+]+ was in zone shelf for .*; then, .*, tracks? [\d+]+ stayed", row["evidence"])
