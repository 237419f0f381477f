"""Small pictures of each track's best moment, for those who ask for them; faces in them are blurred unless asked."""

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.conceal import BLURRED_AS, blurred
from analytics.errors import VideoError
from analytics.fingerprint import fingerprint, id_of_content
from analytics.footage import Footage, footage_of
from analytics.masks import NO_MASKS, Masks
from analytics.paths import exists
from analytics.records import Picture, Pulse
from analytics.stills import stills
from analytics.whole import whole
from jobs.executors import BEAT_S, Call, Executor
from jobs.limits import Limits
from jobs.masked import masks_for
from jobs.options import RunOptions
from jobs.scratch import at_hand
from reports.archive import read_archive
from reports.files import MADE, THUMBNAILS
from reports.records import Video
from reports.stored import StoredTables, UnreadableTablesError

_log = logging.getLogger(__name__)

_SIDE: Final = 112
"""Px of a thumbnail's sides."""
_AROUND: Final = 2.4
"""Side of the square that it shows, of the face's longer side: who wears what is seen, and little else."""
_QUALITY: Final = 82


@dataclass(frozen=True, eq=False)
class Portraits:
    """The thumbnails of one video."""

    video_id: str
    path: Footage
    folder: Path
    made: str
    """What is noted once all are there: anything else asks for them again."""
    moments: dict[int, tuple[float, int]]
    """Time in seconds, and the place of its face among the faces of that moment, by track."""
    boxes: dict[float, NDArray[np.float32]]
    """(n, 4) all faces of each moment: x, y, width, height in px."""
    clear: bool
    masks: Masks = NO_MASKS


def draw_thumbnails(
    options: RunOptions, limits: Limits, executing: Callable[[list[Footage]], AbstractContextManager[Executor]]
) -> None:
    """Draw what is missing of the thumbnails of all videos below OUT; what cannot be drawn is logged and left out.

    Args:
        options: of the run: the output folder, whether faces stay as they are, and what is painted over.
        limits: when to give up a video, and when to begin nothing more.
        executing: who carries out the work on some footage.

    Raises:
        OSError: OUT cannot be written.
    """
    wanted = {portraits.video_id: portraits for portraits in _wanted(options)}
    if not wanted:
        return
    _log.info("thumbnails of %d videos", len(wanted))
    with executing([portraits.path for portraits in wanted.values()]) as executor:
        waiting, flying = list(wanted), set[str]()
        while waiting or flying:
            if limits.until is not None and time.time() >= limits.until:
                waiting = []  # The next run draws them.
            while waiting and len(flying) < executor.slots:
                flying.add(name := waiting.pop())
                executor.submit(Call(name, draw, (wanted[name],)))
            for done in executor.wait(BEAT_S):
                if done.name not in flying:
                    continue
                flying.remove(done.name)
                if done.error:
                    raise done.error
                problem = f"its worker process ended {done.deaths} times" if done.deaths else done.value
                if problem:
                    _log.warning("%s: no thumbnails: %s", wanted[done.name].path, problem)
            limits.check()
            for name, running in list(executor.running.items()):
                if name in flying and time.monotonic() - running.alive_at > limits.stall_s:
                    executor.give_up(name)
                    flying.remove(name)
                    _log.warning("%s: no thumbnails: no progress for %g s", wanted[name].path, limits.stall_s)


def draw(pulse: Pulse, wanted: Portraits) -> str | None:
    """Draw the thumbnails of one video; why they cannot be drawn, or None.

    Raises:
        OSError: OUT cannot be written.
    """
    shutil.rmtree(wanted.folder, ignore_errors=True)  # They may show what is to be blurred now.
    tracks_at: dict[float, list[int]] = {}
    for track_id, (pts_s, _) in wanted.moments.items():
        tracks_at.setdefault(pts_s, []).append(track_id)
    drawn: dict[int, bytes] = {}
    try:
        with at_hand(wanted.path, pulse) as path:
            for pts_s, picture in stills(path, list(tracks_at), pulse, wanted.masks):
                shown = picture if wanted.clear else blurred(picture, wanted.boxes[pts_s])
                for track_id in tracks_at[pts_s]:
                    drawn[track_id] = portrait(shown, wanted.boxes[pts_s][wanted.moments[track_id][1]])
            # Of another file the boxes would blur anything but the faces. Asked last: it may have changed meanwhile.
            if id_of_content(fingerprint(path)) != wanted.video_id:
                return "the file is another one now"
    except VideoError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    wanted.folder.mkdir(parents=True)
    for track_id, jpeg in drawn.items():
        _write(wanted.folder / f"{track_id}.jpg", jpeg)
    _write(wanted.folder / MADE, wanted.made.encode())
    return None


