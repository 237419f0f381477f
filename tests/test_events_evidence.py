"""What an event says of itself agrees with what was asked."""

import json
import re
from pathlib import Path

from analytics.events.evidence import in_words
from analytics.events.finding import find_events
from analytics.events.hits import Fact, Hit, Hits, both, either, one_then_other
from analytics.events.items import Item, Told
from analytics.events.rules import Condition, Rule
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
    assert [(one["kind"], one.get("step"), one["then"]) for one in measured] == [
        ("dwell", ["first"], [1]), ("then", None, [1]), ("rising", ["then"], [1]),
    ]  # fmt: skip
    assert measured[1]["apart_s"] == float(found[2]) <= measured[1]["asked_s"] == 20
    text = 'then = [{ zone = "shelf" }, { dwell = 30 }]\nwithin = 60'
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, text)).items)
    assert re.match(r"first tracks? [\d+]+ was in zone shelf for .*; then, .*, tracks? [\d+]+ stayed", row["evidence"])


def stay(zone: str, start: float, end: float) -> Hits:
    """Somebody who was asked to stay five seconds."""
    figures = ("of", zone), ("stayed_s", end - start), ("asked_s", 5.0)
    fact = Fact(kind="dwell", people=frozenset({0}), start=start, end=end, figures=figures)
    return {0: [Hit(start=start, end=end, ripe=start + 5, peak=start, worth=1.0, facts=(fact,))]}


def words_of(hits: Hits) -> str:
    """Evidence of the only hit."""
    [hit] = hits[0]
    told = [
        Told(kind=fact.kind, people=((("v", 1),),), figures=dict(fact.figures), step=fact.step) for fact in hit.facts
    ]
    rule = Rule(name="r", when=Condition())
    item = Item(
        rule=rule, camera=None, folder="", begin=None, video_id="v", start_s=0, end_s=9, peak_video_id="v", peak_s=0,
        videos=("v",), tracks={"v": (1,)}, told=tuple(told), zones=(), unseen_s=0.0, worth=1.0,
    )  # fmt: skip
    text = in_words(item)
    return re.sub(r"track 1 stayed ([\d.]+) s in zone (\w+) \(asked: 5 s\)", r"\2 \1", text)


def test_each_of_several_sequences_is_told_by_itself() -> None:
    """Where the parts of two overlap, nobody went from the till to the shelf."""
    till = one_then_other(stay("till", 0, 10), stay("door", 30, 45), 60, 1)
    shelf = one_then_other(stay("shelf", 12, 20), stay("exit", 22, 40), 10, 2)
    expected = (
        "[first till 10; then, 25 s later (asked: within 60 s), door 15]; "
        "[first shelf 8; then, 7 s later (asked: within 10 s), exit 18]"
    )
    assert words_of(either([till, shelf])) == words_of(both(till, shelf)) == words_of(both(shelf, till)) == expected
    assert words_of(both(stay("all", 0, 60), till)) == (
        "all 60; first till 10; then, 25 s later (asked: within 60 s), door 15"
    )


def test_a_sequence_within_another_is_in_brackets() -> None:
    """First, and within it first: brackets tell which is which."""
    inner = one_then_other(stay("till", 0, 10), stay("shelf", 12, 20), 60, 2)
    assert words_of(one_then_other(inner, stay("exit", 25, 40), 60, 1)) == (
        "first [first till 10; then, 7 s later (asked: within 60 s), shelf 8]; "
        "then, 10 s later (asked: within 60 s), exit 15"
    )


def test_sequences_of_a_rule_are_numbered_as_they_stand_in_it(tmp_path: Path) -> None:
    """In the words and in the figures, whatever they have in common."""
    scene(tmp_path, [standing(100, 220, 500.0, moods=[(180, 186, "surprise", 6.0)])])
    text = (
        'any = [{ then = [{ zone = "shelf", dwell = 20 }, { change = "surprise" }], within = 70 }, '
        '{ then = [{ zone = "shelf", dwell = 60 }, { change = "surprise" }], within = 20 }]'
    )
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, text)).items)
    assert re.findall(r"\[first [^\]]*asked: (\d+) s\); then, [^\]]*asked: within (\d+) s[^\]]*\]", row["evidence"]) == [
        ("20", "70"), ("60", "20"),
    ]  # fmt: skip
    measured = json.loads(row["figures"])["measured"]
    assert [(one["then"], one["asked_s"]) for one in measured if one["kind"] != "rising"] == [
        ([1], 20), ([1], 70), ([2], 60), ([2], 20),
    ]  # fmt: skip
