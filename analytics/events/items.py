"""From hits to a short list: neighbours made one, what follows too soon counted with it, each with its place in time."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from analytics.events.clock import SLACK_S
from analytics.events.hits import Fact, Hit, Steps
from analytics.events.presence import Scene
from analytics.events.rules import Rule, Zone

Track = tuple[str, int]
"""video_id and track_id."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A measurement by the tracks that it is of."""

    kind: str
    people: tuple[tuple[Track, ...], ...]
    """Of each person the tracks, in order of time."""
    figures: Mapping[str, float | str]
    step: Steps = ()
    """Where in a `then` it belongs."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One event before it is a row."""

    rule: Rule
    camera: str | None
    folder: str
    """The partition of the video in which it begins."""
    begin: datetime | None
    """When that video began, UTC."""
    video_id: str
    start_s: float
    end_s: float
    """Seconds from the begin of that video."""
    peak_video_id: str
    peak_s: float
    """Seconds from the begin of the video of the peak."""
    videos: tuple[str, ...]
    tracks: Mapping[str, tuple[int, ...]]
    """By video_id, in order of time."""
    told: tuple[Told, ...]
    zones: tuple[Zone, ...]
    """Those of the camera that the rule names, as they were drawn when it was evaluated."""
    unseen_s: float
    worth: float
    cooled: int = 0
    """Further events that began within the cool-down."""

    @property
    def key(self) -> tuple[str, str]:
        """What it may be merged with: the same rule on the same camera, or in the same video where that is unknown."""
        dated = self.begin is not None and self.camera is not None
        return self.rule.name, f"camera {self.camera}" if dated else f"video {self.video_id}"

    @property
    def start(self) -> float:
        """Seconds on a scale that all items of a key share."""
        return self.start_s + self._origin

    @property
    def end(self) -> float:
        """The same of its end."""
        return self.end_s + self._origin

    @property
    def _origin(self) -> float:
        return self.begin.timestamp() if self.begin is not None else 0.0

    def time(self, seconds: float) -> datetime | None:
        """The time of a second of its video, UTC; None where unknown."""
        return self.begin + timedelta(milliseconds=round(seconds * 1000)) if self.begin is not None else None

    @property
    def event_id(self) -> str:
        """The same for the same rule, camera and start, whatever else changed."""
        start = self.time(self.start_s)
        told = start.astimezone(UTC).isoformat(timespec="milliseconds") if start else f"{self.start_s:.3f}"
        return hashlib.sha256(json.dumps([*self.key, told]).encode()).hexdigest()[:16]


def located(rule: Rule, hits: Iterable[Hit], scene: Scene, who: "Who", of_camera: Mapping[str, Zone]) -> list[Item]:
    """Hits as items, by the videos and tracks that they are in; zones of the camera are by name."""
    zones = tuple(of_camera[name] for name in sorted(rule.when.zones) if name in of_camera)
    return [_item(rule, hit, scene, who, zones) for hit in hits]


def short_list(items: Sequence[Item]) -> list[Item]:
    """Neighbours merged, cool-down kept; in order of rule, camera and start."""
    groups: list[list[Item]] = []
    end = 0.0
    for item in sorted(items, key=lambda item: (item.key, item.start, item.end, item.video_id)):
        if groups and groups[-1][0].key == item.key and item.start - end <= item.rule.merge_gap_s:
            groups[-1].append(item)
            end = max(end, item.end)
        else:
            groups.append([item])
            end = item.end
    kept: list[Item] = []
    for item in map(_merged, groups):
        last = kept[-1] if kept and kept[-1].key == item.key else None
        if last is not None and item.start - last.end <= item.rule.cooldown_s:
            kept[-1] = replace(last, cooled=last.cooled + 1)
        else:
            kept.append(item)
    return kept


