"""An archive of damaged files among good ones, drawn by a seed. For tests and for benchmarks/damaged_archive.py."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.clips import write_clip
from tests.footage import Actor, Scene, standing

SUFFIXES: Final = ("mp4", "mkv", "avi", "ts")
_HEAD: Final = 4096
"""Bytes that hold the headers of a small file, and more."""
_Damage = Callable[[random.Random, bytes, bytes], bytes]


def _cut(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(1, len(data))]


def _flipped(rng: random.Random, data: bytes, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 10, 100, 1000))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _flipped_head(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return _flipped(rng, data[:_HEAD], other) + data[_HEAD:]


def _foreign_head(rng: random.Random, data: bytes, other: bytes) -> bytes:
    n = rng.randrange(8, _HEAD)
    return other[:n] + data[n:]


def _garbage(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    n = rng.randrange(1, len(data) // 2)
    return data[:start] + rng.randbytes(n) + data[start + n :]


def _inserted(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(rng.randrange(1, 5000)) + data[start:]


def _zeroed(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    n = min(rng.randrange(1, len(data)), len(data) - start)
    return data[:start] + bytes(n) + data[start + n :]


def _without_a_start(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[rng.randrange(1, len(data)) :]


def _foreign_end(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(1, len(data))] + other[rng.randrange(len(other)) :]


def _only_noughts(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return bytes(rng.randrange(1, len(data)))


def _only_garbage(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return rng.randbytes(len(data))


def _text(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return f"recording {rng.random()} failed\n".encode() * rng.randrange(1, 500)


def _unharmed(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data + rng.randbytes(8)  # No two files are copies.


DAMAGES: Final[dict[str, _Damage]] = {
    "cut": _cut,
    "flipped": _flipped,
    "flipped head": _flipped_head,
    "foreign head": _foreign_head,
    "garbage": _garbage,
    "inserted": _inserted,
    "zeroed": _zeroed,
    "without a start": _without_a_start,
    "foreign end": _foreign_end,
    "only noughts": _only_noughts,
    "only garbage": _only_garbage,
    "text": _text,
    "wrong suffix": _unharmed,
}


def make_good(folder: Path, n: int, duration_s: float = 4.0) -> None:
    """So many sound files, in all containers by turns, no two alike."""
    folder.mkdir(parents=True)
    for k in range(n):
        suffix = SUFFIXES[k % len(SUFFIXES)]
        actors = (Actor(path=standing(100 + 5 * k % 120, 90, 80)),)
        scene = Scene(320, 180, 10.0, duration_s, k, actors, noise=4)
        codec = "mpeg4" if suffix == "avi" else "libx264"
        write_clip(scene, folder / f"good{k:02}.{suffix}", codec=codec, gop=10)


def make_bad(folder: Path, good: list[Path], n: int, seed: int) -> dict[str, str]:
    """So many damaged copies of good files; the name of each -> what was done to it."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    done = {}
    for k in range(n):
        damage = list(DAMAGES)[k % len(DAMAGES)]
        source, other = rng.sample(good, 2)
        suffix = source.suffix
        if damage == "wrong suffix":
            suffix = f".{rng.choice([one for one in SUFFIXES if one != source.suffix[1:]])}"
        name = f"bad{k:03} {damage}{suffix}"
        whole, content = source.read_bytes(), b""
        while content in (b"", whole):  # A head of the same kind of file may be the same head.
            content = DAMAGES[damage](rng, whole, other.read_bytes())
        (folder / name).write_bytes(content)
        done[name] = damage
    return done
