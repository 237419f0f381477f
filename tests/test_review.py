"""`emobatch review` from outside: verdicts on events, which survive evaluations, and what pages and tables say of them."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics.errors import UsageError
from analytics.events.precision import Precision, precision_by_rule
from analytics.events.reviews import FILE, Matcher, Review, append_reviews, read_reviews
from jobs.bucket_copy import is_copied
from jobs.compact import compact_days
from jobs.events import evaluate
from jobs.purge import purge
from jobs.reviews import Reviewed, imported, review_of
from reports.site import write_site
from tests.command import emobatch, rows
from tests.planted import CONFIG, Drawer, Filed, write_planted
from tests.test_events_command import KINDS, rules_of
from tests.test_reports import Reader

WHEN = datetime(2026, 5, 5, 9, 0, tzinfo=UTC)


def make_evaluated(folder: Path, every: float = 0.5) -> Path:
    """A folder with an archive of two cameras and its events."""
    write_planted(folder / "out", "shop", Drawer(5, 0.5, KINDS), Filed(every=every))
    write_planted(folder / "out", "hall", Drawer(6, 0.25, KINDS), Filed(every=every), first=50)
    (folder / "emobatch.toml").write_text(f'[run]\nout = "out"\n{CONFIG}', encoding="utf-8")
    evaluate(folder / "out", rules_of(folder))
    return folder


@pytest.fixture(scope="module", name="evaluated")
def _evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_evaluated(tmp_path_factory.mktemp("review"))


@pytest.fixture(name="folder")
def _folder(evaluated: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(evaluated, tmp_path / "copy"))


def listed(folder: Path) -> dict[str, Any]:
    """What `emobatch review OUT --json` tells."""
    return emobatch("review", "out", "--json", cwd=folder).json


def verdicts(folder: Path) -> list[dict[str, Any]]:
    """The lines of reviews.jsonl."""
    return [json.loads(line) for line in (folder / "out" / FILE).read_text("utf-8").splitlines()]


def test_open_events_are_listed_the_severest_first(folder: Path) -> None:
    """As lines and as JSON, with a count of what was reviewed."""
    stored = rows(folder / "out", "events")
    told = listed(folder)
    assert list(told) == ["out", "events", "verdicts", "open", "rules", "without_event"]
    assert (told["events"], len(told["open"]), told["without_event"]) == (len(stored), len(stored), 0)
    severities = [event["severity"] for event in told["open"]]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)
    of_one = [event["time"] for event in told["open"] if event["severity"] == "low"]
    assert of_one == sorted(of_one, reverse=True)
    assert set(told["rules"]) == {event["rule"] for event in stored}
    lines = emobatch("review", cwd=folder).stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [event["event_id"] for event in told["open"]]
    assert lines[-1].startswith(f"{len(stored)} of {len(stored)} events are open")


def test_a_verdict_is_one_line_and_the_last_one_counts(folder: Path) -> None:
    """It tells the event, who said so and when; a prefix of the id is enough."""
    event = rows(folder / "out", "events")[0]
    first = emobatch("review", "out", event["event_id"], "useful", "--note", 'a "quoted" ü', "--who", "Jo", cwd=folder)
    assert (first.code, first.stderr) == (0, "")
    log = (folder / "out" / "access.jsonl").read_text("utf-8")
    noted = json.loads(log.splitlines()[-1])
    assert (noted["action"], noted["verdicts"]) == ("review", 1)
    assert noted["command"][1:] == ["review", "out", event["event_id"], "useful", "--note", "…", "--who", "…"]
    assert "quoted" not in log  # Nobody could take a remark out of it again.
    (line,) = verdicts(folder)
    assert list(line) == [
        "event_id", "rule", "camera", "video_id", "time", "end_time", "start_s", "end_s", "verdict", "note", "who", "when",
    ]  # fmt: skip
    assert {name: line[name] for name in ("event_id", "rule", "camera", "video_id", "start_s", "end_s")} == {
        name: event[name] for name in ("event_id", "rule", "camera", "video_id", "start_s", "end_s")
    }
    assert (line["verdict"], line["note"], line["who"]) == ("useful", 'a "quoted" ü', "Jo")
    assert datetime.fromisoformat(line["time"]) == event["time"]
    assert datetime.now(UTC) - datetime.fromisoformat(line["when"]) < timedelta(minutes=5)
    # Without OUT it is the one that the configuration names.
    assert emobatch("review", event["event_id"][:8].upper(), "false-alarm", cwd=folder).code == 0
    assert verdicts(folder)[0] == line
    told = Reviewed.read(folder / "out").to_json()
    assert told["verdicts"] == {"useful": 0, "false-alarm": 1, "unclear": 0}
    assert event["event_id"] not in {one["event_id"] for one in told["open"]}


def test_status_tells_how_many_events_are_open(folder: Path) -> None:
    """And what was said of the others; a damaged line of the log keeps nobody from it."""
    events = rows(folder / "out", "events")
    n = len(events)
    assert f"; {n} open, 0 reviewed\n" in emobatch("status", cwd=folder).stdout
    for event, verdict in zip(events, ("useful", "useful", "unclear"), strict=False):
        append_reviews(folder / "out", [review_of(event, verdict, "", "Jo")])
    with (folder / "out" / FILE).open("a") as file:
        file.write("damaged\n")
    assert f"; {n - 3} open, 3 reviewed (2 useful, 1 unclear)\n" in emobatch("status", cwd=folder).stdout
    told = emobatch("status", "--json", cwd=folder).json["reviews"]
    assert told == {"open": n - 3, "useful": 2, "false-alarm": 0, "unclear": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing", "useful"), "no event is called nothing: `emobatch review OUT` lists those that are open"),
        (("ID",), "no verdict is given: say useful"),
        (("ID", "useful", "--import", "x.csv"), "--import takes the verdicts of a file"),
        (("--note", "x"), "--note belongs to a verdict"),
    ],
)
def test_what_is_no_verdict_is_told(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    """With the remedy, and nothing is written."""
    event_id = rows(folder / "out", "events")[0]["event_id"]
    done = emobatch("review", "out", *(event_id if one == "ID" else one for one in arguments), cwd=folder)
    assert done.code == 2
    assert words in done.only_error()
    assert not (folder / "out" / FILE).exists()


@pytest.mark.parametrize(
    ("event_id", "verdict", "note", "words"),
    [
        ("", "useful", "", "no event is called "),
        (None, "great", "", "'great' is no verdict: say useful, false-alarm, unclear, or open to withdraw"),
        (None, "useful", "x" * 1001, "too long: shorten it to 1,000"),
    ],
)
def test_what_cannot_be_said(evaluated: Path, event_id: str | None, verdict: str, note: str, words: str) -> None:
    """Of an event that is none, or in other words."""
    known = Reviewed.read(evaluated / "out")
    with pytest.raises(UsageError, match=re.escape(words)):
        review_of(known.find(known.events[0]["event_id"] if event_id is None else event_id), verdict, note, "Jo")


def test_an_id_that_begins_several_is_no_id(evaluated: Path) -> None:
    """There are more events than first digits, or two may begin alike."""
    ids = [event["event_id"] for event in rows(evaluated / "out", "events")]
    known = Reviewed.read(evaluated / "out")
    twins = next((one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1), None)
    assert twins is not None, "the archive has no two alike: draw another one"
    with pytest.raises(UsageError, match="give more of its digits"):
        known.find(twins)


def test_a_damaged_line_is_named_and_the_others_stand(folder: Path) -> None:
    """The command refuses to guess; the pages tell of it and show the rest."""
    event = rows(folder / "out", "events")[0]
    event_id = event["event_id"]
    append_reviews(folder / "out", [review_of(event, "useful", "", "Jo")])
    file = folder / "out" / FILE
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"event_id": "cut of\n' + b"\xff\n[1]\n" + whole.replace(b'"useful"', b'"great"'))
    done = emobatch("review", "out", "--json", cwd=folder)
    assert done.code == 2
    for words in ("line 2 is no JSON", "line 3 is no JSON", "line 4 is no JSON object", "line 5 has a verdict that is"):
        assert words in done.only_error()
    text = Reader(write_site(folder / "out").with_name("events.html")).text
    assert "line 2 is no JSON; line 3 is no JSON" in text
    file.write_bytes(whole.rstrip(b"\n"))  # As an editor may leave it.
    known = Reviewed.read(folder / "out")
    append_reviews(folder / "out", [review_of(known.find(event_id), "unclear", "", "Jo")])
    assert [line["verdict"] for line in verdicts(folder)] == ["useful", "unclear"]


def test_verdicts_in_another_place_are_told_before_anything_is_noted(folder: Path) -> None:
    """A link is read and never followed to write; the disk needs no mending, and the log tells of no verdict."""
    file = folder / "out" / FILE
    append_reviews(folder / "out", [review_of(rows(folder / "out", "events")[0], "useful", "", "Jo")])
    file.rename(folder / "kept.jsonl")
    file.symlink_to(folder / "kept.jsonl")
    event_id = rows(folder / "out", "events")[1]["event_id"]
    done = emobatch("review", "out", event_id, "useful", cwd=folder)
    assert done.code == 2
    assert done.only_error().endswith("a link, which would lead verdicts elsewhere: put the file itself in its place")
    assert not (folder / "out" / "access.jsonl").exists()
    assert len((folder / "kept.jsonl").read_text("utf-8").splitlines()) == 1


def test_a_verdict_is_withdrawn_by_a_later_line(folder: Path) -> None:
    """The event is open again, in lists, figures and pages; what was said stays in the log. It can be judged anew."""
    out = folder / "out"
    event_id, other = (event["event_id"] for event in rows(out, "events")[:2])
    done = emobatch("review", event_id, "open", cwd=folder)
    assert done.code == 2 and done.only_error().endswith(f"{event_id}: has no verdict: it is open as it stands")
    assert not (out / FILE).exists()
    assert emobatch("review", event_id, "useful", "--note", "by mistake", cwd=folder).code == 0
    (given,) = verdicts(folder)
    done = emobatch("review", "out", event_id, "open", "--note", "wrong one", "--who", "Jo", cwd=folder)
    assert done.stdout.splitlines()[-1] == "1 verdict withdrawn; the next report shows it"
    first, last = verdicts(folder)
    assert (first, last["verdict"], last["note"], last["who"]) == (given, "open", "wrong one", "Jo")
    told = listed(folder)
    assert event_id in {one["event_id"] for one in told["open"]}
    assert (sum(told["verdicts"].values()), told["without_event"]) == (0, 0)
    (page,) = [
        one
        for one in Reader(write_site(out).with_name("events.html")).figures["events"]["events"]
        if one["id"] == event_id
    ]
    assert (page["verdict"], page["note"], page["given"]) == (None, "", last["when"])
    assert emobatch("review", event_id, "unclear", cwd=folder).code == 0
    # What the file says was said before all that, and stays withdrawn; a row that withdraws is one more line.
    csv = (
        f"event_id,verdict,note,when\n{event_id},useful,by mistake,{given['when']}\n{event_id},open,,\n{other},Open,,\n"
    )
    (folder / "again.csv").write_text(csv, encoding="utf-8")
    done = emobatch("review", "--import", "again.csv", cwd=folder)
    assert [line.split()[:2] for line in done.stdout.splitlines()[:-1]] == [["open", event_id]]
    assert [line["verdict"] for line in verdicts(folder)] == ["useful", "open", "unclear", "open"]
    assert emobatch("review", "--import", "again.csv", cwd=folder).stdout == "nothing new: all of it is known\n"


def test_an_out_without_events(tmp_path: Path) -> None:
    """No rule was evaluated, or none fired."""
    write_planted(tmp_path / "out", "shop", Drawer(5, 0.1, KINDS))
    done = emobatch("review", "out", "abc", "useful", cwd=tmp_path)
    assert (done.code, "out: holds no events: the rules found none" in done.only_error()) == (2, True)
    done = emobatch("review", "out", cwd=tmp_path)
    assert (done.code, done.stdout.splitlines()[-1][:25]) == (0, "the rules found none, or ")


def test_verdicts_survive_other_sampling(evaluated: Path, tmp_path: Path) -> None:
    """Each event of a rerun with --every 0.4 that was one before has its verdict, also where its id is another."""
    other = make_evaluated(tmp_path, every=0.4)
    before, after = (rows(folder / "out", "events") for folder in (evaluated, other))
    said = {event["event_id"]: ("useful", "false-alarm", "unclear")[k % 3] for k, event in enumerate(before)}
    reviews = [Review.of(event, said[event["event_id"]], "", "Jo", WHEN) for event in before]
    append_reviews(other / "out", reviews)
    found, n_lost = Matcher(after).verdicts(read_reviews(other / "out").reviews)
    assert {event["event_id"] for event in before} != {event["event_id"] for event in after}
    assert n_lost == 0
    # One who stays a moment too short for one sampling may stay long enough for another: that event is a new one.
    new = [event for event in after if not any(meet(one, event) for one in before)]
    assert {event["event_id"] for event in after} - set(found) == {event["event_id"] for event in new}
    assert len(new) <= 1 < len(found)
    for event in [event for event in after if event not in new]:
        began = min(
            (one for one in before if (one["rule"], one["camera"]) == (event["rule"], event["camera"])),
            key=lambda one: abs(one["time"] - event["time"]),
        )
        assert found[event["event_id"]].verdict == said[began["event_id"]]
    assert [one["event_id"] for one in Reviewed.read(other / "out").open] == [event["event_id"] for event in new]


def meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two events of a rule and camera touch at all."""
    alike = (one["rule"], one["camera"]) == (other["rule"], other["camera"])
    return alike and bool(one["time"] <= other["end_time"] and other["time"] <= one["end_time"])


