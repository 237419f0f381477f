"""The commands that write a copy of a video: with faces hidden, or with what was found drawn in."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli_config import ConfigOfPurpose, need_allowed
from jobs.cli_options import Debug, Json, Quiet, log_to_stderr, tell_when_interrupted

if TYPE_CHECKING:
    from jobs.annotate import Annotated as AnnotatedCopy
    from jobs.passes import Passes
    from jobs.redact import Redacted

_Video = Annotated[str, typer.Argument(metavar="VIDEO", help="A recorded video file.")]
_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The copy: .mp4, .m4v, .mov or .mkv. VIDEO itself is never touched.")
]
_Tracks = Annotated[
    str | None,
    typer.Option(metavar="OUT", help="Results of a run that saw VIDEO.", show_default="works them out itself"),
]
_Force = Annotated[bool, typer.Option("--force", help="Replace FILE where it is there already.")]
_NoSound = Annotated[bool, typer.Option("--no-sound", help="Leave all sound out: voices can be recognised, too.")]
_NoSubtitles = Annotated[bool, typer.Option("--no-subtitles", help="Leave subtitles out.")]
_MOST_STRETCHES = 20
_LOOK = "a person must look at it before it is handed on"
_INTERRUPTED = "nothing half-written is kept"


def redact(
    ctx: typer.Context,
    video: _Video,
    file: _File,
    how: Annotated[
        str, typer.Option(help="box, pixelate or blur; a plain box tells nothing at all, not even the colour of skin.")
    ] = "box",
    except_track: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A track that stays visible; may be repeated.", show_default="none"),
    ] = None,
    tracks: _Tracks = None,
    check: Annotated[
        bool,
        typer.Option("--check/--no-check", help="Look through the copy for faces that are left, and cover them, too."),
    ] = True,
    no_sound: _NoSound = False,
    no_subtitles: _NoSubtitles = False,
    force: _Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Hide every face in a copy of a video. A person must still look at the copy before it is handed on."""
    _begin(quiet)
    excepted = _ids(except_track or ())
    if excepted and tracks is None:
        _need_plain_numbers(ctx)
    from jobs.passes import Passes
    from jobs.redact import RedactOptions
    from jobs.redact import redact as redact_all
    from jobs.screen import count

    common = _common(video, file, tracks, no_sound, no_subtitles, force)
    options = RedactOptions(**common, how=how, except_tracks=excepted, check=check)
    _note(tracks, "redact", video)
    with Passes(quiet) as passes:
        done = redact_all(options, passes)
        _tell_rest(done, passes)
        for one in done.unsure[:_MOST_STRETCHES]:
            passes.line(f"look at {one.start_s:.2f} to {one.end_s:.2f} s: {one.why}")
        if (more := len(done.unsure) - _MOST_STRETCHES) > 0:
            passes.line(f"and at {more} more moments: --json tells all")
        if done.still_seen:
            seen = f"{count(len(done.still_seen), 'frame')} from {done.still_seen[0].start_s:.2f} s on"
            passes.fault(f"a detector still sees something like a face in the copy: {seen}; do not hand it on as it is")
    visible = "".join(f", track {track} visible in {frames}" for track, frames in done.visible.items())
    words = (
        f"faces covered in {done.covered:,} of {count(done.frames, 'frame')} ({how}), in {done.unfound:,} of "
        f"them where none was found but one must have been or may be{visible}; "
        f"{count(len(done.unsure), 'moment')} to look at"
    )
    return _end(done, words, (f"{file}: {_LOOK}",), as_json=as_json, quiet=quiet)


def _ids(given: Sequence[str]) -> tuple[int, ...]:
    """Ids of tracks from the command line.

    Raises:
        UsageError: one is no number.
    """
    from analytics.errors import UsageError

    for words in given:
        if not (words.isascii() and words.isdecimal()):
            numbers = re.findall(r"\d+", words) or ["3"]
            form = " ".join(f"--except-track {number}" for number in numbers)
            raise UsageError(f"--except-track {words}: is no id of a track", f"give one each time: {form}")
    return tuple(int(words) for words in given)