class Who:
    """The tracks of the people of a scene."""

    def __init__(self, scene: Scene) -> None:
        recordings = scene.clock.recordings
        # A part of a track is of one person, and people are apart.
        begins = np.flatnonzero(np.diff(scene.track, prepend=-1) | np.diff(scene.person, prepend=-1))
        ends = np.append(begins[1:], len(scene.at))[: len(begins)]
        self._parts: dict[int, list[tuple[float, float, Track]]] = {}
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            recording, track_id = scene.tracks[int(scene.track[begin])]
            part = float(scene.at[begin]), float(scene.at[end - 1]), (recordings[recording].video_id, track_id)
            self._parts.setdefault(int(scene.person[begin]), []).append(part)

    def tracks(self, person: int, start: float, end: float) -> tuple[Track, ...]:
        """Those of a person that lie in a stretch, in order of time."""
        parts = (track for first, last, track in self._parts[person] if first <= end + 1e-6 and last >= start - 1e-6)
        return tuple(dict.fromkeys(parts))


def _item(rule: Rule, hit: Hit, scene: Scene, who: Who, zones: tuple[Zone, ...]) -> Item:
    clock = scene.clock
    told = tuple(_told(fact, who) for fact in hit.facts)
    tracks = [who.tracks(person, hit.start, hit.end) for person in sorted(hit.people)]
    with_tracks = {video_id for of_person in tracks for video_id, _ in of_person}
    first = clock.at(hit.start)
    # Where two files have the same seconds, the one with the track is the one to open.
    if clock.recordings[first].video_id not in with_tracks:
        first = next((k for k in (first - 1, first + 1) if _is_in(scene, k, hit.start, with_tracks)), first)
    places = [k for k in clock.between(hit.start, hit.end) if k == first or _is_in(scene, k, None, with_tracks)]
    peak = clock.at(hit.peak)
    if clock.recordings[peak].video_id not in with_tracks and _is_in(scene, peak - 1, hit.peak, with_tracks):
        peak -= 1
    begin = float(clock.begins[first])
    return Item(
        rule=rule,
        camera=clock.recordings[first].camera,
        folder=clock.recordings[first].folder,
        begin=clock.recordings[first].begin,
        video_id=clock.recordings[first].video_id,
        start_s=round(hit.start - begin, 3),
        end_s=round(hit.end - begin, 3),
        peak_video_id=clock.recordings[peak].video_id,
        peak_s=round(hit.peak - float(clock.begins[peak]), 3),
        videos=tuple(clock.recordings[k].video_id for k in sorted({first, *places})),
        tracks=_by_video(track for of_person in tracks for track in of_person),
        told=told,
        zones=zones,
        unseen_s=round(clock.blind_between(hit.start, hit.end), 3),
        worth=hit.worth,
    )


def _is_in(scene: Scene, k: int, moment: float | None, with_tracks: set[str]) -> bool:
    """Whether a recording has one of the tracks, and the moment, if any, lies in it."""
    if not 0 <= k < len(scene.clock.recordings) or scene.clock.recordings[k].video_id not in with_tracks:
        return False
    begin = float(scene.clock.begins[k])
    return moment is None or begin - SLACK_S <= moment <= begin + scene.clock.recordings[k].duration_s + SLACK_S


def _told(fact: Fact, who: Who) -> Told:
    people = tuple(who.tracks(person, fact.start, fact.end) for person in sorted(fact.people))
    return Told(kind=fact.kind, people=people, figures=dict(fact.figures), step=fact.step)


def _by_video(tracks: Iterable[Track]) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for video_id, track_id in tracks:
        found.setdefault(video_id, set()).add(track_id)
    return {video_id: tuple(sorted(ids)) for video_id, ids in found.items()}


def _merged(group: Sequence[Item]) -> Item:
    """One item of several, in order of their start."""
    if len(group) == 1:
        return group[0]
    first, best = group[0], max(group, key=lambda item: item.worth)
    unseen_s, end = 0.0, -np.inf
    for item in group:  # What two of them span is not recorded once.
        unseen_s = max(unseen_s, item.unseen_s) if item.start <= end else unseen_s + item.unseen_s
        end = max(end, item.end)
    tracks = ((video_id, track) for item in group for video_id, ids in item.tracks.items() for track in ids)
    told = {(one.kind, one.step, one.people, tuple(one.figures.items())): one for item in group for one in item.told}
    return replace(
        first,
        end_s=round(end - first._origin, 3),
        peak_video_id=best.peak_video_id,
        peak_s=best.peak_s,
        videos=tuple(dict.fromkeys(video_id for item in group for video_id in item.videos)),
        tracks=_by_video(tracks),
        told=tuple(told.values()),
        unseen_s=round(unseen_s, 3),
        worth=best.worth,
    )