def event_of(begin: float, end: float, **changes: Any) -> dict[str, Any]:
    """A row of events, as far as matching looks at it."""
    base = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    times = {"time": base + timedelta(seconds=begin), "end_time": base + timedelta(seconds=end)}
    told = {"event_id": "a", "rule": "r", "camera": "c", "video_id": "v", "start_s": begin, "end_s": end}
    return {**told, **times, **changes}


@pytest.mark.parametrize(
    ("now", "is_same"),
    [
        (event_of(100, 200), True),
        (event_of(150, 250), True),  # Half and the second at either end.
        (event_of(160, 260), False),
        (event_of(100, 140), False),  # It shrank to less than half.
        (event_of(100, 3700), False),  # It grew to an hour, of which nobody looked at most.
        (event_of(100, 200, rule="other"), False),
        (event_of(100, 200, camera="other"), True),  # The camera was renamed: the same video.
        (event_of(100, 200, camera="other", video_id="w"), False),
        (event_of(100, 200, video_id="w", start_s=0.0, end_s=100.0), True),  # Filed in another way.
        (event_of(100, 200, camera=None, time=None, end_time=None), True),
        (event_of(100, 200, camera=None, time=None, end_time=None, video_id="w"), False),
    ],
)
def test_what_a_verdict_is_about(now: dict[str, Any], is_same: bool) -> None:
    """The same rule, and at least half of the longer of both."""
    review = Review.of(event_of(100, 200), "useful", "", "Jo", WHEN)
    assert bool(Matcher([now]).about(review)) is is_same


