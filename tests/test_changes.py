"""Changes of expression are found where a track shows one long enough and soon after another one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analytics.expressions import EXPRESSIONS, UNCERTAIN
from reports.changes import LEAST_S, MOST_BETWEEN_S, MOST_OF_A_VIDEO, changes_of, decoded, encoded
from reports.timeline import LABELS, Run

VIDEO = "a" * 16


def run(start_s: float, end_s: float, label: str | None, confidence: float = 0.8, track_id: int = 1) -> Run:
    """A run whose every face was usable, two a second, where it has a label."""
    n = round(2 * (end_s - start_s))
    judged_s = end_s - start_s if label else 0.0
    return Run(track_id, start_s, end_s, label, n, n if label else 0, judged_s, confidence if label else 0.0)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Run, ...]:
    """Of up to three tracks, with and without time out of sight between them."""
    found: list[Run] = []
    for track_id in range(1, draw(st.integers(1, 3)) + 1):
        at_s = draw(st.integers(0, 20)) / 2
        for _ in range(draw(st.integers(0, 12))):
            length_s = draw(st.integers(1, 12)) / 2
            label = draw(st.sampled_from([*EXPRESSIONS[:4], UNCERTAIN, None]))
            confidence = draw(st.floats(0.3, 1.0))
            found.append(run(at_s, at_s + length_s, label, confidence, track_id))
            at_s += length_s + draw(st.sampled_from([0.0, 0.0, 0.5, 4.0]))
    return tuple(found)


@given(runs())
def test_changes_are_of_their_track_and_from_one_expression_to_another(found: tuple[Run, ...]) -> None:
    """Each lies within its track, where a run with the new expression begins; uncertain is no side of it."""
    for change in changes_of(VIDEO, found):
        of_track = [run for run in found if run.track_id == change.track_id]
        assert of_track[0].start_s < change.at_s < of_track[-1].end_s
        assert any(run.start_s == change.at_s and run.label == change.after for run in of_track)
        assert change.before != change.after and {change.before, change.after} <= set(EXPRESSIONS)
        assert min(change.before_s, change.after_s) >= LEAST_S
        assert 0.3 <= change.confidence <= 1.0


@given(runs())
def test_the_strongest_come_first(found: tuple[Run, ...]) -> None:
    """Few enough to read, in order of their strength, and never two of a track at one moment."""
    changes = changes_of(VIDEO, found)
    assert len(changes) <= MOST_OF_A_VIDEO
    assert all(a.strength >= b.strength for a, b in pairwise(changes))
    assert len({(change.track_id, change.at_s) for change in changes}) == len(changes)


@given(runs())
def test_a_page_hands_its_changes_on(found: tuple[Run, ...]) -> None:
    """What the last line of a page carries is read back, rounded."""
    changes = changes_of(VIDEO, found)
    read = decoded(VIDEO, encoded(changes), LABELS)
    assert [(c.track_id, c.at_s, c.before, c.after) for c in read] == [
        (c.track_id, c.at_s, c.before, c.after) for c in changes
    ]


def test_little_uncertain_time_between_is_passed_over() -> None:
    """Neutral, three uncertain seconds, happy is a change; with half a second more it is none."""
    for between_s, n in ((MOST_BETWEEN_S, 1), (MOST_BETWEEN_S + 0.5, 0)):
        later_s = 2.0 + between_s
        told = (run(0, 2, "neutral"), run(2, later_s, UNCERTAIN), run(later_s, later_s + 3, "happy", 0.6))
        changes = changes_of(VIDEO, told)
        assert len(changes) == n
        if changes:
            assert (changes[0].at_s, changes[0].before_s, changes[0].after_s) == (later_s, 2.0, 3.0)
            assert changes[0].confidence == 0.6


def test_a_flicker_is_no_change() -> None:
    """Half a second of another expression divides nothing."""
    told = (run(0, 3, "neutral"), run(3, 3.5, "happy"), run(3.5, 6, "neutral"), run(6, 9, UNCERTAIN))
    assert changes_of(VIDEO, told) == ()


def test_a_foreign_last_line_tells_nothing() -> None:
    """What is no list of changes, or names a label that nobody has, or no number, is left out."""
    row = [1, 2.0, "neutral", "happy", 1.0, 1.0, 0.5]
    assert len(decoded(VIDEO, [row], LABELS)) == 1
    for told in (None, 7, "x", [row[:3]], [[*row[:3], "<b>", *row[4:]]], [[1, "x", *row[2:]]], [[1, 1e999, *row[2:]]]):
        assert decoded(VIDEO, told, LABELS) == []
