"""The tables that rules are evaluated over, read as far as needed: `videos` and `tracks` whole, `faces` bit by bit."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.events.clock import MOST_LANES, Clock, Recording, lanes_of, on_grid
from analytics.listing import list_tables
from analytics.recorders import zone_of
from analytics.snapshot import UNREADABLE, Replaced, all_rows, open_listed, read_table
from analytics.videos import read_videos

_WITH_ROWS: Final = ("done", "partial")
_ENOUGH_FACES: Final = 400_000
"""Rows of a chunk at which the next one begins."""
_MOST_FACES: Final = 3_000_000
"""A chunk ends at the next cut of files even if somebody is in sight there."""
_ATTEMPTS: Final = 20
_PLACE: Final = ("video_id", "track_id", "pts_s", "x", "y", "w", "h")


@dataclass(frozen=True, eq=False)
class TrackRows:
    """The table `tracks`, as far as needed; n counts tracks, in the order of their recordings."""

    recording: NDArray[np.int64]
    """(n,) place of its video among the recordings."""
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    n_usable: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Recordings that are looked at together, on one clock, and when somebody is seen in them."""

    clock: Clock
    tracks: TrackRows
    """Their times are moments of the clock."""


def read_recordings(out: Path) -> list[Recording]:
    """All videos that have rows.

    Raises:
        UsageError: a file of the table cannot be read.
    """
    stored = read_videos(out)
    _need_readable(stored.unreadable)
    names = (
        "video_id", "camera", "in_folder", "start_time", "time_zone", "duration_s", "holes", "width", "height",
        "finished_at",
    )  # fmt: skip
    table = stored.table.filter(pc.is_in(stored.table["status"].cast(pa.string()), pa.array(_WITH_ROWS)))
    columns = {name: table[name].to_pylist() for name in (*names, "n_faces")}
    zones: dict[str | None, Any] = {None: UTC}
    found = {}
    for k, video_id in enumerate(columns["video_id"]):
        named, camera, start = (columns[name][k] for name in ("time_zone", "camera", "start_time"))
        if named not in zones:
            zones[named] = zone_of(named)
        found[video_id] = Recording(
            video_id=video_id,
            camera=camera,
            folder=columns["in_folder"][k],
            begin=start,
            zone=zones[named],
            duration_s=columns["duration_s"][k] or 0.0,
            holes=tuple((hole["start_s"], hole["end_s"]) for hole in columns["holes"][k]),
            width=columns["width"][k] or 1,
            height=columns["height"][k] or 1,
            n_faces=columns["n_faces"][k],
            finished=columns["finished_at"][k],
        )
    return [found[video_id] for video_id in sorted(found)]


def read_tracks(out: Path, recordings: Sequence[Recording]) -> TrackRows:
    """All tracks of these recordings.

    Raises:
        UsageError: a file of the table cannot be read.
    """
    columns = ["video_id", "start_s", "end_s", "n_usable"]

    def read(opened: BinaryIO) -> pa.Table:
        return all_rows(opened, columns).replace_schema_metadata(None)

    found = read_table(out, "tracks", read)
    _need_readable(found.unreadable)
    table = pa.concat_tables([part for _, part in found.parts]).unify_dictionaries().combine_chunks()
    place = _places(table["video_id"], [one.video_id for one in recordings])
    order = np.argsort(place, kind="stable")
    order = order[np.searchsorted(place[order], 0) :]
    start_s, end_s, n_usable = (table[name].to_numpy()[order] for name in columns[1:])
    return TrackRows(place[order], start_s, end_s, n_usable.astype(np.int64))


def chunks(recordings: Sequence[Recording], tracks: TrackRows, quiet_s: float) -> Iterator[Chunk]:
    """Recordings in pieces that may be looked at alone: nobody is seen for `quiet_s` around each cut between two.

    Where somebody always is, a piece ends after some millions of faces all the same.
    """
    of = {one.video_id: place for place, one in enumerate(recordings)}
    bounds = np.searchsorted(tracks.recording, np.arange(len(recordings) + 1))
    lanes: list[list[Recording]] = []
    faces = 0
    for lane in lanes_of(recordings):
        for piece in _pieces(lane, of, bounds, tracks, quiet_s):
            # Undated videos are many and short; those of one camera and day lie in the same files.
            full = faces >= _ENOUGH_FACES or len(lanes) >= MOST_LANES
            if lanes and (full or lanes[-1][-1].camera != piece[0].camera):
                yield _chunk(lanes, of, bounds, tracks)
                lanes, faces = [], 0
            lanes.append(piece)
            faces += sum(one.n_faces for one in piece)
    if lanes:
        yield _chunk(lanes, of, bounds, tracks)


