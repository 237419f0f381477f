"""Data sets of the literature made into one file that trains: the table of contents of `emobatch dataset`."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.levels import NORMALISED
from models.sets.copies import DROPS, equal_groups, near_groups, near_links, without_copies
from models.sets.divide import Shares, divided, units_of
from models.sets.formats import read_source
from models.sets.pool import Pool, check_shown, pooled
from models.sets.prepare import Preparation, Prepared, prepare
from models.sets.records import ReadOptions, SourceSet
from models.sets.votes import votes_of
from models.sets.write import write_npz

LABELS: Final = ("fer2013", "ferplus")
_MOST_DISTANCE: Final = 64
"""Beyond a quarter of the bits, hashes of any two faces are near."""
_ROUNDING: Final = 0.01
"""Per cent: thirds are written as 33.33."""


@dataclass(frozen=True, kw_only=True)
class SetOptions:
    """What decides a data set that is made."""

    sources: tuple[str, ...]
    """Paths, each with the name of its kind and a colon before it where that is to be said."""
    out: Path
    """The .npz to write."""
    read: ReadOptions
    classes: tuple[str, ...] = ()
    """What is to be told apart; the seven expressions where it is empty."""
    mapping: Mapping[str, str]
    """What labels are to be called instead."""
    prepare: Preparation
    skip_bad: bool = False
    """Leave out pictures that cannot be read or are too small."""
    skip_faceless: bool = False
    """Leave out pictures in which the detector found no face."""
    distance: int = 24
    """Bits of 256 in which the hashes of nearly equal pictures may differ."""
    drop: str = "none"
    """One of DROPS: copies that are left out."""
    resplit: bool = False
    """Forget the splits that the sets bring."""
    shares: Shares = (80.0, 10.0, 10.0)
    seed: int = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """A data set that was made, before what was dropped is gone: n pictures."""

    options: SetOptions
    pool: Pool
    crops: NDArray[np.uint8]
    """(many, size, size), in a file."""
    rows: NDArray[np.intp]
    """(n,) which of the crops."""
    faceless: int
    """Pictures in which no face was found, and which were used whole."""
    equal: NDArray[np.int32]
    """(n,) numbers that equal pictures have in common."""
    near: NDArray[np.int32]
    """(n,) the same of equal and nearly equal ones."""
    left: NDArray[np.int32]
    """(n,) the same among those that are in the file; -1 of the rest."""
    kept: NDArray[np.bool_]
    """(n,) what is in the file; the rest are copies that were dropped."""
    splits: NDArray[np.str_]
    """(n,) one of SPLITS; of dropped ones their own, or none."""


def make_dataset(options: SetOptions, scratch: Path) -> Made:
    """Read, merge, prepare, compare, divide and write.

    Args:
        options: what is made of what.
        scratch: a folder for the prepared pictures, which must last as long as they are looked at.

    Raises:
        UsageError: a setting that cannot be, or a set that cannot be read or does not fit; nothing is written then.
        OSError: the file cannot be written.
    """
    _check(options)
    sets = _read(options)
    options = replace(
        options, prepare=replace(options.prepare, normalised=_normalised(sets, options.prepare.normalised))
    )
    pool = pooled(sets, options.classes, options.mapping)
    file, size = scratch / "crops", options.prepare.size
    prepared = prepare(pool, options.prepare, file, skip_bad=options.skip_bad)
    crops = np.memmap(file, np.uint8, "r", shape=(len(pool), size, size))
    pool, rows = _usable(pool, prepared, options)
    equal = equal_groups([prepared.hashes[row] for row in rows])
    bits, flat = np.stack([prepared.bits[row] for row in rows]), np.array([prepared.flat[row] for row in rows])
    links = near_links(bits, equal, flat, options.distance)
    given = np.array([pool.item(k).split if not options.resplit else "" for k in range(len(pool))], "<U7")
    # What leaks is known when all is divided; copies that are gone by then need not stay on one side.
    kept = without_copies("none" if options.drop == "leaks" else options.drop, equal, links, given)
    part, splits = np.flatnonzero(kept), given.copy()
    units = units_of(np.array(pool.subjects)[part].tolist(), near_groups(equal[part], links))
    splits[part] = divided(pool.labels[part], given[part], units, pool.source[part], options.shares, options.seed)
    if options.drop == "leaks":
        kept = without_copies("leaks", equal, links, splits)
        part = np.flatnonzero(kept)
    left = np.full(len(kept), -1, np.int32)
    left[part] = near_groups(equal[part], links)
    check_shown(pool.only(part[splits[part] == "train"]), "split train")
    write_npz(options.out, crops, rows[part], _arrays(options, pool.only(part), splits[part]))
    return Made(
        options=options,
        pool=pool,
        crops=crops,
        rows=rows,
        faceless=int(np.array(prepared.faceless)[rows[part]].sum()),
        equal=equal,
        near=near_groups(equal, links),
        left=left,
        kept=kept,
        splits=splits,
    )


def _check(options: SetOptions) -> None:
    if options.out.suffix != ".npz":
        raise UsageError(f"--out {options.out}: is no name of an .npz file", f"name it {options.out}.npz")
    for option, value, known in (
        ("--drop", options.drop, DROPS),
        ("--labels", options.read.labels, LABELS),
        ("--normalise", options.prepare.normalised, ("", *NORMALISED)),
    ):
        if value not in known:
            raise UsageError(f"{option} {value}: unknown", f"choose one of: {', '.join(filter(None, known))}")
    if why := _why_no_shares(options.shares):
        said = ",".join(f"{share:g}" for share in options.shares)
        remedy = "give per cent of train, public and private, such as 80,10,10"
        raise UsageError(f"--shares {said}: {why}", remedy)
    if options.skip_faceless and not options.prepare.detector:
        raise UsageError("--skip-faceless: no face is looked for", "give a detector as well, such as --detect yunet")
    if not 0 <= options.distance <= _MOST_DISTANCE:
        problem = f"--near {options.distance}: is no distance"
        raise UsageError(problem, f"give 0 to {_MOST_DISTANCE} bits of 256; 24 is usual")
    if not 0 <= options.seed < 2**32:
        raise UsageError(f"--seed {options.seed}: out of range", "give a number from 0 to 4294967295")
    if not options.read.first and not options.read.last:
        raise UsageError("--first 0 --last 0: leave no frame of CK+", "give one of them above 0")


def _why_no_shares(shares: Shares) -> str:
    """What is wrong with shares; empty where nothing is."""
    if not np.isfinite(shares).all() or min(shares) < 0:
        return "a share is 0 or more"
    if not shares[0]:
        return "leave nothing to train on"
    return "" if abs(sum(shares) - 100) < _ROUNDING else f"come to {sum(shares):g} and not to 100"


def _read(options: SetOptions) -> dict[str, SourceSet]:
    """The sets by names that differ."""
    found: dict[str, SourceSet] = {}
    for source in options.sources:
        path, one = read_source(source, options.read)
        if options.out.exists() and options.out.samefile(path):
            raise UsageError(f"--out {options.out}: is one of the sets that are read", "name another file")
        name = stem = path.resolve().stem
        for number in range(2, len(options.sources) + 2):
            if name not in found:
                break
            name = f"{stem}-{number}"
        found[name] = one
    return found


def _normalised(sets: Mapping[str, SourceSet], asked: str) -> str:
    """What the grey levels of the whole set will be, where those of some sets are that already."""
    done = {name: one.normalised for name, one in sets.items() if one.normalised}
    if not done:
        return asked
    wanted = asked or next(iter(done.values()))
    for name, normalised in done.items():
        if normalised != wanted:
            problem = f"{name}: its faces are normalised by {normalised}, not by {wanted}"
            raise UsageError(problem, "make it anew of the pictures that it was made of")
    if raw := "" if asked else next((name for name in sets if name not in done), ""):
        problem = f"{next(iter(done))}: its faces are normalised by {wanted}, those of {raw} are not"
        raise UsageError(problem, f"give --normalise {wanted}")
    return wanted


def _usable(pool: Pool, prepared: Prepared, options: SetOptions) -> tuple[Pool, NDArray[np.intp]]:
    """The pool less the pictures that cannot be used, and their places in it."""
    good = np.array([not problem for problem in prepared.bad], np.bool_)
    faced = ~np.array(prepared.faceless, np.bool_)
    keep = good & faced if options.skip_faceless else good
    left_out = list(pool.left_out)
    for place, name in enumerate(pool.names):
        inside = pool.source == place
        left_out += [
            (name, reason, n)
            for reason, n in (
                ("cannot be read or too small", int((inside & ~good).sum())),
                ("no face found", int((inside & good & ~keep).sum())),
            )
            if n
        ]
    rows = np.flatnonzero(keep)
    usable = replace(pool.only(rows), left_out=tuple(left_out))
    check_shown(usable, " and ".join(pool.names))
    return usable, rows


def _arrays(options: SetOptions, pool: Pool, splits: NDArray[np.str_]) -> dict[str, NDArray[Any]]:
    """What the file holds beside the pictures."""
    made_with = asdict(options.prepare) | {
        "sources": list(pool.names),
        "map": dict(options.mapping),
        "near": options.distance,
        "labels": options.read.labels,
        "resplit": options.resplit,
        "shares": options.shares,
        "seed": options.seed,
        "drop": options.drop,
    }
    arrays: dict[str, NDArray[Any]] = {
        "labels": pool.labels.astype(np.uint8),
        "class_names": np.array(pool.classes),
        "classes": np.array(pool.classes),
        "split": splits,
        "subjects": np.array(pool.subjects),
        "sources": np.array(pool.names)[pool.source],
        "names": np.array([pool.item(k).name for k in range(len(pool))]),
        "made_with": np.array([json.dumps(made_with)]),
    }
    if options.prepare.normalised:
        arrays["normalised"] = np.array([options.prepare.normalised])
    return arrays | votes_of(pool)


def scratch_beside(out: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder beside a file to come, which is made where it is missing; gone at the end.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=out.parent, prefix=".preparing-")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another file") from None
