"""What a run is to do: parsed once, checked, frozen, and passed on as one object."""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

from analytics.errors import UsageError
from analytics.events.rules import EventRules
from analytics.footage import is_url
from analytics.kept_masks import MASKED
from analytics.masks import NO_MASKS, Masks
from analytics.purpose import Purpose
from analytics.quality import QualityThresholds
from analytics.recorders import Recorder, zone_of
from analytics.tables import why_no_camera
from analytics.track import TrackSettings
from jobs.moments import parse_every, parse_gate, parse_segment

_SHOWN: Final = 40
"""Characters of a wrong value that an error repeats."""
ALGORITHM: Final = 5
"""Rises when the same settings would give other rows."""
OF_CAMERAS: Final = ("every", "gate", "keyframes", "detector", "min_face", "min_score", "long_side", "masks")
"""What single cameras may have settings of their own for."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """One invocation of `emobatch run`.

    Raises:
        UsageError: a value is of another kind or out of range, or the camera's name cannot be filed.
    """

    sources: tuple[str, ...]
    out: Path
    """Folder of tables and reports; the mirror of it where it is in a bucket."""
    url: str | None = None
    """s3:// URL of OUT, which is to follow the mirror."""
    every: Fraction = Fraction(1, 2)
    """Seconds between samples."""
    keyframes: bool = False
    """Decode keyframes alone: the first of each sampling cell is its sample, and a cell without one has none."""
    detector: str = "yunet"
    model: str = "default"
    """Name of a shipped classifier, or path of a .tflite file."""
    workers: int | None = None
    """Processes on this machine; 0 works in this one, None takes one a core."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers are to do the work."""
    segment: Fraction = Fraction(300)
    """Seconds of footage in one task; a multiple of 10."""
    stall_s: float = 600.0
    """Seconds without progress after which a video is given up."""
    dashboard: bool = False
    """Dask's dashboard, on this machine alone."""
    camera: str | None = None
    """Camera that recorded all sources; its name becomes part of paths below out."""
    recorders: tuple[Recorder, ...] = ()
    """Rules that tell camera and start from a file's path; the first that matches counts."""
    timezone: str | None = None
    """Time zone of clocks of which nothing else says it."""
    cameras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single cameras, by name: fields of this record that decide rows, and exclude."""
    include: tuple[str, ...] = ()
    """Only files whose path ends like one of these patterns."""
    exclude: tuple[str, ...] = ()
    since: date | None = None
    """Only what was recorded on this day or later."""
    hours: tuple[float, float] | None = None
    """Only what began in these hours of the camera's day: first hour, and hour before which it ends; 22.5 is 22:30."""
    newest_first: bool = False
    stable_for_s: float = 120.0
    """Files that changed within so many seconds are left for later, unless they are named themselves."""
    until: datetime | None = None
    """When nothing more is to be begun; aware."""
    retry_failed: bool = False
    """Try videos again that failed or are partial."""
    force: bool = False
    """Decode again whatever changed settings ask for, however much it is."""
    link_footage: str | None = None
    """Where a browser finds the footage (reports.links); None for as last time."""
    thumbnails: bool = False
    """Keep a small picture of each track for the pages, faces blurred."""
    clear_faces: bool = False
    """Do not blur them."""
    gate: bool = True
    """Search only what has changed since the last search, and everything every ten seconds."""
    events: EventRules | None = None
    """Rules that are evaluated at the end, over all tables; None leaves the events of earlier runs as they are."""
    compact: bool = True
    """Put the tables of days that are over into one file a day and camera."""
    min_face: int = 10
    """Faces whose shorter side is below this many px are dropped."""
    min_score: float = 0.6
    long_side: int = 960
    """Px of the picture's longer side while faces are searched."""
    masks: Masks = NO_MASKS
    """What is painted over in all pictures before anything is searched; mostly that of a single camera."""
    purpose: Purpose = field(default_factory=Purpose)
    """What this is done for, as it is declared."""
    quality: QualityThresholds = field(default_factory=QualityThresholds)
    tracking: TrackSettings = field(default_factory=TrackSettings)

    def __post_init__(self) -> None:
        for name, fits, wanted in (
            ("every", isinstance(self.every, Fraction), "seconds as a Fraction"),
            ("segment", isinstance(self.segment, Fraction), "seconds as a Fraction"),
            ("workers", self.workers is None or _whole(self.workers, 0), "a whole number from 0, or None"),
            ("stall_s", _number(self.stall_s) and self.stall_s >= 1, "seconds, at least 1"),
            ("camera", self.camera is None or isinstance(self.camera, str), "a text, or None"),
            ("scheduler", self.scheduler is None or isinstance(self.scheduler, str), "a text, or None"),
            ("min_face", _whole(self.min_face, 1), "px, a whole number from 1"),
            ("min_score", _number(self.min_score) and 0 <= self.min_score <= 1, "a number from 0 to 1"),
            ("stable_for_s", _number(self.stable_for_s) and self.stable_for_s >= 0, "seconds from 0"),
            ("until", self.until is None or self.until.tzinfo is not None, "a time with its time zone"),
            ("long_side", _whole(self.long_side, 32), "px, a whole number from 32"),
            ("gate", isinstance(self.gate, bool), "True or False"),
            ("keyframes", isinstance(self.keyframes, bool), "True or False"),
            ("masks", isinstance(self.masks, Masks), "Masks, of analytics.masks"),
            ("purpose", isinstance(self.purpose, Purpose), "a Purpose, of analytics.purpose"),
        ):
            if not fits:
                raise UsageError(f"{name} {str(getattr(self, name))[:_SHOWN]!r}: cannot be", f"give {wanted}")
        if self.camera is not None and (problem := why_no_camera(self.camera)):
            shown = self.camera if len(self.camera) <= _SHOWN else f"{self.camera[:_SHOWN]}…"
            raise UsageError(f"--camera {shown}: {problem}", "give the camera another, short name")

        if self.url is not None and self.scheduler is not None:
            raise UsageError(
                f"--scheduler {self.scheduler}: its workers do not see {self.out}, the mirror of {self.url}",
                "leave --scheduler out, or name an --out that all of them see",
            )
        if self.clear_faces and not self.thumbnails:
            raise UsageError("--clear-faces: there are no pictures without --thumbnails", "add it, or leave both out")
        if self.out.parts[:1] == ("s3:",):
            raise UsageError(
                f"{str(self.out).replace(':/', '://', 1)}: this command takes no OUT in a bucket", "name a folder"
            )
        if self.timezone is not None:
            zone_of(self.timezone)
        for camera in self.cameras:
            self.of_camera(camera)

    @property
    def named_out(self) -> str:
        """OUT as the user named it."""
        return self.url or str(self.out)

    @property
    def rules(self) -> tuple[Recorder, ...]:
        """The recorders, with the time zone of the run where they have none."""
        return tuple(rule if rule.timezone else replace(rule, timezone=self.timezone) for rule in self.recorders)

    @property
    def excluded_cameras(self) -> frozenset[str]:
        """Cameras that are left out."""
        return frozenset(name for name, settings in self.cameras.items() if settings.get("exclude"))

    def of_camera(self, camera: str | None) -> "RunOptions":
        """What holds for the videos of one camera.

        Raises:
            UsageError: a setting that no single camera can have, or a wrong value.
        """
        settings = {name: value for name, value in self.cameras.get(camera or "", {}).items() if name != "exclude"}
        if unknown := sorted(set(settings) - set(OF_CAMERAS)):
            raise UsageError(f"camera {camera}: {', '.join(unknown)}: no setting of a camera", f"give {OF_CAMERAS}")
        if isinstance(every := settings.get("every"), str | int | float):
            settings["every"] = parse_every(str(every))
        if isinstance(gate := settings.get("gate"), str):
            settings["gate"] = parse_gate(gate)
        if isinstance(masks := settings.get("masks"), list | tuple):
            try:
                settings["masks"] = Masks.of(masks)
            except UsageError as error:
                raise UsageError(f"camera {camera}: {error.problem}", error.remedy) from None
        return replace(self, cameras={}, **settings)

    def settings_hash(self, detector_sha256: str, model: Sequence[object]) -> str:
        """Hash of what decides the rows: 16 hex digits, and MASKED behind them where there are masks.

        Paths, cameras and release numbers are no part of it.

        Args:
            detector_sha256: of the detector's weights.
            model: what decides the probabilities and labels of the classifier.
        """
        decisive = {
            "algorithm": ALGORITHM,
            "every": str(self.every),
            "detector": [self.detector, detector_sha256, self.min_score, self.long_side, self.min_face],
            "model": list(model),
            "quality": asdict(self.quality),
            "tracking": asdict(self.tracking),
        }
        # Left out where they are as they were before there was a choice.
        decisive |= {name: True for name in ("gate", "keyframes") if getattr(self, name)}
        if self.masks:
            decisive["masks"] = self.masks.told()
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16] + (MASKED if self.masks else "")