def _pieces(
    lane: list[Recording],
    of: Mapping[str, int],
    bounds: NDArray[np.int64],
    tracks: TrackRows,
    quiet_s: float,
) -> Iterator[list[Recording]]:
    clock = Clock.of([lane])
    piece: list[Recording] = []
    faces, last_seen = 0, -np.inf
    for recording, begin in zip(lane, clock.begins.tolist(), strict=True):
        place = of[recording.video_id]
        mine = slice(bounds[place], bounds[place + 1])
        first = begin + float(tracks.start_s[mine].min(initial=recording.duration_s))
        if piece and faces and (first - last_seen >= quiet_s or faces >= _MOST_FACES):
            yield piece
            piece, faces = [], 0
        piece.append(recording)
        faces += recording.n_faces
        last_seen = max(last_seen, begin + float(tracks.end_s[mine].max(initial=-np.inf)))
    if piece:
        yield piece


def _chunk(
    lanes: Sequence[Sequence[Recording]], of: Mapping[str, int], bounds: NDArray[np.int64], tracks: TrackRows
) -> Chunk:
    clock = Clock.of(lanes)
    places = [of[one.video_id] for one in clock.recordings]
    rows = np.concatenate([np.arange(bounds[place], bounds[place + 1]) for place in places]).astype(np.int64)
    here = np.repeat(np.arange(len(places)), [bounds[place + 1] - bounds[place] for place in places])
    begins = clock.begins[here]
    start_s, end_s = (on_grid(one[rows]) + begins for one in (tracks.start_s, tracks.end_s))
    part = TrackRows(here, start_s, end_s, tracks.n_usable[rows])
    return Chunk(clock, part)


def read_faces(
    out: Path, clock: Clock, wanted: Collection[int], columns: Iterable[str]
) -> tuple[NDArray[np.int64], pa.Table]:
    """The faces in tracks of some recordings.

    Args:
        out: the output folder.
        clock: of the recordings.
        wanted: which of them.
        columns: beside where each face is.

    Returns:
        (n,) the recording of each face, and the faces.

    Raises:
        UsageError: a file of the table cannot be read.
    """
    by_folder: dict[str, list[str]] = {}
    for place in sorted(wanted):
        by_folder.setdefault(clock.recordings[place].folder, []).append(clock.recordings[place].video_id)
    names = [*_PLACE, *columns]
    parts = [part for folder, ids in by_folder.items() for part in _faces_in(out, folder, ids, names)]
    if not parts:
        return np.empty(0, np.int64), pa.table({})
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return _places(table["video_id"], [one.video_id for one in clock.recordings]), table


def _faces_in(out: Path, folder: str, video_ids: list[str], names: list[str]) -> list[pa.Table]:
    """Those of some videos in a partition, wherever they lie: compaction may be at work."""
    ids = pa.array(video_ids, pa.string())
    own = {f"{one}.parquet" for one in video_ids}
    for _ in range(_ATTEMPTS):
        listing = list_tables(out, ("faces",), folder)
        _need_readable(dict(listing.errors))
        parts = []
        try:
            for file in listing.of("faces"):
                if len(file.name) == len("0" * 16 + ".parquet") and file.name not in own:
                    continue  # One of another video.
                try:
                    with open_listed(file) as opened:
                        part = all_rows(opened, names).replace_schema_metadata(None)
                except Replaced:
                    raise
                except UNREADABLE as error:
                    _need_readable({file.path: error})
                keep = pc.is_valid(part["track_id"])
                if file.name not in own:
                    keep = pc.and_(keep, pc.is_in(part["video_id"].cast(pa.string()), ids))
                parts.append(part.filter(keep))
        except Replaced:
            continue
        return parts
    raise UsageError(f"{out}/faces/{folder}: changes all the time", "wait until the other program is done")


def _places(column: pa.ChunkedArray, video_ids: Sequence[str]) -> NDArray[np.int64]:
    """(n,) the place of each row's video in a list; -1 where it is not in it."""
    coded = column.combine_chunks()
    if not pa.types.is_dictionary(coded.type):
        coded = coded.dictionary_encode()
    place = {video_id: k for k, video_id in enumerate(video_ids)}
    of_codes = np.array([place.get(one, -1) for one in coded.dictionary.to_pylist()], np.int64)
    codes = coded.indices.to_numpy(zero_copy_only=False)
    return of_codes[codes] if len(codes) else np.empty(0, np.int64)


def _need_readable(unreadable: Mapping[Path, Exception]) -> None:
    for file, error in unreadable.items():
        raise UsageError(f"{file}: cannot be read ({error})", "remove it and run again") from None