def test_an_event_without_length_keeps_its_verdict() -> None:
    """One sample, and the next sampling sees it a moment later."""
    review = Review.of(event_of(100, 100), "useful", "", "Jo", WHEN)
    assert Matcher([event_of(100.4, 100.4)]).about(review) == {"a"}
    assert Matcher([event_of(103, 103)]).about(review) == set()


def test_a_csv_is_imported_whole_or_not_at_all(folder: Path) -> None:
    """Bad rows are named by line; the same file twice says nothing new; semicolons and a byte order mark do no harm."""
    ids = [event["event_id"] for event in rows(folder / "out", "events")]
    bad = f"event_id,verdict,note\n{ids[0]},useful,\n{ids[1]},perhaps,\nffffffffffffffff,useful,\n"
    (folder / "bad.csv").write_text(bad, encoding="utf-8")
    done = emobatch("review", "out", "--import", "bad.csv", cwd=folder)
    assert done.code == 2
    error = done.only_error()
    assert (
        "line 3: 'perhaps' is no verdict: say useful, false-alarm, unclear, or open to withdraw one; line 4: no event is called ffffffffffffffff"
        in error
    )
    assert error.endswith("nothing was imported")
    assert not (folder / "out" / FILE).exists()
    good = f'\ufeffEvent_id;Verdict;Note\r\n{ids[0]};useful;"\'=1+1; two\r\nlines"\r\n\r\n{ids[1]};False alarm\r\n'
    (folder / "good.csv").write_bytes(good.encode())
    done = emobatch("review", "out", "--import", "good.csv", "--json", cwd=folder)
    assert [one["verdict"] for one in done.json["reviews"]] == ["useful", "false-alarm"]
    assert verdicts(folder)[0]["note"] == "=1+1; two\nlines"
    assert imported(folder / "good.csv", Reviewed.read(folder / "out"), "Jo") == []
    assert len(verdicts(folder)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "names no column event_id"),
        (b"id,verdict\n1,useful\n", "names no column event_id"),
        (b"event_id,verdict\n", "holds no verdict"),
        (b'event_id,verdict\n"1,useful\n', "line 2 is no CSV"),
        (b"event_id,verdict\n\xff\xfe,useful\n", "is no UTF-8"),
    ],
)
def test_what_is_no_list_of_verdicts(evaluated: Path, tmp_path: Path, content: bytes, words: str) -> None:
    """The file is named, with what it should be."""
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=f"x.csv.*{words}"):
        imported(file, Reviewed.read(evaluated / "out"), "Jo")


