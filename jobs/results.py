"""What earlier runs left below OUT, for Python callers and for `emobatch status`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from analytics.errors import UsageError
from analytics.events.reviews import OF_EVENT, VERDICTS, Matcher, read_reviews
from analytics.events.store import read_events
from analytics.paths import is_folder
from analytics.schema import EVENTS, SEVERITIES, VIDEOS
from analytics.snapshot import all_rows, read_table
from analytics.tables import need_our_schema
from analytics.videos import read_videos
from jobs.outcome import STATUSES


@dataclass(frozen=True)
class Results:
    """The tables of one OUT; each is read when it is first asked for."""

    out: Path

    @staticmethod
    def opened(out: Path) -> "Results":
        """The results below a folder.

        Raises:
            UsageError: it holds none, or those of a release that lays them out in another way.
        """
        if not is_folder(out / "videos") or not next((out / "videos").glob("day=*/cam=*/*.parquet"), None):
            raise UsageError(f"{out}: holds no results of emobatch", "name the --out folder of an earlier run")
        need_our_schema(out)
        return Results(out)

    @cached_property
    def videos(self) -> pd.DataFrame:
        """One row a video; columns as in docs/data-dictionary.md, so too in the others."""
        stored = read_videos(self.out)
        for file, error in stored.unreadable.items():
            raise UsageError(f"{file}: cannot be read ({error})", "remove it and run again") from None
        frame: pd.DataFrame = stored.table.select(VIDEOS.names).to_pandas()
        return frame

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row a sampled frame, faces or not."""
        return self._read("samples")

    @cached_property
    def faces(self) -> pd.DataFrame:
        """One row a face in a sampled frame."""
        return self._read("faces")

    @cached_property
    def tracks(self) -> pd.DataFrame:
        """One row a track."""
        return self._read("tracks")

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event; none where no rules were evaluated."""
        frame = self._read("events") if is_folder(self.out / "events") else EVENTS.empty_table().to_pandas()
        return frame

    def _read(self, table: str) -> pd.DataFrame:
        found = read_table(self.out, table, all_rows)
        for file, error in found.unreadable.items():
            raise UsageError(f"{file}: cannot be read ({error})", "remove it and run again") from None
        # Descriptions of single files may differ; the columns do not.
        frame: pd.DataFrame = pa.concat_tables(
            part.replace_schema_metadata(None) for _, part in found.parts
        ).to_pandas()
        return frame


def status_of(results: Results) -> dict[str, Any]:
    """Counts by status and the list of videos, as `emobatch status --json` prints them."""
    columns = ["source", "status", "reason", "duration_s", "coverage", "n_faces", "n_tracks"]
    rows = results.videos[columns].sort_values("source").astype(object)
    videos = rows.where(rows.notna(), None).to_dict("records")
    counts = Counter(video["status"] for video in videos)
    events = read_events(results.out, (*OF_EVENT, "severity"))
    severities = Counter(event["severity"] for event in events)
    return {
        "out": str(results.out),
        "videos": {name: counts[name] for name in STATUSES},
        "events": {name: severities[name] for name in SEVERITIES},
        "reviews": _reviews_of(results.out, events),
        "list": videos,
    }


def _reviews_of(out: Path, events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many events are open, and how many have which verdict. A damaged line of the log is told by `emobatch review`."""
    stored = read_reviews(out)
    verdicts = Matcher(events).verdicts(stored.reviews)[0] if stored.reviews else {}
    counts = Counter(review.verdict for review in verdicts.values())
    return {"open": len(events) - len(verdicts), **{name: counts[name] for name in VERDICTS}}
