"""Times and spans as the command line has them."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import UsageError
from jobs.agenda import _within
from jobs.moments import next_time, parse_date, parse_hours, parse_span, seconds_of_hours


@given(st.integers(0, 23), st.integers(0, 24), st.integers(0, 23))
def test_hours_may_go_over_midnight(first: int, until: int, hour: int) -> None:
    """An hour is within 22-06 as one is that is reached from 22 before 6 is."""
    if first == until:
        with pytest.raises(UsageError, match="no hours of a day"):
            parse_hours("--hours", f"{first}-{until}")
        return
    assert parse_hours("--hours", f"{first:02}-{until:02}") == (first, until)
    wanted = {(first + n) % 24 for n in range((until - first) % 24 or 24)}
    assert _within(hour, first, until) == (hour in wanted)


@given(st.integers(0, 1439), st.integers(0, 1440), st.integers(0, 1439))
def test_hours_have_minutes(first: int, until: int, minute: int) -> None:
    """Each minute is within as counting on from the first shows, and the one before which it ends is not."""
    if first == until:
        return
    text = f"{first // 60}:{first % 60:02}-{until // 60:02}:{until % 60:02}"
    assert seconds_of_hours(text) == (60 * first, 60 * until)
    wanted = (minute - first) % 1440 < ((until - first) % 1440 or 1440)
    assert _within(minute * 60 / 3600, *parse_hours("--hours", text)) == wanted


@pytest.mark.parametrize("text", ["22", "22:30", "22:60-6", "22:3-6", "24-6", "6-24:01", "22:30-22:30", "-6", "6:-8"])
def test_what_is_no_hours(text: str) -> None:
    """With an example of what is."""
    with pytest.raises(UsageError, match=f"^--hours {text}: no hours of a day: give .* 22:30-05:15"):
        parse_hours("--hours", text)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), st.times())
def test_the_next_time_of_day_is_within_a_day(now: datetime, wanted: time) -> None:
    """And the clock shows it, but for the hour that a day in spring leaves out."""
    found = next_time("--until", f"{wanted:%H:%M}", now)
    assert found.tzinfo is not None
    assert 0 <= (found - now.astimezone()).total_seconds() <= 25 * 3600


@given(st.integers(0, 99_999), st.sampled_from("smhdw"))
def test_spans_and_dates_of_it(number: int, unit: str) -> None:
    """A span is its number of units; days and weeks before today are dates, too."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[unit]
    assert parse_span("--stable-for", f"{number}{unit}") == number * seconds
    now = datetime(2026, 11, 25, 12)
    if unit in "dw" and number * seconds < 1900 * 365 * 86_400 and number < 10_000:
        assert parse_date("--since", f"{number}{unit}", now) == (now - timedelta(seconds=number * seconds)).date()


@pytest.mark.parametrize("text", ["", "7", "7h", "yesterday", "2026-02-30", "-1d", "1" * 99])
def test_what_is_no_date_is_refused(text: str) -> None:
    """With the remedy."""
    with pytest.raises(UsageError, match=r"--since .*: no date: give YYYY-MM-DD"):
        parse_date("--since", text)


def test_a_date_is_itself() -> None:
    """As ISO 8601 has it."""
    assert parse_date("--since", " 2026-11-25 ") == date(2026, 11, 25)


@pytest.mark.parametrize("text", ["24:00", "6", "06:60", "", "6am", "\N{ARABIC-INDIC DIGIT SIX}:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    """With the remedy; digits are those of ASCII."""
    with pytest.raises(UsageError, match=r"--until .*: no time of day: give HH:MM"):
        next_time("--until", text)
