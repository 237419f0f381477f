"""The table of videos and the list of changes, as overview.js reads them: by column, texts once."""

from collections.abc import Hashable, Iterable
from typing import Any, Final, TypeVar

import pandas as pd

from reports.archive import Archive
from reports.records import STATUSES, Video
from reports.text import floored, visible

MOST: Final = 20_000
"""Videos that a page lists, those that began last; the pages of days and cameras list the others."""


def rows_of(archive: Archive) -> dict[str, Any]:
    """One value for JSON. Texts are visible() already; -1 stands for what is unknown.

    Keys: `labels`, `statuses`, and the texts `cameras`, `folders`, `days` and `reasons` that numbers in the columns
    point into; `videos`, a dictionary of columns: id, page (1 where it has one), folder, name, camera, day, start
    (seconds of the local day), duration (tenths of a second), coverage (per mille, rounded down), status, tracks,
    faces, reason, shown ([label, tracks, label, tracks, …] of judged tracks, the most frequent first); `changes`, a
    list of [place in videos, track, seconds, label before, label after, seconds before, seconds after, per cent sure];
    and `n_all`, how many videos there are in all.
    """
    order = range(max(0, len(archive.videos) - MOST), len(archive.videos))
    videos = [archive.videos[place] for place in order]
    cameras, folders, days, reasons = _Texts(), _Texts(), _Texts(), _Texts()
    shown = _shown(archive)
    columns = {
        "id": [visible(video.video_id) for video in videos],
        "page": [int(video.page is not None) for video in videos],
        "folder": [folders.place(_folder(video)) for video in videos],
        "name": [visible(video.name) for video in videos],
        "camera": [cameras.place(video.camera) for video in videos],
        "day": [days.place(start.date().isoformat() if (start := video.local_start) else None) for video in videos],
        "start": [_second_of_day(video) for video in videos],
        "duration": [-1 if video.duration_s is None else round(video.duration_s * 10) for video in videos],
        "coverage": [-1 if video.coverage is None else floored(video.coverage) for video in videos],
        "status": [STATUSES.index(video.status) if video.status in STATUSES else -1 for video in videos],
        "tracks": [video.n_tracks for video in videos],
        "faces": [video.n_faces for video in videos],
        "reason": [reasons.place(video.reason) for video in videos],
        "shown": [shown.get(place, []) for place in order],
    }
    places = {video.video_id: place for place, video in enumerate(videos)}
    of_label = {label: k for k, label in enumerate(archive.labels)}
    changes = [
        [
            places[c.video_id], c.track_id, round(c.at_s, 2), of_label[c.before], of_label[c.after],
            round(c.before_s, 1), round(c.after_s, 1), round(c.confidence * 100),
        ]
        for c in archive.changes
        if c.video_id in places
    ]  # fmt: skip
    return {
        "labels": [visible(label) for label in archive.labels],
        "statuses": list(STATUSES),
        "cameras": cameras.texts,
        "folders": folders.texts,
        "days": days.texts,
        "reasons": reasons.texts,
        "videos": columns,
        "changes": changes,
        "n_all": len(archive.videos),
    }


class _Texts:
    """Each text once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str | None) -> int:
        """Where it stands; -1 for None."""
        if text is None:
            return -1
        if text not in self._places:
            self._places[text] = len(self.texts)
            self.texts.append(visible(text))
        return self._places[text]


def _folder(video: Video) -> str:
    return video.source.rstrip("/").rpartition("/")[0]


def _second_of_day(video: Video) -> int:
    start = video.local_start
    return -1 if start is None else start.hour * 3600 + start.minute * 60 + start.second


def _shown(archive: Archive) -> dict[int, list[int]]:
    """Labels of the judged tracks of each video, by its place in the archive, and how many have each."""
    judged = archive.tracks[archive.tracks["n_usable"] > 0]
    codes = judged["expression"].astype(object).map({label: k for k, label in enumerate(archive.labels)})
    known = codes.notna()
    counts = pd.DataFrame({"video": judged["video"][known], "label": codes[known].astype(int)}).value_counts()
    found: dict[int, list[int]] = {}
    for (place, label), n in _in_order(counts.items()):
        found.setdefault(place, []).extend((label, int(n)))
    return found


def _in_order(counts: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    return sorted(counts, key=lambda item: (item[0][0], -item[1], item[0][1]))