def test_a_csv_that_is_not_there(evaluated: Path, tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(UsageError, match=r"none.csv: cannot be read \(No such file or directory\)"):
        imported(tmp_path / "none.csv", Reviewed.read(evaluated / "out"), "Jo")


def test_a_csv_of_a_page_that_was_drawn_before_the_rules_were_evaluated_again(evaluated: Path, tmp_path: Path) -> None:
    """Its ids are old; what else it tells of the events leads to them."""
    event = rows(evaluated / "out", "events")[0]
    times = ",".join(event[name].isoformat() for name in ("time", "end_time"))
    told = f"{event['rule']},{event['camera']},ffffffffffffffff,{times},0,{event['end_s'] - event['start_s']}"
    names = "event_id,verdict,note,when,rule,camera,video_id,time,end_time,start_s,end_s"
    (tmp_path / "old.csv").write_text(f"{names}\n0123456789abcdef,unclear,,{WHEN.isoformat()},{told}\n", "utf-8")
    (review,) = imported(tmp_path / "old.csv", Reviewed.read(evaluated / "out"), "Jo")
    assert (review.event_id, review.video_id, review.when) == (event["event_id"], event["video_id"], WHEN)


def test_pages_tell_verdicts_and_a_purge_hides_those_of_its_videos(folder: Path) -> None:
    """Queue, index and page of the video; reviews.jsonl stays as it is, through compaction, too."""
    out = folder / "out"
    stored = rows(out, "events")
    append_reviews(out, [Review.of(event, "false-alarm", "<b>was a delivery</b>", "Jo", WHEN) for event in stored[1:]])
    site = write_site(out).parent
    page = Reader(site / "events.html")
    told = page.figures["events"]["events"]
    assert sum(one["verdict"] is None for one in told) == 1
    assert {one["note"] for one in told} == {"", "<b>was a delivery</b>"}
    assert "1 open event" in Reader(site / "index.html").text
    of_video = Reader(site / "videos" / f"{stored[1]['video_id']}.html")
    assert stored[1]["evidence"] in of_video.text
    assert "false alarm" in of_video.text
    before = (out / FILE).read_bytes()
    compact_days(out, None, least=2)
    done = purge(out, datetime(2026, 5, 4, 8, 10, tzinfo=UTC), dry_run=False)
    write_site(out, gone=done.gone)
    gone = {one.video_id for one in done.videos}
    left = Reader(site / "events.html").figures["events"]["events"]
    assert len(left) == sum(not gone & set(event["videos"]) for event in stored) < len(stored)
    assert (out / FILE).read_bytes() == before
    assert is_copied(FILE)
    purge(out, datetime(2027, 1, 1, tzinfo=UTC), dry_run=False, force=True)
    write_site(out)
    assert not (site / "events.html").exists()
    assert "events.html" not in (site / "index.html").read_text("utf-8")


def test_precision_is_told_with_its_interval_and_not_of_a_handful() -> None:
    """Unclear and open ones count apart; by day, and by week over a longer time."""
    few = Precision.of(["useful"] * 3 + ["false-alarm"] + ["unclear"] * 9 + [None])
    assert (few.judged, few.reviewed, few.open, few.share, few.interval) == (4, 13, 1, None, None)
    enough = Precision.of(["useful"] * 3 + ["false-alarm"] * 7)
    assert enough.share == 0.3
    # Wilson (1927) for 3 of 10, as Newcombe (1998) computes it.
    assert enough.interval == pytest.approx((0.1078, 0.6032), abs=1e-4)
    first = datetime(2026, 5, 4, tzinfo=UTC).date()
    told = [({"rule": "r"}, "useful", first + timedelta(days=k)) for k in (0, 0, 3)]
    (one,) = precision_by_rule([*told, ({"rule": "r"}, None, first), ({"rule": "r"}, None, None)])
    assert (one.unit, [(name, part.useful, part.open) for name, part in one.periods]) == (
        "day", [("2026-05-04", 2, 1), ("2026-05-07", 1, 0)],
    )  # fmt: skip
    (one,) = precision_by_rule([*told, ({"rule": "r"}, "false-alarm", first + timedelta(days=20))])
    assert (one.unit, [(name, part.judged) for name, part in one.periods]) == (
        "week", [("2026-05-04", 3), ("2026-05-18", 1)],
    )  # fmt: skip