def _whole(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(cast(float, value))


def from_settings(
    sources: str | Path | Iterable[str | Path], out: str | Path, settings: Mapping[str, Any]
) -> RunOptions:
    """Options from what a Python caller gives.

    Raises:
        UsageError: an unknown setting, or a wrong value.
    """
    names = {field.name for field in fields(RunOptions)} - {"sources", "out", "url"} | {"mirror"}
    if unknown := sorted(set(settings) - names):
        known = ", ".join(field.name for field in fields(RunOptions) if field.name in names)
        raise UsageError(f"{', '.join(unknown)}: no such setting", f"settings are {known}")
    parsed = {name: value for name, value in settings.items() if name != "mirror"}
    for name, parse in (("every", parse_every), ("segment", parse_segment)):
        if name in parsed:
            value = parsed[name]
            parsed[name] = parse(str(int(value) if isinstance(value, float) and value.is_integer() else value))
    if isinstance(masks := parsed.get("masks"), list | tuple):
        parsed["masks"] = Masks.of(masks)
    if isinstance(purpose := parsed.get("purpose"), Mapping):
        parsed["purpose"] = Purpose.of(purpose)
    named = (sources,) if isinstance(sources, str | Path) else sources
    folder, url = placed(str(out), settings.get("mirror"))
    return RunOptions(sources=tuple(str(source) for source in named), out=folder, url=url, **parsed)


def placed(out: str, mirror: str | Path | None) -> tuple[Path, str | None]:
    """The folder to work in, and the URL that is to follow it; None where OUT is a folder.

    Raises:
        UsageError: a mirror of a folder.
    """
    if is_url(out):
        url = out.rstrip("/")
        return Path(mirror) if mirror else cache_of(url, "out"), url
    if mirror:
        raise UsageError(f"--mirror {mirror}: {out} is a folder and has none", "leave --mirror out")
    return Path(out), None


def cache_of(url: str, what: str) -> Path:
    """Where the copy of an OUT in a bucket lies unless somebody says otherwise."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    digest = hashlib.sha256(f"{endpoint} {url}".encode()).hexdigest()[:16]
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emobatch" / f"{what}-{digest}"