def _need_plain_numbers(ctx: typer.Context) -> None:
    """See that tracks that are worked out here have the numbers that a run gives them: the wrong face must not stay bare.

    Raises:
        UsageError: emobatch.toml has settings of cameras, masks perhaps, of which this command knows nothing.
    """
    from analytics.errors import UsageError
    from jobs.cli_config import config_of

    configuration = config_of(ctx, None)
    if configuration.cameras:
        problem = (
            f"--except-track: {configuration.path} has settings of cameras, with which tracks may have other numbers"
        )
        raise UsageError(problem, "name the results that you have the number from: --tracks OUT")


def _note(out: str | None, action: str, video: str) -> None:
    """Say in the log of an OUT that its rows are used for a copy of a video."""
    if out is None:
        return
    from analytics.purpose import FOLDER, purpose_at, purposes_below
    from jobs.access import note_access, noted_if_possible
    from jobs.opened import for_reading

    folder = for_reading(out, ("videos", FOLDER))
    with noted_if_possible():
        note_access(out, action, purpose_at(purposes_below(folder)), video=video)


def _begin(quiet: bool) -> None:
    log_to_stderr(quiet)
    tell_when_interrupted(_INTERRUPTED)


def _common(
    video: str, file: Path, tracks: str | None, no_sound: bool, no_subtitles: bool, force: bool
) -> dict[str, Any]:
    """What both commands ask for."""
    from analytics.rewrite import Copying

    copying = Copying(sound=not no_sound, subtitles=not no_subtitles)
    return {"video": video, "file": file, "tracks": tracks, "force": force, "copying": copying}


def _tell_rest(done: "Redacted | AnnotatedCopy", passes: "Passes") -> None:
    """What of the video the copy does not hold."""
    from jobs.copying import lost_in_words

    for what in done.left_behind:
        passes.line(f"not in the copy: {what}")
    if done.dropped:
        passes.line(f"not in the copy: {done.dropped} packets of sound or subtitles without a place in time")
    for line in lost_in_words(done.lost):
        passes.fault(line)


def _end(done: "Redacted | AnnotatedCopy", words: str, more: Iterable[str] = (), *, as_json: bool, quiet: bool) -> int:
    """The end on stdout; the exit code."""
    from jobs.screen import duration, printable

    if as_json:
        typer.echo(json.dumps(done.to_json()))
    elif not quiet:
        speed = f"{done.frames / done.elapsed_s:.1f} frames a second, {duration(done.elapsed_s)}"
        for line in (f"{done.file}: {words}; {speed}", *more):
            typer.echo(printable(line))
    return done.exit_code


def annotate(
    ctx: typer.Context,
    video: _Video,
    file: _File,
    tracks: _Tracks = None,
    no_sound: _NoSound = False,
    no_subtitles: _NoSubtitles = False,
    force: _Force = False,
    config: ConfigOfPurpose = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Draw boxes, track ids and apparent expressions into a copy of a video."""
    _begin(quiet)
    configuration = need_allowed(ctx, config)
    from jobs.annotate import AnnotateOptions
    from jobs.annotate import annotate as annotate_all
    from jobs.passes import Passes
    from jobs.screen import count

    options = AnnotateOptions(**_common(video, file, tracks, no_sound, no_subtitles, force))
    _note(tracks, "annotate", video)
    with Passes(quiet) as passes:
        if tracks is None and any(of_camera.get("masks") for of_camera in configuration.cameras.values()):
            passes.fault(
                f"{configuration.path} has masks, which hold for no video by itself: --tracks OUT paints them over in the copy"
            )
        done = annotate_all(options, passes)
        _tell_rest(done, passes)
    words = f"{count(len(done.tracks), 'track')} in {done.with_faces:,} of {count(done.frames, 'frame')}"
    return _end(done, words, as_json=as_json, quiet=quiet)
