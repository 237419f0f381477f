"""Masks must not fail in silence: a camera that is misspelt, or not known, would be processed as if it had none."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from analytics.kept_masks import masks_below, write_masks
from analytics.masks import Masks
from jobs.config_masks import masked_of
from jobs.ledger import Ledger
from jobs.options import RunOptions

UNKNOWN: Final = (
    "which camera recorded it is not known, and there are cameras with masks: write a rule for it "
    "(docs/cameras.md), or name its --camera"
)
"""Why a file is not processed: it may be from one of the cameras with masks."""
_UNKNOWN_TOO: Final = (
    "which camera recorded it is not known, and masks are given for {}, which nothing is from: mend the name there, and "
    "write a rule for this file (docs/cameras.md)"
)
"""The same where --camera would help nobody: under a name that masks were meant for it would be processed without them."""
OF_NOBODY: Final = (
    "masks are given for it, and no file that was found and no video in OUT is from there: mend its name, or say "
    "exclude = true beside its masks as long as it records nothing"
)
"""What is to be done about masks of a camera that nothing is from."""


def masked_cameras(options: RunOptions) -> tuple[str, ...]:
    """Names of the cameras that have masks of their own and are not left out."""
    return masked_of(options.cameras)


def check_names(options: RunOptions, place: Callable[[str], str] = "camera {}".format) -> None:
    """See that each camera with masks can be the camera of a file.

    Args:
        options: of the run.
        place: how an error begins that is about a camera.

    Raises:
        UsageError: neither --camera nor a rule can give the name.
    """
    if any("{camera}" in rule.pattern for rule in options.recorders):
        return
    given = sorted({options.camera, *(rule.camera for rule in options.recorders)} - {None}, key=str)
    for name in masked_cameras(options):
        if name not in given:
            known = f"cameras are {', '.join(map(str, given))}" if given else "no rule names any camera"
            raise UsageError(
                f"{place(name)}: has masks, and no rule can give a file this camera; {known}",
                "write its name as the rules give it, or a rule for it: docs/cameras.md",
            )


def of_nobody(options: RunOptions, found: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """Cameras that have masks, and that nothing is from, neither now nor before: mostly they are misspelt.

    Args:
        options: of the run.
        found: cameras of all files that were found.
        known: cameras of all videos that are or were in OUT: one that rests is not misspelt because its rows are too old.
    """
    return tuple(name for name in masked_cameras(options) if name not in found and name not in known)


def why_refused(camera: str | None, options: RunOptions, nobodys: Sequence[str], ledger: Ledger) -> str | None:
    """Why a file must not be looked at, as it may be from a camera with masks; None where it may.

    What was looked at without masks before goes on, and so does each camera of which the configuration says masks, if
    only none: of the others any may be the one that somebody misspelt, also where something else is set for it, or
    --camera names it.

    Args:
        camera: of the file.
        options: of the run.
        nobodys: cameras that have masks, and that nothing is from.
        ledger: what OUT says of the videos before.
    """
    named = " and ".join(nobodys)
    if camera is None:
        return (_UNKNOWN_TOO.format(named) if nobodys else UNKNOWN) if masked_cameras(options) else None
    if not nobodys or "masks" in options.cameras.get(camera, {}):
        return None
    if camera in ledger.masked_cameras and not options.of_camera(camera).masks:
        return (
            f"camera {camera} was looked at with masks, none are given for it now, and there are masks for {named}, "
            f'which nothing is from: mend the name there, or say masks = [] in [camera."{camera}"] if it needs none'
        )
    if camera in ledger.seen_cameras:
        return None
    return (
        f"camera {camera} is new, and masks are given for {named}, which nothing is from: is it the same? "
        f'Mend the name there, or say in [camera."{camera}"] which masks it has, if only masks = []'
    )


def check_found(options: RunOptions, found: Collection[str]) -> None:
    """See that no camera of a file that was found is one with masks that was written otherwise.

    Raises:
        UsageError: two names differ in capitals, spaces and signs alone.
    """
    exact = set(masked_cameras(options))
    alike = {_plain(name): name for name in exact}
    for name in sorted(found):
        if name not in exact and (meant := alike.get(_plain(name))) and meant not in found:
            raise UsageError(
                f"camera {name}: its masks are given for {meant}, which no file is from",
                f'write [camera."{name}"], as the rules name it',
            )


def keep_masks(out: Path, masks: Mapping[str, Masks]) -> None:
    """Note in OUT which masks rows were made with, by their settings: pages show them, and pictures are drawn with them.

    Raises:
        OSError: OUT cannot be written.
    """
    for settings_hash, of_camera in masks.items():
        if of_camera:
            write_masks(out, settings_hash, of_camera)


def masks_for(out: Path, options: RunOptions, settings_hash: str, camera: str | None) -> Masks:
    """All masks of a video whose rows are there: those that they were made with, and those that its camera has now."""
    then, now = masks_below(out, settings_hash), options.of_camera(camera).masks
    return Masks(tuple(dict.fromkeys((*then.polygons, *now.polygons))))


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
