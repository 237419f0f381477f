"""What would break tonight, looked for before the run; each finding has its remedy."""

import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path
from typing import Final

import av
import cv2
import psutil
from distributed.system import MEMORY_LIMIT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from analytics.errors import EmobatchError
from analytics.paths import is_folder
from analytics.purpose import UNDECLARED
from analytics.recorders import Recorder, recorded, rule_of
from analytics.videos import read_videos
from emobatch import __version__
from jobs.cluster import cores
from jobs.demo_clip import copy_demo_clip
from jobs.ledger import Ledger
from jobs.masked import check_found, masked_cameras, of_nobody
from jobs.opened import for_reading
from jobs.options import RunOptions
from jobs.pipeline import Engines
from jobs.purge import PURGED, read_tombstones
from jobs.run import run
from jobs.sources import find_videos
from jobs.task import as_text

_OPENCV: Final = {"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"}
"""Wheels that all install the package cv2, each over the other."""
_CODECS: Final = ("h264", "hevc", "mpeg4", "mjpeg", "gif")
_LITTLE_SPACE: Final = 2**30
_NO_SPACE: Final = 100 * 2**20
_TRIED: Final = 2000
"""Files on which camera rules are tried."""
_EXAMPLES: Final = 3
_OF_A_WORKER: Final = 500 * 10**6
"""Bytes of memory that a worker process may take."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: str
    """ok, warning, or problem: with a problem a run fails."""
    what: str
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """For --json."""
        return asdict(self)


def examine(options: RunOptions, is_set: bool = True) -> Iterator[Finding]:
    """Look at everything that a run with these options stands on; of sources at no more than their names.

    The last finding takes seconds: a run of the demo clip, by a worker of the kind that the run will have.

    Args:
        options: of the run.
        is_set: they are the user's; otherwise his are wrong, and these but name OUT.
    """
    if options.sources:
        yield from _sources(options)
    if is_set:
        yield _purpose(options)
    else:
        yield Finding("warning", "sources, purpose", "not looked at while the settings are wrong")
    yield from _packages()
    yield _opencv()
    yield _codecs()
    place = _nearest_folder(options.out)
    yield _disk(place)
    yield _memory(options)
    models = _models(options)
    yield models
    if models.level == "ok":
        yield _demo(options, place)


def _purpose(options: RunOptions) -> Finding:
    """What is declared; a run without it goes, and its pages say so."""
    if not options.purpose:
        return Finding("ok", "purpose", "undeclared, which all pages will say; docs/privacy.md tells how to declare it")
    missing = [name for name, value in options.purpose.told().items() if value == UNDECLARED]
    remedy = f"declare {', '.join(missing)} in [purpose]: docs/privacy.md" if missing else ""
    return Finding("warning" if missing else "ok", "purpose", options.purpose.in_words(), remedy)


def _sources(options: RunOptions) -> Iterator[Finding]:
    """What the sources hold, and whether the camera rules fit it."""
    try:
        found = find_videos(options.sources, options.out, options.url)
    except EmobatchError as error:
        yield Finding("problem", "sources", error.problem, error.remedy)
        return
    n = len(found.videos)
    if found.missing:
        words = f"{n:,} files; {'; '.join(map(as_text, found.missing.values()))}"
        yield Finding("warning", "sources", words, "name what is there, or mount the disk that it lies on")
    else:
        yield Finding("ok", "sources", f"{n:,} files")
    if options.recorders:
        # From everywhere among them: the first ones are mostly of one camera.
        yield _rules([as_text(video) for video in found.videos[:: -(-n // _TRIED)]], options.rules)
    if masked_cameras(options):
        yield _masks(options, [as_text(video) for video in found.videos])


def _masks(options: RunOptions, files: list[str]) -> Finding:
    """Whether something is from each camera that has masks: where its name is misspelt, its faces would be looked at."""
    named = {options.camera} if options.camera else {recorded(file, options.rules).camera for file in files}
    cameras = {camera for camera in named if camera}
    try:
        check_found(options, cameras)
        out = for_reading(options.named_out, ("videos", PURGED), empty=True)
        known = Ledger.of(read_videos(out), read_tombstones(out)).cameras
    except EmobatchError as error:
        return Finding("problem", "masks", error.problem, error.remedy)
    except OSError as error:
        return Finding("problem", "masks", str(error), "mend what cannot be read, or see that its disk is there")
    if nobodys := of_nobody(options, cameras, known):
        words = (
            f"given for camera {' and '.join(nobodys)}, and no file that was found and no video in OUT is from there"
        )
        return Finding("problem", "masks", words, "mend the name; or exclude = true as long as it records nothing")
    return Finding("ok", "masks", f"of camera {', '.join(masked_cameras(options))}")


def _rules(files: list[str], rules: Sequence[Recorder]) -> Finding:
    """How many files match which rule, and some that match none or tell no time."""
    of_rule: Counter[Recorder | None] = Counter()
    without_time: list[str] = []
    unmatched: list[str] = []
    for file in files:
        rule, told = rule_of(file, rules)
        of_rule[rule] += 1
        if rule is None:
            unmatched.append(file)
        elif told.start is None:
            without_time.append(file)
    words = f"of {len(files):,} files " + ", ".join(f"{of_rule[rule]:,} match {_called(rule)}" for rule in rules)
    remedies = []
    if unmatched:
        words += f"; {len(unmatched):,} match none, such as {' and '.join(unmatched[:_EXAMPLES])}"
        remedies.append("write a rule for them, as docs/cameras.md shows")
    if without_time:
        words += f"; {len(without_time):,} that match tell no time, such as {' and '.join(without_time[:_EXAMPLES])}"
        remedies.append("give date, time of day and a timezone, or leave it to what the files themselves tell")
    return Finding("warning" if remedies else "ok", "camera rules", words, "; ".join(remedies))


def _called(rule: Recorder) -> str:
    return f"{rule.pattern} of {rule.preset}" if rule.preset else rule.pattern


def _packages() -> Iterator[Finding]:
    """Releases of what emobatch needs, against what it asks for."""
    try:
        needed = [Requirement(text) for text in requires("emobatch") or []]
    except PackageNotFoundError:
        yield Finding("warning", "emobatch", f"{__version__}, not installed", "pip install it")
        return
    needed = [one for one in needed if not one.marker or one.marker.evaluate({"extra": ""})]
    found = []
    for one in needed:
        try:
            release = version(one.name)
        except PackageNotFoundError:
            yield Finding("problem", one.name, "is not installed", f"pip install '{one}'")
            continue
        if not one.specifier.contains(release, prereleases=True):
            yield Finding("problem", one.name, f"is release {release}, not {one.specifier}", f"pip install '{one}'")
        found.append(f"{one.name} {release}")
    yield Finding("ok", "versions", f"emobatch {__version__}, python {platform.python_version()}, {', '.join(found)}")


def _opencv() -> Finding:
    names = {canonicalize_name(found.metadata["Name"] or "") for found in distributions()}
    wheels = sorted(_OPENCV & names)
    if len(wheels) > 1:
        again = f"pip uninstall -y {' '.join(wheels)}; pip install opencv-python-headless"
        return Finding("problem", "OpenCV", f"{' and '.join(wheels)} overwrite each other", again)
    if not hasattr(cv2, "CascadeClassifier"):
        again = "pip install --force-reinstall 'opencv-python-headless>=4.12,<5'"
        return Finding("problem", "OpenCV", f"{cv2.__version__} has no CascadeClassifier", again)
    return Finding("ok", "OpenCV", f"{cv2.__version__}, one wheel")


def _codecs() -> Finding:
    if missing := [name for name in _CODECS if name not in av.codecs_available]:
        again = "pip install --force-reinstall av, the wheel of which brings all of them"
        return Finding("problem", "codecs", f"no decoder for {', '.join(missing)}", again)
    return Finding("ok", "codecs", ", ".join(_CODECS))


def _nearest_folder(out: Path) -> Path:
    """OUT, or the nearest of its parents that exists."""
    place = out.absolute()
    while not is_folder(place) and place != place.parent:
        place = place.parent
    return place


def _disk(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    level = "problem" if free < _NO_SPACE else "warning" if free < _LITTLE_SPACE else "ok"
    remedy = "free space there, or name another --out" if level != "ok" else ""
    return Finding(level, "disk", f"{free / 1e9:.1f} GB free at {place}", remedy)


def _memory(options: RunOptions) -> Finding:
    available = min(psutil.virtual_memory().available, MEMORY_LIMIT)
    workers = options.workers or cores()
    found = f"{available / 1e9:.1f} GB available for {workers} workers"
    if options.scheduler is None and available < workers * _OF_A_WORKER:
        fitting = max(1, available // _OF_A_WORKER)
        return Finding("warning", "memory", found, f"end other programs, or run with --workers {fitting}")
    return Finding("ok", "memory", found)


def _models(options: RunOptions) -> Finding:
    """The weights that the run will use, against their SHA-256."""
    try:
        for camera in (None, *options.cameras):
            Engines.load(options.of_camera(camera))
    except EmobatchError as error:
        return Finding("problem", "models", error.problem, error.remedy)
    return Finding("ok", "models", f"{options.model} and {options.detector}, weights as they should be")


def _demo(options: RunOptions, place: Path) -> Finding:
    """Models, workers and OUT tried in earnest."""
    what = "run of the demo clip"
    try:
        with tempfile.TemporaryDirectory(prefix=".emobatch-doctor-", dir=place) as name:
            clip = copy_demo_clip(Path(name, "footage"))
            # What the run is limited to would leave the clip out.
            wide = replace(options, include=(), exclude=(), since=None, hours=None, until=None)
            here = replace(wide, url=None, camera=None, cameras={}, recorders=(), events=None, dashboard=False)
            summary = run(replace(here, sources=(str(clip),), out=Path(name, "out")))
    except EmobatchError as error:
        return Finding("problem", what, error.problem, error.remedy)
    except OSError as error:
        return Finding("problem", what, f"{place}: cannot be written ({error.strerror})", "name another --out")
    if summary.exit_code:
        reasons = "; ".join(str(failure["reason"]) for failure in summary.failures)
        return Finding("problem", what, reasons or "is incomplete", "run `emobatch demo --debug` and report it")
    where = f"workers of {options.scheduler}" if options.scheduler else "a worker process of this machine"
    return Finding("ok", what, f"decoded, analysed and written by {where}")
