"""The table of videos and the list of changes, as the scripts of a page read them: by column, texts once."""

import math
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import pandas as pd

from reports.archive import Archive
from reports.clock import local_epoch_s
from reports.names import camera_page
from reports.records import STATUSES, Change, Video
from reports.text import clock, counted, floored, span, visible

MOST: Final = 20_000
"""Videos that a page lists, those that began last; the pages of days and cameras list the others."""
MOST_OTHERS: Final = 5_000
"""Videos that it lists beyond these: what failed, then what is partial, then what has no start and is of no day."""
MOST_CHANGES: Final = 500
"""Changes that a page lists, the strongest."""
_MOST_GAPS: Final = 3


def rows_of(archive: Archive) -> dict[str, Any]:
    """One value for JSON. Texts are visible() already; -1 stands for what is unknown.

    Keys: `labels`, `statuses`, and the texts `cameras`, `folders`, `days` and `notes` that numbers in the columns
    point into; `pages`, file names of the pages of the cameras; `videos`, a dictionary of columns: id, page (1 where
    it has one), folder, name, camera, day, start (seconds of the local day), duration (tenths of a second), coverage
    (per mille, rounded down), status, tracks, note, shown ([label, tracks, label, tracks, …] of judged tracks, the
    most frequent first); `copies`, a list of [place in videos, id of the video it is a copy of], where that has a page;
    `put`, a list of [place in videos, begin, end] by the camera's clock, for the videos within
    which that clock is put: one entry for each part that goes on evenly; `changes`, a list of [place in videos, track, seconds, moment (seconds since 1970 by the
    camera's clock), label before, label after, seconds before, seconds after, per cent sure]; `n_videos` and
    `n_changes`, how many there are in all; and `day`, the only one that the page is of, or null. Videos stand in the
    order newest_first.
    """
    told = archive.changes[:MOST_CHANGES]
    order = listed(archive)
    videos = [archive.videos[place] for place in order]
    cameras, folders, days, notes = _Texts(), _Texts(), _Texts(), _Texts()
    shown = _shown(archive)
    starts = [video.local_start for video in videos]
    columns = {
        "id": [visible(video.video_id) for video in videos],
        "page": [int(video.page is not None) for video in videos],
        "folder": [folders.place(_folder(video)) for video in videos],
        "name": [visible(video.name) for video in videos],
        "camera": [cameras.place(video.camera) for video in videos],
        "day": [days.place(start.date().isoformat() if start else None) for start in starts],
        "start": [start.hour * 3600 + start.minute * 60 + start.second if start else -1 for start in starts],
        "duration": [-1 if video.duration_s is None else round(video.duration_s * 10) for video in videos],
        "coverage": [-1 if video.coverage is None else floored(video.coverage) for video in videos],
        "status": [STATUSES.index(video.status) if video.status in STATUSES else -1 for video in videos],
        "tracks": [video.n_tracks for video in videos],
        "note": [notes.place(note_of(video)) for video in videos],
        "shown": [shown.get(place, []) for place in order],
    }
    places = {video.video_id: place for place, video in enumerate(videos)}
    drawn = {video.video_id for video in archive.videos if video.page is not None}
    of_label = {label: k for k, label in enumerate(archive.labels)}
    changes = [
        [
            places[c.video_id], c.track_id, round(c.at_s, 3), moment_of(videos[places[c.video_id]], c),
            of_label[c.before], of_label[c.after], round(c.before_s, 1), round(c.after_s, 1), floored(c.confidence) // 10,
        ]
        for c in told
    ]  # fmt: skip
    return {
        "labels": [visible(label) for label in archive.labels],
        "statuses": list(STATUSES),
        "cameras": cameras.texts,
        "pages": [camera_page(name) for name in cameras.raw],
        "folders": folders.texts,
        "days": days.texts,
        "notes": notes.texts,
        "videos": columns,
        "copies": [
            [k, visible(video.duplicate_of)]
            for k, video in enumerate(videos)
            if video.duplicate_of is not None and video.duplicate_of in drawn
        ],
        "put": [
            [k, round(one.begin, 3), round(one.end, 3)]
            for k, place in enumerate(order)
            if len(archive.stretches[place]) > 1
            for one in archive.stretches[place]
        ],
        "changes": changes,
        "n_videos": len(archive.videos),
        "n_changes": len(archive.changes),
        "day": archive.day,
    }


def listed(archive: Archive) -> list[int]:
    """Places of the videos that a page lists, in the order newest_first: those, those that want a look, those of changes."""
    in_order = newest_first(archive)
    if len(in_order) <= MOST:
        return in_order
    of_changes = {change.video_id for change in archive.changes[:MOST_CHANGES]}
    older: dict[str, list[int]] = {"failed": [], "partial": [], "undated": []}
    wanted = set(in_order[:MOST])
    for place in in_order[MOST:]:
        video = archive.videos[place]
        if video.video_id in of_changes:  # No change is told of a video that is not listed.
            wanted.add(place)
        elif video.status in older:
            older[video.status].append(place)
        elif video.start_time is None:
            older["undated"].append(place)
    wanted.update([place for places in older.values() for place in places][:MOST_OTHERS])
    return [place for place in in_order if place in wanted]


def newest_first(archive: Archive) -> list[int]:
    """Places of the videos, those that began last before the others, then those of unknown start by source."""
    n_dated = len(archive.videos) - archive.n_undated
    return [*range(n_dated - 1, -1, -1), *range(n_dated, len(archive.videos))]


def moment_of(video: Video, change: Change) -> int:
    """When a change was, in seconds since 1970 by the clock of the camera; -1 where nothing tells."""
    if video.start_time is None:
        return -1
    return math.floor(local_epoch_s(video.start_time + timedelta(seconds=change.at_s), video.time_zone))


def note_of(video: Video) -> str | None:
    """What is odd about a video, in words: its reason, and its holes where no page of its own draws them."""
    told = [video.reason] if video.reason else []
    if video.page is None and (holes := [gap for gap in video.gaps if gap.kind == "hole"]):
        longest = sorted(sorted(holes, key=lambda gap: gap.start_s - gap.end_s)[:_MOST_GAPS], key=lambda g: g.start_s)
        named = ", ".join(span(gap.start_s, gap.end_s) for gap in longest)
        lost = clock(sum(gap.end_s - gap.start_s for gap in holes), tenths=True)
        more = f"the longest {named}" if len(holes) > len(longest) else named
        told.append(f"{counted(len(holes), 'hole')} of {lost}: {more}")
    return "; ".join(told) or None


class _Texts:
    """Each text once."""

    def __init__(self) -> None:
        self.raw: list[str] = []
        self._places: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """As a person may read them."""
        return [visible(text) for text in self.raw]

    def place(self, text: str | None) -> int:
        """Where it stands; -1 for None."""
        if text is None:
            return -1
        if text not in self._places:
            self._places[text] = len(self.raw)
            self.raw.append(text)
        return self._places[text]


def _folder(video: Video) -> str:
    return video.source.rstrip("/").rpartition("/")[0]


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
