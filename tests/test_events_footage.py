"""From drawn pictures to events, through everything between: a visit over the cut of two files, one too short, a group."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.command import emobatch, rows
from tests.planted_footage import CONFIG, FIRST, write_footage


def test_what_is_drawn_is_found(tmp_path: Path) -> None:
    """Each planted event once, at its time, and no other."""
    planted = write_footage(tmp_path / "footage", seed=1, files=5, file_s=22)
    (tmp_path / "emobatch.toml").write_text(f'[run]\nsources = ["footage"]\n{CONFIG}', encoding="utf-8")
    done = emobatch("run", "--json", cwd=tmp_path)
    assert (done.code, done.json["events"]) == (0, len(planted.truth))
    origin = FIRST.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    found = [(row["rule"], row["time"] - origin, row["end_time"] - origin) for row in rows(tmp_path / "out", "events")]
    slack = timedelta(seconds=2)
    for one in planted.truth:
        start, end = timedelta(seconds=one.start), timedelta(seconds=one.end)
        (same,) = [other for other in found if other[0] == one.rule and other[1] < end and other[2] > start]
        assert abs(same[1] - start) < slack
        assert abs(same[2] - end) < slack
    assert any(len(row["videos"]) > 1 for row in rows(tmp_path / "out", "events"))
