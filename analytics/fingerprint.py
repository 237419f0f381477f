"""What makes a file the same file, wherever it lies and whatever it is called."""

import hashlib
from pathlib import Path
from typing import Final

from analytics.records import Pulse

WHOLE_UP_TO: Final = 64 * 2**20
_BLOCK: Final = 2**20
_BLOCKS: Final = 64
_ID_DIGITS: Final = 16


def fingerprint(path: Path) -> str:
    """Hash of a file's content, 64 hex digits: of all of it up to 64 MiB, of its size and 64 spaced blocks beyond.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size <= WHOLE_UP_TO:
        return full_hash(path, Pulse())
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb") as file:
        for block in range(_BLOCKS):
            file.seek((size - _BLOCK) * block // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()


def full_hash(path: Path, pulse: Pulse) -> str:
    """SHA-256 of a file's whole content, 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            pulse.beat()
    return digest.hexdigest()


def id_of_content(digest: str) -> str:
    """video_id of a file known by its content."""
    return digest[:_ID_DIGITS]


def id_of_path(path: Path) -> str:
    """video_id of a file known by its path alone: a copy, an empty or an unreadable one."""
    return hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:_ID_DIGITS]
