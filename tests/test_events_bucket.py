"""Events of an OUT in a bucket: they go up with the rest, are read from there, and go when they go."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.events.reviews import FILE, Review, read_reviews
from analytics.events.store import drop_events
from jobs.bucket_copy import read_copy
from jobs.config import read_config
from jobs.config_events import rules_from
from jobs.events import evaluate
from jobs.mirror import claimed, following
from jobs.reviews import send_reviews
from tests.bucket import Server, in_this_process, s3_server
from tests.command import rows
from tests.planted import CONFIG, Drawer, write_planted
from tests.test_review import WHEN, event_of


@pytest.fixture(scope="module", name="url")
def _url() -> Iterator[str]:
    server: Server
    with s3_server() as server, in_this_process(server):
        server.client.create_bucket(Bucket="nights")
        yield "s3://nights/out"


def test_the_bucket_follows(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written in the mirror, read from a copy; dropped there, gone here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "emobatch.toml").write_text(CONFIG, encoding="utf-8")
    rules = rules_from(read_config(tmp_path / "emobatch.toml", {}))
    assert rules is not None
    mine, other = tmp_path / "mine", tmp_path / "other"
    claimed(url, mine)
    with following(url, mine, "emobatch events") as follower:
        write_planted(mine, "shop", Drawer(5, 0.25, ("loiters", "crowd")))
        assert evaluate(mine, rules).events
        follower.conclude()
    assert rows(read_copy(url, ("videos", "events")), "events") == rows(mine, "events")
    claimed(url, other)
    with following(url, other, "emobatch purge") as follower:
        stored = rows(other, "events")
        assert stored == rows(mine, "events")
        drop_events(other, {one for row in stored for one in row["videos"]})
        follower.conclude()
    assert rows(read_copy(url, ("videos", "events")), "events") == []


def test_verdicts_reach_the_bucket_and_stay_there(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the command ended before it came to send them, and where the mirror has lost them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mirror = tmp_path / "mirror"
    given = [Review.of(event_of(k, k + 9), "useful", "", "Jo", WHEN) for k in range(3)]
    claimed(url, mirror)
    for k, review in enumerate(given):
        with following(url, mirror, "emobatch review") as follower:
            assert read_reviews(mirror).reviews == tuple(given[:k])
            send_reviews(mirror, [review])
            if k == 0:
                follower.conclude()
    with following(url, mirror, "emobatch report") as follower:
        (mirror / FILE).unlink()
        follower.conclude()
    assert read_reviews(read_copy(url, (FILE,))).reviews == tuple(given)