def portrait(picture: Picture, box: NDArray[np.float32]) -> bytes:
    """A square around a face as JPEG; beyond the picture's edge it is black."""
    x, y, w, h = (float(value) for value in box)
    side = max(2, round(max(w, h) * _AROUND))
    # A little below the middle: there is more of a person under a face than above it.
    left, top = round(x + w / 2 - side / 2), round(y + h * 0.6 - side / 2)
    square = np.zeros((side, side, 3), np.uint8)
    seen = picture[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    square[max(0, -top) :, max(0, -left) :][: seen.shape[0], : seen.shape[1]] = seen
    way = cv2.INTER_AREA if side > _SIDE else cv2.INTER_LINEAR
    small = cv2.resize(square, (_SIDE, _SIDE), interpolation=way)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(jpeg)


def _wanted(options: RunOptions) -> Iterator[Portraits]:
    out, clear = options.out, options.clear_faces
    tables = StoredTables(out)
    for video in read_archive(out).videos:
        if video.page and video.n_tracks:
            folder = out / "reports" / THUMBNAILS / video.video_id
            try:
                masks = masks_for(out, options, video.settings_hash, video.camera)
                made = _made(video, masks, clear)
                if _told(folder / MADE) == made:
                    continue
                _remove(folder)  # At once: nobody knows whether they can be drawn again.
                yield replace(_portraits(tables, video, folder, made, clear), masks=masks)
            except (UnreadableTablesError, OSError) as error:  # The pages tell.
                _remove(folder)
                _log.warning("%s: no thumbnails: %s", video.source, error)


def drop_unmasked(options: RunOptions) -> None:
    """Remove thumbnails that show what lies under masks now, or faces less blurred than today, for a run that draws none.

    Raises:
        OSError: OUT cannot be written.
    """
    out = options.out
    if not exists(out / "reports" / THUMBNAILS):
        return
    for video in read_archive(out).videos:
        folder = out / "reports" / THUMBNAILS / video.video_id
        if not exists(folder):
            continue
        try:
            masks = masks_for(out, options, video.settings_hash, video.camera)
            if _told(folder / MADE) in [_made(video, masks, clear) for clear in (False, True)]:
                continue
            _log.warning(
                "%s: its thumbnails are removed: they were drawn with other masks, settings or blur", video.source
            )
        except OSError as error:
            _log.warning("%s: its thumbnails are removed: %s", video.source, error)
        _remove(folder)


def _made(video: Video, masks: Masks, clear: bool) -> str:
    """What thumbnails were drawn with."""
    under = {"masks": masks.told()} if masks else {}
    hidden = {} if clear else {"faces": BLURRED_AS}
    return json.dumps({"settings_hash": video.settings_hash, "clear_faces": clear, **hidden, **under})


def _remove(folder: Path) -> None:
    if exists(folder):
        shutil.rmtree(folder)


def _told(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _portraits(tables: StoredTables, video: Video, folder: Path, made: str, clear: bool) -> Portraits:
    def rows(table: str, columns: list[str]) -> Any:
        return tables.rows(table, video.folder, video.video_id, columns)

    faces = rows("faces", ["pts_s", "track_id", "x", "y", "w", "h"])
    best = dict(rows("tracks", ["track_id", "best_pts_s"]).itertuples(index=False))
    moments: dict[int, tuple[float, int]] = {}
    boxes: dict[float, NDArray[np.float32]] = {}
    for pts_s, at in faces[faces["pts_s"].isin(set(best.values()))].groupby("pts_s"):
        boxes[float(pts_s)] = at[["x", "y", "w", "h"]].to_numpy(np.float32)
        for place, track_id in enumerate(at["track_id"].tolist()):
            if best.get(track_id) == pts_s:
                moments[int(track_id)] = float(pts_s), place
    return Portraits(video.video_id, footage_of(video.source), folder, made, moments, boxes, clear)


def _write(path: Path, content: bytes) -> None:
    with whole(path) as file:
        file.write(content)
